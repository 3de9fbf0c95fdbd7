"""Who hears whom."""

import numpy as np
import pytest

from offhook.media.frames.history import HEARD, SENT
from offhook.media.frames.mixer import BANK_LANES, Mixer


class Source:
    """A cohort as far as the mixer looks at it."""

    def __init__(self, number: int, rate_hz: int, rows: int) -> None:
        self.number = number
        self.rate_hz = rate_hz
        self.heard = np.zeros((rows, rate_hz // 50), np.int16)
        self.own = np.zeros((rows, rate_hz // 50), np.int16)


def test_a_connection_adds_what_the_other_hears() -> None:
    source, mixer = Source(0, 8000, 3), Mixer(8000)
    source.heard[2] = 700
    mixer.connect(1, source, 2)
    frames = np.full((2, 160), 100, np.int16)
    mixer.add(frames)
    assert (frames[0] == 100).all()
    assert (frames[1] == 800).all()


def test_loud_voices_saturate_and_do_not_wrap() -> None:
    source, mixer = Source(0, 8000, 1), Mixer(8000)
    source.heard[0] = -30000
    mixer.connect(0, source, 0)
    frames = np.full((1, 160), -10000, np.int16)
    mixer.add(frames)
    assert (frames == -32768).all()


def test_a_conference_hears_every_voice_once() -> None:
    source, other, mixer = Source(0, 8000, 2), Source(1, 8000, 1), Mixer(8000)
    source.heard[0], source.heard[1], other.heard[0] = 1, 10, 100
    for each, row in ((source, 0), (source, 1), (other, 0)):
        mixer.connect(0, each, row)
    frames = np.zeros((1, 160), np.int16)
    mixer.add(frames)
    assert (frames == 111).all()


def test_between_rates_the_voice_keeps_its_pitch() -> None:
    source, mixer = Source(4, 16000, 1), Mixer(8000)
    mixer.connect(0, source, 0)
    out = []
    for frame in range(50):
        at = np.arange(320) + 320 * frame
        source.heard[0] = 8000 * np.sin(2 * np.pi * 500 * at / 16000)
        frames = np.zeros((1, 160), np.int16)
        mixer.add(frames)
        out.append(frames[0])
    heard = np.concatenate(out)[800:].astype(float)
    assert abs(np.argmax(np.abs(np.fft.rfft(heard))) * 8000 / len(heard) - 500) < 2
    assert 7500 < np.abs(heard).max() < 8500


def test_a_lane_that_is_gone_is_not_heard_any_more() -> None:
    source, mixer = Source(0, 8000, 2), Mixer(8000)
    source.heard[:] = 5
    mixer.connect(0, source, 0)
    mixer.connect(0, source, 1)
    mixer.connect(1, source, 0)
    mixer.forget_source(source, 0)
    frames = np.zeros((2, 160), np.int16)
    mixer.add(frames)
    assert (frames[0] == 5).all()
    assert (frames[1] == 0).all()
    mixer.forget(0)
    frames[:] = 0
    mixer.add(frames)
    assert not frames.any()


def test_rows_that_came_in_the_middle_of_a_tick_wait_for_the_next() -> None:
    source, mixer = Source(0, 8000, 1), Mixer(8000)
    source.heard[:] = 5
    mixer.connect(0, source, 7)
    mixer.connect(9, source, 0)
    frames = np.zeros((1, 160), np.int16)
    mixer.add(frames)
    assert not frames.any()


def test_what_the_agent_says_is_heard_without_what_others_say() -> None:
    source, mixer = Source(0, 8000, 2), Mixer(8000)
    source.heard[:], source.own[:] = 5, 70
    mixer.connect(0, source, 1, SENT)
    frames = np.full((1, 160), 1000, np.int16)
    own = mixer.own(frames)
    mixer.add(frames)
    assert (frames == 1070).all()
    assert (own == 1000).all(), "and nobody hears themselves through it"


def test_each_side_is_connected_once_and_let_go_by_itself() -> None:
    source, mixer = Source(0, 8000, 1), Mixer(8000)
    source.heard[:], source.own[:] = 5, 70
    for side in (HEARD, SENT, HEARD):
        mixer.connect(0, source, 0, side)
    frames = np.zeros((1, 160), np.int16)
    mixer.add(frames)
    assert (frames == 75).all()
    mixer.disconnect(0, source, 0, HEARD)
    frames[:] = 0
    mixer.add(frames)
    assert (frames == 70).all()


def test_loud_voices_are_cut_once_all_are_added() -> None:
    source, mixer = Source(0, 8000, 3), Mixer(8000)
    source.heard[0], source.heard[1], source.heard[2] = 30000, 30000, -32000
    for row in range(3):
        mixer.connect(0, source, row)
    frames = np.zeros((1, 160), np.int16)
    mixer.add(frames)
    assert (frames == 28000).all()


@pytest.mark.parametrize(("from_hz", "to_hz"), [(16000, 8000), (8000, 16000)])
def test_many_voices_of_another_rate_stay_apart(from_hz: int, to_hz: int) -> None:
    voices = BANK_LANES + 3
    source, mixer = Source(4, from_hz, voices), Mixer(to_hz)
    out = np.zeros((voices, 0), np.int16)
    for frame in range(30):
        if frame < voices:  # they come one after the other
            mixer.connect(frame, source, frame)
        at = np.arange(from_hz // 50) + from_hz // 50 * frame
        for row in range(voices):
            source.heard[row] = 8000 * np.sin(2 * np.pi * (300 + 50 * row) * at / from_hz)
        frames = np.zeros((voices, to_hz // 50), np.int16)
        mixer.add(frames)
        out = np.concatenate([out, frames], axis=1)
    tail = out[:, -to_hz // 5 :].astype(float)
    pitches = np.abs(np.fft.rfft(tail)).argmax(axis=1) * 5
    assert pitches.tolist() == [300 + 50 * row for row in range(voices)]


def test_a_voice_of_another_rate_that_is_let_go_leaves_no_trace_for_the_next() -> None:
    source, mixer = Source(4, 16000, 2), Mixer(8000)
    source.heard[0] = 20000
    mixer.connect(0, source, 0)
    mixer.connect(1, source, 0)
    frames = np.zeros((3, 160), np.int16)
    mixer.add(frames)
    mixer.disconnect(0, source, 0)
    mixer.connect(2, source, 1)
    frames[:] = 0
    mixer.add(frames)
    assert not frames[0].any()
    assert not frames[2].any()
    assert frames[1].any()
    mixer.disconnect(1, source, 0)
    for _ in range(2):
        mixer.add(frames)
    mixer.connect(0, source, 1)
    frames[:] = 0
    mixer.add(frames)
    assert not frames.any()
