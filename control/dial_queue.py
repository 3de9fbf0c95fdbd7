"""Which of the calls that wait may start now, and whether a failed one goes on by the next line.

Pure: the order is the store's (priority, then age), room is counted by call_limits.py. Not here:
when somebody looks (dispatch.py), nor what is done then (outgoing.py).
"""

from collections.abc import Iterable

import msgspec

from ..media.ports import HangUpCause, LegEnded
from .call_limits import CallLimits, Claim, Counted, LimitReached, Seat
from .domain.calls import Call

LINE_FAULTS = frozenset({HangUpCause.NETWORK, HangUpCause.OVERLOADED})
"Causes that are the line's and not the far end's."
SERVER_FAULTS = range(500, 600)
"SIP statuses that are (RFC 3261 §21.5). 6xx is the far end's, wherever it is asked."


class Candidate(msgspec.Struct, frozen=True):
    """A call that waits, is due, and could be placed."""

    call: Call
    claims: tuple[Claim, ...]
    "What it counts for, but for its line."
    lines: tuple[Claim, ...]
    "The lines that may carry it, in order."


class Chosen(msgspec.Struct, frozen=True):
    """A call that may start. Its seats are taken, and given back by whoever has them."""

    call: Call
    lines: tuple[str, ...]
    "The first has room, which is held for it."
    seat: Seat
    line_seat: Seat

    def release(self) -> None:
        """Give back all room."""
        self.line_seat.release()
        self.seat.release()


class Choice(msgspec.Struct, frozen=True):
    """What may start, and who has to wait for others' ends."""

    chosen: tuple[Chosen, ...]
    full_owners: frozenset[str]
    "Accounts that have as many calls as they may."
    waits: bool
    "Some had to be left for want of room."


def choose(candidates: Iterable[Candidate], limits: CallLimits, room: int) -> Choice:
    """Take the first `room` candidates that every limit allows; one that it does not is passed."""
    chosen: list[Chosen] = []
    full: set[str] = set()
    waits = False
    for candidate in candidates:
        if len(chosen) >= room:
            waits = True
            break
        try:
            found = _seated(candidate, limits)
        except LimitReached as exc:
            waits = True
            if exc.claim.kind is Counted.ACCOUNT:
                full.add(exc.claim.name)
        else:
            chosen.append(found)
    return Choice(tuple(chosen), frozenset(full), waits)


def _seated(candidate: Candidate, limits: CallLimits) -> Chosen:
    """Raises LimitReached, taking nothing."""
    seat = limits.acquire(*candidate.claims)
    full: LimitReached | None = None
    for index, line in enumerate(candidate.lines):
        try:
            line_seat = limits.acquire(line)
        except LimitReached as exc:
            full = full or exc
            continue
        # Those before it are full: they would be tried again at once, for nothing.
        names = tuple(claim.name for claim in candidate.lines[index:])
        return Chosen(candidate.call, names, seat, line_seat)
    seat.release()
    assert full is not None, "a candidate has a line"
    raise full


def may_try_next(end: LegEnded, rang: bool) -> bool:
    """Whether another line may be tried: the line has failed, and nobody's telephone rang."""
    if rang or end.by_us:
        return False
    return end.cause in LINE_FAULTS or (end.status or 0) in SERVER_FAULTS
