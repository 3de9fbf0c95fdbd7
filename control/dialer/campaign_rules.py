"""What may be done to a campaign, when it calls, and what is to be done for it now. Pure.

A campaign turns its numbers into calls only as room appears: of its calls at most `max_concurrent`
are queued or in progress. So a pause has little to take back: calls that wait are *held* (scheduled
without a moment) and go on with the next launch; those in progress end as they will. Outside its
hours they wait for the next opening. When its window is over, or it is stopped, they are cancelled,
the numbers whose turn has not come are not called, and those that have failed are not tried again.
It is completed when nothing is left.

A call that is tried again later is the affair of whoever tries again: a campaign with such a call
is not completed.
"""

import datetime
import enum

import msgspec

from ..domain.campaigns import CampaignStatus, Window
from ..errors import Conflict, FieldError
from ..lines.open_hours import minutes_of, zone_of
from .recurrence import DAY, wall_of

BATCH = 20
"Calls that are made in one step: it is the frames' thread that does it."
SCAN_DAYS = 9
"Within so many days every window opens."
DAY_MINUTES = 24 * 60


class Verb(enum.Enum):
    """What changes a campaign's status."""

    LAUNCH = "launch"
    PAUSE = "pause"
    STOP = "stop"
    "Somebody ends it before its numbers do."
    FINISH = "finish"
    "Nothing is left to be done: by itself."


# status -> verb -> next status. What the table lacks is refused (Conflict).
TRANSITIONS: dict[CampaignStatus, dict[Verb, CampaignStatus]] = {
    CampaignStatus.DRAFT: {Verb.LAUNCH: CampaignStatus.ACTIVE},
    CampaignStatus.ACTIVE: {
        Verb.PAUSE: CampaignStatus.PAUSED,
        Verb.STOP: CampaignStatus.COMPLETED,
        Verb.FINISH: CampaignStatus.COMPLETED,
    },
    CampaignStatus.PAUSED: {
        Verb.LAUNCH: CampaignStatus.ACTIVE,
        Verb.STOP: CampaignStatus.COMPLETED,
    },
    CampaignStatus.COMPLETED: {},
}


def moved(status: CampaignStatus, verb: Verb) -> CampaignStatus:
    """The status after a verb. Raises Conflict."""
    after = TRANSITIONS[status].get(verb)
    if after is None:
        raise Conflict(f"a campaign that is {status.value} cannot {verb.value}")
    return after


class Opening(msgspec.Struct, frozen=True):
    """Whether a window is open at a moment."""

    is_open: bool
    next_wall: float | None
    "When that changes, or may; None: never."

    @property
    def is_over(self) -> bool:
        """It does not open any more."""
        return not self.is_open and self.next_wall is None


def opening_at(window: Window, wall: float) -> Opening:
    """Whether calls are begun at `wall`. The window has no faults.

    Hours are spans from the first moment that clocks show their beginning to the first at which
    they show their end.
    """
    starts = float("-inf") if window.start_at is None else window.start_at.timestamp()
    ends = float("inf") if window.end_at is None else window.end_at.timestamp()
    for opens, closes in _spans(window, max(wall, starts)):
        begin, end = max(opens, starts), min(closes, ends)
        if begin < end and wall < end:
            return Opening(begin <= wall, end if begin <= wall else begin)
        if opens >= ends:
            break
    return Opening(False, None)


def located(window: Window) -> Window:
    """With moments that know their zone. Raises ValueError for a zone that is not known."""
    zone = zone_of(window.timezone)
    moments = {
        name: moment.replace(tzinfo=zone)
        for name in ("start_at", "end_at")
        if (moment := getattr(window, name)) is not None and moment.tzinfo is None
    }
    return msgspec.structs.replace(window, **moments)


