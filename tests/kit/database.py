"""A database for one test: a copy of one that was brought to the newest version once."""

import asyncio
import concurrent.futures
import functools
import pathlib
import shutil
import tempfile

from offhook.control.services.accounts import ensure_operator
from offhook.control.store.database import Database
from offhook.media.clock import VirtualClock

FILE = "offhook.db"


@functools.lru_cache(maxsize=1)
def _template() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="offhook-database-")

    async def make() -> None:
        database = Database(url_in(pathlib.Path(folder.name)))
        await database.open()
        await ensure_operator(database, VirtualClock())
        await database.aclose()

    # In a thread of its own: the test's loop is running in this one.
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, make()).result()
    return folder


def url_in(folder: pathlib.Path) -> str:
    """The address of the database in a folder."""
    return f"sqlite+aiosqlite:///{folder / FILE}"


def copy_database(folder: pathlib.Path) -> Database:
    """A database with all tables and the operator's account, still to be opened."""
    shutil.copyfile(pathlib.Path(_template().name) / FILE, folder / FILE)
    return Database(url_in(folder))
