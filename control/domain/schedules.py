"""Calls that come again and again: the rule, and what has come of it so far."""

import datetime
import enum
from typing import Any

import msgspec

from .calls import Priority
from .entity import Owned


class Pattern(enum.Enum):
    """How often."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Recurrence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it comes, in wall time of a zone (control/dialer/recurrence.py)."""

    pattern: Pattern
    time: str
    "HH:MM. Where clocks jump over it, it is the moment after the jump; twice: the first."
    timezone: str = "UTC"
    days: tuple[int, ...] = ()
    "Weekly: ISO weekdays, 1 is Monday; empty: that of `start_date`."
    day: int | None = None
    "Monthly: 1 to 31, in shorter months the last; null: that of `start_date`."
    start_date: datetime.date | None = None
    "The first day that counts; null: the day on which the schedule is made."
    end_date: datetime.date | None = None
    "The last day that counts."
    business_hours_only: bool = False
    "From 9:00 to 18:00. What lies outside moves to the next 9:00, unless that day has its own."
    business_days: tuple[int, ...] = (1, 2, 3, 4, 5)
    "ISO weekdays that have business hours."


class Schedule(Owned, frozen=True, kw_only=True):
    """A call that is placed whenever its rule says so."""

    name: str = ""
    agent_id: str | None = None
    "Who speaks; None: the default agent."
    to_number: str
    from_number: str = ""
    line: str = ""
    context: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    priority: Priority = Priority.NORMAL
    ring_limit_s: float = 30.0
    recurrence: Recurrence
    grace_s: float = 3600.0
    "One that could not be placed in time is placed later, but not later than this."
    is_active: bool = True
    next_run_wall: float | None = None
    "None: it is paused, or over."
    last_run_wall: float | None = None
    "The moment that the newest call was due."
    runs: int = 0
    "Calls that were placed."
    missed: int = 0
    "Moments that passed without a call, because the server did not run."
