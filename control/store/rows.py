"""Entities as rows: one class for every kind, because a row is its Struct's fields.

Every verb takes the transaction (database.py) and `owner`: an account's id, or None for whoever may
see all. What belongs to another account is not found: its existence is nobody else's business.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Select, Table, and_, delete, func, insert, or_, select, update

from ..domain.entity import Entity
from ..errors import BadRequest
from .database import Transaction

EntityT = TypeVar("EntityT", bound=Entity)
MAX_CURSOR_CHARS = 512
MAX_SEQ = 2**63 - 1


class PageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list. A cursor and an offset exclude each other."""

    limit: int = 50
    cursor: str | None = None
    "`next` of the page before."
    offset: int = 0
    "For older APIs that count pages; costs more the further it goes."
    sort: str = "-seq"
    "A column's name, `-` before it for descending."
    total: bool = False
    "Count them all as well."


class Page(msgspec.Struct, Generic[EntityT], frozen=True):
    """Some of a list."""

    items: tuple[EntityT, ...]
    next: str | None = None
    "The cursor of the page after this one; None: this is the last."
    total: int | None = None


class Rows(Generic[EntityT]):
    """One kind of entity in its table. `entity` may have fewer fields than the table columns."""

    def __init__(self, table: Table, entity: type[EntityT]) -> None:
        names = entity.__struct_fields__
        missing = [name for name in names if name not in table.c]
        assert not missing, f"{table.name} lacks {missing}"
        self.table = table
        self.entity = entity
        self._columns = [table.c[name] for name in names]
        self._all = select(*self._columns)
        "Made once: naming thirty columns costs as much as asking for them."
        self._owned = "owner_id" in names

    # --- one ------------------------------------------------------------------------------------

    async def add(self, tx: Transaction, entity: EntityT) -> EntityT:
        """Store a new one; returns it with its `seq`. Raises Conflict (on leaving `write()`)."""
        values = _values(entity)
        del values["seq"]
        result = await tx.execute(insert(self.table).values(values).returning(self.table.c.seq))
        return msgspec.structs.replace(entity, seq=result.scalar_one())

    async def add_all(self, tx: Transaction, entities: Sequence[EntityT]) -> list[EntityT]:
        """Store many new ones in one statement; returns them with their `seq`, in their order."""
        if not entities:
            return []
        rows = [_values(entity) for entity in entities]
        for row in rows:
            del row["seq"]
        wanted = insert(self.table).returning(self.table.c.seq, sort_by_parameter_order=True)
        seqs = (await tx.execute(wanted, rows)).scalars()
        pairs = zip(entities, seqs, strict=True)
        return [msgspec.structs.replace(entity, seq=seq) for entity, seq in pairs]

    async def get(self, tx: Transaction, id_: str, owner: str | None) -> EntityT | None:
        """The one with this UUID."""
        return await self.find(tx, owner, self.table.c.id == id_)

    async def by_seq(self, tx: Transaction, seq: int, owner: str | None) -> EntityT | None:
        """The one with this number."""
        return await self.find(tx, owner, self.table.c.seq == seq)

    async def find(
        self, tx: Transaction, owner: str | None, *where: ColumnElement[bool]
    ) -> EntityT | None:
        """The newest one that fits."""
        query = self._select(owner, where).order_by(self.table.c.seq.desc()).limit(1)
        row = (await tx.execute(query)).first()
        return None if row is None else self._entity(row)

    async def update(self, tx: Transaction, entity: EntityT, **changes: Any) -> EntityT:
        """Store changes of one that was read in this transaction; returns it changed."""
        changed = msgspec.structs.replace(entity, **changes)
        values = _values(changed)
        wanted = {name: values[name] for name in changes}
        await tx.execute(update(self.table).where(self.table.c.id == entity.id).values(wanted))
        return changed

    async def update_where(
        self, tx: Transaction, owner: str | None, *where: ColumnElement[bool], **changes: Any
    ) -> int:
        """Change all that fit (values as columns hold them); returns how many there were."""
        statement = update(self.table).where(*self._mine(owner), *where).values(changes)
        return int((await tx.execute(statement)).rowcount)

    async def delete(self, tx: Transaction, id_: str, owner: str | None) -> bool:
        """Delete one; False: there is none."""
        return bool(await self.delete_where(tx, owner, self.table.c.id == id_))

    async def delete_where(
        self, tx: Transaction, owner: str | None, *where: ColumnElement[bool]
    ) -> int:
        """Delete all that fit; returns how many there were."""
        statement = delete(self.table).where(*self._mine(owner), *where)
        return int((await tx.execute(statement)).rowcount)

    # --- many -----------------------------------------------------------------------------------

    async def all(
        self, tx: Transaction, owner: str | None, *where: ColumnElement[bool], limit: int = 1000
    ) -> list[EntityT]:
        """The oldest `limit` that fit, oldest first."""
        query = self._select(owner, where).order_by(self.table.c.seq).limit(limit)
        return [self._entity(row) for row in await tx.execute(query)]

    async def first(
        self,
        tx: Transaction,
        owner: str | None,
        *where: ColumnElement[bool],
        order: Sequence[ColumnElement[Any]],
        limit: int,
        claim: bool = False,
    ) -> list[EntityT]:
        """The first `limit` that fit, in an order of columns.

        `claim`: they are ours until the transaction ends; those that somebody else has in hand are
        passed over. On SQLite nobody else can.
        """
        query = self._select(owner, where).order_by(*order).limit(limit)
        if claim:
            query = query.with_for_update(skip_locked=True)
        return [self._entity(row) for row in await tx.execute(query)]

    async def count(self, tx: Transaction, owner: str | None, *where: ColumnElement[bool]) -> int:
        """How many fit."""
        query = select(func.count()).select_from(self.table).where(*self._mine(owner), *where)
        return int((await tx.execute(query)).scalar_one())

    async def page(
        self, tx: Transaction, owner: str | None, query: PageQuery, *where: ColumnElement[bool]
    ) -> Page[EntityT]:
        """A page of those that fit. Raises BadRequest naming `sort` or `cursor`."""
        name = query.sort.removeprefix("-")
        if name not in self.table.c:
            raise BadRequest(f"cannot be sorted by {name!r}", field="sort")
        column, seq = self.table.c[name], self.table.c.seq
        descending = query.sort.startswith("-")
        statement = self._select(owner, where).add_columns(
            column.label("cursor_value"), seq.label("cursor_seq")
        )
        if query.cursor is not None:
            statement = statement.where(_after(column, seq, descending, query.cursor))
        order = (column.desc(), seq.desc()) if descending else (column.asc(), seq.asc())
        statement = statement.order_by(*order).offset(query.offset or None).limit(query.limit + 1)
        rows = list(await tx.execute(statement))
        more = len(rows) > query.limit
        rows = rows[: query.limit]
        return Page(
            tuple(self._entity(row) for row in rows),
            _cursor(rows[-1].cursor_value, rows[-1].cursor_seq) if more else None,
            await self.count(tx, owner, *where) if query.total else None,
        )

    # --- inside ---------------------------------------------------------------------------------

    def _mine(self, owner: str | None) -> tuple[ColumnElement[bool], ...]:
        if owner is None:
            return ()
        assert self._owned, f"{self.table.name} has no owners"
        return (self.table.c.owner_id == owner,)

    def _select(self, owner: str | None, where: Sequence[ColumnElement[bool]]) -> Select[Any]:
        return self._all.where(*self._mine(owner), *where)

    def _entity(self, row: Any) -> EntityT:
        # The database holds only what our own Structs wrote: a mismatch is a bug, and raises.
        values = dict(zip(self.entity.__struct_fields__, row, strict=False))
        return msgspec.convert(values, self.entity)


