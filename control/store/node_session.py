"""SHELL: this process among those that share a PostgreSQL. On SQLite it is alone, and leads.

A connection of its own holds two advisory locks. The node's name is one, so that no two processes
are the same node: what a node left in progress is ended when it starts again. The other is held by
one node of all, which leads: it alone does what must not be done twice at once (who sends webhooks
and messages asks `leads`). With the connection both are lost, and another node leads; this one
takes its place behind it as soon as it can.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from ...media.clock import Clock
from ..errors import StoreError
from . import postgresql
from .database import Database

NAME_WAIT_MS = 5_000
"A process that was killed a moment ago is given so long to be gone."
RETRY_S = 1.0
"After that a lost connection is tried again."
LEADER = "the leader"

logger = logging.getLogger(__name__)

_LOCK = text("SELECT pg_advisory_lock(:group, :key)")


class NodeSession:
    """`start()`, when the database is open; `aclose()` last. `watch` it before."""

    def __init__(
        self, database: Database, clock: Clock, *, name_wait_ms: int = NAME_WAIT_MS
    ) -> None:
        """`name_wait_ms`: so long another process with the name may take to be gone."""
        self._database = database
        self._clock = clock
        self._name_wait_ms = name_wait_ms
        self.leads = database.is_sqlite
        "Nobody else does now what only one node may do."
        self._watchers: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()

    def watch(self, callback: Callable[[], None]) -> None:
        """Call back, at once and without waiting, when this node leads, or does not any more."""
        self._watchers.append(callback)

    async def start(self) -> None:
        """Take the node's name. Raises StoreError when another process has it."""
        if self._database.is_sqlite:
            return
        connection = await self._connected()
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._run(connection), name="hold the node's place")

    async def aclose(self) -> None:
        """Give up name and lead."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._change(self._database.is_sqlite)

    async def _run(self, connection: AsyncConnection) -> None:
        while True:
            try:
                # Waits in the database for as long as another node leads.
                await connection.execute(_LOCK, _key(LEADER))
                self._change(True)
                await self._lost.wait()
            except DBAPIError as exc:
                logger.debug("the place among the nodes: %s", exc)
            finally:
                self._change(False)
                await _close(connection)
            logger.warning("the connection that holds this node's place was lost")
            connection = await self._connected_again()

    async def _connected_again(self) -> AsyncConnection:
        while True:
            over = asyncio.Event()
            self._clock.call_at(self._clock.now() + RETRY_S, over.set)
            await over.wait()
            try:
                return await self._connected()
            except StoreError as exc:
                logger.error("this node has no place among the others: %s", exc)

    async def _connected(self) -> AsyncConnection:
        """With the name's lock."""
        self._lost.clear()
        engine = create_async_engine(
            self._database.url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"server_settings": postgresql.SESSION},
        )
        connection: AsyncConnection | None = None
        try:
            connection = await engine.connect()
            raw: Any = (await connection.get_raw_connection()).driver_connection
            raw.add_termination_listener(lambda _: self._lost.set())
            await connection.execute(text(f"SET lock_timeout = {self._name_wait_ms}"))
            await connection.execute(_LOCK, _key(f"node {self._database.node}"))
            await connection.execute(text("SET lock_timeout = 0"))
        except (SQLAlchemyError, OSError) as exc:
            if connection is not None:
                await _close(connection)
            if "lock timeout" in str(exc):
                node = self._database.node
                what = f"another server is its node {node!r}: give each a `node` of its own"
                raise StoreError("the database", what) from exc
            raise StoreError("the database", str(exc)) from exc
        return connection

    def _change(self, leads: bool) -> None:
        if leads is self.leads:
            return
        self.leads = leads
        logger.info("node %s: %s", self._database.node, "leads" if leads else "does not lead")
        for callback in self._watchers:
            callback()


async def _close(connection: AsyncConnection) -> None:
    # Not given back: with it go its locks.
    await connection.invalidate()
    await connection.close()
    await connection.engine.dispose()


def _key(name: str) -> dict[str, int]:
    group, key = postgresql.name_lock(name)
    return {"group": group, "key": key}
