"""Payments by bank transfer: begun, said to be made, decided; what was paid for begins with it.

Of a card the last four digits are kept; its number is handed to who decides, and is in no log.
"""

import random

from ...media.clock import Clock
from ..auth.principal import Principal
from ..billing.deciding import AdministratorsDesk, Decision, PaymentDesk, SimulatedDesk
from ..billing.terms import chosen, paid
from ..configuration.config_billing import PaymentSettings
from ..domain.payments import Payment, PaymentStatus
from ..domain.subscriptions import Period, Tier
from ..errors import Conflict, FieldError, Gone, Unprocessable
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of
from .event_log import EventLog, Work
from .notifications import NotificationService
from .subscriptions import SubscriptionService, held_in, keep

PAYMENTS = Rows(schema.PAYMENTS, Payment)
COLUMNS = schema.PAYMENTS.c
TOKEN_BYTES = 16
CARD_DIGITS = 16
MAX_OPEN = 20
"Of one account: the oldest ones go when there are more."
DESKS: dict[str, type[SimulatedDesk] | type[AdministratorsDesk]] = {
    "simulated": SimulatedDesk,
    "administrator": AdministratorsDesk,
}


class PaymentService:
    """The verbs."""

    def __init__(
        self,
        database: Database,
        events: EventLog,
        subscriptions: SubscriptionService,
        notifications: NotificationService,
        clock: Clock,
        settings: PaymentSettings,
        rng: random.Random,
    ) -> None:
        """`rng` is unguessable."""
        self._database = database
        self._events = events
        self._subscriptions = subscriptions
        self._notifications = notifications
        self._clock = clock
        self._rng = rng
        self.settings = settings
        "Where is paid to."
        self.desk: PaymentDesk = DESKS[settings.decided_by]()

    async def begin(self, who: Principal, tier: Tier, period: Period) -> Payment:
        """Begin to pay for a period of a tier. Raises Unprocessable for one that is free."""
        amount = tier.price(period)
        if amount <= 0:
            fault = FieldError("tier", "nothing is to be paid for it")
            raise Unprocessable("nothing is to be paid", [fault])
        now = self._clock.wall()
        payment = Payment(
            owner_id=who.account_id,
            token=self._rng.randbytes(TOKEN_BYTES).hex(),
            tier=tier.name,
            period=period,
            amount=round(amount, 2),
            currency=self.settings.currency,
            expires_wall=now + self.settings.session_s,
            created_wall=now,
            updated_wall=now,
        )
        is_open = COLUMNS.status == PaymentStatus.OPEN.value
        async with self._database.write() as tx:
            surplus = await PAYMENTS.count(tx, who.account_id, is_open) - (MAX_OPEN - 1)
            for old in await PAYMENTS.all(tx, who.account_id, is_open, limit=max(0, surplus)):
                await PAYMENTS.delete(tx, old.id, old.owner_id)
            return await PAYMENTS.add(tx, payment)

    async def get(self, who: Principal, id_: str) -> Payment:
        """One. Raises NotFound."""
        async with self._database.read() as tx:
            return await self._get(tx, who, id_)

    async def by_token(self, who: Principal, token: str) -> Payment:
        """One's own by its token. Raises NotFound."""
        async with self._database.read() as tx:
            found = await PAYMENTS.find(tx, who.account_id, COLUMNS.token == token)
        if found is None:
            raise missing("payment", token)
        return found

    async def page(
        self, who: Principal, query: PageQuery, status: PaymentStatus | None = None
    ) -> Page[Payment]:
        """Payments in pages."""
        where = [] if status is None else [COLUMNS.status == status.value]
        async with self._database.read() as tx:
            return await PAYMENTS.page(tx, owner_of(who), query, *where)

    async def verify(self, who: Principal, id_: str, card_number: str, cardholder: str) -> Payment:
        """Somebody says that they have paid. Once it is decided, the same is answered again.

        Raises NotFound, Unprocessable, Gone for one whose time is over.
        """
        digits = card_number.replace(" ", "")
        if not (len(digits) == CARD_DIGITS and digits.isascii() and digits.isdigit()):
            fault = FieldError("card_number", f"must have {CARD_DIGITS} digits")
            raise Unprocessable("that is no card", [fault])
        payment = await self.get(who, id_)
        if payment.status is not PaymentStatus.OPEN:
            return payment
        if payment.expires_wall <= self._clock.wall():
            raise Gone("the time to pay is over: begin another payment")
        decision = await self.desk.decide(payment, digits, cardholder)
        async with self._events.writing() as work:
            payment = await self._get(work.tx, who, id_)
            if payment.status is not PaymentStatus.OPEN:
                return payment  # it was sent twice
            said = {"card_last4": digits[-4:], "cardholder": cardholder}
            payment = await PAYMENTS.update(work.tx, payment, **said)
            return await self._decided(work, payment, decision)

    async def decide(self, who: Principal, id_: str, *, accepted: bool, reason: str) -> Payment:
        """An administrator has looked at it. Raises NotFound and Conflict."""
        assert who.is_admin, "the route asks for an administrator"
        status = PaymentStatus.VERIFIED if accepted else PaymentStatus.REFUSED
        async with self._events.writing() as work:
            payment = await self._get(work.tx, who, id_)
            if payment.status is not PaymentStatus.PENDING:
                raise Conflict(f"the payment is {payment.status.value}")
            return await self._decided(work, payment, Decision(status, reason))

    async def _decided(self, work: Work, payment: Payment, decision: Decision) -> Payment:
        now = self._clock.wall()
        final = decision.status is not PaymentStatus.PENDING
        payment = await PAYMENTS.update(
            work.tx,
            payment,
            status=decision.status,
            reason=decision.reason,
            decided_wall=now if final else None,
            updated_wall=now,
        )
        service = self._subscriptions
        if decision.status is PaymentStatus.REFUSED:
            title = f"Your payment of {payment.amount:.2f} {payment.currency} was refused"
            await self._tell(work, payment, "payment.refused", title, decision.reason)
            return payment
        tier = service.tier(payment.tier)
        held = await held_in(work.tx, payment.owner_id, service.tiers[0], now)
        if decision.status is PaymentStatus.PENDING:
            await keep(work.tx, held, chosen(held, tier, payment.period, now))
            return payment
        await keep(work.tx, held, paid(held, tier, payment.period, now))
        title = f"{tier.display_name or tier.name} is paid for"
        await self._tell(work, payment, "payment.verified", title, "")
        return payment

    async def _tell(
        self, work: Work, payment: Payment, kind: str, title: str, message: str
    ) -> None:
        await self._notifications.notify(work, payment.owner_id, kind, title, message)

    async def _get(self, tx: Transaction, who: Principal, id_: str) -> Payment:
        payment = await PAYMENTS.get(tx, id_, owner_of(who))
        if payment is None:
            raise missing("payment", id_)
        return payment
