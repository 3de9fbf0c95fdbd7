"""Rounds of work: when they are done, and when they are done again."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from offhook.control.dialer.wall_timer import LOOK_S
from offhook.control.errors import StoreError
from offhook.control.wake_loop import RETRY_S, Again, WakeLoop
from offhook.media.clock import VirtualClock


class SetClock(VirtualClock):
    """Its wall clock can be set."""

    def put(self, seconds: float) -> None:
        self._wall_at_zero += seconds


class Work:
    """Rounds that do what is told: they are counted, and wait where `gate` is shut."""

    def __init__(self) -> None:
        self.clock = SetClock(wall_at_zero=1000.0)
        self.loop = WakeLoop("work", self._round, self.clock)
        self.rounds = 0
        self.again: Again | None = None
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()

    async def _round(self) -> Again | None:
        self.begun.set()
        await self.gate.wait()
        self.rounds += 1
        if self.error is not None:
            raise self.error
        return self.again

    async def done(self) -> int:
        """All rounds that are to be done now; returns how many there were."""
        async with asyncio.timeout(5.0):
            await self.loop.idle.wait()
        return self.rounds

    async def after(self, seconds: float) -> int:
        self.clock.advance(seconds)
        return await self.done()


@pytest.fixture
async def work() -> AsyncIterator[Work]:
    work = Work()
    work.loop.start()
    yield work
    work.gate.set()
    await work.loop.aclose()


async def test_it_begins_with_a_round_and_then_waits_to_be_woken(work: Work) -> None:
    assert await work.done() == 1
    assert await work.after(3600.0) == 1
    work.loop.wake()
    work.loop.wake()
    assert await work.done() == 2


async def test_rounds_that_are_another_nodes_are_not_done() -> None:
    work, leads = Work(), False
    work.loop = WakeLoop("work", work._round, work.clock, lambda: leads)
    work.loop.start()
    assert await work.done() == 0
    leads = True
    work.loop.wake()
    assert await work.done() == 1
    await work.loop.aclose()


async def test_who_wakes_it_in_the_middle_of_a_round_gets_one_more(work: Work) -> None:
    await work.done()
    work.gate.clear()
    work.begun.clear()
    work.loop.wake()
    await work.begun.wait()
    work.loop.wake()
    work.gate.set()
    assert await work.done() == 3


async def test_what_comes_in_a_crowd_is_one_round_after_a_rest(work: Work) -> None:
    await work.done()
    work.loop.wake_soon(2.0)
    assert await work.after(1.0) == 1
    work.loop.wake_soon(2.0)
    assert await work.after(1.0) == 2
    assert await work.after(60.0) == 2


async def test_who_wakes_it_ends_its_rest(work: Work) -> None:
    await work.done()
    work.loop.wake_soon(2.0)
    work.loop.wake()
    assert await work.done() == 2
    assert await work.after(60.0) == 2


async def test_nothing_wakes_it_once_it_is_closed(work: Work) -> None:
    await work.done()
    work.loop.wake_soon(2.0)
    await work.loop.aclose()
    work.loop.wake_soon(2.0)
    work.clock.advance(60.0)
    assert work.loop.idle.is_set()
    assert work.rounds == 1


async def test_the_next_round_comes_at_the_earlier_of_two_moments(work: Work) -> None:
    await work.done()
    work.again = Again(in_s=5.0, at_wall=1007.0)
    work.loop.wake()
    assert await work.done() == 2
    assert await work.after(4.0) == 2
    work.again = Again(in_s=60.0, at_wall=1007.0)
    assert await work.after(1.0) == 3
    work.again = None
    assert await work.after(2.0) == 4
    assert await work.after(3600.0) == 4


async def test_a_wall_clock_that_is_set_brings_a_round(work: Work) -> None:
    await work.done()
    work.again = Again(at_wall=1000.0 + 86_400.0)
    work.loop.wake()
    assert await work.done() == 2
    assert not work.loop.clock_was_set()
    work.clock.put(86_400.0)
    assert await work.after(LOOK_S) == 3
    assert work.loop.clock_was_set()
    assert not work.loop.clock_was_set()


@pytest.mark.parametrize("error", [StoreError("a.db", "locked"), RuntimeError("a bug")])
async def test_what_fails_is_done_again(
    work: Work, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    work.error = error
    with caplog.at_level(logging.CRITICAL + 1):
        work.loop.wake()
        failed = await work.done()
        work.error = None
        assert await work.after(RETRY_S) == failed + 1
        assert await work.after(3600.0) == failed + 1


async def test_a_round_is_done_to_its_end_when_no_further_one_is_to_begin(work: Work) -> None:
    await work.done()
    work.gate.clear()
    work.begun.clear()
    work.loop.wake()
    await work.begun.wait()
    finishing = asyncio.create_task(work.loop.finish())
    work.loop.wake()
    work.gate.set()
    await finishing
    assert work.rounds == 2
