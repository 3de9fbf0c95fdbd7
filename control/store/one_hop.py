"""SHELL: SQLAlchemy's cursor over aiosqlite, with one trip to the connection's thread a statement.

The dialect's own asks the thread for a cursor, for the statement, for the rows and for the end, and
each trip wakes two threads that share the interpreter: 8 of them were most of what a small read
cost. Here a statement is carried out, fetched and closed in the one. Rows come all at once in
either case. Not for cursors on the server: SQLite has none.
"""

import collections
import sqlite3
from collections.abc import Callable
from typing import Any, NamedTuple

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)


class _Done(NamedTuple):
    """What is asked of a cursor once its statement is done."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None


class OneHopCursor(AsyncAdapt_aiosqlite_cursor):
    """A DBAPI cursor (PEP 249), as far as SQLAlchemy uses one."""

    __slots__ = ("_done",)

    def __init__(self, adapt_connection: Any) -> None:
        # Not super(): it would open a cursor by a trip of its own.
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._rows = collections.deque()
        self._done = _Done()

    @property
    def description(self) -> Any:
        return self._done.description

    @property
    def rowcount(self) -> int:
        return self._done.rowcount

    @property
    def lastrowid(self) -> Any:
        return self._done.lastrowid

    def close(self) -> None:
        """It is closed in the thread already."""
        self._rows.clear()

    async def _async_soft_close(self) -> None:
        """Nothing is open."""

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        given = () if parameters is None else parameters
        await self._carry_out(lambda cursor: cursor.execute(operation, given))

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        await self._carry_out(lambda cursor: cursor.executemany(operation, seq_of_parameters))

    async def _carry_out(self, statement: Callable[[sqlite3.Cursor], object]) -> None:
        connection: Any = self._connection

        def whole() -> tuple[_Done, list[Any]]:
            cursor = connection._conn.cursor()
            try:
                statement(cursor)
                rows = cursor.fetchall() if cursor.description else []
                # After the rows: of what a statement returns SQLite counts as it is fetched.
                return _Done(cursor.description, cursor.rowcount, cursor.lastrowid), rows
            finally:
                cursor.close()

        async with self._adapt_connection._execute_mutex:
            self._done, rows = await connection._execute(whole)
        self._rows = collections.deque(rows)


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    _cursor_cls = OneHopCursor


class OneHopDriver(AsyncAdapt_aiosqlite_dbapi):
    """For `create_async_engine(module=…)`."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *arg: Any, **kw: Any) -> AsyncAdapt_aiosqlite_connection:
        """A connection of ours around the one that aiosqlite makes."""
        return _Connection(self, super().connect(*arg, **kw)._connection)
