"""Calls that are tried again: their agents' rules, what is to come, another try by hand, none more.

Each try is a call of its own, linked to the first one. When one is due: dialer/retry_rules.py.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement

from ...media.clock import Clock
from ..auth.principal import Principal
from ..calls.calls import Calls, status_event
from ..dialer.permission import LISTED_REASON, is_over, listed
from ..dialer.retry_rules import DEFAULTS, REASONS, faults, merged
from ..domain.agents import Agent
from ..domain.calls import PENDING, Call, CallStatus, CallSummary, Outcome
from ..domain.dialing import RetryPolicy
from ..domain.events import CallUpdated
from ..errors import Conflict, FieldError, Unprocessable
from ..store import schema
from ..store.call_queue import place_retry
from ..store.calls import CALLS, SUMMARIES
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery
from .access import missing, owner_of
from .agents import AGENTS
from .event_log import EventLog, Work

COLUMNS = schema.CALLS.c
MAX_CHAIN = 200
"Tries of one call that are looked at; by hand there may be any number."


class RetryService:
    """The verbs."""

    def __init__(self, database: Database, log: EventLog, live: Calls, clock: Clock) -> None:
        self._database = database
        self._log = log
        self._live = live
        self._clock = clock
        self.on_pending: Callable[[], None] = _nobody_waits
        "There is a call to be placed, or one less: whoever dials them may look."

    async def policy(self, who: Principal, agent_id: str) -> RetryPolicy:
        """An agent's rules, or those by default. Raises NotFound."""
        async with self._database.read() as tx:
            return (await _agent(tx, who, agent_id)).retry or DEFAULTS

    async def change_policy(
        self, who: Principal, agent_id: str, changes: Mapping[str, Mapping[str, Any]]
    ) -> RetryPolicy:
        """Change some fields of some rules; ended calls keep the moment that they have.

        Raises NotFound and Unprocessable.
        """
        async with self._database.write() as tx:
            agent = await _agent(tx, who, agent_id)
            policy = merged(agent.retry, changes)
            if errors := faults(policy):
                raise Unprocessable("so no call can be tried again", errors)
            await AGENTS.update(tx, agent, retry=policy, updated_wall=self._clock.wall())
        return policy

    async def pending(
        self, who: Principal, query: PageQuery, agent_id: str | None = None
    ) -> Page[CallSummary]:
        """Ended calls that are to be tried again, in pages."""
        where: list[ColumnElement[bool]] = [COLUMNS.next_retry_wall.is_not(None)]
        if agent_id is not None:
            where.append(COLUMNS.agent_id == agent_id)
        async with self._database.read() as tx:
            return await SUMMARIES.page(tx, owner_of(who), query, *where)

    async def attempts(self, who: Principal, call_id: str) -> list[CallSummary]:
        """All tries of the call that this one is a try of, the first one first. Raises NotFound."""
        async with self._database.read() as tx:
            call = await SUMMARIES.get(tx, call_id, owner_of(who))
            if call is None:
                raise missing("call", call_id)
            root = call.original_call_id or call.id
            mine = (COLUMNS.id == root) | (COLUMNS.original_call_id == root)
            found = await SUMMARIES.all(tx, call.owner_id, mine, limit=MAX_CHAIN)
        now = self._clock.wall()
        return [
            each if live is None else live.as_now(now)
            for each in found
            for live in [self._live.find(each.id)]
        ]

    async def retry(self, who: Principal, call_id: str) -> Call:
        """Place the call again now, however often it was; its automatic retry is not made.

        Where its campaign is over it is a call of its own, and the campaign's figures stay.
        Raises NotFound; Conflict when it has not failed, or a try is under way; Unprocessable when
        its number is not to be called.
        """
        now = self._clock.wall()
        async with self._log.writing() as work:
            call = await CALLS.get(work.tx, call_id, owner_of(who))
            if call is None:
                raise missing("call", call_id)
            tries = await _chain(work.tx, call)
            newest = max(tries, key=lambda each: each.retry_attempt)
            _check_failed(newest)
            if await listed(work.tx, [(call.owner_id, call.to_number)]):
                raise Unprocessable(LISTED_REASON, [FieldError("to", LISTED_REASON)])
            due = msgspec.structs.replace(newest, next_retry_wall=None)
            campaign_id = newest.campaign_id
            alone = campaign_id is not None and await is_over(work.tx, campaign_id, now)
            if alone:
                due = msgspec.structs.replace(due, campaign_id=None)
            retry = await place_retry(work.tx, due, newest.retry_attempt + 1, now)
            if alone:
                await CALLS.update(work.tx, newest, retried=False)
            work.tell(retry.owner_id, status_event(retry))
        self.on_pending()
        return retry

    async def cancel(self, who: Principal, call_id: str) -> None:
        """Try the call no more. Raises NotFound, and Conflict when no try is to come."""
        now = self._clock.wall()
        async with self._log.writing() as work:
            call = await CALLS.get(work.tx, call_id, owner_of(who))
            if call is None:
                raise missing("call", call_id)
            if not await call_off(work, call, now):
                raise Conflict(f"call {call_id} is not to be tried again")
        self.on_pending()


async def call_off(work: Work, call: Call, now: float) -> bool:
    """Of the call that this one is a try of no further try is made; False: none was to come."""
    found = False
    for each in await _chain(work.tx, call):
        if each.next_retry_wall is not None:
            await forget_retry(work, each, now)
            found = True
        elif each.retry_attempt and each.status in PENDING:
            await cancel_waiting(work, each, "", now)
            found = True
    return found


async def forget_retry(work: Work, call: Call, now: float) -> None:
    """An ended call is not to be tried again."""
    await CALLS.update(work.tx, call, next_retry_wall=None, updated_wall=now)
    changed = CallUpdated(at_wall=now, call_id=call.id, fields=("next_retry_wall",))
    work.tell(call.owner_id, changed)


async def cancel_waiting(work: Work, call: Call, reason: str, now: float) -> None:
    """A call that waits is over."""
    ended = {"status": CallStatus.ENDED, "outcome": Outcome.CANCELLED, "failure_reason": reason}
    call = await CALLS.update(work.tx, call, **ended, ended_wall=now, updated_wall=now)
    work.tell(call.owner_id, status_event(call))


async def _chain(tx: Transaction, call: Call) -> list[Call]:
    root = call.original_call_id or call.id
    mine = (COLUMNS.id == root) | (COLUMNS.original_call_id == root)
    newest_first = (COLUMNS.retry_attempt.desc(),)
    return await CALLS.first(tx, call.owner_id, mine, order=newest_first, limit=MAX_CHAIN)


def _check_failed(newest: Call) -> None:
    if newest.status is not CallStatus.ENDED:
        raise Conflict(f"it is being tried already, by call {newest.id}")
    if newest.inbound or newest.outcome not in REASONS:
        raise Conflict("only a call that was placed and has failed is tried again")


async def _agent(tx: Transaction, who: Principal, id_: str) -> Agent:
    agent = await AGENTS.get(tx, id_, owner_of(who))
    if agent is None:
        raise missing("agent", id_)
    return agent


def _nobody_waits() -> None:
    """Before there is somebody who dials."""
