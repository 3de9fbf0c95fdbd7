"""Tiers, what a user has subscribed to, and payments."""

import functools
from typing import Annotated

import msgspec

from ...domain.payments import Payment, PaymentStatus
from ...domain.subscriptions import Period, Subscription
from ...http.route import Asked, Nothing
from ...services.access import missing
from ..dialect import AnyRow, Row
from ..moments import Moment, seconds, seconds_or_none
from ..reading import Short
from .forms import account_in_path, number_of
from .users import UNLIMITED

TAG, PAYMENTS = "Subscription Management", "Payment Management"
PREFIX = "pay_session_"
UPDATED = "Subscription updated"
SAID = {
    PaymentStatus.OPEN: ("pending", "Payment not made yet"),
    PaymentStatus.PENDING: ("pending", "Payment is being looked at"),
    PaymentStatus.VERIFIED: ("verified", "Payment verified"),
    PaymentStatus.REFUSED: ("failed", "Payment refused"),
}

TierNumber = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
Card = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{16}\Z", description="16 digits.")]
Holder = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class TierView(msgspec.Struct, frozen=True, kw_only=True):
    """What can be subscribed to."""

    id: int
    name: str
    display_name: str
    description: str
    price_monthly: float
    price_yearly: float
    max_sessions_per_month: int
    "0: any number."
    max_session_duration_minutes: int
    "0: any length."
    features: list[str]


class Upgrade(msgspec.Struct, frozen=True):
    """Another tier."""

    tier_id: TierNumber
    payment_period: Period


class NewPayment(msgspec.Struct, frozen=True):
    """A payment to be begun."""

    subscription_tier_id: TierNumber
    payment_period: Period


class PaymentProof(msgspec.Struct, frozen=True):
    """What it was paid with. Of the card the last four digits are kept."""

    session_id: Short
    bank_card_number: Card
    cardholder_name: Holder


class SubscriptionView(msgspec.Struct, frozen=True, kw_only=True):
    """A user's subscription."""

    user_id: int
    tier_id: int
    "0: the user was not made by registering here, and has no limits."
    tier: str
    status: str
    payment_period: Period | None
    started_at: Moment | None
    expires_at: Moment | None


class UpgradedView(SubscriptionView, frozen=True, kw_only=True):
    """The same, when it was changed."""

    message: str


class BankDetails(msgspec.Struct, frozen=True):
    """Where is paid to."""

    card_number: str
    bank_name: str
    cardholder_name: str


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that was begun."""

    session_id: str
    amount: float
    currency: str
    bank_details: BankDetails
    expires_at: Moment


class VerifiedView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a payment."""

    session_id: str
    status: str
    verified: bool
    message: str
    subscription: SubscriptionView


async def list_tiers(asked: Asked[Nothing, Nothing]) -> list[TierView]:
    """What can be subscribed to."""
    same = ("id", "name", "display_name", "description", "price_monthly", "price_yearly")
    return [
        TierView(
            **{name: getattr(tier, name) for name in same},
            max_sessions_per_month=tier.max_sessions_per_month,
            max_session_duration_minutes=tier.max_session_minutes,
            features=list(tier.features),
        )
        for tier in asked.edge.services.subscriptions.tiers
    ]


async def get_subscription(asked: Asked[Nothing, Nothing]) -> SubscriptionView:
    """A user's subscription: your own, or anybody's for administrators."""
    id_ = await account_in_path(asked)
    held = await asked.edge.services.subscriptions.of(asked.who, id_)
    return await _shown(asked, id_, held)


async def upgrade(asked: Asked[Nothing, Upgrade]) -> UpgradedView:
    """Choose a tier. What is to be paid for is in force when a payment for it was verified."""
    service, body = asked.edge.services.subscriptions, asked.body
    tier = service.tier_by_number(body.tier_id)
    held = await service.choose(asked.who, tier, body.payment_period)
    shown = await _shown(asked, asked.who.account_id, held)
    return UpgradedView(message=UPDATED, **msgspec.structs.asdict(shown))


