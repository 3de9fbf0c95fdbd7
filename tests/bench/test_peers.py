"""What is compared with others: ratios the right way round, and nothing that was not measured."""

from pathlib import Path

import msgspec
import pytest

from offhook.bench.load import peers_setup
from offhook.bench.load.peers_setup import Missing, last_line
from offhook.bench.reports.peers_report import Echo, Side, WorkResult, document, pooled, ratios
from offhook.bench.reports.results_file import Metric, Origin

WHERE = Origin("2026-01-01", "abc", "offhook bench peers", "a machine", "3.11")
THEIRS = WorkResult("frames", Side.THEIRS, "them", [90.0, 100.0, 500.0])
OURS = WorkResult("frames", Side.OURS, "us", [10.0])
ECHO = Echo(calls=10, cpu_share=0.5, far_cpu_share=0.4, frames_a_second=49.9)


def metric(metrics: list[Metric], name: str, case: str) -> Metric:
    (found,) = [each for each in metrics if (each.name, each.case) == (name, case)]
    return found


def test_a_peer_that_costs_ten_times_as_much_is_ten() -> None:
    assert ratios(pooled([THEIRS, OURS])) == [("them / us", 10.0)]


def test_rounds_are_pooled_by_case_and_works_kept_apart() -> None:
    rounds = [THEIRS, OURS, msgspec.structs.replace(OURS, values=[30.0])]
    rounds.append(WorkResult("echo", Side.OURS, "us", [7.0]))
    values = pooled(rounds)
    assert values["frames", Side.OURS, "us"] == [10.0, 30.0]
    assert ratios(values) == [("them / us", 5.0)]


def test_the_document_has_every_value_and_streams_a_core() -> None:
    written = document(WHERE, [THEIRS, OURS], {"them": 500}, {"livekit": "no server"})
    assert metric(written.metrics, "CPU a frame", "them").values == [90.0, 100.0, 500.0]
    assert metric(written.metrics, "streams a core", "us").values == [2000.0]
    assert metric(written.metrics, "theirs by ours", "them / us").values == [10.0]
    assert "Left out: livekit: no server." in written.reading
    assert "them: 500 MB installed." in written.reading


def test_without_the_other_side_there_is_no_ratio() -> None:
    written = document(WHERE, [OURS], {}, {"pipecat": "no such package"})
    assert "theirs by ours" not in {each.name for each in written.metrics}


def test_the_cost_of_an_echo_is_the_servers_alone() -> None:
    assert ECHO.held
    assert ECHO.cost_us == pytest.approx(1000.0)


@pytest.mark.parametrize(
    "change", [{"frames_a_second": 48.0}, {"cpu_share": 0.97}, {"far_cpu_share": 0.97}]
)
def test_an_echo_that_does_not_keep_up_does_not_count(change: dict[str, float]) -> None:
    assert not msgspec.structs.replace(ECHO, **change).held


def test_an_echo_is_read_from_what_its_script_printed() -> None:
    told = {**msgspec.structs.asdict(ECHO), "setup_cpu_ms": 7.0, "setups_a_second": 30.0}
    assert Echo.of(told) == ECHO


def test_what_cannot_be_driven_is_named_and_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers_setup, "FOLDER", tmp_path)
    found = peers_setup.install("livekit")
    assert isinstance(found, Missing)
    assert "livekit-server" in str(found)
    assert list(tmp_path.iterdir()) == []


def test_what_a_program_said_last() -> None:
    assert last_line("a\nERROR: no such package\n\n") == "ERROR: no such package"
    assert last_line("") == ""
