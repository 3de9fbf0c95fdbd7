"""Payments by bank transfer: what is to be paid, and what became of it."""

import enum

from .entity import Owned
from .subscriptions import Period


class PaymentStatus(enum.Enum):
    """Where a payment stands."""

    OPEN = "open"
    "It waits for whoever pays."
    PENDING = "pending"
    "They say that they have paid: it is being looked at."
    VERIFIED = "verified"
    REFUSED = "refused"


class Payment(Owned, frozen=True, kw_only=True):
    """One payment for one period of a tier. Of a card there are only its last four digits."""

    token: str
    "What whoever pays calls it by; unguessable."
    tier: str
    period: Period
    amount: float
    "In `currency`, with two decimals."
    currency: str
    status: PaymentStatus = PaymentStatus.OPEN
    expires_wall: float
    "An open one is not taken any more from then on."
    card_last4: str = ""
    cardholder: str = ""
    decided_wall: float | None = None
    reason: str = ""
    "Why it was refused."
