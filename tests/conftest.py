"""Tests run from a checkout, installed or not: the repository root is `offhook`."""

import ctypes
import gc
import importlib.util
import os
import pathlib
import sys
from collections.abc import Generator, Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]

if "offhook" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "offhook", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["offhook"] = module
    spec.loader.exec_module(module)

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
UNCOLLECTED_BYTES = 64 << 20
"So much larger, this process is collected."

ON_BOTH = (
    "control/store/test_calls.py",
    "control/services/test_event_log.py",
)
"Tests that run on SQLite and, where there is one, on PostgreSQL (tests/README.md)."


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the garbage collector the tests themselves: nine thousand that live to the end.

    To look at them was half of the collection's time, and seldom looking again, as it does where
    much stays, kept hundreds of MB of what ended tests leave in cycles.
    """
    gc.disable()
    try:
        collected = yield
    finally:
        gc.enable()
    gc.collect()
    gc.freeze()
    gc.collect()  # that it has nothing left to look at it only learns by looking
    return collected


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Let go of what a test has left behind.

    aiohttp remembers how the last 1024 handlers were wrapped, and with them whose applications they
    were: that was a gigabyte. And the collector counts objects and not their size: a frame engine
    is few of them, in a cycle, with 35 MB of arrays and the descriptors of a ring.
    """
    try:
        return (yield)
    finally:
        if (served := sys.modules.get("aiohttp.web_app")) is not None:
            served._cached_build_middleware.cache_clear()
        collected_at.look()


class _CollectedAt:
    """How large this process was when it had been collected last."""

    def __init__(self) -> None:
        self._bytes = 0
        # glibc's: gives back to the system what is free between things that are not.
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", lambda _: 0)

    def look(self) -> None:
        """Collect what has made it much larger; what is left then outlives tests, as they do."""
        if resident_bytes() > self._bytes + UNCOLLECTED_BYTES:
            gc.collect()
            gc.freeze()
            self._trim(0)
            self._bytes = resident_bytes()


collected_at = _CollectedAt()


def resident_bytes() -> int:
    """This process's memory."""
    _, pages, *_ = pathlib.Path("/proc/self/statm").read_text().split()
    return int(pages) * PAGE_BYTES


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have some tests run on both databases."""
    if metafunc.definition.path.as_posix().endswith(ON_BOTH):
        from offhook.tests.kit.postgresql import missing

        why = missing()
        marks = [pytest.mark.interop, pytest.mark.skipif(why is not None, reason=why or "")]
        kinds = ["sqlite", pytest.param("postgresql", marks=marks)]
        metafunc.parametrize("database_kind", kinds, indirect=True)


@pytest.fixture(autouse=True)
def database_kind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whose databases a test gets (kit/database.py)."""
    kind = getattr(request, "param", "sqlite")
    if kind == "sqlite" and not os.environ.get("OFFHOOK_TEST_POSTGRESQL"):
        yield
        return
    from offhook.tests.kit.database import on_postgresql

    with on_postgresql():
        yield
