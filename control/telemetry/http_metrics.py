"""What is counted of requests, by route and status: never by what somebody typed.

A route and a status together are a few hundred series at most. Each has its counters ready, so that
one request costs two additions.
"""

from collections.abc import Iterable

from .prometheus import AnyFamily, Counter, Gauge, Histogram, Series, SeriesHistogram

DURATION_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

SWITCHED = 101
"A WebSocket: it took as long as somebody listened."


class HttpMetrics:
    """Requests: how many, how long, how many at once."""

    def __init__(self) -> None:
        self._requests = Counter(
            "offhook_http_requests_total", "Requests that were answered, by route and status."
        )
        self._duration = Histogram(
            "offhook_http_request_duration_seconds",
            "From a request's headers to its answer's first byte, by route.",
            DURATION_BOUNDS_S,
        )
        self._limited = Counter(
            "offhook_http_rate_limited_total", "Requests refused for their rate, by policy."
        )
        self._took_s, self._timed = 0.0, 0
        self.in_flight = 0
        "Requests that are being answered; WebSockets among them."
        self._series: dict[tuple[str, str, int], tuple[Series, SeriesHistogram]] = {}

    def count(self, method: str, route: str, status: int, took_s: float) -> None:
        """One was answered. `route` is a template of the table."""
        key = method, route, status
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = (
                self._requests.at(method=method, route=route, status=str(status)),
                self._duration.at(method=method, route=route),
            )
        series[0].add()
        if status != SWITCHED:
            series[1].observe(took_s)
            self._took_s += took_s
            self._timed += 1

    def mean_s(self) -> float:
        """How long requests have taken on average; 0: there were none. WebSockets aside."""
        return self._took_s / self._timed if self._timed else 0.0

    def count_limited(self, policy: str) -> None:
        """One was refused because its sender asks too often."""
        self._limited.add(policy=policy)

    def families(self) -> Iterable[AnyFamily]:
        """For the exposition."""
        flight = Gauge(
            "offhook_http_requests_in_flight",
            "Requests that are being answered, WebSockets among them.",
            lambda: self.in_flight,
            "gauge",
        )
        return (self._requests, self._duration, self._limited, flight)
