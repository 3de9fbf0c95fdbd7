"""How services for speech and language stand: what came of the newest requests to each. Core.

It is what this process has seen of them, with the server's own keys; nothing is asked for it.
"""

from collections.abc import Collection

import msgspec

from ...drivers.openai_limits import RequestLimit
from ...media.clock import Clock

LATELY_S = 3600.0
"What was seen before says nothing about now."
MAX_KEPT = 64
"Providers and kinds; the configuration has fewer."


class ProviderStanding(msgspec.Struct, frozen=True, kw_only=True):
    """One provider, asked for one kind of thing."""

    provider: str
    kind: str
    "What it is asked for, such as `openai-chat`."
    seen_at: float
    response_s: float | None = None
    "To the first part of the newest answer; None: it has not answered lately."
    error: str | None = None
    "The code of what the newest request failed with; None: it did not."
    limit: RequestLimit | None = None
    "None: it has not said."
    limited_at: float = 0.0

    def remaining(self, now: float) -> int | None:
        """Requests that it still takes; None: it has not said."""
        return None if self.limit is None else self.limit.after(now - self.limited_at)


class ProviderStandings:
    """The newest of each."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, str], ProviderStanding] = {}

    def answered(self, provider: str, kind: str, took_s: float) -> None:
        """The first part of an answer came after so long."""
        self._keep(provider, kind, response_s=took_s, error=None)

    def failed(self, provider: str, kind: str, error: str) -> None:
        """A request failed, or was refused."""
        self._keep(provider, kind, error=error)

    def allowed(self, provider: str, kind: str, limit: RequestLimit) -> None:
        """It has said how many requests more it takes."""
        self._keep(provider, kind, limit=limit, limited_at=self._clock.now())

    def newest(self, kinds: Collection[str]) -> ProviderStanding | None:
        """Of those that were asked for one of these lately; None: none was."""
        since = self._clock.now() - LATELY_S
        found = [each for each in self._kept.values() if each.kind in kinds]
        return max(
            (each for each in found if each.seen_at >= since),
            key=lambda each: each.seen_at,
            default=None,
        )

    def _keep(self, provider: str, kind: str, **changes: object) -> None:
        key, now = (provider, kind), self._clock.now()
        had = self._kept.pop(key, None)
        if had is None or had.seen_at < now - LATELY_S:
            had = ProviderStanding(provider=provider, kind=kind, seen_at=now)
        self._kept[key] = msgspec.structs.replace(had, seen_at=now, **changes)
        while len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]
