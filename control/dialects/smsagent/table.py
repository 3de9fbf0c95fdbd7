"""The whole of it, chapter by chapter."""

from ..dialect import Dialect, Rate
from . import analytics, auth, error_logs, messaging, system, tasks, users
from .forms import (
    BASE,
    IDS,
    LIMIT,
    NAMES,
    REFUSALS,
    WINDOW_S,
    ErrorBody,
    error,
    success,
    success_schema,
)

SMSAGENT = Dialect(
    name="smsagent",
    title="SMS-to-AI Agent API",
    about="Texts that are answered by agents, those who send them, and texts for many.",
    base=BASE,
    rows=(
        *auth.ROWS,
        *users.ROWS,
        *tasks.ROWS,
        *analytics.ROWS,
        *messaging.ROWS,
        *error_logs.ROWS,
        *system.ROWS,
    ),
    ids=IDS,
    success=success,
    success_schema=success_schema,
    error=error,
    error_type=ErrorBody,
    refusals=REFUSALS,
    names=NAMES,
    rates={"api": Rate(LIMIT, WINDOW_S)},
    scheme="Token",
)
