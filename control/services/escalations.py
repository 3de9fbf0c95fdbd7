"""Escalations: a call is handed to a person, by whoever watches it or by its agent.

Who is rung next is decided in people/hand_over.py and done in people/hand_overs.py; here it is
checked who may be, and what has come of it is kept and told.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select

from ...media.clock import Clock
from ..auth.principal import Principal
from ..calls.bridging import Bridging, Mode
from ..calls.calls import Calls, LiveCall
from ..dialer.dialling import is_address
from ..domain.agents import Agent, AgentKind, Availability
from ..domain.calls import CallStatus, Escalation, EscalationStatus
from ..domain.events import (
    AgentChanged,
    EscalationBridged,
    EscalationClosed,
    EscalationOpened,
)
from ..errors import Conflict, FieldError, StoreError, Unprocessable
from ..people.hand_over import NOBODY, OVER, HandOver, Moved, Person
from ..people.hand_overs import HandOvers
from ..people.reasons import call_words, sentence, why_not
from ..store import schema
from ..store.calls import SUMMARIES, check_here
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of
from .agents import AGENTS, AgentService
from .call_control import CallControl
from .event_log import EventLog, Work
from .notifications import NotificationService

ESCALATIONS = Rows(schema.ESCALATIONS, Escalation)
COLUMNS = schema.ESCALATIONS.c
GOES_ON = COLUMNS.status.in_([each.value for each in EscalationStatus if each not in OVER])
RING_S = 20.0
ANY_PERSON = "human"
"What an agent's transfer names when any person will do."
CUT_OFF = "the server was cut off"

logger = logging.getLogger(__name__)


class NewEscalation(msgspec.Struct, frozen=True, kw_only=True):
    """A person is wanted for a call."""

    reason: str = ""
    human_agent_id: str | None = None
    "This one and nobody else; None: whoever is available, those made first first."
    mode: Mode = Mode.TALK
    return_to_agent: bool = False


class EscalationFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which escalations; None: all."""

    call_id: str | None = None
    status: EscalationStatus | None = None
    human_agent_id: str | None = None


