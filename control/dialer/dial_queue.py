"""Which of the calls that wait may start now, and whether a failed one goes on by the next line.

Calls of one kind (`Kind`) may start under the same conditions. So when one of them has to wait, the
others of its kind need not be looked at, however many stand in front of calls of other kinds.

Pure: the order is the store's (priority, then age), room is counted by call_limits.py, calls a
second by call_pace.py. Not here: when somebody looks (dispatch.py), nor what is done then
(outgoing.py).
"""

from collections.abc import Iterable

import msgspec

from ...media.ports import HangUpCause, LegEnded
from ..domain.calls import Call, CallSummary
from .call_limits import CallLimits, Claim, Counted, LimitReached, Seat
from .call_pace import CallPace

LINE_FAULTS = frozenset({HangUpCause.NETWORK, HangUpCause.OVERLOADED})
"Causes that are the line's and not the far end's."
SERVER_FAULTS = range(500, 600)
"SIP statuses that are (RFC 3261 §21.5). 6xx is the far end's, wherever it is asked."


class Kind(msgspec.Struct, frozen=True):
    """What decides whether, when and by which lines a call may start."""

    owner_id: str
    from_number: str
    line: str
    agent_id: str | None
    campaign_id: str | None
    timezone: str


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


class Passed(msgspec.Struct):
    """Calls that have to wait, and so need not be looked at any more in a round."""

    owners: set[str] = msgspec.field(default_factory=set)
    kinds: set[Kind] = msgspec.field(default_factory=set)


class Choice(msgspec.Struct, frozen=True):
    """What may start."""

    chosen: tuple[Chosen, ...]
    full: bool
    "There was no room for more: the rest has not been looked at."
    waits: bool
    "Some had to be left because a limit is reached."
    wait_s: float | None
    "A line may begin another call after so long; None: none has to wait for that."


def kind_of(call: CallSummary) -> Kind:
    """The kind of a call that waits."""
    return Kind(
        call.owner_id,
        call.from_number,
        call.line,
        call.agent_id,
        call.campaign_id,
        call.timezone,
    )


def choose(
    candidates: Iterable[Candidate],
    limits: CallLimits,
    pace: CallPace,
    room: int,
    now: float,
    passed: Passed,
) -> Choice:
    """Take the first `room` candidates that every limit allows; those that have to wait are passed.

    What they take is held: seats, and their line's next call.
    """
    chosen: list[Chosen] = []
    waits, wait_s = False, float("inf")
    for candidate in candidates:
        kind = kind_of(candidate.call)
        if kind in passed.kinds or kind.owner_id in passed.owners:
            continue
        if len(chosen) >= room:
            return Choice(tuple(chosen), True, waits, _or_none(wait_s))
        try:
            found = _seated(candidate, limits)
        except LimitReached as exc:
            waits = True
            if exc.claim.kind is Counted.ACCOUNT:
                passed.owners.add(exc.claim.name)
            else:
                passed.kinds.add(kind)
            continue
        line = found.lines[0]
        if (line_wait_s := pace.wait_s(line, now)) > 0.0:
            # It is a moment only: another line, which may be a dearer one, is not taken for that.
            found.release()
            passed.kinds.add(kind)
            wait_s = min(wait_s, line_wait_s)
            continue
        pace.spend(line, now)
        chosen.append(found)
    return Choice(tuple(chosen), False, waits, _or_none(wait_s))


def _or_none(wait_s: float) -> float | None:
    return None if wait_s == float("inf") else wait_s


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