def faults(window: Window, field: str = "window") -> list[FieldError]:
    """What cannot be in a window, by field below `field`."""
    found: list[FieldError] = []
    try:
        window = located(window)
    except ValueError as exc:
        found.append(FieldError(f"{field}.timezone", str(exc)))
        window = msgspec.structs.replace(window, start_at=None, end_at=None)
    for name in ("opens", "closes"):
        try:
            minutes_of(getattr(window, name))
        except ValueError as exc:
            found.append(FieldError(f"{field}.{name}", str(exc)))
    days = window.days
    if not days or len(set(days)) < len(days) or not all(1 <= day <= 7 for day in days):
        said = "days are 1 (Monday) to 7 (Sunday), one at least, none of them twice"
        found.append(FieldError(f"{field}.days", said))
    if window.start_at and window.end_at and window.end_at <= window.start_at:
        found.append(FieldError(f"{field}.end_at", "not after the start"))
    return found


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How a campaign's calls and numbers stand."""

    waiting: int = 0
    "Numbers whose turn has not come; it need not be told more exactly than BATCH."
    held: int = 0
    "Calls that are scheduled without a moment."
    scheduled: int = 0
    "Calls for a moment that will come."
    queued: int = 0
    "To be placed now, or due."
    in_progress: int = 0
    retries: int = 0
    "Calls that have ended and are to be tried again; it need not be told more exactly than 1."

    @property
    def pending(self) -> int:
        """Calls that are not begun."""
        return self.held + self.scheduled + self.queued


class Do(enum.Enum):
    """What is to be done for a campaign."""

    NOTHING = "nothing"
    HOLD = "hold"
    "Its calls that wait lose their moment."
    POSTPONE = "postpone"
    "... wait for the next opening."
    RELEASE = "release"
    "Held calls are queued."
    CALL = "call"
    "Some numbers get their calls."
    CANCEL = "cancel"
    "Its calls that wait are over, and none is tried again."
    FINISH = "finish"


class Step(msgspec.Struct, frozen=True):
    """One thing, and when to look again if nothing else happens."""

    do: Do
    calls: int = 0
    "How many, of RELEASE and CALL."
    wall: float | None = None


def next_step(
    status: CampaignStatus, opening: Opening, max_concurrent: int, counts: Counts
) -> Step:
    """What is to be done now; after it, this is asked again until it is nothing."""
    if status is CampaignStatus.COMPLETED:
        return Step(Do.CANCEL if counts.pending or counts.retries else Do.NOTHING)
    if status is not CampaignStatus.ACTIVE:
        return Step(Do.HOLD if counts.queued or counts.scheduled else Do.NOTHING)
    left = counts.pending + counts.in_progress
    if opening.is_over:
        if counts.pending or counts.retries:
            return Step(Do.CANCEL)
        return Step(Do.NOTHING if left else Do.FINISH)
    if not (left or counts.waiting or counts.retries):
        return Step(Do.FINISH)
    if not opening.is_open:
        waits_now = counts.queued or counts.held
        return Step(Do.POSTPONE if waits_now else Do.NOTHING, wall=opening.next_wall)
    room = max_concurrent - counts.queued - counts.in_progress
    for do, calls in ((Do.RELEASE, counts.held), (Do.CALL, counts.waiting)):
        if room > 0 and calls:
            return Step(do, min(room, calls, BATCH), opening.next_wall)
    return Step(Do.NOTHING, wall=opening.next_wall)


def _spans(window: Window, wall: float) -> list[tuple[float, float]]:
    """Hours from a day before a moment on, in order."""
    zone = zone_of(window.timezone)
    opens, closes = minutes_of(window.opens), minutes_of(window.closes)
    today = datetime.datetime.fromtimestamp(wall, zone).date()
    found: list[tuple[float, float]] = []
    for offset in range(-1, SCAN_DAYS):
        day = today + offset * DAY
        if day.isoweekday() in window.days:
            begin = wall_of(day, opens, zone)
            end = wall_of(day, closes if closes > opens else closes + DAY_MINUTES, zone)
            if begin is not None and end is not None:
                found.append((begin, end))
    return found
