"""The whole of it, chapter by chapter."""

from ..dialect import Dialect, Rate
from . import agents, analytics, auth, call_logs, campaigns, health, recordings
from .forms import FIELDS, IDS, NAMES, REFUSALS, ErrorBody, error, success, success_schema

MEGABYTE = 1_000_000

VOICERA = Dialect(
    name="voicera",
    title="VoiceERA REST API",
    about="Voice agents, campaigns, and what was said in their calls.",
    rows=(
        *auth.ROWS,
        *agents.ROWS,
        *campaigns.ROWS,
        *call_logs.ROWS,
        *recordings.ROWS,
        *analytics.ROWS,
        *health.ROWS,
    ),
    ids=IDS,
    success=success,
    success_schema=success_schema,
    error=error,
    error_type=ErrorBody,
    refusals=REFUSALS,
    fields=FIELDS,
    names=NAMES,
    rates={
        "api": Rate(100, 60.0),
        "auth": Rate(10, 60.0),
        # Nothing is uploaded yet; what will be counts for it.
        "upload": Rate(10 * MEGABYTE, 60.0, in_bytes=True),
    },
)
