"""From what became of the agent's voice to figures."""

import wave
from pathlib import Path

import numpy as np
import pytest

from offhook.bench.phones.interruptions import Interruptions, Judged, Plan
from offhook.bench.phones.overlap_audio import Outcome
from offhook.bench.reports.bargein_report import clips, metrics
from offhook.tests.bench.phones.test_interruptions import RENDERING, WORDS
from offhook.tests.kit.fake_line import FakeLine, interruptible

STOPPED = Outcome(duck=400, silent=1600, leaked_ms=0)
WENT_ON = Outcome(resumed=True, lost=0)


def values(judged: list[Judged]) -> dict[tuple[str, str], list[float]]:
    return {(metric.name, metric.case): metric.values for metric in metrics(judged)}


def test_words_that_stop_the_agent_and_words_that_do_not() -> None:
    leaking = Outcome(duck=400, silent=1600, leaked_ms=80)
    found = values(
        [
            Judged("words", STOPPED, 50.0, 200.0),
            Judged("words", leaking, 60.0, 220.0),
            Judged("words", Outcome(duck=300, resumed=True, lost=0), 40.0, None),
            Judged("words", None),
        ]
    )
    assert found["time to duck", "words"] == [50, 60, 40]
    assert found["time to silence", "words"] == [200, 220]
    assert found["leaked after the silence", "words"] == [0, 80]
    assert found["not stopped by words", "words"] == [0, 0, 100]


def test_false_stops_are_a_share_of_what_was_measured() -> None:
    paused = Outcome(duck=80, silent=900, resumed=True, yielded=True, lost=480, repeated=16)
    found = values(
        [
            *(Judged("cough", WENT_ON) for _ in range(2)),
            Judged("cough", STOPPED),
            Judged("cough", paused),
            Judged("cough", None),
            Judged("music", WENT_ON),
        ]
    )
    assert found["false stops", "cough"] == [0, 0, 100, 0]
    assert found["lost on resuming", "cough"] == [0, 0, 480]
    assert found["ducked", "cough"] == [0, 0, 100, 100]
    assert found["paused and went on", "cough"] == [0, 0, 0, 100]
    assert found["said again", "cough"] == [2]
    assert found["false stops", "music"] == [0]


def test_by_level_what_is_not_known_is_not_reported() -> None:
    found = values([Judged("cough", Outcome(resumed=True)), Judged("words", Outcome(silent=900))])
    assert set(found) == {
        ("false stops", "cough"),
        ("time to silence", "words"),
        ("leaked after the silence", "words"),
        ("not stopped by words", "words"),
    }


def test_goals_are_those_of_the_budget() -> None:
    found = metrics([Judged("words", STOPPED, 50.0, 200.0), Judged("echo -10 dB", WENT_ON)])
    goals = {metric.name: (metric.goal, metric.goal_at) for metric in found}
    assert goals["time to duck"] == (60, "p95")
    assert goals["time to silence"] == (280, "p95")
    assert goals["false stops"] == (1, "mean")
    assert goals["lost on resuming"] == (0, "max")


async def test_the_slowest_stop_can_be_listened_to(tmp_path: Path) -> None:
    bench = Interruptions(
        lambda rng: FakeLine(interruptible(RENDERING, 40, 240)), Plan(events=2, seed=1)
    )
    await bench.listen()
    judged = await bench.words(WORDS)
    (clip,) = clips(judged, tmp_path / "slow.wav", tmp_path / "false.wav")
    assert clip.title == "The slowest stop: 240 ms"
    with wave.open(str(tmp_path / clip.file)) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    begin, duck, silence = (round(mark.at_s * 8000) for mark in clip.marks)
    assert not both[:begin, 0].any()
    assert (both[begin : begin + 4000, 0] == 6000).all()
    assert silence - begin == pytest.approx(240 * 8, abs=6)
    assert np.abs(both[silence - 160 : silence, 1]).max() > 50
    assert not both[silence + 6 : silence + 2000, 1].any()
    loud = np.abs(both[duck - 800 : duck, 1].astype(float)).mean()
    assert np.abs(both[duck : duck + 400, 1].astype(float)).mean() < 0.3 * loud


async def test_a_false_stop_can_be_listened_to(tmp_path: Path) -> None:
    bench = Interruptions(lambda rng: FakeLine(interruptible(RENDERING, 40, 240)), Plan(events=1))
    await bench.listen()
    judged = await bench.sounds(("cough",))
    (clip,) = clips(judged, tmp_path / "slow.wav", tmp_path / "false.wav")
    assert (clip.title, clip.file) == ("A false stop: cough", "false.wav")
    assert clips(judged, None, None) == []
