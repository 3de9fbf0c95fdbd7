"""A measurement's JSON comes back as it went, and a broken one says where it is broken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from offhook.bench.reports import results_file
from offhook.bench.reports.results_file import (
    Clip,
    Curve,
    Document,
    Mark,
    ResultsUnreadable,
    origin,
    read,
    write,
)
from offhook.tests.kit.bench_results import document, metric


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written = document(
        metric([1.5, 2.0], goal=25.0, goal_at="p99"),
        metric([3.0], name="calls a core", unit="calls", better="higher"),
        curves=[Curve("cost", "calls", "µs", {"VAD": [(10.0, 33.5), (100.0, 20.0)]})],
        clips=[Clip("worst", "worst.wav", [Mark(1.25, "last sample")])],
        detail={"any": ["thing", 1]},
        reading=["It is good."],
    )
    write(tmp_path / "deep" / "down" / "file.json", written)
    assert read(tmp_path / "deep" / "down" / "file.json") == written


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsUnreadable, match=r"absent\.json: No such file"):
        read(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("damage", "place"),
    [
        (
            lambda d: d["metrics"][1]["values"].__setitem__(2, "12"),
            r"\$\.metrics\[1\]\.values\[2\]",
        ),
        (lambda d: d["metrics"][0].update(goal_at="p97"), r"\$\.metrics\[0\]\.goal_at"),
        (lambda d: d["origin"].pop("machine"), r"machine.*\$\.origin"),
        (lambda d: d.pop("measurement"), "measurement"),
    ],
)
def test_a_broken_file_is_named_with_the_place(
    tmp_path: Path, damage: Callable[[Any], object], place: str
) -> None:
    file = tmp_path / "broken.json"
    write(file, document(metric([1.0]), metric([1.0, 2.0, 3.0], case="20 calls")))
    broken = msgspec.json.decode(file.read_bytes())
    damage(broken)
    file.write_bytes(msgspec.json.encode(broken))
    with pytest.raises(ResultsUnreadable, match=r"broken\.json: .*" + place):
        read(file)


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    file = tmp_path / "cut.json"
    write(file, document(metric([1.0, 2.0])))
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ResultsUnreadable, match=r"cut\.json: .*truncated"):
        read(file)


def test_what_is_absent_has_its_default(tmp_path: Path) -> None:
    file = tmp_path / "short.json"
    file.write_text(
        '{"origin": {"date": "", "commit": "", "command": "", "machine": "", "python": ""},'
        '"measurement": "vad", "metrics": [{"name": "n", "case": "c", "unit": "", "values": [1]}]}'
    )
    (only,) = read(file).metrics
    assert (only.better, only.goal, only.goal_at) == ("lower", None, "p50")
    assert isinstance(read(file), Document)


def test_origin_tells_commit_machine_and_versions() -> None:
    found = origin("offhook bench x", numpy="1.26")
    assert found.command == "offhook bench x"
    assert found.versions == {"numpy": "1.26"}
    assert found.date.endswith("UTC")
    assert " x " in found.machine


def test_a_commit_that_nobody_knows_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_git(*_: object) -> str:
        raise OSError("no git here")

    monkeypatch.setattr(results_file, "_git", no_git)
    assert origin("offhook bench x").commit == "unknown"
