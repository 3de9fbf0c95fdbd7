"""Who says whether something was paid: the port, and what fills it where there is no bank."""

from typing import Protocol

import msgspec

from ..domain.payments import Payment, PaymentStatus


class Decision(msgspec.Struct, frozen=True):
    """What is said of a payment: verified, pending or refused."""

    status: PaymentStatus
    reason: str = ""
    "Why it was refused, in words."


class PaymentDesk(Protocol):
    """Decides. It is given the whole card number, and keeps nothing of it."""

    async def decide(self, payment: Payment, card_number: str, cardholder: str) -> Decision:
        """Look at what somebody says that they have paid."""
        ...


class SimulatedDesk:
    """A PaymentDesk: every payment is taken."""

    async def decide(self, payment: Payment, card_number: str, cardholder: str) -> Decision:
        """At once."""
        return Decision(PaymentStatus.VERIFIED)


class AdministratorsDesk:
    """A PaymentDesk: an administrator looks at the account of the bank, and decides."""

    async def decide(self, payment: Payment, card_number: str, cardholder: str) -> Decision:
        """Not yet."""
        return Decision(PaymentStatus.PENDING)
