"""How campaigns go on by themselves: one step of one campaign in a transaction.

Which step is campaign_rules.py's. A number's call and that its turn has come are stored together:
whenever the process ends, each number has one call or none, and the campaign goes on where it was.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import case, func, select

from ...media.clock import Clock
from ..calls.calls import status_event
from ..dialer.campaign_rules import (
    BATCH,
    Counts,
    Do,
    Step,
    Verb,
    next_step,
    opening_at,
)
from ..dialer.permission import OVER_REASON
from ..domain.calls import IN_PROGRESS, PENDING, Call, CallStatus
from ..domain.campaigns import Campaign, CampaignStatus, TargetStatus
from ..store.active_owners import owner_is_active
from ..store.calls import CALLS
from ..store.database import Database, Transaction
from .calls import call_of, speaking_agent
from .campaigns import (
    CALL,
    CAMPAIGNS,
    COLUMNS,
    TARGET,
    TARGETS,
    TO_BE_RETRIED,
    move,
    wish_of,
)
from .event_log import EventLog, Work
from .retries import cancel_waiting, forget_retry

RECENT_S = 24 * 3600.0
"After its end no call of a campaign is in progress for longer, nor about to be tried again."
MAX_CAMPAIGNS = 1000
"That are seen to in one round."
HELD = "held"
_ACTS = owner_is_active(COLUMNS.owner_id)
_PENDING = [status.value for status in PENDING]
_UNENDED = [status.value for status in (*PENDING, *IN_PROGRESS)]


class CampaignSteps:
    """Only one task calls it."""

    def __init__(self, database: Database, log: EventLog, clock: Clock) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self.on_pending: Callable[[], None] = _nobody
        "There are new calls: whoever dials them may look."

    async def to_be_seen_to(self, everything: bool) -> list[str]:
        """Campaigns that are active, paused with calls that wait, or over but not all their calls.

        `everything`: whenever they ended. Raises StoreError.
        """
        mine = CALL.campaign_id == COLUMNS.id
        waits = mine, CALL.status.in_(_PENDING)
        unended = select(CALL.seq).where(mine, CALL.status.in_(_UNENDED)).exists()
        retried = select(CALL.seq).where(mine, *TO_BE_RETRIED).exists()
        wanted = COLUMNS.status == CampaignStatus.ACTIVE.value
        paused = COLUMNS.status == CampaignStatus.PAUSED.value
        wanted |= paused & select(CALL.seq).where(*waits).exists()
        over = COLUMNS.status == CampaignStatus.COMPLETED.value
        if not everything:
            over &= COLUMNS.completed_wall > self._clock.wall() - RECENT_S
        wanted |= over & (unended | retried)
        query = select(COLUMNS.id).where(wanted, _ACTS)
        query = query.order_by(COLUMNS.seq).limit(MAX_CAMPAIGNS)
        async with self._database.read() as tx:
            return list((await tx.execute(query)).scalars())

    async def step(self, id_: str) -> Step:
        """Do what is to be done next for a campaign; returns what that was. Raises StoreError."""
        now = self._clock.wall()
        async with self._database.read() as tx:
            campaign, step = await self._next(tx, id_, now)
        if step.do is Do.NOTHING or campaign is None:
            return step
        async with self._log.writing() as work:
            # Asked again where nobody can change it meanwhile.
            campaign, step = await self._next(work.tx, id_, now)
            if campaign is not None:
                await self._do(work, campaign, step, now)
        if step.do in (Do.CALL, Do.RELEASE):
            self.on_pending()
        return step

    async def _next(self, tx: Transaction, id_: str, now: float) -> tuple[Campaign | None, Step]:
        campaign = await CAMPAIGNS.find(tx, None, COLUMNS.id == id_, _ACTS)
        if campaign is None:
            return None, Step(Do.NOTHING)
        counts = await _counts(tx, campaign, now)
        opening = opening_at(campaign.window, now)
        return campaign, next_step(campaign.status, opening, campaign.max_concurrent, counts)

    async def _do(self, work: Work, campaign: Campaign, step: Step, now: float) -> None:
        if step.do is Do.CALL:
            await _call(work, campaign, step.calls, now)
        elif step.do is Do.FINISH:
            await move(work, campaign, Verb.FINISH, now)
        elif step.do is Do.CANCEL:
            await _call_off(work, campaign, now)
        elif step.do is not Do.NOTHING:
            await _change_waiting(work, campaign, step, now)


async def _counts(tx: Transaction, campaign: Campaign, now: float) -> Counts:
    kind = case(
        (CALL.status != CallStatus.SCHEDULED.value, CALL.status),
        (CALL.scheduled_wall.is_(None), HELD),
        (CALL.scheduled_wall <= now, CallStatus.QUEUED.value),
        else_=CallStatus.SCHEDULED.value,
    )
    calls = (
        select(kind, func.count())
        .where(CALL.campaign_id == campaign.id, CALL.status.in_(_UNENDED))
        .group_by(kind)
    )
    found: dict[str, int] = {name: count for name, count in await tx.execute(calls)}
    waiting = (
        select(TARGET.seq)
        .where(TARGET.campaign_id == campaign.id, TARGET.status == TargetStatus.WAITING.value)
        .limit(BATCH)
    )
    retry = select(CALL.seq).where(CALL.campaign_id == campaign.id, *TO_BE_RETRIED).limit(1)
    return Counts(
        retries=len((await tx.execute(retry)).all()),
        waiting=len((await tx.execute(waiting)).all()),
        held=found.get(HELD, 0),
        scheduled=found.get(CallStatus.SCHEDULED.value, 0),
        queued=found.get(CallStatus.QUEUED.value, 0),
        in_progress=sum(found.get(status.value, 0) for status in IN_PROGRESS),
    )


async def _call(work: Work, campaign: Campaign, count: int, now: float) -> None:
    """The next numbers get their calls."""
    targets = await TARGETS.all(
        work.tx,
        None,
        TARGET.campaign_id == campaign.id,
        TARGET.status == TargetStatus.WAITING.value,
        limit=count,
    )
    agent_name, _ = await speaking_agent(work.tx, campaign.owner_id, campaign.agent_id)
    calls = []
    for target in targets:
        call = call_of(campaign.owner_id, wish_of(campaign, target.number), agent_name, now)
        calls.append(msgspec.structs.replace(call, campaign_id=campaign.id))
    for call in await CALLS.add_all(work.tx, calls):
        work.tell(call.owner_id, status_event(call))
    for target, call in zip(targets, calls, strict=True):
        called = {"status": TargetStatus.CALLED, "call_id": call.id, "updated_wall": now}
        await TARGETS.update(work.tx, target, **called)


async def _call_off(work: Work, campaign: Campaign, now: float) -> None:
    """Some of the calls that are not begun; then those that were to be tried again."""
    for each in (CALL.status.in_(_PENDING),), TO_BE_RETRIED:
        where = (CALL.campaign_id == campaign.id, *each)
        calls = await CALLS.first(work.tx, None, *where, order=(CALL.seq,), limit=BATCH)
        for call in calls:
            if call.status is CallStatus.ENDED:
                await forget_retry(work, call, now)
            else:
                await cancel_waiting(work, call, OVER_REASON, now)
        if calls:
            return


async def _change_waiting(work: Work, campaign: Campaign, step: Step, now: float) -> None:
    """Some of the calls that are not begun; the others follow in the next step."""
    values: dict[str, Any] = {}
    where = [CALL.campaign_id == campaign.id, CALL.status.in_(_PENDING)]
    if step.do is Do.RELEASE:
        values = {"status": CallStatus.QUEUED}
        where += [CALL.status == CallStatus.SCHEDULED.value, CALL.scheduled_wall.is_(None)]
    else:
        postponed = step.do is Do.POSTPONE
        values = {
            "status": CallStatus.SCHEDULED,
            "scheduled_wall": step.wall if postponed else None,
        }
        waits_now = CALL.scheduled_wall.is_(None) | (CALL.scheduled_wall <= now)
        has_moment = waits_now if postponed else CALL.scheduled_wall.is_not(None)
        where.append((CALL.status == CallStatus.QUEUED.value) | has_moment)
    limit = step.calls or BATCH
    calls: list[Call] = await CALLS.first(work.tx, None, *where, order=(CALL.seq,), limit=limit)
    for call in calls:
        changed = await CALLS.update(work.tx, call, **values, updated_wall=now)
        work.tell(changed.owner_id, status_event(changed))


def _nobody() -> None:
    """Before there is somebody who dials."""
