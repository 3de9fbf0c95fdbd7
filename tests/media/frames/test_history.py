"""The last 1.28 s of both sides: positions, clamping, rows of different age."""

import numpy as np
import pytest

from offhook.media.frames.history import HEARD, HISTORY_FRAMES, SENT, History

FRAME = 160
SPAN = HISTORY_FRAMES * FRAME


def filled(frames: int, rows: int = 2) -> History:
    """Sample p of row r holds p + r as heard, its negative as sent."""
    history = History(4, 8000)
    for tick in range(frames):
        axis = (tick * FRAME + np.arange(FRAME) + np.arange(rows)[:, None]).astype(np.int16)
        history.push(rows, axis, -axis)
    return history


@pytest.mark.parametrize("frames", [1, HISTORY_FRAMES - 1, HISTORY_FRAMES, HISTORY_FRAMES + 1, 150])
def test_a_span_reads_back_by_position_wherever_the_ring_stands(frames: int) -> None:
    history = filled(frames)
    end = frames * FRAME
    oldest = max(0, end - SPAN)
    assert history.positions[1] == end
    assert history.oldest(1) == oldest
    for start, stop in (
        (oldest, end),
        (end - 50, end),
        (oldest, oldest + 33),
        (end - 150, end - 7),
    ):
        wanted = (np.arange(start, stop) + 1).astype(np.int16)
        assert np.array_equal(history.read(1, HEARD, start, stop), wanted)
        assert np.array_equal(history.read(1, SENT, start, stop), -wanted)


def test_what_is_too_old_or_to_come_is_left_out() -> None:
    history = filled(100)
    end, oldest = 16_000, 16_000 - SPAN
    assert np.array_equal(history.read(0, HEARD, -5, 10**6), np.arange(oldest, end))
    assert len(history.read(0, HEARD, 0, oldest)) == 0
    assert len(history.read(0, HEARD, end, end + 100)) == 0
    assert len(history.read(0, HEARD, end - 10, end - 20)) == 0


def test_both_sides_come_as_caller_and_agent() -> None:
    stereo = filled(3).read_stereo(0, 100, 300)
    assert np.array_equal(stereo, np.stack([np.arange(100, 300), -np.arange(100, 300)]))


def test_a_row_that_begins_later_has_an_axis_of_its_own() -> None:
    history = filled(70)
    history.clear(1)
    history.grow(8)
    frame = np.full((2, FRAME), 77, np.int16)
    history.push(2, frame, frame)
    assert history.positions[1] == FRAME
    assert np.array_equal(history.read(1, HEARD, 0, 10**6), frame[1])
    assert np.array_equal(history.read(0, HEARD, 69 * FRAME, 70 * FRAME), np.arange(11_040, 11_200))


def test_a_read_is_a_copy() -> None:
    history = filled(2)
    read = history.read(0, HEARD, 0, 100)
    read[:] = 0
    assert history.read(0, HEARD, 50, 51)[0] == 50
