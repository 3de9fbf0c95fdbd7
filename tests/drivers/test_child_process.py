"""A process for one piece of work: started, heard, ended."""

import asyncio
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from offhook.drivers.child_process import child_process

ECHO = (sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.read().upper())")
LASTING = (sys.executable, "-c", "import sys; print('here', flush=True); sys.stdin.read()")
LIMIT_S = 20.0


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_what_is_written_is_read_and_the_answer_comes_back() -> None:
    async with asyncio.timeout(LIMIT_S), child_process(ECHO) as child:
        child.write(b"some ")
        child.write(b"words")
        child.close_stdin()
        assert await child.stdout.read() == b"SOME WORDS"
        assert await child.ended() == 0


async def test_one_that_still_runs_is_ended_on_leaving() -> None:
    async with asyncio.timeout(LIMIT_S), child_process(LASTING) as child:
        assert await child.stdout.readline() == b"here\n"
        assert os.getsid(child.pid) == child.pid, "a Ctrl-C at the server is not its own"
    assert not runs(child.pid)


async def test_one_that_is_killed_ends_with_its_signal() -> None:
    async with asyncio.timeout(LIMIT_S), child_process(LASTING) as child:
        await child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        assert await child.stdout.read() == b""
        assert await child.ended() == -signal.SIGKILL


async def test_its_environment_is_what_it_is_given() -> None:
    shown = (sys.executable, "-c", "import os; print(os.environ.get('COLOUR'))")
    env = {**os.environ, "COLOUR": "green"}
    async with asyncio.timeout(LIMIT_S), child_process(shown, env) as child:
        assert await child.stdout.read() == b"green\n"


async def test_what_cannot_be_started_is_an_error_and_nothing_is_left() -> None:
    with pytest.raises(FileNotFoundError):
        async with child_process(("/nowhere/at/all",)):
            raise AssertionError("it has started")


async def test_who_does_not_want_it_any_more_while_it_starts_leaves_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = []
    real = subprocess.Popen

    def start(*args: Any, **more: Any) -> "subprocess.Popen[bytes]":
        started.append(real(*args, **more))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)

    async def use() -> None:
        async with child_process(LASTING):
            raise AssertionError("nobody wants it")

    task = asyncio.create_task(use())
    await asyncio.sleep(0)  # its turn: it starts
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not any(runs(process.pid) for process in started)
