"""Calls in the database: changes of many calls in one transaction, with the events that tell them.

A call is a row, its turns are rows of their own that never change, its media record is JSON without
the turns. Lists read no record and no turns. Not here: the calls in memory (calls/registry.py).
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.sql import ColumnElement

from ...media.conversation.records import CallRecord, Turn
from ..domain.analyses import Sentiment
from ..domain.calls import (
    ESCALATIONS_OVER,
    IN_PROGRESS,
    Call,
    CallStatus,
    CallSummary,
    EscalationStatus,
    Outcome,
    Recording,
)
from ..domain.webhooks import StoredEvent
from ..errors import Conflict, OnOtherNode, StoreError
from . import schema
from .database import Database, Transaction
from .postgresql import blames_value
from .rows import Page, PageQuery, Rows

CALLS = Rows(schema.CALLS, Call)
SUMMARIES = Rows(schema.CALLS, CallSummary)
EVENTS = Rows(schema.EVENTS, StoredEvent)
RECORDINGS = Rows(schema.RECORDINGS, Recording)
COLUMNS = schema.CALLS.c
ESCALATION = schema.ESCALATIONS.c
GOES_ON = [each.value for each in EscalationStatus if each not in ESCALATIONS_OVER]
TAKING = (ESCALATION.mode == "talk", ESCALATION.status.in_(GOES_ON))
"Of an escalation: a person is asked to take the call, or has it."
TURN_COLUMNS = ("index", "role", "text", "begin_samples", "end_samples")
MAX_TURNS = 10_000
"Of one call; a reader gets no more at once."
FORGET_BATCH = 200
"Old calls that are deleted in one transaction."

LIVE_COLUMNS = (
    "status",
    "outcome",
    "cause",
    "sip_status",
    "q850",
    "gsm_cause",
    "failure_reason",
    "next_retry_wall",
    "from_number",
    "to_number",
    "line",
    "agent_id",
    "agent_name",
    "human_agent_id",
    "attempts",
    "substitutions",
    "wire_id",
    "started_wall",
    "answered_wall",
    "ended_wall",
    "duration_s",
    "voicemail",
    "recording",
    "sentiment",
    "record",
    "usage",
    "cost",
    "updated_wall",
)
"What a running call changes. The rest is its owner's, who may change it meanwhile."

_UPDATE = (
    update(schema.CALLS)
    .where(COLUMNS.id == bindparam("the_id"))
    .values({name: bindparam(f"new_{name}") for name in LIVE_COLUMNS})
)

_CLOSED = ("size_bytes", "length_s", "updated_wall")
"What is known of a recording for sure when its file is closed."
_UPDATE_RECORDING = (
    update(schema.RECORDINGS)
    .where(schema.RECORDINGS.c.id == bindparam("the_id"))
    .values({name: bindparam(f"new_{name}") for name in _CLOSED})
)

EQUALS = ("inbound", "agent_id", "line", "schedule_id", "campaign_id", "import_job_id")
"Fields of a filter that a call has, too."


class CallChange(msgspec.Struct, frozen=True):
    """A call as it is now, and what it has said since it was stored last."""

    call: Call
    "Its record holds no turns."
    turns: tuple[Turn, ...] = ()
    is_new: bool = False
    "It has no row yet."
    recording: Recording | None = None
    "Of a call that has ended."
    recording_is_new: bool = False
    "That has no row yet: it is stored together with the end."


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls; None: all."""

    statuses: tuple[CallStatus, ...] | None = None
    outcome: Outcome | None = None
    outcomes: tuple[Outcome, ...] | None = None
    "Any of these; what has not ended has none."
    sentiment: Sentiment | None = None
    inbound: bool | None = None
    agent_id: str | None = None
    number: str | None = None
    "Of either side."
    line: str | None = None
    schedule_id: str | None = None
    campaign_id: str | None = None
    import_job_id: str | None = None
    tag: str | None = None
    "Of a note about it. Only the database knows: `fits` takes it as given."
    escalated: bool | None = None
    "A person is asked to take it, or has it. The same is true of this."
    created_after_wall: float | None = None
    created_before_wall: float | None = None
    scheduled_before_wall: float | None = None
    "When it is, or was, to be placed."
    search: str | None = None
    "A part of a number or of the agent's name."

    def fits(self, call: CallSummary) -> bool:
        """Whether a call is among them: as `where` says it to the database."""
        text = (self.search or "").lower()
        searched = (call.from_number, call.to_number, call.agent_name)
        return (
            (self.statuses is None or call.status in self.statuses)
            and self.outcome in (None, call.outcome)
            and (self.outcomes is None or call.outcome in self.outcomes)
            and (
                self.scheduled_before_wall is None
                or (call.scheduled_wall or call.created_wall) < self.scheduled_before_wall
            )
            and self.sentiment in (None, call.sentiment)
            and self.inbound in (None, call.inbound)
            and self.agent_id in (None, call.agent_id)
            and self.number in (None, call.from_number, call.to_number)
            and self.line in (None, call.line)
            and self.schedule_id in (None, call.schedule_id)
            and self.campaign_id in (None, call.campaign_id)
            and self.import_job_id in (None, call.import_job_id)
            and (self.created_after_wall is None or call.created_wall >= self.created_after_wall)
            and (self.created_before_wall is None or call.created_wall < self.created_before_wall)
            and (not text or any(text in part.lower() for part in searched))
        )

    def where(self) -> list[ColumnElement[bool]]:
        """For the database."""
        found: list[ColumnElement[bool]] = []
        if self.statuses is not None:
            found.append(COLUMNS.status.in_([status.value for status in self.statuses]))
        if self.outcome is not None:
            found.append(COLUMNS.outcome == self.outcome.value)
        if self.outcomes is not None:
            found.append(COLUMNS.outcome.in_([outcome.value for outcome in self.outcomes]))
        if self.scheduled_before_wall is not None:
            moment = func.coalesce(COLUMNS.scheduled_wall, COLUMNS.created_wall)
            found.append(moment < self.scheduled_before_wall)
        if self.sentiment is not None:
            found.append(COLUMNS.sentiment == self.sentiment.value)
        for name in EQUALS:
            if (value := getattr(self, name)) is not None:
                found.append(COLUMNS[name] == value)
        if self.number is not None:
            found.append(or_(COLUMNS.from_number == self.number, COLUMNS.to_number == self.number))
        if self.tag is not None:
            tags = schema.NOTE_TAGS.c
            found.append(COLUMNS.id.in_(select(tags.call_id).where(tags.tag == self.tag)))
        if self.escalated is not None:
            is_escalated = COLUMNS.id.in_(select(ESCALATION.call_id).where(*TAKING))
            found.append(is_escalated if self.escalated else ~is_escalated)
        if self.created_after_wall is not None:
            found.append(COLUMNS.created_wall >= self.created_after_wall)
        if self.created_before_wall is not None:
            found.append(COLUMNS.created_wall < self.created_before_wall)
        if self.search:
            searched = (COLUMNS.from_number, COLUMNS.to_number, COLUMNS.agent_name)
            found.append(or_(*(c.icontains(self.search, autoescape=True) for c in searched)))
        return found


