"""A whole server in the test's own process, which then has its garbage collector back.

Not here: a server as a process of its own (bench/load/server_process.py).
"""

import contextlib
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook.control.configuration import config
from offhook.control.configuration.config import Settings
from offhook.control.wiring import Server

FREE_PORTS = {
    "HTTP_PORT": "0",
    "SIP_HOST": "127.0.0.1",
    "SIP_PORT": "0",
    "RTP_HOST": "127.0.0.1",
    "RTP_PORTS": "0",
    # A busy machine is no reason to refuse a test's calls.
    "LIMITS_MAX_LATENESS_MS": "10000",
}


def on_free_ports(folder: Path, **own: str) -> Settings:
    """Of a server on the loopback with its data in `folder`; `own`: `API_TOKEN="…"` and such."""
    environment = FREE_PORTS | {"DATA": str(folder)} | own
    return config.load({f"OFFHOOK_{name}": value for name, value in environment.items()})


@contextlib.asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[Server]:
    """A server that is ready; it is closed on leaving.

    What lives when a server becomes ready it exempts from collections for good. That is right in a
    process of its own; here every test's server would be kept to the end.
    """
    thresholds = gc.get_threshold()
    try:
        async with contextlib.AsyncExitStack() as stack:
            server = Server(settings)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(gc, "freeze", lambda: None)
                await server.start(stack)
            yield server
    finally:
        gc.set_threshold(*thresholds)
