"""`offhook bench`: what it can run, and how a run ends that is ended from outside."""

import asyncio
import os
import runpy
import signal
from collections.abc import Iterator

import pytest

from offhook.control.cli import bench


@pytest.fixture
def handlers() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_commands_are_the_modules_at_the_door() -> None:
    names = bench.names()
    assert {"latency", "bargein", "capacity", "report"} <= set(names)
    assert not {"rtp_load", "scripted_providers", "measuring"} & set(names)


def test_a_run_that_is_terminated_ends_what_it_started(
    monkeypatch: pytest.MonkeyPatch, handlers: None
) -> None:
    ended: list[str] = []

    async def measure() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            ended.append("server")

    monkeypatch.setattr(runpy, "run_module", lambda *_, **__: asyncio.run(measure()))
    with pytest.raises(KeyboardInterrupt):
        bench.main(["latency"])
    assert ended == ["server"]
