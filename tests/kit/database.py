"""A database for one test: a copy of one that was brought to the newest version once.

SQLite's, or PostgreSQL's where a test asks for that (`on_postgresql`).
"""

import asyncio
import concurrent.futures
import contextlib
import functools
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from offhook.control.services.accounts import ensure_operator
from offhook.control.store.database import Database
from offhook.media.clock import VirtualClock

from . import postgresql

FILE = "offhook.db"
ADDRESS = "postgresql"
"In a test's folder: the address of its database."

_kinds = ["sqlite"]
_made: list[str] = []
"PostgreSQL's, by this test."


@contextlib.contextmanager
def on_postgresql() -> Iterator[None]:
    """Databases that are made meanwhile are PostgreSQL's; they are gone afterwards."""
    _kinds.append("postgresql")
    try:
        yield
    finally:
        _kinds.pop()
        while _made:
            postgresql.cluster().drop(_made.pop())


def url_in(folder: pathlib.Path) -> str:
    """The address of the database in a folder."""
    if _kinds[-1] == "sqlite":
        return f"sqlite+aiosqlite:///{folder / FILE}"
    address = folder / ADDRESS
    if not address.exists():
        _copy_of_postgresql(folder, "template1")
    return address.read_text()


def copy_database(folder: pathlib.Path) -> Database:
    """A database with all tables and the operator's account, still to be opened."""
    if _kinds[-1] == "sqlite":
        shutil.copyfile(pathlib.Path(_sqlite_template().name) / FILE, folder / FILE)
    else:
        _copy_of_postgresql(folder, _postgresql_template())
    return Database(url_in(folder))


def _copy_of_postgresql(folder: pathlib.Path, template: str) -> None:
    cluster = postgresql.cluster()
    _made.append(cluster.create(template))
    (folder / ADDRESS).write_text(cluster.url(_made[-1]))


@functools.lru_cache(maxsize=1)
def _sqlite_template() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="offhook-database-")
    _fill(f"sqlite+aiosqlite:///{folder.name}/{FILE}")
    return folder


@functools.lru_cache(maxsize=1)
def _postgresql_template() -> str:
    cluster = postgresql.cluster()
    name = cluster.create()
    _fill(cluster.url(name))
    return name


def _fill(url: str) -> None:
    async def make() -> None:
        database = Database(url)
        await database.open()
        await ensure_operator(database, VirtualClock())
        await database.aclose()

    # In a thread of its own: the test's loop is running in this one.
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, make()).result()
