"""Campaigns: many numbers for one agent, as their owners see them.

How one goes on by itself: services/campaign_steps.py, after control/dialer/campaign_rules.py.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import and_, case, func, literal, select, union_all

from ...media.clock import Clock
from ..auth.principal import Principal
from ..dialer.callable_number import callable_number
from ..dialer.campaign_rules import Verb, faults, located, moved
from ..dialer.retry_rules import REASONS
from ..domain.calls import IN_PROGRESS, PENDING, CallStatus, Outcome
from ..domain.campaigns import Campaign, CampaignStatus, Progress, Target, TargetStatus
from ..domain.events import CampaignStatusChanged
from ..errors import Conflict, FieldError, Unprocessable
from ..lines.lines import Lines
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of
from .calls import NewCall, faults_of, speaking_agent
from .event_log import EventLog, Work
from .line_use import line_faults

CAMPAIGNS = Rows(schema.CAMPAIGNS, Campaign)
TARGETS = Rows(schema.CAMPAIGN_TARGETS, Target)
COLUMNS = schema.CAMPAIGNS.c
TARGET = schema.CAMPAIGN_TARGETS.c
CALL = schema.CALLS.c
MAX_NUMBERS = 100_000
"Of one campaign."
MAX_CONCURRENT = 1000
SLICE = 200
"Numbers that are looked at, or stored, without a break: it is the frames' thread that does it."
MAX_FAULTS = 20
"That are told of one list of numbers."


class CampaignFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which campaigns; None: all."""

    status: CampaignStatus | None = None
    agent_id: str | None = None
    search: str | None = None
    "A part of the name."


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a list of numbers."""

    added: int
    duplicates: int
    "They were there already, or twice in the list."


class CampaignService:
    """The verbs."""

    def __init__(
        self, database: Database, log: EventLog, clock: Clock, lines: Lines | None = None
    ) -> None:
        """`lines` None: which one calls are to go out by is not looked at."""
        self._lines = lines
        self._database = database
        self._log = log
        self._clock = clock
        self.on_change: Callable[[], None] = _nobody
        "There may be something to be done: whoever sees to campaigns may look."

    # --- to be read -------------------------------------------------------------------------------

    async def get(self, who: Principal, id_: str) -> tuple[Campaign, Progress]:
        """One campaign, and how far it is. Raises NotFound."""
        async with self._database.read() as tx:
            campaign = await _get(tx, who, id_)
            return campaign, (await progress_of(tx, [campaign]))[0]

    async def page(
        self, who: Principal, query: PageQuery, wanted: CampaignFilter
    ) -> tuple[Page[Campaign], list[Progress]]:
        """Campaigns in pages, and how far each is."""
        where = []
        if wanted.status is not None:
            where.append(COLUMNS.status == wanted.status.value)
        if wanted.agent_id is not None:
            where.append(COLUMNS.agent_id == wanted.agent_id)
        if wanted.search:
            where.append(COLUMNS.name.icontains(wanted.search, autoescape=True))
        async with self._database.read() as tx:
            page = await CAMPAIGNS.page(tx, owner_of(who), query, *where)
            return page, await progress_of(tx, page.items)

    async def numbers(
        self, who: Principal, id_: str, query: PageQuery, status: TargetStatus | None
    ) -> Page[Target]:
        """A campaign's numbers in pages, with the call that each has. Raises NotFound."""
        async with self._database.read() as tx:
            campaign = await _get(tx, who, id_)
            where = [TARGET.campaign_id == campaign.id]
            if status is not None:
                where.append(TARGET.status == status.value)
            return await TARGETS.page(tx, owner_of(who), query, *where)

    # --- made and changed -------------------------------------------------------------------------

    async def create(
        self, who: Principal, campaign: Campaign, numbers: Sequence[str]
    ) -> tuple[Campaign, Added]:
        """Store a draft with its numbers; its owner is whoever asks.

        Long lists are stored in parts. Raises Unprocessable.
        """
        campaign = msgspec.structs.replace(campaign, owner_id=who.account_id)
        bare, errors = await _bare(numbers)
        now = self._clock.wall()
        async with self._database.write() as tx:
            errors += await self._line_faults(tx, campaign)
            await _check(tx, campaign, errors)
            campaign = _cleaned(campaign)
            stored = msgspec.structs.replace(
                campaign, status=CampaignStatus.DRAFT, created_wall=now, updated_wall=now
            )
            campaign = await CAMPAIGNS.add(tx, stored)
        added = await self._add(campaign, bare)
        return msgspec.structs.replace(campaign, numbers=added.added), added

    async def add_numbers(
        self, who: Principal, id_: str, numbers: Sequence[str]
    ) -> tuple[Campaign, Added]:
        """More numbers for a campaign that is not completed.

        Raises NotFound, Conflict and Unprocessable.
        """
        bare, errors = await _bare(numbers)
        async with self._database.read() as tx:
            campaign = await _get(tx, who, id_)
        if errors:
            raise Unprocessable("not all of these can be called", errors)
        added = await self._add(campaign, bare)
        self.on_change()
        return (await self.get(who, id_))[0], added

    async def change(self, who: Principal, id_: str, changes: dict[str, Any]) -> Campaign:
        """Change some fields; calls that were made stay as they are.

        A completed one has only its name, description and metadata. Raises NotFound, Conflict and
        Unprocessable.
        """
        async with self._database.write() as tx:
            campaign = await _get(tx, who, id_)
            if campaign.status is CampaignStatus.COMPLETED and not changes.keys() <= KEPT:
                raise Conflict(f"campaign {id_} is completed: only its data can be changed")
            wanted = msgspec.structs.replace(campaign, **changes)
            # One whose line is gone can still be described.
            other = wanted.line != campaign.line
            await _check(tx, wanted, await self._line_faults(tx, wanted) if other else [])
            wanted = _cleaned(wanted)
            changes = {name: getattr(wanted, name) for name in changes}
            now = self._clock.wall()
            changed = await CAMPAIGNS.update(tx, campaign, **changes, updated_wall=now)
        self.on_change()
        return changed

    async def _line_faults(self, tx: Transaction, campaign: Campaign) -> list[FieldError]:
        return await line_faults(tx, self._lines, campaign.line, campaign.owner_id)

    async def launch(self, who: Principal, id_: str) -> Campaign:
        """Let a draft begin, or a paused one go on. Raises NotFound and Conflict."""
        return await self._move(who, id_, Verb.LAUNCH)

    async def pause(self, who: Principal, id_: str) -> Campaign:
        """Begin no more calls; those in progress end as they will. Raises NotFound and Conflict."""
        return await self._move(who, id_, Verb.PAUSE)

    async def stop(self, who: Principal, id_: str) -> Campaign:
        """End it: numbers whose turn has not come are not called. Raises NotFound and Conflict."""
        return await self._move(who, id_, Verb.STOP)

    async def delete(self, who: Principal, id_: str) -> None:
        """Delete one with its numbers, in parts; its calls remain. Raises NotFound and Conflict."""
        async with self._database.write() as tx:
            campaign = await _get(tx, who, id_)
            if campaign.status is CampaignStatus.ACTIVE:
                raise Conflict(f"campaign {id_} is active: pause or stop it first")
            pending = [status.value for status in PENDING]
            waits = CALL.status.in_(pending) | and_(*TO_BE_RETRIED)
            mine = (CALL.campaign_id == campaign.id, waits)
            if (await tx.execute(select(CALL.seq).where(*mine).limit(1))).first() is not None:
                raise Conflict(f"campaign {id_} has calls that wait: stop it first")
            # It cannot be launched while its numbers go.
            await CAMPAIGNS.update(tx, campaign, status=CampaignStatus.COMPLETED)
        some = select(TARGET.seq).where(TARGET.campaign_id == campaign.id).limit(SLICE)
        while True:
            async with self._database.write() as tx:
                if not await TARGETS.delete_where(tx, None, TARGET.seq.in_(some)):
                    await CAMPAIGNS.delete(tx, campaign.id, None)
                    return

    # --- inside -----------------------------------------------------------------------------------

    async def _move(self, who: Principal, id_: str, verb: Verb) -> Campaign:
        async with self._log.writing() as work:
            campaign = await _get(work.tx, who, id_)
            if verb is Verb.LAUNCH and not campaign.numbers:
                raise Conflict(f"campaign {id_} has no numbers")
            if verb is Verb.LAUNCH:
                await _check_agent(work.tx, campaign)
            moved_to = await move(work, campaign, verb, self._clock.wall())
        self.on_change()
        return moved_to

    async def _add(self, campaign: Campaign, numbers: Sequence[str]) -> Added:
        added = 0
        for start in range(0, len(numbers), SLICE):
            async with self._database.write() as tx:
                added += await self._add_some(tx, campaign.id, numbers[start : start + SLICE])
        return Added(added=added, duplicates=len(numbers) - added)

    async def _add_some(self, tx: Transaction, id_: str, numbers: Sequence[str]) -> int:
        campaign = await CAMPAIGNS.get(tx, id_, None)
        if campaign is None or campaign.status is CampaignStatus.COMPLETED:
            raise Conflict("the campaign takes no more numbers")
        same = (TARGET.campaign_id == id_, TARGET.number.in_(numbers))
        there = set((await tx.execute(select(TARGET.number).where(*same))).scalars())
        new = [number for number in dict.fromkeys(numbers) if number not in there]
        count = campaign.numbers + len(new)
        if count > MAX_NUMBERS:
            raise Unprocessable("too many", [FieldError("numbers", f"at most {MAX_NUMBERS}")])
        now = self._clock.wall()
        targets = [
            Target(
                owner_id=campaign.owner_id,
                campaign_id=id_,
                number=number,
                created_wall=now,
                updated_wall=now,
            )
            for number in new
        ]
        await TARGETS.add_all(tx, targets)
        await CAMPAIGNS.update(tx, campaign, numbers=count)
        return len(new)


