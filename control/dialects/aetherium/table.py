"""The whole of it, chapter by chapter."""

from ..dialect import Dialect, Rate
from . import (
    admin,
    auth,
    session_socket,
    sessions,
    statistics,
    subscriptions,
    support,
    telegram,
    users,
    workflows,
)
from .forms import IDS, NAMES, REFUSALS, ErrorBody, error, success, success_schema

AETHERIUM = Dialect(
    name="aetherium",
    title="Aetherium API",
    about="Workflows that call people, the sessions that come of it, and what users pay for them.",
    rows=(
        *auth.ROWS,
        *users.ROWS,
        *workflows.ROWS,
        *sessions.ROWS,
        *statistics.ROWS,
        *subscriptions.ROWS,
        *telegram.ROWS,
        *support.ROWS,
        *admin.ROWS,
        *session_socket.ROWS,
    ),
    ids=IDS,
    success=success,
    success_schema=success_schema,
    error=error,
    error_type=ErrorBody,
    refusals=REFUSALS,
    names=NAMES,
    # Ten requests at once always pass: the document's burst is no limit of its own.
    rates={"api": Rate(120, 60.0)},
    key_header="X-API-Key",
)
