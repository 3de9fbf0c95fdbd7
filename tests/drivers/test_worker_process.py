"""Workers that cannot start, and workers that fall over: what is told, and how often."""

import asyncio
import logging
from pathlib import Path

import pytest

from offhook.drivers.errors import WorkerDied
from offhook.drivers.worker_process import WorkerProcess
from offhook.media.errors import ProviderError

LIMIT_S = 20.0
"So that a fault ends the test instead of hanging it."
READY = """
import os, sys
from offhook.drivers.framing import frame
os.write(1, frame(b"\\x90"))
"""


class Owner:
    """A worker made of a few lines, and what its owner is told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
        (folder / "made_worker.py").write_text(lines)
        monkeypatch.setenv("PYTHONPATH", str(folder))
        self.ready = 0
        self.deaths: asyncio.Queue[ProviderError] = asyncio.Queue()
        self.worker = WorkerProcess(
            "made", "made_worker", lambda message: None, self._on_ready, self.deaths.put_nowait
        )

    def _on_ready(self) -> None:
        self.ready += 1


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise RuntimeError('no model in /m')", "RuntimeError: no model in /m"),
        ("import os; os.kill(os.getpid(), 11)", "the worker process ended (-11)"),
    ],
)
async def test_a_worker_that_cannot_start_says_why_once_and_is_not_tried_again(
    lines: str,
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    owner = Owner(tmp_path, monkeypatch, lines)
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(WorkerDied) as caught:
            await owner.worker.start()
        await owner.worker.aclose()
    assert caught.value.what == why
    assert (owner.worker.restarts, owner.ready, owner.deaths.empty()) == (0, 0, True)
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert capfd.readouterr().err == ""


async def test_a_worker_that_falls_over_later_is_told_with_its_trace_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    owner = Owner(tmp_path, monkeypatch, READY + "sys.stdin.read(1); raise ValueError('a bug')")
    async with asyncio.timeout(LIMIT_S):
        await owner.worker.start()
        assert owner.worker.send(b"x")
        assert (await owner.deaths.get()).what == "ValueError: a bug"
        assert await owner.worker.is_back(LIMIT_S)
        await owner.worker.aclose()
    assert (owner.worker.restarts, owner.ready) == (1, 2)
    (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "made_worker.py" in error.getMessage()
