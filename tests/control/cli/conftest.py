"""A terminal at a running API; a file that needs other settings has a `settings` of its own."""

import pathlib
from collections.abc import AsyncIterator

import pytest

from offhook.control.configuration.config import Settings
from offhook.tests.kit.api import DEFAULTS
from offhook.tests.kit.terminal import Terminal


@pytest.fixture
def settings() -> Settings:
    return DEFAULTS


@pytest.fixture
async def terminal(
    tmp_path: pathlib.Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Terminal]:
    terminal = Terminal(tmp_path, settings, monkeypatch, capsys)
    async with terminal:
        yield terminal