class EscalationService:
    """The verbs. `recover()` at the start, `aclose()` at the end."""

    def __init__(
        self,
        database: Database,
        events: EventLog,
        calls: Calls,
        agents: AgentService,
        control: CallControl,
        notifications: NotificationService,
        clock: Clock,
        ring_s: float = RING_S,
    ) -> None:
        self._database = database
        self._events = events
        self._calls = calls
        self._agents = agents
        self._control = control
        self._notifications = notifications
        self._clock = clock
        self._ring_s = ring_s
        self._transfers: set[asyncio.Task[None]] = set()
        self.hand_overs = HandOvers(clock, self._keep, control.lines_for)

    async def recover(self) -> int:
        """End what a crash has cut off; returns how many there were. Raises StoreError."""
        async with self._database.read() as tx:
            found = await ESCALATIONS.all(tx, None, GOES_ON)
        for cut in found:
            was_there = cut.status is EscalationStatus.BRIDGED
            status = EscalationStatus.CLOSED if was_there else EscalationStatus.FAILED
            await self._store(cut.id, status, failure_reason="" if was_there else CUT_OFF)
        return len(found)

    async def aclose(self) -> None:
        """No more of them."""
        tasks = tuple(self._transfers)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.hand_overs.aclose()

    # --- to be read -----------------------------------------------------------------------------

    async def get(self, who: Principal, id_: str) -> Escalation:
        """One escalation. Raises NotFound."""
        async with self._database.read() as tx:
            return await self._get(tx, who, id_)

    async def page(
        self, who: Principal, query: PageQuery, wanted: EscalationFilter
    ) -> Page[Escalation]:
        """Escalations in pages."""
        where = []
        for name in ("call_id", "human_agent_id"):
            if (value := getattr(wanted, name)) is not None:
                where.append(COLUMNS[name] == value)
        if wanted.status is not None:
            where.append(COLUMNS.status == wanted.status.value)
        async with self._database.read() as tx:
            return await ESCALATIONS.page(tx, owner_of(who), query, *where)

    async def of_calls(self, who: Principal, call_ids: Sequence[str]) -> dict[str, Escalation]:
        """The newest escalation of each of some calls; of those that have none, nothing."""
        newest = (
            select(func.max(COLUMNS.seq))
            .where(COLUMNS.call_id.in_(call_ids), COLUMNS.mode == Mode.TALK.value)
            .group_by(COLUMNS.call_id)
        )
        async with self._database.read() as tx:
            wanted = COLUMNS.seq.in_(newest)
            found = await ESCALATIONS.all(tx, owner_of(who), wanted, limit=len(call_ids))
        return {escalation.call_id: escalation for escalation in found}

    # --- by whoever watches ---------------------------------------------------------------------

    async def open(self, who: Principal, call_id: str, wanted: NewEscalation) -> Escalation:
        """Ask a person into a live call; those who are available are rung one after another.

        When nobody is, what is returned has failed, with the reason, and nothing waits: whoever
        asks sees at once what to tell the caller. Raises NotFound, Unprocessable for a person who
        is none, and Conflict when the call is not live or somebody is being asked to take it
        already.
        """
        live = await self._control.find(who, call_id)
        if live.status is not CallStatus.LIVE or live.bridging is None:
            raise Conflict(f"call {call_id} is {live.status.value}: nobody has answered")
        people, nobody = await self._people(live.owner_id, wanted.human_agent_id)
        return await self._open(live, wanted, people, nobody)

    async def change(self, who: Principal, id_: str, mode: Mode) -> Escalation:
        """Let the person take part in another way.

        Raises NotFound, and Conflict when it is over.
        """
        now = self._clock.wall()
        async with self._database.write() as tx:
            escalation = await self._get(tx, who, id_)
            if escalation.status in OVER or not self.hand_overs.change(id_, mode):
                await self._check_here(tx, escalation)
                raise Conflict(f"escalation {id_} is over")
            return await ESCALATIONS.update(tx, escalation, mode=mode.value, updated_wall=now)

    async def end(self, who: Principal, id_: str) -> Escalation:
        """End it: who rings or has joined is hung up.

        Without `return_to_agent` the call ends with a person who had taken it. Raises NotFound, and
        Conflict when it is over.
        """
        async with self._database.read() as tx:
            escalation = await self._get(tx, who, id_)
            if escalation.status in OVER or not self.hand_overs.cancel(id_):
                await self._check_here(tx, escalation)
                raise Conflict(f"escalation {id_} is over")
        return escalation

    async def _check_here(self, tx: Transaction, escalation: Escalation) -> None:
        if escalation.status not in OVER:
            await check_here(tx, escalation.call_id, self._database.node)

    # --- by the call's agent --------------------------------------------------------------------

    def transfer(self, live: LiveCall, bridging: Bridging, to: str) -> None:
        """The agent hands its caller over: to a person of that name or address, else to the number.

        `human` is anybody who is available. Raises nothing: the agent is told when nobody comes.
        """
        task = asyncio.get_running_loop().create_task(
            self._transfer(live, bridging, to), name=f"transfer call {live.id}"
        )
        self._transfers.add(task)
        task.add_done_callback(self._transferred)

    async def _transfer(self, live: LiveCall, bridging: Bridging, to: str) -> None:
        wanted = NewEscalation(reason="the agent hands the caller over")
        try:
            if to.strip().lower() == ANY_PERSON:
                people, nobody = await self._people(live.owner_id, None)
            else:
                person = await self._named(live.owner_id, to.strip())
                if person is None:
                    bridging.begin(to)
                    return
                people, nobody = await self._people(live.owner_id, person.id)
            await self._open(live, wanted, people, nobody, transfer=True)
        except (StoreError, Conflict, Unprocessable) as exc:
            logger.error("call %s cannot be handed over to a person: %s", live.id, exc)
            if is_address(to) or to.lstrip("+").isdecimal():
                bridging.begin(to)
            else:
                bridging.hand_over_failed()

    def _transferred(self, task: asyncio.Task[None]) -> None:
        self._transfers.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.critical("the task to %s died", task.get_name(), exc_info=error)

    # --- who ------------------------------------------------------------------------------------

    async def _people(self, owner_id: str, only: str | None) -> tuple[list[Person], str]:
        """Who may be rung, in order, and what is said when nobody may."""
        nobody = NOBODY
        if only is not None:
            async with self._database.read() as tx:
                wanted = await AGENTS.get(tx, only, owner_id)
            if wanted is None or wanted.kind is not AgentKind.HUMAN:
                fault = FieldError("human_agent_id", "there is no such human agent")
                raise Unprocessable("nobody can be asked so", [fault])
            nobody = why_not(wanted)
        found = await self._agents.available_humans(owner_id, self._clock.wall())
        people = [_person(human) for human in found if only in (None, human.id)]
        if only is not None and people:
            nobody = f"{people[0].name} is being asked to take another call"
        return [person for person in people if person.id not in self.hand_overs.held], nobody

    async def _named(self, owner_id: str, name: str) -> Agent | None:
        """A person by id, name or address."""
        c = AGENTS.table.c
        human = (c.kind == AgentKind.HUMAN.value, c.is_active.is_(True))
        async with self._database.read() as tx:
            for column in (c.id, c.name, c.address, c.phone_number):
                found = await AGENTS.find(tx, owner_id, column == name, *human)
                if found is not None:
                    return found
        return None

    # --- kept and told --------------------------------------------------------------------------

    async def _open(
        self,
        live: LiveCall,
        wanted: NewEscalation,
        people: list[Person],
        nobody: str,
        *,
        transfer: bool = False,
    ) -> Escalation:
        now = self._clock.wall()
        takes_over = wanted.mode is Mode.TALK
        async with self._events.writing() as work:
            same = (COLUMNS.call_id == live.id, COLUMNS.mode == Mode.TALK.value, GOES_ON)
            if takes_over and await ESCALATIONS.find(work.tx, None, *same) is not None:
                raise Conflict(f"somebody is being asked to take call {live.id} already")
            escalation = await ESCALATIONS.add(
                work.tx,
                Escalation(
                    owner_id=live.owner_id,
                    call_id=live.id,
                    human_agent_id=wanted.human_agent_id,
                    mode=wanted.mode.value,
                    reason=wanted.reason,
                    return_to_agent=wanted.return_to_agent,
                    created_wall=now,
                    updated_wall=now,
                ),
            )
            opened = EscalationOpened(**_told(escalation, now), reason=escalation.reason)
            work.tell(escalation.owner_id, opened)
            if people:
                title = f"A person is wanted in the {call_words(live.record)}"
                await self._notify(work, escalation, title, wanted.reason)
            else:
                escalation = await self._fail(work, escalation, nobody)
        if not people:
            logger.info("hand-over %s: failed: %s", escalation.id, nobody)
            if transfer and live.bridging is not None:
                live.bridging.hand_over_failed()
            return escalation
        self.hand_overs.begin(
            escalation.id,
            live,
            HandOver(people, self._ring_s, nobody),
            wanted.mode,
            return_to_agent=wanted.return_to_agent,
            transfer=transfer,
        )
        return escalation

    async def _keep(self, id_: str, moved: Moved) -> None:
        changes: dict[str, Any] = {"tried": moved.tried, "failure_reason": moved.reason}
        if moved.person is not None:
            changes |= {"human_agent_id": moved.person.id, "target": moved.person.target}
        changed = await self._store(id_, moved.status, **changes)
        if changed is not None and moved.status is EscalationStatus.BRIDGED:
            self._calls.changed(changed.call_id, human_agent_id=changed.human_agent_id)

    async def _store(self, id_: str, status: EscalationStatus, **changes: Any) -> Escalation | None:
        """None: it was deleted with its call. Raises StoreError."""
        now = self._clock.wall()
        async with self._events.writing() as work:
            before = await ESCALATIONS.get(work.tx, id_, None)
            if before is None:
                return None
            if status is EscalationStatus.BRIDGED:
                changes["bridged_wall"] = now
            elif status in OVER:
                changes["closed_wall"] = now
            changes |= {"status": status, "updated_wall": now}
            after = await ESCALATIONS.update(work.tx, before, **changes)
            told = _told(after, now)
            if status is EscalationStatus.BRIDGED:
                work.tell(after.owner_id, EscalationBridged(**told))
                await self._set(work, after, Availability.AVAILABLE, Availability.BUSY)
            elif status in OVER:
                closed = EscalationClosed(**told, failure_reason=after.failure_reason)
                work.tell(after.owner_id, closed)
                if before.status is EscalationStatus.BRIDGED:
                    await self._set(work, after, Availability.BUSY, Availability.AVAILABLE)
                if status is EscalationStatus.FAILED:
                    await self._tell_failed(work, after)
        return after

    async def _fail(self, work: Work, escalation: Escalation, why: str) -> Escalation:
        """Nobody could be rung at all."""
        now = escalation.created_wall
        failed = {"status": EscalationStatus.FAILED, "failure_reason": why, "closed_wall": now}
        after = await ESCALATIONS.update(work.tx, escalation, **failed)
        work.tell(after.owner_id, EscalationClosed(**_told(after, now), failure_reason=why))
        await self._tell_failed(work, after)
        return after

    async def _tell_failed(self, work: Work, escalation: Escalation) -> None:
        call = await SUMMARIES.get(work.tx, escalation.call_id, None)
        said = [f"Reason given: {escalation.reason}"] if escalation.reason else []
        why = "; ".join(escalation.tried) or escalation.failure_reason
        title = f"Nobody took {'a call' if call is None else f'the {call_words(call)}'}"
        message = "\n".join([sentence(why), *said])
        await self._notify(work, escalation, title, message, "failed")

    async def _set(
        self, work: Work, escalation: Escalation, was: Availability, becomes: Availability
    ) -> None:
        """Who is in a call takes no other. Whoever has changed it meanwhile knows better."""
        id_ = escalation.human_agent_id
        human = None if id_ is None else await AGENTS.get(work.tx, id_, escalation.owner_id)
        if human is not None and human.availability is was:
            now = self._clock.wall()
            await AGENTS.update(work.tx, human, availability=becomes, updated_wall=now)
            changed = AgentChanged(at_wall=now, agent_id=human.id, change="changed")
            work.tell(human.owner_id, changed)

    async def _notify(
        self, work: Work, escalation: Escalation, title: str, words: str, what: str = "opened"
    ) -> None:
        owner_id, type_ = escalation.owner_id, f"escalation.{what}"
        await self._notifications.notify(work, owner_id, type_, title, words, escalation.call_id)

    async def _get(self, tx: Transaction, who: Principal, id_: str) -> Escalation:
        escalation = await ESCALATIONS.get(tx, id_, owner_of(who))
        if escalation is None:
            raise missing("escalation", id_)
        return escalation


def _person(human: Agent) -> Person:
    return Person(human.id, human.name, human.address or human.phone_number or "")


def _told(escalation: Escalation, wall: float) -> dict[str, Any]:
    return {
        "at_wall": wall,
        "call_id": escalation.call_id,
        "escalation_id": escalation.id,
        "status": escalation.status,
        "human_agent_id": escalation.human_agent_id,
        "mode": escalation.mode,
    }
