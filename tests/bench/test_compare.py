"""What changed is found, noise is called noise, and what cannot be compared is said first."""

import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from offhook.bench import compare as command
from offhook.bench.compare import show
from offhook.bench.reports.changes import Comparison, compare, measured_by
from offhook.bench.reports.interleave import CommandFailed, order, run_alternately, run_command
from offhook.bench.reports.repeats import NotComparable
from offhook.bench.reports.results_file import Document, Metric, read, write
from offhook.tests.kit.bench_results import ORIGIN, document, metric


def gaps(seed: int, count: int = 60, shift: float = 0.0) -> list[float]:
    return [float(v) for v in 300 + shift + np.random.default_rng(seed).gamma(2, 10, count)]


def verdicts(new: Metric, old: Metric) -> dict[str, str]:
    """By figure."""
    found = compare([document(new)], [document(old)])
    return {each.name(c): c.verdict for each in found.compared for c in each.changes}


def test_a_planted_shift_is_found_at_the_median_and_at_p95() -> None:
    found = compare([document(metric(gaps(1, shift=100)))], [document(metric(gaps(2)))])
    median, p95 = found.compared[0].changes
    assert (median.at, p95.at) == ("p50", "p95")
    for change in (median, p95):
        assert change.verdict == "worse"
        assert change.low is not None
        assert change.high is not None
        assert change.low <= 100 <= change.high
        assert change.low > 50


def test_two_samples_of_one_distribution_are_noise() -> None:
    wrong = sum(
        verdict != "no more than noise"
        for seed in range(60)
        for verdict in verdicts(metric(gaps(2 * seed)), metric(gaps(2 * seed + 1))).values()
    )
    assert wrong / 120 <= 0.05


@pytest.mark.parametrize(
    ("better", "up", "down"),
    [
        ("lower", "worse", "better"),
        ("higher", "better", "worse"),
        ("neither", "different", "different"),
    ],
)
def test_the_direction_decides_what_is_better(better: str, up: str, down: str) -> None:
    low, high = metric(gaps(1), better=better), metric(gaps(2, shift=200), better=better)
    assert set(verdicts(high, low).values()) == {up}
    assert set(verdicts(low, high).values()) == {down}


def test_where_higher_is_better_the_low_end_is_compared() -> None:
    new = [100.0] * 95 + [10.0] * 5 + [100.0] * 100
    old = [100.0] * 100 + [10.0] * 100
    found = compare(
        [document(metric(new, better="higher"))], [document(metric(old, better="higher"))]
    )
    p5 = found.compared[0].changes[1]
    assert found.compared[0].name(p5) == "p5"
    assert (p5.old, p5.new, p5.verdict) == (10.0, 100.0, "better")


@pytest.mark.parametrize(("old", "new"), [(4, 60), (60, 4), (1, 1)])
def test_four_values_tell_nothing(old: int, new: int) -> None:
    found = verdicts(metric(gaps(1, new, shift=500)), metric(gaps(2, old)))
    assert found == {"p50": "too few values to tell"}


def test_p95_wants_twenty_values_on_both_sides() -> None:
    assert list(verdicts(metric(gaps(1, 19)), metric(gaps(2, 60)))) == ["p50"]
    assert list(verdicts(metric(gaps(1, 20)), metric(gaps(2, 60)))) == ["p50", "p95"]


def test_a_rate_is_compared_at_its_mean() -> None:
    rate = {"name": "false stops", "unit": "share", "goal": 0.01, "goal_at": "mean"}
    seldom, often = [0.0] * 98 + [1.0] * 2, [0.0] * 60 + [1.0] * 40
    assert verdicts(metric(often, **rate), metric(seldom, **rate)) == {"mean": "worse"}
    assert verdicts(metric(seldom, **rate), metric(seldom, **rate)) == {
        "mean": "no more than noise"
    }


