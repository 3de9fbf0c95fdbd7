"""Callers who converse: what they say when, and which of their utterances were answered when."""

import numpy as np
import pytest

from offhook.bench.load.talkers import ANSWER_TICKS, OVER_TICKS, SILENT, Talkers

UTTERANCES = [(0, 30), (30, 45)]


class FarEnd:
    """Answers each utterance `delay` ticks after its last frame, for `length` ticks."""

    def __init__(self, callers: int, delay: int, length: int = 50, mute: tuple[int, ...] = ()):
        self.talkers = Talkers(callers, UTTERANCES, seed=3)
        self.rows = np.arange(callers)
        self.delay, self.length, self.mute = delay, length, mute
        self.since = np.full(callers, 10_000)
        self.said: list[list[int]] = [[] for _ in range(callers)]
        for caller in range(callers):
            self.talkers.begin(caller)

    def run(self, ticks: int) -> "FarEnd":
        for _ in range(ticks):
            frames = self.talkers.next(self.rows)
            for row, frame in enumerate(frames):
                self.said[row].append(int(frame))
            self.since += 1
            for row, frame in enumerate(frames):
                if frame in (29, 74):
                    self.since[row] = 0
            loud = (self.since >= self.delay) & (self.since < self.delay + self.length)
            loud[list(self.mute)] = False
            self.talkers.hear(self.rows, loud)
        return self


def test_callers_say_whole_utterances_and_are_silent_between() -> None:
    far = FarEnd(4, delay=20).run(2000)
    for said in far.said:
        spoken = [frame for frame in said if frame != SILENT]
        cut = [i for i, frame in enumerate(spoken) if frame in (0, 30)]
        pieces = [spoken[a:b] for a, b in zip(cut, cut[1:], strict=False)]
        assert pieces
        assert all(p in (list(range(30)), list(range(30, 75))) for p in pieces)
    assert len({tuple(said) for said in far.said}) == 4


@pytest.mark.parametrize("delay", [15, 40, 240])
def test_the_gap_is_that_of_the_far_end(delay: int) -> None:
    turns = FarEnd(5, delay).run(4000).talkers.turns()
    assert turns.unanswered == 0
    assert turns.answered == len(turns.gaps_ms) > 20
    assert set(turns.gaps_ms) == {20.0 * delay}


def test_a_far_end_that_answers_a_hundred_ms_later_is_told_so() -> None:
    gaps = [FarEnd(3, delay).run(2000).talkers.turns().gaps_ms for delay in (20, 25)]
    assert np.median(gaps[1]) - np.median(gaps[0]) == 100.0


def test_utterances_that_nobody_answers_are_counted() -> None:
    far = FarEnd(2, delay=20, mute=(1,)).run(3 * (ANSWER_TICKS + 200))
    turns = far.talkers.turns()
    assert turns.answered > 0
    assert 2 <= turns.unanswered <= 3
    assert len(turns.gaps_ms) == turns.answered


def test_the_next_utterance_waits_for_the_answer_to_be_over() -> None:
    far = FarEnd(1, delay=10, length=200).run(3000)
    begins = [i for i, frame in enumerate(far.said[0]) if frame in (0, 30)]
    ends = [i for i, frame in enumerate(far.said[0]) if frame in (29, 74)]
    waits = [b - e for e, b in zip(ends, begins[1:], strict=False)]
    assert waits
    assert min(waits) >= 10 + 200 + OVER_TICKS


def test_a_call_that_is_over_counts_no_more() -> None:
    far = FarEnd(2, delay=20).run(1000)
    far.talkers.end(0)
    far.talkers.end(1)
    far.talkers.restart_counting()
    far.run(1000)
    assert far.talkers.turns().answered == far.talkers.turns().unanswered == 0
    assert set(far.said[0][1000:]) == {SILENT}
