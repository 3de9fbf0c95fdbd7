"""What is asked about calls in numbers: which figures, of which calls, over which time."""

import enum

import msgspec

from .calls import CallStatus, Outcome


class Report(enum.Enum):
    """What can be asked for."""

    SUMMARY = "summary"
    VOLUME = "volume"
    AGENTS = "agents"
    OUTCOMES = "outcomes"
    HOURS = "hours"
    RETRIES = "retries"
    SENTIMENT = "sentiment"
    PHRASES = "phrases"
    COSTS = "costs"
    LATENCY = "latency"
    QA = "qa"


class Bucket(enum.Enum):
    """How long one step of a series is, in local time."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    "From Monday on (ISO 8601)."
    MONTH = "month"


class Moment(enum.Enum):
    """Which moment of a call puts it into a period."""

    BEGUN = "begun"
    "It rang or was dialled; of a call that never was, when it was made."
    CREATED = "created"
    "It was made, which is what lists of calls go by."


class Direction(enum.Enum):
    """Which way a call went."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A time, and the zone whose days and hours are counted by."""

    from_wall: float
    to_wall: float
    "The first moment that is not in it."
    timezone: str = "UTC"
    bucket: Bucket = Bucket.DAY


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls; None: all."""

    owner_id: str | None = None
    agent_id: str | None = None
    campaign_id: str | None = None
    direction: Direction | None = None
    line: str | None = None
    status: CallStatus | None = None
    outcome: Outcome | None = None
    moment: Moment = Moment.BEGUN
