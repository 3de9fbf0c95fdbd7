"""How many calls may be live at once: of an account, on a line, of a campaign. Pure: a counter.

A claim names what is to be counted and how much it bears; a seat is what was counted, to be given
back when the call is over. Several claims are taken together or not at all.
"""

import enum
from collections import Counter

import msgspec

from ..errors import ControlError


class Counted(enum.Enum):
    """What has a limit."""

    ACCOUNT = "account"
    LINE = "line"
    NUMBER = "number"
    CAMPAIGN = "campaign"
    DIALER = "dialer"
    "All calls that are placed."


class Claim(msgspec.Struct, frozen=True):
    """One call more of something."""

    kind: Counted
    name: str
    "Account.id, a line's name, PhoneNumber.id, Campaign.id; of the dialer, empty."
    limit: int | None = None
    "Calls that may be live at once; None: any number."


class LimitReached(ControlError):
    """There is no room for one call more; there will be when another one ends."""

    code = "limit_reached"

    def __init__(self, claim: Claim) -> None:
        super().__init__(claim)
        self.claim = claim

    def __str__(self) -> str:
        limit, kind = self.claim.limit, self.claim.kind.value
        return f"all {limit} calls of the {kind} are in use"


class Seat:
    """Room that a call has taken. Whoever holds it gives it back."""

    def __init__(self, limits: "CallLimits", claims: tuple[Claim, ...]) -> None:
        self._limits = limits
        self._claims = claims

    def release(self) -> None:
        """The call is over. Again: nothing happens."""
        claims, self._claims = self._claims, ()
        self._limits.give_back(claims)


class CallLimits:
    """Counts calls that are live."""

    def __init__(self) -> None:
        self._in_use = Counter[tuple[Counted, str]]()

    def acquire(self, *claims: Claim) -> Seat:
        """Take room for one call in everything that is named. Raises LimitReached, taking none."""
        for claim in claims:
            if claim.limit is not None and self.in_use(claim.kind, claim.name) >= claim.limit:
                raise LimitReached(claim)
        self._in_use.update((claim.kind, claim.name) for claim in claims)
        return Seat(self, claims)

    def in_use(self, kind: Counted, name: str) -> int:
        """Calls that are live now."""
        return self._in_use[kind, name]

    def give_back(self, claims: tuple[Claim, ...]) -> None:
        """A seat's claims; by `Seat.release`."""
        for claim in claims:
            key = (claim.kind, claim.name)
            self._in_use[key] -= 1
            if not self._in_use[key]:
                del self._in_use[key]  # accounts come and go
