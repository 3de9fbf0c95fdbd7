"""The playout gate: epochs, fades, gain, under-runs, bounds; against a model in plain Python."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from offhook.media.frames.playout import (
    MAX_BACKLOG_S,
    MAX_OVERLAY_S,
    REFILL_TICKS,
    RING_FRAMES,
    Playout,
)

RATE_HZ = 8000
FRAME = 160
RING = RING_FRAMES * FRAME


class Gate:
    """A playout of some rows, and all that left each of them."""

    def __init__(self, rows: int = 1) -> None:
        self.playout = Playout(4, RATE_HZ)
        self.rows = rows
        self.left: list[list[NDArray[np.int16]]] = [[] for _ in range(rows)]
        self.started: list[tuple[int, int]] = []
        self.finished: list[tuple[int, int, int]] = []
        self.under_runs: list[int] = []

    def run(self, frames: int) -> None:
        for _ in range(frames):
            tick = self.playout.pull(self.rows)
            for row in range(self.rows):
                self.left[row].append(tick.frames[row].copy())
            self.started += tick.started
            self.finished += tick.finished
            self.under_runs += tick.under_runs

    def heard(self, row: int = 0) -> NDArray[np.int16]:
        return np.concatenate(self.left[row])


def ramp(samples: int, first: int = 1) -> NDArray[np.int16]:
    """Samples that are all different from silence and tell their order."""
    return (np.arange(first, first + samples) % 30_000 + 1).astype(np.int16)


def test_an_epoch_leaves_exactly_once_and_in_order_whatever_its_length() -> None:
    gate = Gate()
    audio = ramp(3 * RING + 77)
    for start in range(0, len(audio), 1003):
        gate.playout.play(0, 5, audio[start : start + 1003])
    gate.playout.finish(0, 5)
    gate.run(2)
    assert not gate.heard().any(), "nothing leaves before the gate is open"
    gate.playout.open(0, 5)
    gate.run(120)
    assert np.array_equal(gate.heard()[2 * FRAME :][: len(audio)], audio)
    assert not gate.heard()[2 * FRAME + len(audio) :].any()
    assert gate.started == [(0, 5)]
    assert gate.finished == [(0, 5, len(audio))]
    assert gate.under_runs == []
    assert gate.playout.played(0, 5) == len(audio)


def test_finished_is_told_with_the_frame_that_holds_the_last_sample() -> None:
    for samples, frames in ((FRAME, 1), (FRAME + 1, 2), (2 * FRAME, 2)):
        gate = Gate()
        gate.playout.open(0, 1)
        gate.playout.play(0, 1, ramp(samples))
        gate.playout.finish(0, 1)
        gate.run(frames - 1)
        assert gate.finished == []
        gate.run(1)
        assert gate.finished == [(0, 1, samples)]


def test_a_finish_that_comes_after_the_last_sample_is_told_with_the_next_frame() -> None:
    gate = Gate()
    gate.playout.open(0, 1)
    gate.playout.play(0, 1, ramp(FRAME))
    gate.run(1)
    assert gate.finished == []
    gate.playout.finish(0, 1)
    gate.run(1)
    assert gate.finished == [(0, 1, FRAME)]
    assert gate.under_runs == []


def test_an_empty_epoch_finishes_without_having_started() -> None:
    gate = Gate()
    gate.playout.open(0, 1)
    gate.playout.finish(0, 1)
    gate.run(3)
    assert gate.started == []
    assert gate.finished == [(0, 1, 0)]


def test_opening_the_next_epoch_drops_the_earlier_one_at_once() -> None:
    gate = Gate()
    gate.playout.play(0, 1, ramp(2 * RING))
    gate.playout.play(0, 2, np.full(500, -7, np.int16))
    gate.playout.open(0, 1)
    gate.run(3)
    gate.playout.open(0, 2)
    gate.playout.play(0, 1, ramp(100))
    gate.run(100)
    heard = gate.heard()
    assert np.array_equal(heard[: 3 * FRAME], ramp(3 * FRAME))
    assert (heard[3 * FRAME :][:500] == -7).all()
    assert not heard[3 * FRAME + 500 :].any()
    assert gate.playout.played(0, 1) == 3 * FRAME
    assert gate.playout.dead_chunks[0] == 2, "what waited of it, and what came late"
    gate.playout.open(0, 1)
    assert gate.playout.played(0, 2) == 500, "an older epoch cannot be opened again"


def test_a_stop_fades_and_nothing_of_the_epoch_follows() -> None:
    gate = Gate()
    gate.playout.play(0, 1, np.full(RATE_HZ, 10_000, np.int16))
    gate.playout.open(0, 1)
    gate.run(5)
    played = gate.playout.stop(0, 100)
    gate.playout.play(0, 1, ramp(FRAME))
    gate.playout.finish(0, 1)
    gate.run(60)
    fade = gate.heard()[5 * FRAME :][:100].astype(int)
    assert played == 5 * FRAME + 100
    assert gate.playout.played(0, 1) == played
    assert fade[0] == 9900
    assert fade[-1] == 0
    assert (np.diff(fade) == -100).all()
    assert not gate.heard()[5 * FRAME + 100 :].any()
    assert gate.finished == []
    assert gate.playout.stop(0, 100) == played, "stopping twice is stopping once"


def test_a_stop_longer_than_what_is_left_fades_over_what_is_left() -> None:
    gate = Gate()
    gate.playout.play(0, 1, np.full(FRAME + 40, 1000, np.int16))
    gate.playout.open(0, 1)
    gate.run(1)
    assert gate.playout.stop(0, 400) == FRAME + 40
    gate.run(5)
    assert gate.heard()[FRAME] == 975
    assert gate.heard()[FRAME + 39] == 0
    assert gate.playout.stop(0, 400) == FRAME + 40


def test_the_next_epoch_begins_after_the_fade_of_a_stopped_one() -> None:
    gate = Gate()
    gate.playout.play(0, 1, np.full(RATE_HZ, 10_000, np.int16))
    gate.playout.open(0, 1)
    gate.run(1)
    played = gate.playout.stop(0, 200)
    gate.playout.open(0, 2)
    gate.playout.play(0, 2, ramp(300))
    gate.run(10)
    assert (np.diff(gate.heard()[FRAME:][:200].astype(int)) == -50).all()
    assert np.array_equal(gate.heard()[FRAME + 200 :][:300], ramp(300))
    assert gate.playout.played(0, 2) == 300
    assert gate.playout.played(0, 1) == played


def test_a_second_stop_during_a_fade_leaves_the_fade_alone() -> None:
    gate = Gate()
    gate.playout.play(0, 1, np.full(RATE_HZ, 10_000, np.int16))
    gate.playout.open(0, 1)
    gate.playout.stop(0, 200)
    gate.playout.open(0, 2)
    gate.playout.play(0, 2, ramp(300))
    assert gate.playout.stop(0, 0) == 0
    gate.run(10)
    assert (np.diff(gate.heard()[:200].astype(int)) == -50).all()
    assert not gate.heard()[200:].any()


def test_a_duck_ramps_sample_by_sample_and_loses_none() -> None:
    gate = Gate()
    gate.playout.play(0, 1, np.full(RATE_HZ, 10_000, np.int16))
    gate.playout.open(0, 1)
    gate.run(2)
    gate.playout.duck(0, 0.25, 200)
    gate.run(4)
    gate.playout.duck(0, 1.0, 400)
    gate.run(44)
    heard = gate.heard().astype(int)
    down = heard[2 * FRAME :][: 4 * FRAME]
    assert down[0] == 9962
    assert np.abs(np.diff(down)).max() <= 38
    assert (down[200:] == 2500).all()
    up = heard[6 * FRAME :]
    assert np.abs(np.diff(up)).max() <= 19
    assert (up[400:] == 10_000).all()
    assert len(heard) == RATE_HZ
    assert gate.playout.played(0, 1) == RATE_HZ


def test_after_a_duck_is_taken_back_samples_are_bit_exact_and_none_is_missing() -> None:
    gate = Gate()
    audio = ramp(6 * FRAME)
    gate.playout.play(0, 1, audio)
    gate.playout.open(0, 1)
    gate.run(1)
    gate.playout.duck(0, 0.1, 33)
    gate.run(2)
    gate.playout.duck(0, 1.0, 0)
    gate.run(3)
    assert np.array_equal(gate.heard()[3 * FRAME :], audio[3 * FRAME :])
    scaled = np.rint(audio[FRAME + 33 : 3 * FRAME] * np.float32(0.1))
    assert np.array_equal(gate.heard()[FRAME + 33 : 3 * FRAME], scaled)


def test_a_ramp_ends_at_its_gain_exactly() -> None:
    gate = Gate()
    gate.playout.open(0, 1)
    gate.run(1)
    for gain, ramp_samples in ((0.3, 77), (0.07, 331), (1.0, 133)):
        gate.playout.duck(0, gain, ramp_samples)
        gate.run(3)
        assert gate.playout.gain[0] == np.float32(gain)


def test_a_gain_above_full_saturates_and_does_not_wrap() -> None:
    gate = Gate()
    gate.playout.play(0, 1, np.full(4 * FRAME, 30_000, np.int16))
    gate.playout.open(0, 1)
    gate.playout.duck(0, 1.5, 0)
    gate.run(2)
    gate.playout.stop(0, FRAME)
    gate.run(1)
    assert (gate.heard()[: 2 * FRAME] == 32_767).all()
    assert gate.heard().min() >= 0


def test_a_stop_while_ducked_fades_from_there_and_the_next_reply_has_full_level() -> None:
    gate = Gate()
    gate.playout.play(0, 1, np.full(RATE_HZ, 10_000, np.int16))
    gate.playout.open(0, 1)
    gate.playout.duck(0, 0.2, 0)
    gate.run(2)
    gate.playout.stop(0, 100)
    gate.playout.open(0, 2)
    gate.playout.play(0, 2, np.full(200, 10_000, np.int16))
    gate.run(4)
    heard = gate.heard().astype(int)
    assert heard[2 * FRAME :][:100].max() <= 2000
    assert (heard[2 * FRAME + 100 :][:200] == 10_000).all()


def test_an_under_run_is_silence_counted_once_and_costs_no_sample() -> None:
    gate = Gate()
    gate.playout.open(0, 1)
    gate.run(3)
    assert gate.under_runs == [], "waiting for the first audio is not an under-run"
    gate.playout.play(0, 1, ramp(200))
    gate.run(5)
    assert gate.under_runs == [0]
    gate.playout.play(0, 1, ramp(100, 200))
    gate.run(1)
    gate.playout.finish(0, 1)
    gate.run(2)
    heard = gate.heard()
    assert np.array_equal(heard[3 * FRAME :][:200], ramp(200))
    assert not heard[3 * FRAME + 200 : 8 * FRAME].any()
    assert np.array_equal(heard[8 * FRAME :][:100], ramp(100, 200))
    assert gate.finished == [(0, 1, 300)]
    assert gate.playout.under_runs[0] == 1 + 1, "and the last frame, before finish was said"


def test_a_dropped_epoch_is_forgotten_and_its_late_audio_counted() -> None:
    gate = Gate()
    gate.playout.play(0, 2, ramp(500))
    gate.playout.drop(0, 2)
    gate.playout.play(0, 2, ramp(500))
    gate.playout.open(0, 2)
    gate.run(5)
    assert not gate.heard().any()
    assert gate.playout.dead_chunks[0] == 1


def test_the_backlog_is_bounded_and_what_plays_of_it_has_no_hole() -> None:
    gate = Gate()
    second = np.ones(RATE_HZ, np.int16)
    for _ in range(MAX_BACKLOG_S + 3):
        gate.playout.play(0, 1, second)
    gate.playout.play(0, 1, np.full(10, 9, np.int16))
    assert gate.playout.refused_chunks[0] == 4
    gate.playout.finish(0, 1)
    gate.playout.open(0, 1)
    gate.run(MAX_BACKLOG_S * 50 + 1)
    assert gate.finished == [(0, 1, MAX_BACKLOG_S * RATE_HZ)]
    assert gate.heard().max() == 1


def test_tones_are_mixed_in_whatever_plays() -> None:
    gate = Gate()
    gate.playout.play(0, 1, np.full(300, 32_000, np.int16))
    gate.playout.open(0, 1)
    gate.playout.overlay(0, np.full(200, 1000, np.int16))
    gate.playout.overlay(0, np.full(200, -500, np.int16))
    gate.run(3)
    heard = gate.heard()
    assert (heard[:200] == 32_767).all()
    assert (heard[200:300] == 31_500).all()
    assert (heard[300:400] == -500).all()
    assert (heard[400:] == 0).all()
    gate.playout.overlay(0, np.zeros(MAX_OVERLAY_S * RATE_HZ + 1, np.int16))
    assert gate.playout.refused_chunks[0] == 1


def test_a_cleared_row_is_as_new_and_others_go_on() -> None:
    gate = Gate(rows=3)
    for row in range(3):
        gate.playout.play(row, 4, ramp(2 * RING))
        gate.playout.open(row, 4)
        gate.playout.duck(row, 0.5, 0)
        gate.playout.overlay(row, ramp(RING))
    gate.run(1)
    gate.playout.clear(1)
    gate.run(1)
    assert not gate.left[1][1].any()
    assert gate.left[0][1].all()
    assert gate.playout.played(1, 4) == 0
    gate.playout.grow(8)
    gate.playout.play(1, 1, ramp(FRAME))
    gate.playout.open(1, 1)
    gate.run(1)
    assert np.array_equal(gate.left[1][2], ramp(FRAME))
    assert np.array_equal(gate.left[0][2], gate.left[2][2])


class Model:
    """What should leave one row, sample by sample, in plain Python."""

    def __init__(self) -> None:
        self.staged: dict[int, list[int]] = {}
        self.finished: set[int] = set()
        self.dead: set[int] = set()
        self.epoch = 0
        self.over = True
        self.fading = 0
        self.left: dict[int, list[int]] = {}

    def takes(self, epoch: int) -> bool:
        if epoch == self.epoch and self.over:
            return False
        return epoch >= self.epoch and epoch not in self.finished | self.dead

    def play(self, epoch: int, samples: list[int]) -> None:
        if self.takes(epoch):
            self.staged.setdefault(epoch, []).extend(samples)

    def finish(self, epoch: int) -> None:
        if self.takes(epoch):
            self.finished.add(epoch)

    def open(self, epoch: int) -> None:
        if epoch > self.epoch:
            self.epoch, self.over = epoch, False

    def drop(self, epoch: int) -> None:
        if epoch > self.epoch:
            self.staged.pop(epoch, None)
            self.finished.discard(epoch)
            self.dead.add(epoch)

    def stop(self, fade: int) -> None:
        if not self.over:
            self.over = True
            self.fading += min(fade, len(self.staged.get(self.epoch, [])))

    def pull(self) -> list[int | None]:
        """A frame; None where a fade leaves, whose samples are scaled."""
        frame: list[int | None] = [None] * min(self.fading, FRAME)
        self.fading -= len(frame)
        waiting = self.staged.get(self.epoch, [])
        if not self.over and not self.fading:
            taken = waiting[: FRAME - len(frame)]
            del waiting[: len(taken)]
            frame += taken
            self.left.setdefault(self.epoch, []).extend(taken)
            self.over = self.epoch in self.finished and not waiting
        return frame + [0] * (FRAME - len(frame))


VERBS = st.one_of(
    st.tuples(st.just("play"), st.integers(1, 6), st.integers(1, 3000)),
    st.tuples(st.just("finish"), st.integers(1, 6), st.just(0)),
    st.tuples(st.just("open"), st.integers(1, 6), st.just(0)),
    st.tuples(st.just("drop"), st.integers(1, 6), st.just(0)),
    st.tuples(st.just("stop"), st.just(0), st.integers(0, 400)),
    st.tuples(st.just("pull"), st.just(0), st.integers(1, 8)),
)


@given(st.lists(VERBS, max_size=60))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_whatever_the_order_of_verbs_only_the_open_epoch_leaves_once_and_in_order(
    verbs: list[tuple[str, int, int]],
) -> None:
    gate, model = Gate(), Model()
    made = 0
    for verb, epoch, amount in [*verbs, ("pull", 0, 90)]:
        match verb:
            case "play":
                chunk = ramp(amount, made)
                made += amount
                gate.playout.play(0, epoch, chunk)
                model.play(epoch, chunk.tolist())
            case "finish":
                gate.playout.finish(0, epoch)
                model.finish(epoch)
            case "open":
                gate.playout.open(0, epoch)
                model.open(epoch)
            case "drop":
                gate.playout.drop(0, epoch)
                model.drop(epoch)
            case "stop":
                gate.playout.stop(0, amount)
                model.stop(amount)
            case _:
                for _ in range(amount):
                    expected = model.pull()
                    gate.run(1)
                    sharp = [at for at, sample in enumerate(expected) if sample is not None]
                    assert gate.left[0][-1][sharp].tolist() == [expected[at] for at in sharp]


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 900), st.integers(1, 5)), max_size=12),
    st.integers(0, 2000),
)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_whatever_the_ducks_no_sample_is_lost_or_moved(
    ducks: list[tuple[float, int, int]], tail: int
) -> None:
    gate = Gate()
    total = 60 * FRAME + tail
    audio = np.full(total, 20_000, np.int16)
    audio[::2] = -20_000  # every sample's sign tells its place
    gate.playout.play(0, 1, audio)
    gate.playout.finish(0, 1)
    gate.playout.open(0, 1)
    for gain, ramp_samples, frames in ducks:
        gate.playout.duck(0, gain, ramp_samples)
        gate.run(frames)
    gate.playout.duck(0, 1.0, 160)
    gate.run(75 - sum(frames for *_, frames in ducks))
    heard = gate.heard()[:total]
    assert gate.finished == [(0, 1, total)]
    audible = np.abs(heard.astype(int)) > 0
    assert np.array_equal(np.sign(heard[audible]), np.sign(audio[audible]))
    end = 160 + sum(frames for *_, frames in ducks) * FRAME
    assert np.array_equal(heard[end:], audio[end:])


def test_frames_of_one_pull_are_a_view_that_the_next_one_clears() -> None:
    playout = Playout(4, 16_000)
    playout.open(1, 1)
    playout.play(1, 1, np.arange(1, 641, dtype=np.int16))
    first = playout.pull(2).frames
    assert first.shape == (2, 320)
    assert first[1, 0] == 1
    second = playout.pull(2).frames
    assert second[1, 0] == 321
    assert np.shares_memory(first, playout.ring)
    assert not first.any()


def test_nothing_that_comes_between_two_pulls_touches_the_frame_that_left() -> None:
    playout = Playout(2, 8000)
    playout.open(0, 1)
    playout.play(0, 1, np.full(2 * RING_FRAMES * FRAME, 5, np.int16))
    left = playout.pull(1).frames
    playout.stop(0, RING_FRAMES * FRAME)
    playout.open(0, 2)
    playout.play(0, 2, np.full(2 * RING_FRAMES * FRAME, 7, np.int16))
    assert (left == 5).all()
    assert (playout.frames[0] == 5).all()


def test_lanes_that_began_together_are_given_more_in_different_ticks_and_never_run_dry() -> None:
    class Counting(Playout):
        refills = 0

        def _refill(self, row: int) -> None:
            self.refills += 1
            super()._refill(row)

    rows, frames = 48, 200
    playout = Counting(rows, 8000)
    audio = ramp(frames * FRAME)
    for row in range(rows):
        playout.open(row, 1)
        playout.play(row, 1, audio)
    for tick in range(frames):
        playout.refills = 0
        left = playout.pull(rows).frames
        assert (left == audio[tick * FRAME : (tick + 1) * FRAME]).all()
        assert playout.refills <= rows // REFILL_TICKS


@pytest.mark.parametrize("fade", [0, 1, 5000])
def test_a_stop_that_finds_no_audio_stops(fade: int) -> None:
    gate = Gate()
    gate.playout.open(0, 1)
    assert gate.playout.stop(0, fade) == 0
    gate.playout.play(0, 1, ramp(100))
    gate.run(2)
    assert not gate.heard().any()
