"""How calls are placed: when they are tried again, when nobody is called, and who never is."""

from typing import Literal

import msgspec

from .entity import Entity


class RetryRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often, and after how long, a call is placed again that ended for one reason."""

    max_attempts: int
    "Calls after the first one, whatever the reasons of those before; 0: none."
    initial_delay_s: float
    "From the end of the first call to the second."
    backoff: Literal["fixed", "exponential"] = "exponential"
    "fixed: each waits as long as the first."
    factor: float = 2.0
    "exponential: each waits so many times as long as the one before."
    max_delay_s: float = 86_400.0


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agent's rules, by what became of a call that nobody answered."""

    no_answer: RetryRule = RetryRule(max_attempts=3, initial_delay_s=300.0)
    busy: RetryRule = RetryRule(max_attempts=2, initial_delay_s=600.0, factor=1.5)
    failed: RetryRule = RetryRule(max_attempts=2, initial_delay_s=900.0, factor=1.5)


class QuietHours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When nobody is called, in the wall time of whoever would be."""

    begins: str = "21:00"
    ends: str = "08:00"
    "Before `begins`: past midnight. The same: only `days` are quiet."
    days: tuple[int, ...] = ()
    "ISO weekdays, 1 is Monday, that are quiet altogether."


class DialSettings(Entity, frozen=True, kw_only=True):
    """How an account's calls are placed; `owner_id` None: what counts for all accounts."""

    owner_id: str | None = None
    timezone: str = ""
    "Of numbers whose call names none; empty: that of all accounts, else UTC."
    quiet_hours: QuietHours | None = None
    "None: those of all accounts."
    stopped_wall: float | None = None
    "Since then no call is begun; those in progress go on."
    stop_reason: str = ""


class DoNotCall(Entity, frozen=True, kw_only=True):
    """A number that is never called; `owner_id` None: by no account."""

    owner_id: str | None = None
    number: str
    "As it was given."
    key: str
    "What all spellings of it share (dialling.py)."
    reason: str = ""
