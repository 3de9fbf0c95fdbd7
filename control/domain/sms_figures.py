"""Figures of texts that agents answer, and of those who ask them."""

import msgspec


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks, counted."""

    total: int = 0
    succeeded: int = 0
    timed: int = 0
    "Those that are over, which `processing_s` is of."
    processing_s: float = 0.0
    "Of all of them together."
    tokens: int = 0

    @property
    def success_rate(self) -> float:
        """Percent of all, whether they are over or not."""
        return 100.0 * self.succeeded / self.total if self.total else 0.0

    @property
    def mean_processing_s(self) -> float:
        """Of those that are over."""
        return self.processing_s / self.timed if self.timed else 0.0

    @property
    def mean_tokens(self) -> float:
        """Of those that are over."""
        return self.tokens / self.timed if self.timed else 0.0

    def __add__(self, other: "Tally") -> "Tally":
        names = Tally.__struct_fields__
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in names})


class TaskFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks of some time."""

    all: Tally
    by_category: dict[str, Tally]
    "The most frequent first."
    by_day: dict[int, Tally]
    "By the UTC day, counted from 1970; days without any are left out."


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand."""

    contacts: int
    seen_24h: int
    "Contacts that asked within it."
    seen_7d: int
    tiers: dict[str, int]
    tasks: TaskFigures
    tasks_24h: int


class ContactFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Those who ask, in some time."""

    from_wall: float
    to_wall: float
    contacts: int
    new: int
    active: int
    "That asked in this time."
    active_before: int
    "That asked in as long a time before it."
    retained: int
    "That asked in both."
    upgrades: int
    downgrades: int
    countries: dict[str, int]
    tasks: int
    by_hour: dict[int, int]
    "Hour of the day (UTC) -> tasks."
    by_weekday: dict[int, int]
    "0 is Monday, UTC."

    @property
    def retention_rate(self) -> float:
        """Percent of those before."""
        return 100.0 * self.retained / self.active_before if self.active_before else 0.0


class PerformanceFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How fast, and what went wrong."""

    mean_s: float
    p50_s: float
    p95_s: float
    p99_s: float
    ended: int
    failed: int
    errors: int
    "Entries of the error log."
    common_errors: dict[str, int]
    "By type, the most frequent first."


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """What waits, and what came of the rest."""

    pending: int
    failed: int
    completed_today: int
    "Since midnight, UTC."
