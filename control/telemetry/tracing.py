"""Who is told of requests, calls and services (spans.py), as it is configured.

Without `[tracing] endpoint` it is nobody, and nothing of OpenTelemetry is imported.
"""

from ..configuration.config_tracing import TracingSettings
from ..errors import StartError
from .spans import UNTRACED, Tracing

EXTRA = "offhook[tracing]"


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
