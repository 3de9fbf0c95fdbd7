"""The frame clock: absolute deadlines, what a stall does, how lateness is told."""

import asyncio
import os

import pytest

from offhook.media.clock import LoopClock, VirtualClock
from offhook.media.frames.frame_clock import (
    LATENESS_WINDOW_TICKS,
    MAX_CATCH_UP_TICKS,
    MAX_SKIPPED_TICKS,
    PHASES,
    TICK_S,
    FrameClock,
    LatenessWindow,
)


class Rig:
    """A frame clock whose timer is an eventfd: due as often as we say, at a time that we say."""

    def __init__(self) -> None:
        self.time = VirtualClock()
        self.ticked: list[int] = []
        self.skipped: list[int] = []
        self.due_at: list[float] = []
        self.clock = FrameClock(self.time, self._tick, self.skipped.append)
        self.clock._fd = os.eventfd(0, os.EFD_NONBLOCK)

    def _tick(self, phase: int, due_at: float) -> bool:
        self.ticked.append(phase)
        self.due_at.append(due_at)
        return True

    def due(self, ticks: int) -> None:
        os.eventfd_write(self.clock._fd, ticks)
        self.clock._on_due()

    def close(self) -> None:
        os.close(self.clock._fd)


def test_phases_take_turns() -> None:
    rig = Rig()
    for _ in range(6):
        rig.time.advance(TICK_S)
        rig.due(1)
    assert rig.ticked == [1, 2, 3, 0, 1, 2]
    assert rig.clock.health().p99_ms == pytest.approx(0, abs=1e-9)
    assert rig.due_at == pytest.approx([n * TICK_S for n in range(1, 7)])
    rig.close()


def test_lateness_is_from_the_deadline_until_the_work_is_done() -> None:
    rig = Rig()

    def work(phase: int, due_at: float) -> bool:
        rig.time.advance(0.002)
        return True

    rig.clock._on_tick = work
    rig.time.advance(TICK_S + 0.001)
    rig.due(1)
    health = rig.clock.health()
    assert health.max_ms == pytest.approx(3.0)
    assert health.busy == pytest.approx(0.002 / TICK_S)
    rig.close()


def test_a_hiccup_after_the_start_is_no_overload() -> None:
    window = LatenessWindow()
    for number in range(300):
        window.add(0.030 if number < 9 else 0.0002, 0.0001)
    health = window.health(0)
    assert health.max_ms == pytest.approx(30)
    assert health.p50_ms == pytest.approx(0.2)
    assert health.p99_ms < 1, "9 of the 1,000 ticks of a window"
    window.add(0.030, 0.0001)
    window.add(0.030, 0.0001)
    assert window.health(0).p99_ms > 5, "11 of 1,000, and it has not been long"


def test_a_short_stall_is_made_up_for() -> None:
    rig = Rig()
    rig.time.advance(5 * TICK_S)
    rig.due(5)
    assert rig.ticked == [1, 2, 3, 0, 1]
    assert rig.skipped == []
    rig.close()


def test_after_a_long_stall_old_time_is_skipped_and_counted() -> None:
    rig = Rig()
    late = 30
    rig.time.advance(late * TICK_S)
    rig.due(late)
    assert len(rig.skipped) == late - MAX_CATCH_UP_TICKS
    assert len(rig.ticked) == MAX_CATCH_UP_TICKS
    phases = rig.skipped + rig.ticked
    assert phases == [n % 4 for n in range(1, late + 1)], "no phase is left out"
    assert rig.clock.health().skipped_ticks == late - MAX_CATCH_UP_TICKS
    rig.close()


def test_a_stall_of_hours_costs_no_more_than_one_of_seconds_and_the_deadlines_hold() -> None:
    rig = Rig()
    late = round(3 * 3600 / TICK_S) + 3
    rig.time.advance(late * TICK_S)
    rig.due(late)
    assert MAX_SKIPPED_TICKS <= len(rig.skipped) < MAX_SKIPPED_TICKS + PHASES
    assert len(rig.ticked) == MAX_CATCH_UP_TICKS
    lived = rig.skipped + rig.ticked
    assert lived == [n % PHASES for n in range(late - len(lived) + 1, late + 1)]
    assert lived[0] == 1, "as if nothing had been left out"
    health = rig.clock.health()
    assert health.skipped_ticks == late - MAX_CATCH_UP_TICKS
    assert health.max_ms == pytest.approx((MAX_CATCH_UP_TICKS - 1) * TICK_S * 1000)
    rig.time.advance(TICK_S)
    rig.due(1)
    assert rig.ticked[-1] == (late + 1) % PHASES
    rig.close()


def test_a_wake_up_for_nothing_does_nothing() -> None:
    rig = Rig()
    rig.clock._on_due()
    assert rig.ticked == []
    rig.close()


def test_old_lateness_is_forgotten() -> None:
    window = LatenessWindow()
    window.add(1.0, 0.001)
    assert window.health(0).max_ms == pytest.approx(1000)
    for _ in range(LATENESS_WINDOW_TICKS):
        window.add(0.001, 0.001)
    health = window.health(0)
    assert health.max_ms == pytest.approx(1)
    assert health.ticks == LATENESS_WINDOW_TICKS + 1


def test_ticks_that_serve_nobody_do_not_make_the_others_look_in_time() -> None:
    window = LatenessWindow()
    for _ in range(LATENESS_WINDOW_TICKS // PHASES):
        window.add(0.008, 0.004)
        for _ in range(PHASES - 1):
            window.add(0.0001, 0.0, counts=False)
    health = window.health(0)
    assert (health.p50_ms, health.p99_ms) == pytest.approx((8, 8))
    assert health.busy == pytest.approx(0.004 / (PHASES * TICK_S)), "of all of the time"


def test_before_the_first_tick_nothing_is_late() -> None:
    assert LatenessWindow().health(0).p99_ms == 0


async def test_it_ticks_by_the_kernels_timer() -> None:
    done = asyncio.Event()
    ticked: list[int] = []

    def tick(phase: int, due_at: float = 0.0) -> bool:
        ticked.append(phase)
        if len(ticked) == 8:
            done.set()
        return True

    clock = FrameClock(LoopClock(), tick, ticked.append)
    clock.start()
    await done.wait()
    clock.close()
    assert ticked[:8] == [1, 2, 3, 0, 1, 2, 3, 0]
    clock.close()
