"""What every measurement shares: arguments, repeats, progress, and what is left at the end."""

import argparse
import io
from pathlib import Path

import pytest

from offhook.bench.reports.measuring import (
    Progress,
    add_arguments,
    command_line,
    finish,
    repeated,
    table,
)
from offhook.bench.reports.repeats import run_count, runs_of
from offhook.bench.reports.results_file import Document, read, write
from offhook.tests.kit.bench_results import document, metric


def parsed(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int)
    add_arguments(parser)
    return parser.parse_args(argv)


def values(middle: float) -> list[float]:
    return [middle + n % 7 for n in range(40)]


def test_a_measurement_without_arguments_runs_once_with_seed_1() -> None:
    arguments = parsed()
    assert (arguments.repeat, arguments.seed) == (1, 1)
    assert (arguments.out, arguments.html, arguments.compare) == (None, None, [])


def test_each_repeat_has_a_seed_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    def measure(seed: int) -> Document:
        return document(metric([float(seed)]))

    pooled = repeated(measure, parsed("--repeat", "3", "--seed", "7"))
    assert list(runs_of(pooled).values()) == [[[7.0], [8.0], [9.0]]]
    assert run_count(pooled) == 3
    assert [line[:5] for line in capsys.readouterr().err.splitlines()] == [
        "[1/3]",
        "[2/3]",
        "[3/3]",
    ]


def test_one_run_says_nothing_of_runs(capsys: pytest.CaptureFixture[str]) -> None:
    only = document(metric([1.0]))
    assert repeated(lambda _: only, parsed()) is only
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("argv", [("--repeat", "0"), ("--repeat", "x"), ("--seed", "x")])
def test_wrong_numbers_are_wrong_commands(argv: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parsed(*argv)


def test_an_old_result_is_read_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parsed("--compare", str(tmp_path / "absent.json"))
    assert "absent.json: No such file" in capsys.readouterr().err


def test_json_and_report_are_left_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = document(metric(values(310), goal=300.0))
    finish(measured, parsed("--out", str(tmp_path / "deep" / "latency.json")))
    assert read(tmp_path / "deep" / "latency.json") == measured
    assert "reply gap" in (tmp_path / "deep" / "latency.html").read_text()
    out = capsys.readouterr().out
    assert "MISSED: p50 ≤ 300 ms" in out
    assert str(tmp_path / "deep" / "latency.json") in out
    assert str(tmp_path / "deep" / "latency.html") in out


def test_the_report_can_lie_elsewhere_or_alone(tmp_path: Path) -> None:
    measured = document(metric(values(310)))
    out, html = tmp_path / "a.json", tmp_path / "elsewhere" / "b.html"
    finish(measured, parsed("--out", str(out), "--html", str(html)))
    assert html.is_file()
    assert not out.with_suffix(".html").exists()
    finish(measured, parsed("--html", str(tmp_path / "c.html")))
    assert (tmp_path / "c.html").is_file()


def test_without_a_place_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    finish(document(metric(values(310))), parsed())
    assert list(tmp_path.iterdir()) == []
    assert "reply gap, ms" in capsys.readouterr().out


def test_what_changed_is_printed_and_in_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "old.json", document(metric(values(310))))
    argv = ["--out", str(tmp_path / "new.json"), "--compare", str(tmp_path / "old.json")]
    finish(document(metric(values(410))), parsed(*argv))
    out = capsys.readouterr().out
    assert "worse" in out
    assert "+100" in out
    assert "what changed" in (tmp_path / "new.html").read_text()


def test_another_measurement_is_not_compared_and_nothing_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "old.json", document(measurement="vad"))
    argv = ["--out", str(tmp_path / "new.json"), "--compare", str(tmp_path / "old.json")]
    finish(document(metric(values(410))), parsed(*argv))
    assert "not compared: vad and latency" in capsys.readouterr().err
    assert read(tmp_path / "new.json").metrics[0].values == values(410)


def test_the_table_has_every_case_under_its_metric() -> None:
    lines = table(
        document(
            metric([1.0, 2.0, 3.0], case="1 call", goal=2.0),
            metric([], case="20 calls"),
            metric([5.0], name="PESQ", unit="MOS", better="higher"),
            metric([0.0, 1.0, 0.0, 1.0], name="stops", unit="", goal=0.01, goal_at="mean"),
        )
    ).splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["reply", "gap,"],
        ["1", "call"],
        ["20", "calls"],
        ["PESQ,", "MOS"],
        ["1", "call"],
        ["stops", "n"],
        ["1", "call"],
    ]
    assert lines[1].split()[2:] == ["3", "2", "3", "3", "3", "met:", "p50", "≤", "2", "ms"]
    assert lines[2].split()[2:] == ["0", "–", "–", "–", "–"]
    assert lines[3].split()[-5:] == ["p50", "p10", "p5", "p1", "goal"]
    assert lines[6].split()[2:] == ["4", "0.500", "MISSED:", "mean", "≤", "0.01"]


def test_progress_counts_steps_and_seconds() -> None:
    times = iter([100.0, 100.0, 171.6])
    stream = io.StringIO()
    progress = Progress(12, lambda: next(times), stream)
    progress.step("instant, 1 call")
    progress.step("instant, 20 calls")
    assert stream.getvalue().splitlines() == [
        "[ 1/12]     0 s  instant, 1 call",
        "[ 2/12]    72 s  instant, 20 calls",
    ]


def test_the_command_can_be_typed_again() -> None:
    argv = ["--target", "sip:a b@127.0.0.1", "--calls", "2"]
    assert command_line("latency", argv) == (
        "offhook bench latency --target 'sip:a b@127.0.0.1' --calls 2"
    )


@pytest.mark.parametrize("flag", ["--bearer", "--bear", "--password"])
def test_secrets_are_not_in_what_is_kept_of_a_command(flag: str) -> None:
    for given in ([flag, "hush hush"], [f"{flag}=hush hush"]):
        told = command_line("capacity", ["--target", "http://h/whip", *given, "--calls", "3"])
        assert "hush" not in told
        assert told.startswith("offhook bench capacity --target http://h/whip")
        assert told.endswith("--calls 3")
    assert command_line("bargein", ["--part", "words", "--pace=4"]) == (
        "offhook bench bargein --part words --pace=4"
    )
