"""Subscriptions: tiers, what accounts have chosen, and how that limits the calls that they place.

An account without a subscription is not limited. Not here: what is paid (payments.py), how a call
is ended at its limit (calls/call_length.py).
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select

from ...media.clock import Clock
from ..auth.principal import Principal
from ..billing.terms import as_now, begun, cancelled, chosen, in_force, month_begin
from ..configuration.config_billing import SubscriptionSettings
from ..domain.calls import CallSummary, Outcome
from ..domain.subscriptions import Period, Subscription, Tier
from ..errors import Forbidden
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Rows
from .access import missing
from .accounts import ACCOUNTS

SUBSCRIPTIONS = Rows(schema.SUBSCRIPTIONS, Subscription)
COLUMNS = schema.SUBSCRIPTIONS.c
CALL = schema.CALLS.c
CHANGED = ("tier", "status", "period", "started_wall", "expires_wall", "paid_tier")
CHANGED_TOO = ("paid_until_wall", "updated_wall")


class OverQuota(Forbidden):
    """The account's tier allows no more calls in this month."""

    code = "quota_reached"


class SubscriptionService:
    """The verbs."""

    def __init__(self, database: Database, clock: Clock, settings: SubscriptionSettings) -> None:
        self._database = database
        self._clock = clock
        self.tiers: tuple[Tier, ...] = settings.tiers
        "All that can be subscribed to; the first one is free."

    def tier(self, name: str) -> Tier:
        """One by its name. Raises NotFound."""
        for tier in self.tiers:
            if tier.name == name:
                return tier
        raise missing("tier", name)

    def tier_by_number(self, number: int) -> Tier:
        """One by what older APIs call it. Raises NotFound."""
        for tier in self.tiers:
            if tier.id == number:
                return tier
        raise missing("tier", str(number))

    async def of(self, who: Principal, account_id: str) -> Subscription | None:
        """An account's, as it stands now; None: it has none, and no limits. Raises NotFound."""
        async with self._database.read() as tx:
            account = await ACCOUNTS.get(tx, account_id, None)
            if account is None or not (who.is_admin or who.account_id == account_id):
                raise missing("account", account_id)
            held = await SUBSCRIPTIONS.find(tx, account_id)
        return None if held is None else as_now(held, self._clock.wall())

    async def begin(self, account_id: str) -> Subscription:
        """Subscribe a new account to the free tier; one that has a subscription keeps it."""
        async with self._database.write() as tx:
            return await held_in(tx, account_id, self.tiers[0], self._clock.wall())

    async def choose(self, who: Principal, tier: Tier, period: Period) -> Subscription:
        """Change to another tier; one that costs something counts when it is paid for."""
        now = self._clock.wall()
        async with self._database.write() as tx:
            held = await held_in(tx, who.account_id, self.tiers[0], now)
            return await keep(tx, held, chosen(held, tier, period, now))

    async def cancel(self, who: Principal) -> Subscription:
        """Do not renew it. Raises NotFound where there is none."""
        now = self._clock.wall()
        async with self._database.write() as tx:
            held = await SUBSCRIPTIONS.find(tx, who.account_id)
            if held is None:
                raise missing("subscription", who.account_id)
            return await keep(tx, held, cancelled(held, now))

    # --- for other services ---------------------------------------------------------------------

    async def limits(self, tx: Transaction, owner_id: str) -> Tier | None:
        """The tier whose limits hold for an account; None: it has no subscription."""
        held = await SUBSCRIPTIONS.find(tx, owner_id)
        return None if held is None else in_force(held, self.tiers, self._clock.wall())

    async def longest_s(self, owner_id: str) -> float | None:
        """How long an account's calls may be; None: as long as they like. Raises StoreError."""
        async with self._database.read() as tx:
            tier = await self.limits(tx, owner_id)
        return (
            None
            if tier is None or not tier.max_session_minutes
            else tier.max_session_minutes * 60.0
        )

    async def check(self, tx: Transaction, owner_id: str) -> None:
        """Whether an account may place one more call this month. Raises OverQuota."""
        tier = await self.limits(tx, owner_id)
        if tier is None or not tier.max_sessions_per_month:
            return
        if await placed_this_month(tx, owner_id, self._clock.wall()) >= tier.max_sessions_per_month:
            raise OverQuota(f"tier {tier.name!r} has {tier.max_sessions_per_month} calls a month")

    async def beyond(self, calls: Sequence[CallSummary]) -> set[str]:
        """Those that are more than their accounts may place this month: the ones made last.

        Whoever has made them: schedules, campaigns, files. Raises StoreError.
        """
        now, found = self._clock.wall(), set[str]()
        owners = {call.owner_id for call in calls}
        async with self._database.read() as tx:
            held = await SUBSCRIPTIONS.all(tx, None, COLUMNS.owner_id.in_(owners))
            for each in held:
                most = in_force(each, self.tiers, now).max_sessions_per_month
                if not most:
                    continue
                counted = select(CALL.seq).where(*_counted(each.owner_id, now))
                last = counted.order_by(CALL.seq).offset(most - 1).limit(1)
                seq = (await tx.execute(last)).scalar_one_or_none()
                if seq is not None:
                    found |= {x.id for x in calls if _is_after(x, each.owner_id, seq)}
        return found


async def placed_this_month(tx: Transaction, owner_id: str, now_wall: float) -> int:
    """Calls that an account has placed in this month: no retries, none that was called off."""
    query = select(func.count()).where(*_counted(owner_id, now_wall))
    return int((await tx.execute(query)).scalar_one())


async def held_in(tx: Transaction, owner_id: str, free: Tier, now_wall: float) -> Subscription:
    """An account's subscription; one to the free tier is made where there is none."""
    held = await SUBSCRIPTIONS.find(tx, owner_id)
    return await SUBSCRIPTIONS.add(tx, begun(owner_id, free, now_wall)) if held is None else held


async def keep(tx: Transaction, held: Subscription, changed: Subscription) -> Subscription:
    """Store what has become of one."""
    changes = {name: getattr(changed, name) for name in (*CHANGED, *CHANGED_TOO)}
    return await SUBSCRIPTIONS.update(tx, held, **changes)


def _counted(owner_id: str, now_wall: float) -> tuple[ColumnElement[bool], ...]:
    return (
        CALL.owner_id == owner_id,
        CALL.inbound.is_(False),
        CALL.original_call_id.is_(None),
        CALL.created_wall >= month_begin(now_wall),
        CALL.outcome.is_distinct_from(Outcome.CANCELLED.value),
    )


def _is_after(call: CallSummary, owner_id: str, seq: int) -> bool:
    return call.owner_id == owner_id and call.original_call_id is None and call.seq > seq
