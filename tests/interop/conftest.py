"""One real server for all tests of this folder, and the programs that call it.

The server is a process of its own on free ports of the loopback. Nothing here depends on the
machine's speed: it refuses no call for lateness, and every wait is for an event.
"""

import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from offhook.bench.load.server_process import ServerProcess
from offhook.tests.kit.api_client import ApiClient

GREETING = "Hello. You have reached the test line. Please say what you need."
ANY_LATENESS_MS = "100000"


@pytest.fixture
def needs_sipp() -> None:
    """Skip where sipp is not installed."""
    skip_without("sipp", "sip-tester")


@pytest.fixture
def needs_baresip() -> None:
    """Skip where baresip is not installed."""
    skip_without("baresip", "baresip")


def skip_without(program: str, package: str) -> None:
    """Skip, with the reason."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (apt-get install {package})")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A server that takes every call from this machine."""
    folder = tmp_path_factory.mktemp("server")
    agent = {"AGENTS_0_NAME": "tester", "AGENTS_0_GREETING": GREETING}
    async for started in serving(folder, **agent):
        yield started


async def serving(folder: Path, **settings: str) -> AsyncIterator[ServerProcess]:
    """A server with these settings; what it logged as wrong fails the test that ends it."""
    log = folder / "log"
    settings = {"LIMITS_MAX_LATENESS_MS": ANY_LATENESS_MS, "LOG_LEVEL": "info"} | settings
    async with ServerProcess(folder / "data", log, **settings) as server:
        yield server
    text = log.read_text()
    logging.getLogger(__name__).info("the server's log:\n%s", text)
    assert "ERROR" not in text, text
    assert "Traceback" not in text, text


@pytest_asyncio.fixture(loop_scope="session")
async def api(server: ServerProcess) -> AsyncIterator[ApiClient]:
    """The server's API, and its events from now on."""
    async with ApiClient(server.http) as client:
        yield client
