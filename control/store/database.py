"""SHELL: the database: one writer at a time, many readers; SQLite and PostgreSQL by the same verbs.

`async with database.read() as tx` and `async with database.write() as tx`: a transaction each,
committed at the end, rolled back when something is raised. SQLite is in WAL mode: readers never
wait for the writer, and a killed process loses nothing that was committed. Its writes are not
forced to the disk one by one (synchronous=NORMAL): a power cut may lose the last ones, whole.
PostgreSQL's own ways, and what several processes on one need: postgresql.py.
"""

import asyncio
import contextlib
import fcntl
import os
import pathlib
from collections.abc import AsyncIterator
from typing import Any, Protocol

import msgspec
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from ..errors import Conflict, StoreError
from . import postgresql
from .migrating import migrate
from .one_hop import OneHopDriver
from .postgresql import WRITES

READERS = 4
"Connections beside the writer's; on SQLite each is a thread."
BUSY_MS = 5_000
"How long SQLite waits for a lock that another program holds."
SLOW_S = 1.0
"A transaction of more is told of."
LOCK_FILE = ".lock"
NODE = "offhook_node"

Transaction = AsyncConnection

_encode = msgspec.json.Encoder().encode


class StoreWatch(Protocol):
    """Who is told how long transactions wait and take, by their own clock."""

    def now(self) -> float:
        """The moment, in seconds."""
        ...

    def waited(self, seconds: float) -> None:
        """A writer had its turn."""
        ...

    def ended(self, kind: str, seconds: float, done: bool) -> None:
        """A transaction (`read` or `write`) is over; False: it was rolled back or refused."""
        ...


