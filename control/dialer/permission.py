"""SHELL: whether calls of a kind may be begun now, and whom nobody calls, as the store has it.

Asked by who dials, before a call is claimed and, where it has to be exact, in the transaction that
claims it. What a rule means is told elsewhere: quiet_hours.py, campaign_rules.py.
"""

from collections.abc import Collection, Iterable, Sequence

import msgspec
from sqlalchemy import select

from ..domain.calls import CallSummary
from ..domain.campaigns import Campaign, CampaignStatus
from ..domain.dialing import DialSettings, QuietHours
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Rows
from .campaign_rules import opening_at
from .dial_queue import Kind
from .dialling import keys_of
from .quiet_hours import quiet_until

DIAL_SETTINGS = Rows(schema.DIAL_SETTINGS, DialSettings)
CAMPAIGNS = Rows(schema.CAMPAIGNS, Campaign)
SETTING = schema.DIAL_SETTINGS.c
LISTED = schema.DO_NOT_CALL.c
UTC = "UTC"
LISTED_REASON = "the number is on the do-not-call list"
OVER_REASON = "the campaign is over"


class Stops(msgspec.Struct, frozen=True):
    """Who has stopped."""

    everyone: bool = False
    owners: frozenset[str] = frozenset()

    def stops(self, call: CallSummary) -> bool:
        """Whether the call must not be begun."""
        return self.everyone or call.owner_id in self.owners


class Hold(msgspec.Struct, frozen=True):
    """Calls of a kind have to wait."""

    until_wall: float | None
    "None: until somebody changes something, who tells of it."
    over: str = ""
    "Why they will never be begun, in words; empty: they will."


class Rules(msgspec.Struct, frozen=True):
    """What an account's calls obey, where it says nothing itself what all accounts do."""

    timezone: str
    quiet_hours: QuietHours | None

    def quiet_until(self, timezone: str, wall: float) -> float | None:
        """Until when a number in `timezone` is not called; UTC is nobody's: the account's counts.

        None: it may be called.
        """
        zone = self.timezone if timezone == UTC else timezone
        return quiet_until(self.quiet_hours, zone, wall)


class Permission:
    """Every verb raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stops(self) -> Stops:
        """Who has stopped."""
        async with self._database.read() as tx:
            return await stops_in(tx)

    async def holds(self, kinds: Collection[Kind], now_wall: float) -> dict[Kind, Hold]:
        """Those whose calls have to wait, or will never be begun (`over`)."""
        owners = {kind.owner_id for kind in kinds}
        campaigns = {kind.campaign_id for kind in kinds} - {None}
        async with self._database.read() as tx:
            rules = await rules_of(tx, owners)
            found = await CAMPAIGNS.all(tx, None, CAMPAIGNS.table.c.id.in_(campaigns))
        by_id = {campaign.id: campaign for campaign in found}
        holds = {}
        for kind in kinds:
            hold = None
            if kind.campaign_id is not None:
                hold = _of_campaign(by_id.get(kind.campaign_id), now_wall)
            if hold is None:
                quiet = rules[kind.owner_id].quiet_until(kind.timezone, now_wall)
                hold = None if quiet is None else Hold(quiet)
            if hold is not None:
                holds[kind] = hold
        return holds

    async def listed(self, calls: Sequence[CallSummary]) -> set[str]:
        """The ids of those whose number is not to be called."""
        async with self._database.read() as tx:
            return await self.listed_in(tx, calls)

    async def stops_in(self, tx: Transaction) -> Stops:
        """The same as `stops`, in a transaction."""
        return await stops_in(tx)

    async def listed_in(self, tx: Transaction, calls: Sequence[CallSummary]) -> set[str]:
        """The same as `listed`, in a transaction."""
        pairs = {(call.owner_id, call.to_number) for call in calls}
        found = await listed(tx, pairs)
        return {call.id for call in calls if (call.owner_id, call.to_number) in found}


async def stops_in(tx: Transaction) -> Stops:
    """Who has stopped, as a transaction sees it."""
    query = select(SETTING.owner_id).where(SETTING.stopped_wall.is_not(None))
    owners = set((await tx.execute(query)).scalars())
    return Stops(None in owners, frozenset(owners - {None}))


async def rules_of(tx: Transaction, owners: Collection[str]) -> dict[str, Rules]:
    """What accounts' calls obey."""
    either = SETTING.owner_id.is_(None) | SETTING.owner_id.in_(owners)
    found = {each.owner_id: each for each in await DIAL_SETTINGS.all(tx, None, either)}
    nothing = DialSettings()
    everyone = found.get(None, nothing)
    rules = {}
    for owner in owners:
        own = found.get(owner, nothing)
        zone = own.timezone or everyone.timezone or UTC
        hours = everyone.quiet_hours if own.quiet_hours is None else own.quiet_hours
        rules[owner] = Rules(zone, hours)
    return rules


async def listed(tx: Transaction, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Of accounts and numbers, those that are not to be called: by the account, or by anybody."""
    keys = {pair: keys_of(pair[1]) for pair in pairs}
    asked = sorted({key for some in keys.values() for key in some})
    if not asked:
        return set()
    query = select(LISTED.owner_id, LISTED.key).where(LISTED.key.in_(asked))
    found = {(owner, key) for owner, key in await tx.execute(query)}
    return {
        pair
        for pair, some in keys.items()
        if any((owner, key) in found for owner in (None, pair[0]) for key in some)
    }


async def is_over(tx: Transaction, campaign_id: str, now_wall: float) -> bool:
    """Whether a campaign begins no call any more; one that was deleted does not."""
    campaign = await CAMPAIGNS.get(tx, campaign_id, None)
    hold = _of_campaign(campaign, now_wall)
    return hold is not None and bool(hold.over)


def _of_campaign(campaign: Campaign | None, now_wall: float) -> Hold | None:
    if campaign is None:
        return Hold(None, OVER_REASON)
    opening = opening_at(campaign.window, now_wall)
    if campaign.status is CampaignStatus.COMPLETED or opening.is_over:
        return Hold(None, OVER_REASON)
    if campaign.status is not CampaignStatus.ACTIVE:
        return Hold(None)
    return None if opening.is_open else Hold(opening.next_wall)
