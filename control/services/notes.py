"""Notes: what people write about a call, whether it goes on or has ended long ago."""

from typing import Any

from sqlalchemy import delete, insert, select

from ...media.clock import Clock
from ..auth.principal import Principal
from ..domain.calls import Note
from ..domain.events import CallUpdated, NoteAdded
from ..store import schema
from ..store.calls import SUMMARIES
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of
from .event_log import EventLog

NOTES = Rows(schema.NOTES, Note)
COLUMNS = schema.NOTES.c
TAGS = schema.NOTE_TAGS


class NoteService:
    """The verbs. A note belongs to the account whose call it is about, whoever has written it."""

    def __init__(self, database: Database, events: EventLog, clock: Clock) -> None:
        self._database = database
        self._events = events
        self._clock = clock

    async def add(
        self,
        who: Principal,
        call_id: str,
        text: str,
        category: str = "",
        tags: tuple[str, ...] = (),
    ) -> Note:
        """Write one; its author is whoever asks. Raises NotFound."""
        now = self._clock.wall()
        async with self._events.writing() as work:
            owner_id = await _owner(work.tx, who, call_id)
            note = await NOTES.add(
                work.tx,
                Note(
                    owner_id=owner_id,
                    call_id=call_id,
                    text=text,
                    category=category,
                    tags=tags,
                    author_id=who.account_id,
                    created_wall=now,
                    updated_wall=now,
                ),
            )
            await _tag(work.tx, note)
            work.tell(
                owner_id,
                NoteAdded(
                    at_wall=now,
                    call_id=call_id,
                    note_id=note.id,
                    text=text,
                    category=category,
                    author_id=note.author_id,
                ),
            )
        return note

    async def get(self, who: Principal, call_id: str, id_: str) -> Note:
        """One note of a call. Raises NotFound."""
        async with self._database.read() as tx:
            return await self._get(tx, who, call_id, id_)

    async def page(
        self,
        who: Principal,
        call_id: str,
        query: PageQuery,
        category: str | None = None,
        tag: str | None = None,
    ) -> Page[Note]:
        """A call's notes in pages. Raises NotFound."""
        where = [COLUMNS.call_id == call_id]
        if category is not None:
            where.append(COLUMNS.category == category)
        if tag is not None:
            where.append(COLUMNS.id.in_(select(TAGS.c.note_id).where(TAGS.c.tag == tag)))
        async with self._database.read() as tx:
            owner_id = await _owner(tx, who, call_id)
            return await NOTES.page(tx, owner_id, query, *where)

    async def change(self, who: Principal, call_id: str, id_: str, changes: dict[str, Any]) -> Note:
        """Change its text, category or tags. Raises NotFound."""
        now = self._clock.wall()
        async with self._events.writing() as work:
            note = await self._get(work.tx, who, call_id, id_)
            changed = await NOTES.update(work.tx, note, **changes, updated_wall=now)
            if changed.tags != note.tags:
                await work.tx.execute(delete(TAGS).where(TAGS.c.note_id == note.id))
                await _tag(work.tx, changed)
            work.tell(note.owner_id, _notes_changed(call_id, now))
        return changed

    async def delete(self, who: Principal, call_id: str, id_: str) -> None:
        """Delete one. Raises NotFound."""
        async with self._events.writing() as work:
            note = await self._get(work.tx, who, call_id, id_)
            await NOTES.delete(work.tx, note.id, note.owner_id)
            work.tell(note.owner_id, _notes_changed(call_id, self._clock.wall()))

    async def _get(self, tx: Transaction, who: Principal, call_id: str, id_: str) -> Note:
        owner = owner_of(who)
        note = await NOTES.find(tx, owner, COLUMNS.id == id_, COLUMNS.call_id == call_id)
        if note is None:
            raise missing("note", id_)
        return note


async def _tag(tx: Transaction, note: Note) -> None:
    """Let its call be found by its tags."""
    rows = [
        {"note_id": note.id, "call_id": note.call_id, "tag": tag} for tag in sorted(set(note.tags))
    ]
    if rows:
        await tx.execute(insert(TAGS), rows)


async def _owner(tx: Transaction, who: Principal, call_id: str) -> str:
    call = await SUMMARIES.get(tx, call_id, owner_of(who))
    if call is None:
        raise missing("call", call_id)
    return call.owner_id


def _notes_changed(call_id: str, wall: float) -> CallUpdated:
    return CallUpdated(at_wall=wall, call_id=call_id, fields=("notes",))
