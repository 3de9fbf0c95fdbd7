"""The tables: one for each kind of entity, its columns named as the Struct's fields (domain/).

What is searched or sorted by is a column of its own; nested values are JSON. `seq` is the primary
key and the order of creation, `id` the UUID that everything else refers to. A change here needs a
migration (migrations/versions); a test compares the two. They are written in tables/, a module a
subject.
"""

from .tables.accounts import ACCOUNTS, CREDENTIALS, ONE_TIME_CODES, PROVIDER_KEYS
from .tables.analyses import CALL_ANALYSES
from .tables.analytics import CALL_FIGURES
from .tables.answering import AGENTS, MODEMS, PHONE_NUMBERS
from .tables.billing import PAYMENTS, SUBSCRIPTIONS, TICKET_REPLIES, TICKETS
from .tables.calls import CALLS, ESCALATIONS, NOTE_TAGS, NOTES, RECORDINGS, TURNS
from .tables.columns import ID_CHARS, METADATA
from .tables.dialing import DIAL_SETTINGS, DO_NOT_CALL
from .tables.documents import CHUNK_VECTORS, CHUNKS, DOCUMENTS
from .tables.events import DELIVERIES, EVENT_POSITIONS, EVENTS, IDEMPOTENCY_KEYS, WEBHOOKS
from .tables.messages import CONTACTS, ERROR_LOGS, NOTIFICATIONS, OUTBOX, SMS_MESSAGES
from .tables.nodes import NODE_LIVES
from .tables.sms_tasks import BROADCAST_RECIPIENTS, BROADCASTS, SMS_TASKS, TIER_CHANGES
from .tables.wanted_calls import (
    CAMPAIGN_TARGETS,
    CAMPAIGNS,
    IMPORT_FAILURES,
    IMPORT_JOBS,
    SCHEDULES,
)

__all__ = [
    "ACCOUNTS",
    "AGENTS",
    "BROADCASTS",
    "BROADCAST_RECIPIENTS",
    "CALLS",
    "CALL_ANALYSES",
    "CALL_FIGURES",
    "CAMPAIGNS",
    "CAMPAIGN_TARGETS",
    "CHUNKS",
    "CHUNK_VECTORS",
    "CONTACTS",
    "CREDENTIALS",
    "DELIVERIES",
    "DIAL_SETTINGS",
    "DOCUMENTS",
    "DO_NOT_CALL",
    "ERROR_LOGS",
    "ESCALATIONS",
    "EVENTS",
    "EVENT_POSITIONS",
    "IDEMPOTENCY_KEYS",
    "ID_CHARS",
    "IMPORT_FAILURES",
    "IMPORT_JOBS",
    "METADATA",
    "MODEMS",
    "NODE_LIVES",
    "NOTES",
    "NOTE_TAGS",
    "NOTIFICATIONS",
    "ONE_TIME_CODES",
    "OUTBOX",
    "PAYMENTS",
    "PHONE_NUMBERS",
    "PROVIDER_KEYS",
    "RECORDINGS",
    "SCHEDULES",
    "SMS_MESSAGES",
    "SMS_TASKS",
    "TIER_CHANGES",
    "SUBSCRIPTIONS",
    "TICKETS",
    "TICKET_REPLIES",
    "TURNS",
    "WEBHOOKS",
]
