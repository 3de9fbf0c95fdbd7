"""The Python SDK's modules, from their folder; test_installed_package.py has them as a package."""

import sys
from collections.abc import AsyncIterator

import pytest

from offhook.tests.conftest import ROOT
from offhook.tests.kit.scripted_aetherium import ScriptedAetherium

if (folder := str(ROOT / "sdk" / "python")) not in sys.path:
    sys.path.insert(0, folder)


@pytest.fixture
async def aetherium() -> AsyncIterator[ScriptedAetherium]:
    """A server that does as it is told."""
    async with ScriptedAetherium() as server:
        yield server