def test_metrics_of_one_side_only_are_listed() -> None:
    new = document(metric(gaps(1)), metric(gaps(1), case="20 calls"))
    old = document(metric(gaps(2)), metric(gaps(2), name="duck"), metric(gaps(1), unit="s"))
    found = compare([new], [old])
    assert [each.metric.case for each in found.compared] == ["1 call"]
    assert [m.case for m in found.only_new] == ["20 calls"]
    assert [(m.name, m.unit) for m in found.only_old] == [("duck", "ms"), ("reply gap", "s")]
    text = show(found)
    assert "only in the new: reply gap, 20 calls" in text
    assert "only in the old: duck, 1 call" in text


def test_a_metric_without_values_is_said_to_have_none() -> None:
    found = compare([document(metric([]))], [document(metric(gaps(2)))])
    assert found.compared[0].changes == []
    assert "no values to compare" in show(found)


# --- cautions -------------------------------------------------------------------------------------


def test_another_machine_command_or_package_is_said_before_any_figure() -> None:
    other = msgspec.structs.replace(
        ORIGIN,
        machine="64 x Fast CPU, Linux 6.1",
        command="offhook bench latency --calls 20",
        versions={"numpy": "2.0", "pesq": "0.0.4"},
    )
    new = document(metric(gaps(1)), origin=other)
    text = show(compare([new], [document(metric(gaps(2)))]))
    head, _, figures = text.partition("reply gap")
    assert "! different machines: old 2 x Test CPU, Linux 6.1; new 64 x Fast CPU" in head
    assert "! different commands: old offhook bench latency --calls 1; new offhook" in head
    assert "! different numpy: old 1.26; new 2.0" in head
    assert "! different pesq: old none; new 0.0.4" in head
    assert "! one run a side" in head
    assert "!" not in figures


def test_where_results_go_and_how_often_it_ran_is_no_other_command() -> None:
    told = "offhook bench latency --out a.json --calls 1 20 --repeat 3 --compare x.json y.json"
    assert measured_by(told) == "offhook bench latency --calls 1 20"
    assert measured_by("offhook bench vad --html=/tmp/a.html --seed 3") == (
        "offhook bench vad --seed 3"
    )
    new = msgspec.structs.replace(ORIGIN, command=f"{ORIGIN.command} --out b.json")
    found = compare(
        [document(metric(gaps(1)), origin=new)] * 2, [document(metric(gaps(2)), origin=ORIGIN)] * 2
    )
    assert found.cautions == []


def test_different_measurements_are_refused() -> None:
    with pytest.raises(NotComparable, match="vad and latency"):
        compare([document(metric([1.0]))], [document(metric([1.0]), measurement="vad")])


def test_runs_that_differ_more_than_values_are_believed_less() -> None:
    def side(middles: list[float]) -> list[Document]:
        return [document(metric(gaps(n, shift=m))) for n, m in enumerate(middles)]

    old, new = side([0, 40, 80, 20]), side([60, 20, 90, 50])
    by_run = compare(new, old).compared[0].changes[0]
    flat = compare(
        [document(metric([v for d in new for v in d.metrics[0].values]))],
        [document(metric([v for d in old for v in d.metrics[0].values]))],
    )
    assert by_run.verdict == "no more than noise"
    assert flat.compared[0].changes[0].verdict == "worse"


def test_many_changes_come_with_what_chance_would_do() -> None:
    many = document(*(metric(gaps(n), case=f"{n} calls") for n in range(5)))
    found = compare([many], [many])
    assert found.judged == 10
    assert found.by_chance == pytest.approx(0.5)
    assert "10 changes were judged" in show(found)


# --- interleaving ---------------------------------------------------------------------------------


def test_commands_alternate_so_that_drift_cancels() -> None:
    assert order(1) == "AB"
    assert order(4) == "ABBAABBA"
    for pairs in range(2, 9, 2):
        turns = order(pairs)
        places = [n if name == "A" else -n for n, name in enumerate(turns)]
        assert sum(places) == 0, "both are run at the same mean time"


