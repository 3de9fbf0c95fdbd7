"""The whole of it, chapter by chapter."""

from ..dialect import Dialect
from . import agents, analytics, auth, business, calls, notes, notifications, setup, sockets
from .forms import BASE, FIELDS, IDS, NAMES, REFUSALS, ErrorBody, error, success, success_schema

AICALLER = Dialect(
    name="aicaller",
    title="AI Caller API",
    about="Calls that an AI holds and people take over, with events as they happen.",
    base=BASE,
    rows=(
        *auth.ROWS,
        *business.ROWS,
        *setup.ROWS,
        *calls.ROWS,
        *notes.ROWS,
        *agents.ROWS,
        *notifications.ROWS,
        *analytics.ROWS,
        *sockets.ROWS,
    ),
    ids=IDS,
    success=success,
    success_schema=success_schema,
    error=error,
    error_type=ErrorBody,
    refusals=REFUSALS,
    fields=FIELDS,
    names=NAMES,
)