async def _check_agent(tx: Transaction, campaign: Campaign) -> None:
    """It may have gone since the campaign was made, or paused with its end."""
    _, fault = await speaking_agent(tx, campaign.owner_id, campaign.agent_id)
    if fault is not None:
        raise Conflict(f"its agent cannot speak: {fault.message}", field="agent_id")


TO_BE_RETRIED = (
    CALL.status == CallStatus.ENDED.value,
    CALL.outcome.in_([outcome.value for outcome in REASONS]),
    CALL.next_retry_wall > 0,  # every moment is: so an index finds them
)
"Of a campaign's calls."
KEPT = {"name", "description", "metadata"}
MOMENTS = {
    Verb.LAUNCH: "launched_wall",
    Verb.PAUSE: "paused_wall",
    Verb.STOP: "completed_wall",
    Verb.FINISH: "completed_wall",
}


async def move(work: Work, campaign: Campaign, verb: Verb, now: float) -> Campaign:
    """Store and tell what a verb makes of a campaign. Raises Conflict."""
    status = moved(campaign.status, verb)
    moments = {MOMENTS[verb]: now, "updated_wall": now}
    campaign = await CAMPAIGNS.update(work.tx, campaign, status=status, **moments)
    work.tell(
        campaign.owner_id,
        CampaignStatusChanged(at_wall=now, campaign_id=campaign.id, status=status),
    )
    return campaign