def test_a_machine_that_grows_slower_all_the_time_is_no_difference(tmp_path: Path) -> None:
    """Each run takes 10 ms longer than the one before it: one after the other, B seems slower."""
    ran: list[str] = []

    def run(name: str, out: Path) -> None:
        ran.append(name)
        write(out, document(metric(gaps(len(ran), shift=10.0 * len(ran)))))

    results = run_alternately({"A": "a", "B": "b"}, 4, tmp_path, run, lambda _: None)
    assert ran == ["a", "b", "b", "a", "a", "b", "b", "a"]
    change = _only_median(compare(results["B"], results["A"]))
    assert change == "no more than noise"

    def drifting(run_number: int) -> Document:
        return document(metric(gaps(run_number, shift=10.0 * run_number)))

    one_by_one = compare([drifting(n) for n in range(4, 8)], [drifting(n) for n in range(4)])
    assert _only_median(one_by_one) == "worse"


def _only_median(found: Comparison) -> str:
    return found.compared[0].changes[0].verdict


MEASUREMENT = """\
import shutil, sys
assert sys.argv[2] == "--out"
print("a table")
shutil.copy(sys.argv[1], sys.argv[3])
"""


@pytest.fixture
def measure(tmp_path: Path) -> str:
    """A command that takes `--out`, to be followed by the result that it will have."""
    script = tmp_path / "measure.py"
    script.write_text(MEASUREMENT)
    return f"{sys.executable} {script}"


def test_interleave_runs_both_pools_and_compares(
    tmp_path: Path, measure: str, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "old.json", document(metric(gaps(1))))
    write(tmp_path / "new.json", document(metric(gaps(2, shift=100))))
    flags = ["--a", f"{measure} {tmp_path}/old.json", "--b", f"{measure} {tmp_path}/new.json"]
    keep, html = tmp_path / "kept", tmp_path / "both.html"
    argv = ["--interleave", "2", *flags, "--keep", str(keep), "--html", str(html)]
    assert command.main(argv) == 0
    out, err = capfd.readouterr()
    assert "(2 runs) against" in out
    assert "worse" in out
    assert "a table" not in out
    assert [line[:12] for line in err.splitlines() if line.startswith("run")] == [
        f"run {n} of 4: " for n in (1, 2, 3, 4)
    ]
    assert len(read(keep / "a.json").metrics[0].values) == 120
    assert "what changed" in html.read_text()


def test_a_command_that_fails_is_named(tmp_path: Path, measure: str) -> None:
    with pytest.raises(CommandFailed, match="exit code"):
        run_command(f"{measure} {tmp_path}/absent.json", tmp_path / "x.json")
    with pytest.raises(CommandFailed, match="/nowhere/offhook"):
        run_command("/nowhere/offhook bench", tmp_path / "x.json")
    with pytest.raises(CommandFailed, match=r"wrote no x\.json"):
        run_command(f'{sys.executable} -c "pass"', tmp_path / "x.json")


# --- command line ---------------------------------------------------------------------------------


def test_files_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for n in range(3):
        write(tmp_path / f"new{n}.json", document(metric(gaps(n))))
        write(tmp_path / f"old{n}.json", document(metric(gaps(10 + n, shift=100))))
    new = [str(tmp_path / f"new{n}.json") for n in range(3)]
    old = [str(tmp_path / f"old{n}.json") for n in range(3)]
    assert command.main([*new, "--with", *old]) == 0
    out = capsys.readouterr().out
    assert "(3 runs) against" in out
    assert "better" in out


def test_an_unreadable_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "new.json", document(metric(gaps(1))))
    (tmp_path / "old.json").write_text('{"origin": 3}')
    argv = [str(tmp_path / "new.json"), "--with", str(tmp_path / "old.json")]
    assert command.main(argv) == 2
    assert "old.json: Expected `object`, got `int` - at `$.origin`" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [[], ["a.json"], ["--interleave", "2", "--a", "x"], ["--interleave", "0", "--a", "x"]],
)
def test_half_a_comparison_is_a_wrong_command(argv: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(argv)
