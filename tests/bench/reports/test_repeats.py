"""Runs are pooled without forgetting which value is of which run."""

from pathlib import Path

import pytest

from offhook.bench.reports.repeats import NotComparable, key, pool, run_count, runs_of
from offhook.bench.reports.results_file import Clip, Curve, Document, read, write
from offhook.tests.kit.bench_results import document, metric

KEY = key(metric([]))


def test_pooled_values_keep_their_runs_through_a_file(tmp_path: Path) -> None:
    pooled = pool([document(metric([1.0, 2.0])), document(metric([3.0])), document(metric([4.0]))])
    write(tmp_path / "pooled.json", pooled)
    for each in (pooled, read(tmp_path / "pooled.json")):
        assert each.metrics[0].values == [1.0, 2.0, 3.0, 4.0]
        assert runs_of(each)[KEY] == [[1.0, 2.0], [3.0], [4.0]]
        assert run_count(each) == 3


def test_pooled_documents_are_pooled_again() -> None:
    twice = pool([document(metric([1.0])), document(metric([2.0]))])
    again = pool([twice, document(metric([3.0]), detail={"own": 1})])
    assert runs_of(again)[KEY] == [[1.0], [2.0], [3.0]]
    assert run_count(again) == 3
    assert again.detail.details == [None, None, {"own": 1}]


def test_one_run_stays_as_it_is() -> None:
    only = document(metric([1.0, 2.0]), detail={"anything": 1})
    assert pool([only]) is only
    assert runs_of(only)[KEY] == [[1.0, 2.0]]
    assert run_count(only) == 1


def test_a_metric_of_some_runs_only_has_their_values() -> None:
    pooled = pool([document(), document(metric([5.0])), document(metric([]))])
    assert runs_of(pooled)[KEY] == [[5.0]]


def test_values_that_no_longer_fit_the_counts_are_one_run(tmp_path: Path) -> None:
    pooled = pool([document(metric([1.0])), document(metric([2.0]))])
    write(tmp_path / "edited.json", pooled)
    text = (tmp_path / "edited.json").read_text()
    (tmp_path / "edited.json").write_text(text.replace("1.0,", "1.0, 7.0,", 1))
    assert runs_of(read(tmp_path / "edited.json"))[KEY] == [[1.0, 7.0, 2.0]]


def test_a_curve_is_the_median_of_its_runs() -> None:
    def with_curve(points: list[tuple[float, float]]) -> Document:
        return document(curves=[Curve("cost", "calls", "µs", {"VAD": points})])

    pooled = pool(
        [
            with_curve([(10.0, 1.0), (20.0, 4.0)]),
            with_curve([(10.0, 9.0), (20.0, 5.0)]),
            with_curve([(10.0, 2.0), (5.0, 3.0)]),
        ]
    )
    assert pooled.curves[0].series == {"VAD": [(5.0, 3.0), (10.0, 2.0), (20.0, 4.5)]}


def test_of_clips_with_one_file_the_last_is_kept_as_on_the_disk() -> None:
    first, second = Clip("first", "worst.wav"), Clip("second", "worst.wav")
    pooled = pool([document(clips=[first], reading=["a"]), document(clips=[second], reading=["a"])])
    assert pooled.clips == [second]
    assert pooled.reading == ["a"]


def test_different_measurements_are_not_pooled() -> None:
    with pytest.raises(NotComparable, match="latency and vad"):
        pool([document(), document(measurement="vad")])
