"""What is told of requests, calls and services to whoever collects traces. Here: to nobody.

Who collects them is tracing.py's to know; what sends them is otlp_tracing.py.
"""

from collections.abc import Mapping

from ...drivers.provider_watch import ProviderRequest
from ...media.conversation.records import AnyCallEvent, CallRecord


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
