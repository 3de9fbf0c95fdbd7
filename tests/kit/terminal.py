"""Somebody who types commands at a server that answers in the test's own process."""

import asyncio
import io
import json
import pathlib
from typing import Any

import pytest

from offhook.control.app import main
from offhook.control.configuration.config import Settings
from offhook.tests.kit.api import TOKEN, Api


class Terminal(Api):
    """`async with Terminal(…) as terminal`: the operator's, in `folder`."""

    def __init__(
        self,
        folder: pathlib.Path,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("OFFHOOK_API_TOKEN", TOKEN)
        super().__init__(folder, settings)
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    async def type(self, *words: str, given: str = "") -> tuple[int, str, str]:
        """Exit code, what was printed, what was complained about. `given`: on standard input."""
        self._monkeypatch.setattr("sys.stdin", io.StringIO(given))
        url = str(self.client.make_url(""))
        code = await asyncio.to_thread(main, [*words, "--url", url])
        out, err = self._capsys.readouterr()
        return code, out, err

    async def json(self, *words: str, given: str = "") -> Any:
        """What it prints for programs."""
        code, out, err = await self.type(*words, "--json", given=given)
        assert code == 0, err
        return json.loads(out)
