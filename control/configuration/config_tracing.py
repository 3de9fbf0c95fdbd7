"""The configuration of traces, a part of config.py."""

from typing import Annotated

import msgspec


class TracingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where spans of requests and calls go. Headers for it: `OTEL_EXPORTER_OTLP_HEADERS`."""

    endpoint: Annotated[
        str, msgspec.Meta(pattern=r"^(https?://\S+)?\Z", description="an http(s) address")
    ] = ""
    "A collector's OTLP/HTTP address for traces, such as http://127.0.0.1:4318/v1/traces."
    service: str = "offhook"
    "What this server is called there."
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    "Of requests and calls that are traced; a request that a traced one has made is always."
