"""The whole of it, chapter by chapter."""

from ..dialect import Dialect, Rate
from . import (
    agents,
    analytics,
    auth,
    bulk,
    calls,
    exotel,
    knowledge,
    phones,
    retries,
    scheduling,
    stats,
)
from .forms import BASE, FIELDS, IDS, NAMES, REFUSALS, ErrorBody, error, success, success_schema

CALLINGPLATFORM = Dialect(
    name="callingplatform",
    title="AI Calling Platform API",
    about="Agents that call and are called, on numbers of one's own.",
    base=BASE,
    rows=(
        *auth.ROWS,
        *agents.ROWS,
        *phones.ROWS,
        *calls.ROWS,
        *scheduling.ROWS,
        *retries.ROWS,
        *bulk.ROWS,
        *analytics.ROWS,
        *knowledge.ROWS,
        *stats.ROWS,
        *exotel.ROWS,
    ),
    ids=IDS,
    success=success,
    success_schema=success_schema,
    error=error,
    error_type=ErrorBody,
    refusals=REFUSALS,
    fields=FIELDS,
    names=NAMES,
    rates={"api": Rate(100, 60.0), "auth": Rate(5, 60.0), "bulk": Rate(10, 3600.0)},
)
