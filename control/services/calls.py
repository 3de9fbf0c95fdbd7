"""Calls: placed, looked at, changed while they wait, ended. What is said in one: call_control.py.

A call that is placed is stored before it is answered for, and dialled by dialer/dispatch.py.
"""

import pathlib
from collections.abc import Awaitable, Callable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ...media.clock import Clock
from ...media.conversation.records import Turn
from ..auth.principal import Principal
from ..calls.calls import Calls, LiveCall, status_event
from ..calls.cut_off import recording_in
from ..calls.live_page import live_page
from ..dialer.callable_number import callable_number
from ..dialer.permission import LISTED_REASON, listed
from ..domain.agents import AgentKind
from ..domain.calls import (
    IN_PROGRESS,
    PENDING,
    Call,
    CallStatus,
    CallSummary,
    Outcome,
    Priority,
)
from ..domain.events import CallUpdated
from ..errors import Conflict, FieldError, Unprocessable
from ..lines.lines import Lines
from ..store.calls import CALLS, CallFilter, CallStore
from ..store.database import Transaction
from ..store.rows import Page, PageQuery
from .access import missing, owner_of
from .agents import AGENTS
from .event_log import EventLog
from .line_use import line_faults
from .retries import call_off

PRIORITY_RANKS = {Priority.HIGH: 0, Priority.NORMAL: 1, Priority.LOW: 2}
MAX_AHEAD_S = 366 * 86_400.0
MAX_DATA_BYTES = 16 * 1024
"Of a call's context, and of its metadata, as JSON."
RING_LIMITS_S = (5.0, 180.0)
MORE_PAGES = 10
"That are asked for when calls of one have moved on meanwhile."

_encode = msgspec.json.Encoder().encode


class NewCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is wanted."""

    to: str
    "A number or a SIP address."
    agent_id: str | None = None
    "Who speaks; None: the default agent."
    human_agent_id: str | None = None
    "A person whom the call concerns from the beginning."
    from_: str = ""
    "The number that is shown; empty: the line's own."
    line: str = ""
    "Empty: any that can."
    context: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    priority: Priority = Priority.NORMAL
    scheduled_wall: float | None = None
    "None, or past: as soon as there is room."
    timezone: str = "UTC"
    ring_limit_s: float = 30.0


class CallService:
    """The verbs."""

    def __init__(
        self,
        store: CallStore,
        log: EventLog,
        live: Calls,
        clock: Clock,
        recordings: pathlib.Path,
        lines: Lines | None = None,
    ) -> None:
        """`lines` None: which one a call asks for is not looked at before it is dialled."""
        self._lines = lines
        self._store = store
        self._log = log
        self._live = live
        self._clock = clock
        self._recordings = recordings
        self.check_quota: Callable[[Transaction, str], Awaitable[None]] = _no_quota
        "Raises Forbidden when an account may place no more calls now."
        self.on_pending: Callable[[], None] = _nobody_waits
        "Something about the calls that wait has changed: whoever dials them may look."

    # --- to be read -----------------------------------------------------------------------------

    async def get(self, who: Principal, id_: str) -> Call:
        """A call with its record and turns; of one in progress, as it is now. Raises NotFound."""
        live = self._find(who, id_)
        if live is not None:
            return live.with_turns(self._clock.wall())
        call = await self._store.get(id_, owner_of(who))
        if call is None:
            raise missing("call", id_)
        return call

    async def page(self, who: Principal, query: PageQuery, wanted: CallFilter) -> Page[CallSummary]:
        """Calls in pages; those in progress as they are now. Raises BadRequest."""
        statuses = set(wanted.statuses or ())
        in_rows_alone = wanted.tag is not None or wanted.escalated is not None
        in_memory = not in_rows_alone and not self._store.is_shared
        if statuses and statuses <= set(IN_PROGRESS) and in_memory:
            return live_page(self._in_progress(who, wanted), query)
        # What has changed and is not stored yet has not been told either: nobody can miss it here.
        owner = owner_of(who)
        page = await self._store.page(owner, query, wanted)
        items, total = self._now(page, wanted), page.total
        for _ in range(MORE_PAGES):
            # Some have moved on since they were stored: a page is not short while there are more.
            if page.next is None or len(items) >= query.limit:
                break
            rest = msgspec.structs.replace(
                query, cursor=page.next, offset=0, limit=query.limit - len(items), total=False
            )
            page = await self._store.page(owner, rest, wanted)
            items += self._now(page, wanted)
        return Page(tuple(items), page.next, total)

    async def turns(
        self, who: Principal, id_: str, after: int, limit: int
    ) -> tuple[list[Turn], int | None]:
        """Turns of a call beyond the index `after`, and its sample rate. Raises NotFound."""
        live = self._find(who, id_)
        if live is not None:
            beyond = [turn for turn in live.record.turns if turn.index > after]
            return beyond[:limit], live.record.rate_hz
        call = await self._store.get(id_, owner_of(who), after, limit)
        if call is None:
            raise missing("call", id_)
        return ([], None) if call.record is None else (call.record.turns, call.record.rate_hz)

    async def recording_path(self, who: Principal, id_: str) -> pathlib.Path | None:
        """The file of a call's recording; it may be absent from the disk. Raises NotFound."""
        live = self._find(who, id_)
        if live is not None:
            return recording_in(self._recordings, live.record.recording)
        call = await self._store.summary(id_, owner_of(who))
        if call is None:
            raise missing("call", id_)
        return recording_in(self._recordings, call.recording)

    # --- placed and changed ---------------------------------------------------------------------

    async def place(self, who: Principal, wanted: NewCall) -> Call:
        """Store a call to be placed; its owner is whoever asks.

        Raises Unprocessable, and Forbidden when their tier allows no more calls this month.
        """
        now = self._clock.wall()
        errors = faults_of(wanted, now)
        async with self._log.writing() as work:
            agent_name, fault = await speaking_agent(work.tx, owner_of(who), wanted.agent_id)
            if fault is not None:
                errors.append(fault)
            errors += await person_faults(work.tx, owner_of(who), wanted.human_agent_id)
            if await listed(work.tx, [(who.account_id, wanted.to)]):
                errors.append(FieldError("to", LISTED_REASON))
            errors += await line_faults(work.tx, self._lines, wanted.line, who.account_id)
            if errors:
                raise Unprocessable("the call cannot be placed", errors)
            await self.check_quota(work.tx, who.account_id)
            call = await CALLS.add(work.tx, call_of(who.account_id, wanted, agent_name, now))
            work.tell(call.owner_id, status_event(call))
        self.on_pending()
        return call

    async def change(self, who: Principal, id_: str, changes: dict[str, Any]) -> Call:
        """Change a call: its data always, when and how it is placed while it waits.

        `changes` are Call's fields among context, metadata, priority, scheduled_wall and timezone.
        Raises NotFound, Conflict and Unprocessable.
        """
        now = self._clock.wall()
        async with self._log.writing() as work:
            call = await self._get(work.tx, who, id_)
            placed = call.status in PENDING and not call.inbound
            if not placed and not changes.keys() <= {"context", "metadata"}:
                raise Conflict(f"call {id_} is {call.status.value}: only its data can be changed")
            changes = changes | _consequences(call, changes, now)
            wanted = msgspec.structs.replace(call, **changes)
            if errors := list(_data_faults(wanted.context, wanted.metadata, wanted.timezone)):
                raise Unprocessable("the call cannot be changed so", errors)
            if (wanted.scheduled_wall or 0.0) > now + MAX_AHEAD_S:
                raise Unprocessable("that is too far ahead", [_too_far()])
            call = await CALLS.update(work.tx, call, **changes, updated_wall=now)
            if "status" in changes:
                work.tell(call.owner_id, status_event(call))
            fields = tuple(sorted(changes.keys() - {"priority_rank", "status"}))
            work.tell(call.owner_id, CallUpdated(at_wall=now, call_id=call.id, fields=fields))
        data = {name: changes[name] for name in ("context", "metadata") if name in changes}
        if data:
            self._live.changed(call.id, **data)
        self.on_pending()
        live = self._find(who, id_)
        return call if live is None else live.with_turns(now)

    async def end(
        self,
        who: Principal,
        id_: str,
        outcome: Outcome | None = None,
        failure_reason: str | None = None,
    ) -> Call:
        """End a call: one that waits is cancelled, one in progress is asked to end, and will.

        `outcome` overrules what the line will tell, and `failure_reason` the words for it. Of one
        that has ended no further try is made. Raises NotFound, and Conflict when none was to come.
        """
        said = _said_end(outcome, failure_reason)
        live = self._find(who, id_)
        if live is None:
            cancelled = await self._cancel(who, id_, said)
            if cancelled is not None:
                self.on_pending()
                return cancelled
            live = self._find(who, id_)  # it was dialled a moment ago
        if live is None:
            await self._store.check_here(id_)
        if live is None or not self._live.is_live(id_):
            raise Conflict(f"call {id_} has ended already")
        live.wanted_end = said
        call = live.with_turns(self._clock.wall())
        live.hang_up()
        return call

    async def _cancel(self, who: Principal, id_: str, said: dict[str, Any]) -> Call | None:
        """End a call that waits; None: it is in progress. Raises NotFound and Conflict."""
        now = self._clock.wall()
        async with self._log.writing() as work:
            call = await self._get(work.tx, who, id_)
            if call.status is CallStatus.ENDED:
                if not await call_off(work, call, now):
                    raise Conflict(f"call {id_} has ended already")
                return await self._get(work.tx, who, id_)
            if call.status not in PENDING:
                return None
            ended = {"outcome": Outcome.CANCELLED, "status": CallStatus.ENDED} | said
            call = await CALLS.update(work.tx, call, **ended, ended_wall=now, updated_wall=now)
            work.tell(call.owner_id, status_event(call))
            return call

    # --- inside ---------------------------------------------------------------------------------

    def _find(self, who: Principal, id_: str) -> LiveCall | None:
        """In memory, if it is theirs."""
        live = self._live.find(id_)
        return live if live is not None and owner_of(who) in (None, live.owner_id) else None

    def _in_progress(self, who: Principal, wanted: CallFilter) -> list[CallSummary]:
        owner, now = owner_of(who), self._clock.wall()
        calls = (x.as_now(now) for x in self._live.live() if owner in (None, x.owner_id))
        return [call for call in calls if wanted.fits(call)]

    def _now(self, page: Page[CallSummary], wanted: CallFilter) -> list[CallSummary]:
        now = (self._as_now(call) for call in page.items)
        return [call for call in now if wanted.fits(call)]

    def _as_now(self, call: CallSummary) -> CallSummary:
        live = self._live.find(call.id)
        return call if live is None else live.as_now(self._clock.wall())

    async def _get(self, tx: Transaction, who: Principal, id_: str) -> Call:
        call = await CALLS.get(tx, id_, owner_of(who))
        if call is None:
            raise missing("call", id_)
        return call


