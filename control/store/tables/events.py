"""Events, those who are told of them, and answers that are given once."""

from sqlalchemy import Column, Index, String, Table

from .columns import (
    ID_CHARS,
    METADATA,
    PLACE,
    entity,
    flag,
    id_of,
    nested,
    owned,
    ref,
    wall,
    whole,
    words,
)

EVENTS = entity(
    "events",
    ref("owner_id", "accounts", null=True),
    id_of("call_id", index=True),
    words("type"),
    wall("at_wall", null=False),
    nested("body"),
)
WEBHOOKS = owned(
    "webhooks",
    words("url"),
    words("secret"),
    nested("events"),
    words("description"),
    flag("is_active"),
    words("disabled_reason"),
)
DELIVERIES = owned(
    "deliveries",
    ref("webhook_id", "webhooks"),
    id_of("event_id", null=False, index=True),
    id_of("call_id"),
    words("status"),
    whole("attempts"),
    wall("next_try_wall"),
    whole("response_status", null=True),
    words("error"),
    wall("delivered_wall"),
    # What is due; and who waits behind whom.
    Index(None, "status", "next_try_wall"),
    Index(None, "webhook_id", "status", "call_id"),
)
EVENT_POSITIONS = Table(
    "event_positions",
    METADATA,
    # Who reads the events one after another, and the last one that was read.
    Column("reader", String(64), primary_key=True),
    Column("seq", PLACE, nullable=False),
)
IDEMPOTENCY_KEYS = Table(
    "idempotency_keys",
    METADATA,
    Column("owner_id", String(ID_CHARS), primary_key=True),
    Column("key", String(255), primary_key=True),
    words("request_hash"),
    whole("status", null=True),
    nested("headers", null=True),
    words("body", null=True),
    wall("created_wall", null=False, index=True),
)
