"""A whole server in the test's own process, which then has its garbage collector back.

Not here: a server as a process of its own (bench/load/server_process.py).
"""

import contextlib
import gc
from collections.abc import AsyncIterator

import pytest

from offhook.control.configuration.config import Settings
from offhook.control.wiring import Server


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
