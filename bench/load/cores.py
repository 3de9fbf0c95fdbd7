"""Which core the server has, which one the load, and how to start something on one of them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

SERVER_CORE, LOAD_CORE = 1, 0


def enough() -> bool:
    """Two cores that this process may use."""
    return {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0)


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """What this process starts meanwhile inherits the core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