async def progress_of(tx: Transaction, campaigns: Sequence[Campaign]) -> list[Progress]:
    """How far each is, by one query; of a number that is tried again the last try counts."""
    ids = [campaign.id for campaign in campaigns]
    if not ids:
        return []
    waiting = (
        select(TARGET.campaign_id, literal("waiting"), literal(None), func.count())
        .where(TARGET.campaign_id.in_(ids), TARGET.status == TargetStatus.WAITING.value)
        .group_by(TARGET.campaign_id)
    )
    # One that is to be tried again is pending, one that was is not its number's last.
    status = case((CALL.next_retry_wall.is_not(None), PENDING[0].value), else_=CALL.status)
    calls = (
        select(CALL.campaign_id, status, CALL.outcome, func.count())
        .where(CALL.campaign_id.in_(ids), CALL.retried.is_(False))
        .group_by(CALL.campaign_id, status, CALL.outcome)
    )
    found: dict[str, dict[str, int]] = {id_: {} for id_ in ids}
    for id_, status, outcome, count in await tx.execute(union_all(waiting, calls)):
        field = _field(status, outcome)
        found[id_][field] = found[id_].get(field, 0) + count
    return [Progress(numbers=each.numbers, **found[each.id]) for each in campaigns]


def wish_of(campaign: Campaign, number: str) -> NewCall:
    """The call that a number gets."""
    return NewCall(
        to=number,
        agent_id=campaign.agent_id,
        from_=campaign.from_number,
        line=campaign.line,
        context=campaign.context,
        metadata=campaign.metadata,
        priority=campaign.priority,
        timezone=campaign.window.timezone,
        ring_limit_s=campaign.ring_limit_s,
    )