class Database:
    """`await open()` first, `await aclose()` last."""

    def __init__(self, url: str, node: str = "") -> None:
        """`url` as SQLAlchemy has it: `sqlite+aiosqlite:///…` or `postgresql+asyncpg://…`.

        `node`: this process's name among those that share it. Raises StoreError when it is no such
        address, or its driver is not installed.
        """
        self.url = url
        self.node = node
        try:
            parsed = make_url(url)
            self._where = parsed.render_as_string(hide_password=True)
            self.is_sqlite = parsed.get_backend_name() == "sqlite"
            self.file = parsed.database if self.is_sqlite else None
            "SQLite's."
            self._engine = _engine(url, self.is_sqlite)
        except (ArgumentError, ModuleNotFoundError) as exc:
            raise StoreError("the database's address", str(exc)) from exc
        if self.is_sqlite:
            _set_up_sqlite(self._engine)
        else:
            postgresql.set_up(self._engine)
        # On PostgreSQL as well: who waits for other nodes holds one connection, not all.
        self._writing = asyncio.Lock()
        self._reading = {} if self.is_sqlite else postgresql.options(writes=False)
        changing = {WRITES: True} if self.is_sqlite else postgresql.options(writes=True)
        self._changing = changing | {NODE: node}
        self._lock_fd = -1
        self.writes = 0
        "Transactions that were committed."
        self.waiting_writes = 0
        "Transactions that wait for their turn."
        self.slow = 0
        "Transactions that took longer than SLOW_S, as long as somebody watches."
        self.watch: StoreWatch = _Nobody()
        "Who is told of transactions."

    @property
    def connections(self) -> int:
        """That are open."""
        pool = self._engine.pool
        return pool.checkedin() + pool.checkedout() if isinstance(pool, QueuePool) else 1

    async def open(self) -> None:
        """Take the file, bring the tables to this program's version. Raises StoreError."""
        if self.file:
            self._lock(pathlib.Path(self.file))
        async with self.write() as tx:
            await tx.run_sync(migrate, self._where)

    async def aclose(self) -> None:
        """Close every connection and give the file back."""
        await self._engine.dispose()
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """A transaction that only reads. Raises StoreError."""
        with self._told("read"):
            async with self._connection(self._reading) as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """A transaction that writes: when it is left, what it did is kept, or nothing is.

        Raises Conflict when it breaks a rule of the schema (unique, foreign key), and StoreError.
        """
        asked_at = self.watch.now()
        self.waiting_writes += 1
        waiting = True
        try:
            async with self._writing:
                self.waiting_writes -= 1
                waiting = False
                self.watch.waited(self.watch.now() - asked_at)
                with self._told("write"):
                    async with self._connection(self._changing) as tx, tx.begin():
                        yield tx
        finally:
            self.waiting_writes -= waiting
        self.writes += 1

    @contextlib.asynccontextmanager
    async def _connection(self, options: dict[str, Any]) -> AsyncIterator[AsyncConnection]:
        unreachable: tuple[type[Exception], ...] = (
            OSError,
            *postgresql.driver_errors(self.is_sqlite),
        )
        try:
            connection = await self._engine.connect()
        except unreachable as exc:
            # Before there is a connection asyncpg's errors come as they are.
            raise StoreError(self._where, str(exc)) from exc
        try:
            await connection.execution_options(**options)
            yield connection
        finally:
            # To its end, as SQLAlchemy's own `async with` does it.
            await asyncio.shield(connection.close())

    @contextlib.contextmanager
    def _told(self, kind: str) -> Any:
        begun_at, done = self.watch.now(), False
        try:
            yield
            done = True
        except IntegrityError as exc:
            raise Conflict(_rule(exc)) from exc
        except DBAPIError as exc:
            # PostgreSQL's words for a bad value have the value in them.
            bad = postgresql.blames_value(exc.orig)
            what = "it holds no such value" if bad else str(exc.orig)
            raise StoreError(self._where, what) from exc
        except SQLAlchemyError as exc:
            raise StoreError(self._where, str(exc)) from exc
        finally:
            took_s = self.watch.now() - begun_at
            self.slow += took_s > SLOW_S
            self.watch.ended(kind, took_s, done)

    def _lock(self, file: pathlib.Path) -> None:
        """One process a file: what is in progress when it opens was cut off by a crash."""
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock_fd = os.open(file.with_name(LOCK_FILE), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Made here, so that nobody else may read it: SQLite would ask the umask.
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        except BlockingIOError as exc:
            os.close(self._lock_fd)
            self._lock_fd = -1
            raise StoreError(str(file.parent), "another Offhook is using this folder") from exc
        except OSError as exc:
            raise StoreError(str(file.parent), exc.strerror or str(exc)) from exc


def node_of(tx: Transaction) -> str:
    """The name of the process whose transaction this is, among those that share the database."""
    assert tx.sync_connection is not None, "a transaction has begun"
    return str(tx.sync_connection.get_execution_options()[NODE])


class _Nobody:
    """Before anybody watches."""

    def now(self) -> float:
        return 0.0

    def waited(self, seconds: float) -> None:
        """Nobody is told."""

    def ended(self, kind: str, seconds: float, done: bool) -> None:
        """Nobody is told."""


def _engine(url: str, is_sqlite: bool) -> AsyncEngine:
    driver: dict[str, Any] = {"connect_args": {"server_settings": postgresql.SESSION}}
    if is_sqlite:
        driver = {"module": OneHopDriver()}
    return create_async_engine(
        url,
        **driver,
        pool_size=READERS + 1,
        max_overflow=0,
        json_serializer=lambda value: _encode(value).decode(),
        json_deserializer=msgspec.json.decode,
    )


def _set_up_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        # The driver would begin transactions by itself, and only before writes.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_MS}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        # A writer takes its lock at once: a reader that turns writer could find it taken.
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _rule(exc: IntegrityError) -> str:
    """Which rule was broken, without the values that broke it."""
    text = str(exc.orig)
    if "UNIQUE" in text or "unique" in text:
        return "there is one with that value already"
    if "FOREIGN KEY" in text or "foreign key" in text:
        return "it refers to something that does not exist, or something refers to it"
    return "it breaks a rule of the database"