async def create_payment(asked: Asked[Nothing, NewPayment]) -> PaymentView:
    """Begin to pay: how much, where to, until when."""
    services, body = asked.edge.services, asked.body
    tier = services.subscriptions.tier_by_number(body.subscription_tier_id)
    payment = await services.payments.begin(asked.who, tier, body.payment_period)
    bank = services.payments.settings
    return PaymentView(
        session_id=_name(payment),
        amount=payment.amount,
        currency=payment.currency,
        bank_details=BankDetails(bank.card_number, bank.bank_name, bank.cardholder_name),
        expires_at=seconds(payment.expires_wall),
    )


async def verify_payment(asked: Asked[Nothing, PaymentProof]) -> VerifiedView:
    """You have paid. Sent again, the answer is the same."""
    services, body = asked.edge.services, asked.body
    prefix, token = body.session_id[: len(PREFIX)], body.session_id[len(PREFIX) :]
    if prefix != PREFIX:
        raise missing("payment session", body.session_id)
    payment = await services.payments.by_token(asked.who, token)
    payment = await services.payments.verify(
        asked.who, payment.id, body.bank_card_number, body.cardholder_name
    )
    status, message = SAID[payment.status]
    held = await services.subscriptions.of(asked.who, asked.who.account_id)
    return VerifiedView(
        session_id=body.session_id,
        status=status,
        verified=payment.status is PaymentStatus.VERIFIED,
        message=message,
        subscription=await _shown(asked, asked.who.account_id, held),
    )


async def _shown(
    asked: Asked[Nothing, Upgrade] | Asked[Nothing, PaymentProof] | Asked[Nothing, Nothing],
    account_id: str,
    held: Subscription | None,
) -> SubscriptionView:
    user_id = await number_of(asked, "account", account_id)
    if held is None:
        return SubscriptionView(
            user_id=user_id,
            tier_id=0,
            tier=UNLIMITED,
            status="active",
            payment_period=None,
            started_at=None,
            expires_at=None,
        )
    tiers = asked.edge.services.subscriptions.tiers
    return SubscriptionView(
        user_id=user_id,
        tier_id=next((tier.id for tier in tiers if tier.name == held.tier), 0),
        tier=held.tier,
        status=held.status.value,
        payment_period=held.period,
        started_at=seconds(held.started_wall),
        expires_at=seconds_or_none(held.expires_wall),
    )


def _name(payment: Payment) -> str:
    return f"{PREFIX}{payment.token}"


_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        "/api/subscriptions/tiers",
        list_tiers,
        "Get subscription tiers",
        scope=None,
        returns=list[TierView],
    ),
    _row(
        "GET",
        "/api/subscriptions/user/{account}",
        get_subscription,
        "Get user subscription",
        "billing:read",
        returns=SubscriptionView,
    ),
    _row(
        "POST",
        "/api/subscriptions/upgrade",
        upgrade,
        "Update subscription",
        "billing:write",
        body=Upgrade,
        returns=UpgradedView,
        example={"tier_id": 2, "payment_period": "monthly"},
    ),
    _row(
        "POST",
        "/api/payments/create-session",
        create_payment,
        "Create payment session",
        "billing:write",
        body=NewPayment,
        returns=PaymentView,
        status=201,
        example={"subscription_tier_id": 2, "payment_period": "monthly"},
        tag=PAYMENTS,
    ),
    _row(
        "POST",
        "/api/payments/verify",
        verify_payment,
        "Verify payment",
        "billing:write",
        body=PaymentProof,
        returns=VerifiedView,
        example={
            "session_id": f"{PREFIX}1",
            "bank_card_number": "1234567890123456",
            "cardholder_name": "Ann Smith",
        },
        tag=PAYMENTS,
    ),
)