def _field(status: str, outcome: str | None) -> str:
    """Progress' field for a number whose call is so."""
    if status == "waiting":
        return status
    if status == CallStatus.ENDED.value:
        return outcome or Outcome.FAILED.value
    return "in_progress" if CallStatus(status) in IN_PROGRESS else "pending"


async def _get(tx: Transaction, who: Principal, id_: str) -> Campaign:
    campaign = await CAMPAIGNS.get(tx, id_, owner_of(who))
    if campaign is None:
        raise missing("campaign", id_)
    return campaign


async def _check(tx: Transaction, campaign: Campaign, more: Iterable[FieldError]) -> None:
    """Raises Unprocessable with all that is wrong."""
    errors = [
        error
        for error in faults_of(wish_of(campaign, "+15550100"), 0.0)
        if error.field != "timezone"  # told as the window's
    ]
    errors += faults(campaign.window)
    _, fault = await speaking_agent(tx, campaign.owner_id, campaign.agent_id)
    errors += [fault] if fault is not None else []
    if not 1 <= campaign.max_concurrent <= MAX_CONCURRENT:
        errors.append(FieldError("max_concurrent", f"must be from 1 to {MAX_CONCURRENT}"))
    errors += more
    if errors:
        raise Unprocessable("the campaign does not fit", errors)


def _cleaned(campaign: Campaign) -> Campaign:
    return msgspec.structs.replace(
        campaign,
        from_number=callable_number(campaign.from_number) or "",
        window=located(campaign.window),
    )


async def _bare(numbers: Sequence[str]) -> tuple[list[str], list[FieldError]]:
    """The numbers as they are dialled, and which of them cannot be; the first faults only."""
    if len(numbers) > MAX_NUMBERS:
        return [], [FieldError("numbers", f"at most {MAX_NUMBERS}")]
    bare: list[str] = []
    errors: list[FieldError] = []
    for index, written in enumerate(numbers):
        if index % SLICE == SLICE - 1:
            await asyncio.sleep(0)  # others' turn: frames come every few milliseconds
        number = callable_number(written)
        if number is not None:
            bare.append(number)
        elif len(errors) < MAX_FAULTS:
            said = "neither a number of 3 to 15 digits nor a SIP address"
            errors.append(FieldError(f"numbers[{index}]", said))
    return bare, errors


def _nobody() -> None:
    """Before there is somebody who sees to campaigns."""
