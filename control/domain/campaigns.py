"""Many numbers to be called by one agent, in a window of time, so many at once."""

import datetime
import enum
from typing import Any

import msgspec

from .calls import Priority
from .entity import Owned


class CampaignStatus(enum.Enum):
    """Where it stands; what leads from one to another: control/dialer/campaign_rules.py."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"


class Window(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When calls are begun, in wall time of a zone."""

    start_at: datetime.datetime | None = None
    "Not before; without a zone it is one of `timezone`."
    end_at: datetime.datetime | None = None
    "Not after: numbers that are left then are not called."
    opens: str = "00:00"
    closes: str = "24:00"
    "Hours of each day; at or before `opens`: past midnight."
    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    "ISO weekdays, 1 is Monday."
    timezone: str = "UTC"


class Campaign(Owned, frozen=True, kw_only=True):
    """A campaign. Its numbers are rows of their own."""

    name: str
    description: str = ""
    agent_id: str | None = None
    "Who speaks; None: the default agent."
    from_number: str = ""
    line: str = ""
    context: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    priority: Priority = Priority.NORMAL
    ring_limit_s: float = 30.0
    window: Window = Window()
    max_concurrent: int = 10
    "Of its calls that are queued or in progress."
    status: CampaignStatus = CampaignStatus.DRAFT
    numbers: int = 0
    "How many there are."
    launched_wall: float | None = None
    paused_wall: float | None = None
    completed_wall: float | None = None


class TargetStatus(enum.Enum):
    """Whether a number's turn has come."""

    WAITING = "waiting"
    CALLED = "called"
    "It has its call; what becomes of it is the call's to say."


class Target(Owned, frozen=True, kw_only=True):
    """One number of a campaign."""

    campaign_id: str
    number: str
    status: TargetStatus = TargetStatus.WAITING
    call_id: str | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a campaign is, in numbers."""

    numbers: int = 0
    waiting: int = 0
    "Their turn has not come."
    pending: int = 0
    "They have a call that waits."
    in_progress: int = 0
    completed: int = 0
    no_answer: int = 0
    busy: int = 0
    failed: int = 0
    cancelled: int = 0
