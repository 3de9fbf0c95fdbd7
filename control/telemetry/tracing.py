"""What is told of requests, calls and services to whoever collects traces. Here: to nobody.

With `[tracing] endpoint`, `open_tracing` gives what sends spans (otlp_tracing.py); without it
nothing of OpenTelemetry is imported.
"""

from collections.abc import Mapping

from ...drivers.provider_watch import ProviderRequest
from ...media.conversation.records import AnyCallEvent, CallRecord
from ..configuration.config_tracing import TracingSettings
from ..errors import StartError

EXTRA = "offhook[tracing]"


class RequestSpan:
    """One HTTP request."""

    def end(self, status: int) -> None:
        """It was answered."""


class Tracing:
    """Spans; those of this class go nowhere."""

    def request(
        self, headers: Mapping[str, str], method: str, route: str, request_id: str
    ) -> RequestSpan:
        """A request began; `headers` may name the trace that it belongs to (W3C Trace Context)."""
        return NO_SPAN

    def provider(self, provider: str, kind: str) -> ProviderRequest | None:
        """A service is asked, for the call of this context; None: nobody wants to know."""
        return None

    def count(self, event: AnyCallEvent, record: CallRecord) -> None:
        """Something happened in a call."""

    def count_ended(self, record: CallRecord) -> None:
        """A call is over and its record complete."""

    async def aclose(self) -> None:
        """Send what is waiting, if that is quickly done."""


NO_SPAN = RequestSpan()
UNTRACED = Tracing()


def open_tracing(settings: TracingSettings) -> Tracing:
    """As it is configured. Raises StartError when what it takes is not installed."""
    if not settings.endpoint:
        return UNTRACED
    try:
        from .otlp_tracing import open_otlp
    except ModuleNotFoundError as exc:
        if not (exc.name or "").startswith(("opentelemetry", "requests", "google")):
            raise
        raise StartError("tracing", f"{exc.name} is missing: pip install {EXTRA}") from exc
    return open_otlp(settings)
