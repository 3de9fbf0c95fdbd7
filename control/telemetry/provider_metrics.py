"""What is counted of requests to speech and language services, by provider and kind.

Both are names of ours: the provider as the configuration calls it, the kind a driver's. A request
that is tried again counts again.
"""

from collections.abc import Iterable

from ...drivers.openai_limits import RequestLimit
from ...drivers.provider_watch import ProviderRequest
from ...media.clock import Clock
from ...media.errors import ProviderError
from .prometheus import AnyFamily, Counter, Histogram
from .provider_standings import ProviderStandings
from .spans import Tracing

FIRST_PART_BOUNDS_S = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)


class ProviderMetrics:
    """`watch` is a ProviderWatch: it counts, and tells the traces and the standings."""

    def __init__(self, clock: Clock, tracing: Tracing) -> None:
        self._clock = clock
        self._tracing = tracing
        self.standings = ProviderStandings(clock)
        self.requests = Counter(
            "offhook_provider_requests_total", "Requests to services, tries again included."
        )
        self.errors = Counter(
            "offhook_provider_errors_total", "Requests to services that failed, by what went wrong."
        )
        self.first_part = Histogram(
            "offhook_provider_first_part_seconds",
            "From a request to the first usable part of its answer.",
            FIRST_PART_BOUNDS_S,
        )

    def watch(self, provider: str, kind: str, own_key: bool = False) -> ProviderRequest:
        """A request begins. `own_key`: an account's, whose standing is nobody else's."""
        self.requests.add(provider=provider, kind=kind)
        span = self._tracing.provider(provider, kind)
        return _Request(self, self._clock, provider, kind, span, not own_key)

    def families(self) -> Iterable[AnyFamily]:
        """For the exposition."""
        return (self.requests, self.errors, self.first_part)


class _Request:
    """Implements ProviderRequest."""

    def __init__(
        self,
        metrics: ProviderMetrics,
        clock: Clock,
        provider: str,
        kind: str,
        span: ProviderRequest | None,
        counts: bool,
    ) -> None:
        self._metrics, self._clock, self._span = metrics, clock, span
        self._standings = metrics.standings if counts else None
        self._provider, self._kind = provider, kind
        self._begun_at = clock.now()

    def first_part(self) -> None:
        """The first part of the answer is here."""
        took_s = self._clock.now() - self._begun_at
        self._metrics.first_part.observe(took_s, provider=self._provider, kind=self._kind)
        if self._standings is not None:
            self._standings.answered(self._provider, self._kind, took_s)
        if self._span is not None:
            self._span.first_part()

    def allowed(self, limit: RequestLimit) -> None:
        """The provider has said how many requests more it takes."""
        if self._standings is not None:
            self._standings.allowed(self._provider, self._kind, limit)
        if self._span is not None:
            self._span.allowed(limit)

    def ended(self, error: ProviderError | None) -> None:
        """It is over; to be given up is no error."""
        if error is not None:
            self._metrics.errors.add(code=error.code, provider=self._provider, kind=self._kind)
            if self._standings is not None:
                self._standings.failed(self._provider, self._kind, error.code)
        if self._span is not None:
            self._span.ended(error)