def _values(entity: Entity) -> dict[str, Any]:
    """The columns' values; nested Structs as JSON has them."""
    return {name: msgspec.to_builtins(getattr(entity, name)) for name in entity.__struct_fields__}


def _cursor(value: Any, seq: int) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((value, seq))).decode().rstrip("=")


def _after(
    column: ColumnElement[Any], seq: ColumnElement[Any], descending: bool, cursor: str
) -> ColumnElement[bool]:
    """Rows beyond the cursor. NULLs cannot be compared: they are not paged through."""
    try:
        if len(cursor) > MAX_CURSOR_CHARS:
            raise ValueError("too long")
        padded = cursor + "=" * (-len(cursor) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        value, number = msgspec.json.decode(raw, type=tuple[str | int | float | bool, int])
        # SQLite compares anything with anything; PostgreSQL is told what it compares.
        if isinstance(value, str) is not (column.type.python_type is str):
            raise ValueError("another column's")
        if not -MAX_SEQ <= number <= MAX_SEQ:
            raise ValueError("no row's number")
    except (ValueError, binascii.Error, msgspec.DecodeError) as exc:
        raise BadRequest("not a cursor of this list", field="cursor") from exc
    if descending:
        return or_(column < value, and_(column == value, seq < number))
    return or_(column > value, and_(column == value, seq > number))