def call_of(owner_id: str, wanted: NewCall, agent_name: str, now: float) -> Call:
    """A wish without faults, as it is stored."""
    waits = wanted.scheduled_wall is not None and wanted.scheduled_wall > now
    return Call(
        owner_id=owner_id,
        inbound=False,
        from_number=callable_number(wanted.from_) or "",
        to_number=callable_number(wanted.to) or "",
        line=wanted.line,
        agent_id=wanted.agent_id,
        agent_name=agent_name,
        human_agent_id=wanted.human_agent_id,
        status=CallStatus.SCHEDULED if waits else CallStatus.QUEUED,
        priority=wanted.priority,
        priority_rank=PRIORITY_RANKS[wanted.priority],
        context=wanted.context,
        metadata=wanted.metadata,
        scheduled_wall=wanted.scheduled_wall,
        timezone=wanted.timezone,
        ring_limit_s=wanted.ring_limit_s,
        created_wall=now,
        updated_wall=now,
    )


def faults_of(wanted: NewCall, now: float) -> list[FieldError]:
    """What no call could be placed with, but for its agent."""
    found: list[FieldError] = []
    if callable_number(wanted.to) is None:
        found.append(FieldError("to", "neither a number of 3 to 15 digits nor a SIP address"))
    if wanted.from_ and callable_number(wanted.from_) is None:
        found.append(FieldError("from", "neither a number of 3 to 15 digits nor a SIP address"))
    if (wanted.scheduled_wall or 0.0) > now + MAX_AHEAD_S:
        found.append(_too_far())
    low, high = RING_LIMITS_S
    if not low <= wanted.ring_limit_s <= high:
        found.append(FieldError("ring_limit_s", f"must be from {low:g} to {high:g}"))
    return found + _data_faults(wanted.context, wanted.metadata, wanted.timezone)


