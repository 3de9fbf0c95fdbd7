"""`/v1/payments`: periods of a tier that are paid for by bank transfer."""

import datetime
import functools
from typing import Annotated, Any, Literal

import msgspec

from ...domain.payments import Payment, PaymentStatus
from ...domain.subscriptions import Period
from ...errors import Conflict, Gone, NotFound, Unprocessable
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none
from .subscriptions import TierName

TAG = "Payments"

CardNumber = Annotated[
    str, msgspec.Meta(max_length=40, description="16 digits; the last four are kept.")
]
Holder = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Reason = Annotated[str, msgspec.Meta(max_length=1000)]


class PaymentQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which payments."""

    status: PaymentStatus | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


class NewPayment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment to be begun."""

    tier: TierName
    period: Period = Period.MONTHLY


class Verification(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it was paid with."""

    card_number: CardNumber
    cardholder: Holder


class Verdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the money has come."""

    accepted: bool
    reason: Reason = ""
    "Why not; whoever paid is told."


class BankView(msgspec.Struct, frozen=True):
    """Where is paid to."""

    card_number: str
    bank_name: str
    cardholder_name: str


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    """A payment."""

    id: str
    account_id: str
    tier: str
    period: Period
    amount: float
    currency: str
    status: PaymentStatus
    bank: BankView
    card_last4: str
    cardholder: str
    reason: str
    expires_at: datetime.datetime
    decided_at: datetime.datetime | None
    created_at: datetime.datetime


async def list_payments(asked: Asked[PaymentQuery, Nothing]) -> List[PaymentView]:
    """Your payments, newest first; administrators see everybody's."""
    payments = asked.edge.services.payments
    page = await payments.page(asked.who, asked.query.page(), asked.query.status)
    return list_of(page, [payment_view(asked, payment) for payment in page.items])


async def begin_payment(asked: Asked[Nothing, NewPayment]) -> PaymentView:
    """Begin to pay for a tier: tells how much, where to, and until when."""
    services, body = asked.edge.services, asked.body
    tier = services.subscriptions.tier(body.tier)
    return payment_view(asked, await services.payments.begin(asked.who, tier, body.period))


async def get_payment(asked: Asked[Nothing, Nothing]) -> PaymentView:
    """One payment."""
    payments = asked.edge.services.payments
    return payment_view(asked, await payments.get(asked.who, asked.path("id")))


async def verify_payment(asked: Asked[Nothing, Verification]) -> PaymentView:
    """You have paid. Sent again, the answer is the same. What was paid for is in force at once."""
    payments, body = asked.edge.services.payments, asked.body
    id_ = asked.path("id")
    found = await payments.verify(asked.who, id_, body.card_number, body.cardholder)
    return payment_view(asked, found)


async def decide_payment(asked: Asked[Nothing, Verdict]) -> PaymentView:
    """Say whether a payment that waits has come (`payments.decided_by`: administrator)."""
    payments, body = asked.edge.services.payments, asked.body
    decided = await payments.decide(
        asked.who, asked.path("id"), accepted=body.accepted, reason=body.reason
    )
    return payment_view(asked, decided)


def payment_view(asked: Asked[Any, Any], payment: Payment) -> PaymentView:
    """A payment as the API shows it."""
    bank = asked.edge.services.payments.settings
    same = ("id", "tier", "period", "amount", "currency", "status", "card_last4", "cardholder")
    return PaymentView(
        **{name: getattr(payment, name) for name in same},
        account_id=payment.owner_id,
        bank=BankView(bank.card_number, bank.bank_name, bank.cardholder_name),
        reason=payment.reason,
        expires_at=utc(payment.expires_wall),
        decided_at=utc_or_none(payment.decided_wall),
        created_at=utc(payment.created_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/payments",
        list_payments,
        "List payments",
        "billing:read",
        query=PaymentQuery,
        returns=List[PaymentView],
    ),
    _route(
        "POST",
        "/v1/payments",
        begin_payment,
        "Begin a payment",
        "billing:write",
        body=NewPayment,
        returns=PaymentView,
        status=201,
        problems=(NotFound, Unprocessable),
    ),
    _route(
        "GET",
        "/v1/payments/{id}",
        get_payment,
        "Get a payment",
        "billing:read",
        returns=PaymentView,
        problems=(NotFound,),
    ),
    _route(
        "POST",
        "/v1/payments/{id}/verify",
        verify_payment,
        "Say that you have paid",
        "billing:write",
        body=Verification,
        returns=PaymentView,
        problems=(NotFound, Unprocessable, Gone),
    ),
    _route(
        "POST",
        "/v1/payments/{id}/decide",
        decide_payment,
        "Decide a payment",
        "billing:write",
        admin=True,
        body=Verdict,
        returns=PaymentView,
        problems=(NotFound, Conflict),
    ),
)
