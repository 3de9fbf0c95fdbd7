"""The process that analyses: there while it is needed, and what it does not survive is told."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from offhook.control.analysis.analysis_desk import IDLE_S, AnalysisDesk, AnalystDied
from offhook.control.analysis.embedded import analyse
from offhook.control.analysis.sentiment import Ear
from offhook.media.clock import VirtualClock
from offhook.tests.kit.conversations import LOST_PARCEL, conversation

CALL = conversation(*LOST_PARCEL)


def assert_gone(pid: int) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def desk(clock: VirtualClock) -> AsyncIterator[AnalysisDesk]:
    desk = AnalysisDesk(clock)
    yield desk
    await desk.aclose()


async def test_the_process_finds_what_is_found_here(desk: AnalysisDesk) -> None:
    assert desk.pid is None
    here = analyse(CALL, Ear())
    found = await asyncio.gather(*(desk.analyse(CALL) for _ in range(3)))
    assert found == [here] * 3


async def test_it_is_there_for_the_next_call_and_goes_when_none_comes(
    desk: AnalysisDesk, clock: VirtualClock
) -> None:
    await desk.analyse(CALL)
    pid = desk.pid
    assert pid is not None
    clock.advance(IDLE_S - 1)
    await desk.analyse(CALL)
    assert desk.pid == pid
    clock.advance(IDLE_S - 1)
    assert desk.pid == pid
    clock.advance(1)
    await desk.settled()
    assert desk.pid is None
    assert_gone(pid)
    await desk.analyse(CALL)
    assert desk.pid not in (None, pid)


async def test_one_that_is_killed_is_told_and_another_one_comes(desk: AnalysisDesk) -> None:
    await desk.analyse(CALL)
    assert desk.pid is not None
    os.kill(desk.pid, signal.SIGKILL)
    with pytest.raises(AnalystDied):
        await desk.analyse(CALL)
    assert (await desk.analyse(CALL)).summary


async def test_one_that_hangs_is_ended(clock: VirtualClock) -> None:
    desk = AnalysisDesk(clock)
    await desk.analyse(CALL)
    pid = desk.pid
    assert pid is not None
    desk.limit_s = 0.05
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(AnalystDied, match="no analysis after"):
        await desk.analyse(CALL)
    assert_gone(pid)
    await desk.aclose()


async def test_who_leaves_in_the_middle_leaves_no_answer_behind(desk: AnalysisDesk) -> None:
    await desk.analyse(CALL)
    leaving = asyncio.create_task(desk.analyse(CALL))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    other = conversation("Agent: Hello.", "Caller: the invoice is wrong")
    assert "invoice" in (await desk.analyse(other)).summary