def _data_faults(
    context: dict[str, Any], metadata: dict[str, Any], timezone: str
) -> list[FieldError]:
    found = [
        FieldError(name, f"at most {MAX_DATA_BYTES} bytes as JSON")
        for name, value in (("context", context), ("metadata", metadata))
        if len(_encode(value)) > MAX_DATA_BYTES
    ]
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        found.append(FieldError("timezone", "no such time zone, as Europe/Berlin is one"))
    return found


def _too_far() -> FieldError:
    return FieldError("scheduled_for", f"at most {MAX_AHEAD_S / 86_400:.0f} days ahead")


def _consequences(call: Call, changes: dict[str, Any], now: float) -> dict[str, Any]:
    """What else changes with it."""
    found: dict[str, Any] = {}
    if "priority" in changes:
        found["priority_rank"] = PRIORITY_RANKS[changes["priority"]]
    if "scheduled_wall" in changes:
        waits = (changes["scheduled_wall"] or 0.0) > now
        status = CallStatus.SCHEDULED if waits else CallStatus.QUEUED
        if status is not call.status:
            found["status"] = status
    return found


def _said_end(outcome: Outcome | None, failure_reason: str | None) -> dict[str, Any]:
    said = {"outcome": outcome, "failure_reason": failure_reason}
    return {name: value for name, value in said.items() if value is not None}


async def speaking_agent(
    tx: Transaction, owner: str | None, agent_id: str | None
) -> tuple[str, FieldError | None]:
    """The agent's name, and why it cannot speak; of None, the default agent, both are empty."""
    if agent_id is None:
        return "", None
    agent = await AGENTS.get(tx, agent_id, owner)
    if agent is None:
        return "", FieldError("agent_id", "there is no such agent")
    if agent.kind is not AgentKind.AI:
        return agent.name, FieldError("agent_id", "that agent is a person")
    if not agent.is_active:
        return agent.name, FieldError("agent_id", "that agent is not active")
    return agent.name, None


async def person_faults(
    tx: Transaction, owner: str | None, agent_id: str | None
) -> list[FieldError]:
    """Why somebody cannot be the person of a call; of None, nothing."""
    if agent_id is None:
        return []
    person = await AGENTS.get(tx, agent_id, owner)
    if person is not None and person.kind is AgentKind.HUMAN:
        return []
    return [FieldError("human_agent_id", "there is no such human agent")]


async def _no_quota(tx: Transaction, owner_id: str) -> None:
    """Before there are subscriptions."""


def _nobody_waits() -> None:
    """Before there is somebody who dials."""