class Saved(msgspec.Struct, frozen=True):
    """What became of a round."""

    seqs: dict[str, int]
    "Of new calls: id -> number."
    events: tuple[StoredEvent, ...]
    "With their numbers, in order."
    refused: dict[str, str] = {}
    "Calls that can never be stored as they are: id -> why."


class Unstorable(Exception):
    """The database would refuse it again and again: text that no UTF-8 and no JSON holds."""


async def check_here(tx: Transaction, call_id: str, here: str) -> None:
    """Raises OnOtherNode for a call that a node other than `here` carries."""
    status = COLUMNS.status.in_([status.value for status in IN_PROGRESS])
    query = select(COLUMNS.node).where(COLUMNS.id == call_id, status, COLUMNS.node != here)
    node = (await tx.execute(query)).scalar_one_or_none()
    if node is not None:
        raise OnOtherNode(call_id, node)


class CallStore:
    """Keeps calls beyond the process, in a database that is open."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_shared = not database.is_sqlite
        "Calls in progress may be other nodes'."

    async def save(self, changes: Sequence[CallChange], events: Sequence[StoredEvent]) -> Saved:
        """Keep the state of these calls and the events; when it returns, a crash loses neither.

        All of it or nothing: raises StoreError, and may be tried again. Only what the database
        refuses for its content (a call whose account is gone, text that is none) is left out.
        """
        try:
            return await self._save(changes, events)
        except (Conflict, Unstorable):
            return await self._save_one_by_one(changes, events)

    async def get(
        self, call_id: str, owner: str | None, after: int = -1, limit: int = MAX_TURNS
    ) -> Call | None:
        """A call, as saved last; in its record the turns whose index is beyond `after`."""
        async with self._database.read() as tx:
            call = await CALLS.get(tx, call_id, owner)
            if call is not None and call.record is not None:
                call.record.turns = await self._turns(tx, call_id, after, limit)
            return call

    async def summary(self, call_id: str, owner: str | None) -> CallSummary | None:
        """A call without record and turns."""
        async with self._database.read() as tx:
            return await SUMMARIES.get(tx, call_id, owner)

    async def page(
        self, owner: str | None, query: PageQuery, wanted: CallFilter
    ) -> Page[CallSummary]:
        """Calls in pages. Raises BadRequest."""
        where = wanted.where()
        name = query.sort.removeprefix("-")
        if name != "seq" and name in COLUMNS and COLUMNS[name].nullable:
            where.append(COLUMNS[name].is_not(None))  # what has no such moment has no place
        async with self._database.read() as tx:
            return await SUMMARIES.page(tx, owner, query, *where)

    async def check_here(self, call_id: str) -> None:
        """Raises OnOtherNode for a call that another node carries."""
        async with self._database.read() as tx:
            await check_here(tx, call_id, self._database.node)

    async def cut_off(self) -> list[Call]:
        """Calls of this node that are in progress by their rows: at the start, a crash has cut
        them off. A file has one process, whatever it was called before."""
        status = COLUMNS.status.in_([status.value for status in IN_PROGRESS])
        where: list[ColumnElement[bool]] = [status]
        if not self._database.is_sqlite:
            where.append(COLUMNS.node == self._database.node)
        async with self._database.read() as tx:
            return await CALLS.all(tx, None, *where, limit=100_000)

    async def old(self, ended_before_wall: float) -> list[CallSummary]:
        """Some of the calls that ended before: at most FORGET_BATCH."""
        async with self._database.read() as tx:
            old = COLUMNS.ended_wall < ended_before_wall
            return await SUMMARIES.all(tx, None, old, limit=FORGET_BATCH)

    async def forget(self, call_ids: Sequence[str]) -> None:
        """Delete calls with what hangs on them in the database."""
        async with self._database.write() as tx:
            await tx.execute(delete(schema.CALLS).where(COLUMNS.id.in_(call_ids)))

    # --- inside ---------------------------------------------------------------------------------

    async def _save(self, changes: Sequence[CallChange], events: Sequence[StoredEvent]) -> Saved:
        try:
            return await self._write(changes, events)
        except UnicodeError as exc:
            raise Unstorable(str(exc)) from exc
        except StoreError as exc:
            if _blames_value(exc):
                raise Unstorable(str(exc)) from exc
            raise

    async def _write(self, changes: Sequence[CallChange], events: Sequence[StoredEvent]) -> Saved:
        async with self._database.write() as tx:
            new = await CALLS.add_all(tx, [self._ours(c.call) for c in changes if c.is_new])
            updates = [_live_values(change.call) for change in changes if not change.is_new]
            if updates:
                await tx.execute(_UPDATE, updates)
            turns = [_turn_row(c.call.id, turn) for c in changes for turn in c.turns]
            if turns:
                await tx.execute(insert(schema.TURNS), turns)
            await _save_recordings(tx, changes)
            stored = await EVENTS.add_all(tx, events)
        return Saved({call.id: call.seq for call in new}, tuple(stored))

    def _ours(self, call: Call) -> Call:
        return msgspec.structs.replace(call, node=self._database.node)

    async def _save_one_by_one(
        self, changes: Sequence[CallChange], events: Sequence[StoredEvent]
    ) -> Saved:
        seqs: dict[str, int] = {}
        refused: dict[str, str] = {}
        for change in changes:
            try:
                seqs |= (await self._save([change], ())).seqs
            except (Conflict, Unstorable) as exc:
                refused[change.call.id] = str(exc)
        stored: list[StoredEvent] = []
        for event in events:
            try:
                stored += (await self._save((), [event])).events
            except (Conflict, Unstorable) as exc:
                refused.setdefault(event.call_id or event.type, str(exc))
        return Saved(seqs, tuple(stored), refused)

    async def _turns(self, tx: Transaction, call_id: str, after: int, limit: int) -> list[Turn]:
        table = schema.TURNS
        found = await tx.execute(
            select(*(table.c[name] for name in TURN_COLUMNS), table.c.rest)
            .where(table.c.call_id == call_id, table.c.index > after)
            .order_by(table.c.index)
            .limit(limit)
        )
        return [
            msgspec.convert(dict(zip(TURN_COLUMNS, row, strict=False)) | row.rest, Turn)
            for row in found
        ]


def without_turns(record: CallRecord) -> CallRecord:
    """The record as it is now, unmoved by what its session does next; turns are kept apart."""
    return msgspec.structs.replace(
        record, turns=[], legs=list(record.legs), use=msgspec.structs.replace(record.use)
    )


def _blames_value(exc: StoreError) -> bool:
    refused = getattr(exc.__cause__, "orig", None)
    return isinstance(refused, ValueError | TypeError) or blames_value(refused)


def _live_values(call: Call) -> dict[str, Any]:
    values = {f"new_{name}": msgspec.to_builtins(getattr(call, name)) for name in LIVE_COLUMNS}
    return values | {"the_id": call.id}


async def _save_recordings(tx: Transaction, changes: Sequence[CallChange]) -> None:
    await RECORDINGS.add_all(
        tx, [c.recording for c in changes if c.recording is not None and c.recording_is_new]
    )
    closed = [c.recording for c in changes if c.recording is not None and not c.recording_is_new]
    if closed:
        rows = [
            {"the_id": row.id} | {f"new_{name}": getattr(row, name) for name in _CLOSED}
            for row in closed
        ]
        await tx.execute(_UPDATE_RECORDING, rows)


def _turn_row(call_id: str, turn: Turn) -> dict[str, Any]:
    rest = msgspec.to_builtins(turn)
    row = {name: rest.pop(name) for name in TURN_COLUMNS}
    return row | {"call_id": call_id, "rest": rest}
