"""Texts that agents answer, texts for many, changes of tiers: figures are counted from them."""

from sqlalchemy import Column, Float, Index, Table, UniqueConstraint

from .columns import METADATA, PLACE, flag, id_of, nested, owned, ref, wall, whole, words

SMS_TASKS = owned(
    "sms_tasks",
    id_of("contact_id", index=True),
    words("phone_number", index=True),
    words("our_number"),
    id_of("message_id"),
    id_of("reply_message_id"),
    id_of("agent_id"),
    words("body"),
    words("reply", null=True),
    words("category"),
    Column("complexity", Float(53), nullable=False),
    words("status"),
    flag("replies_by_sms"),
    whole("attempts"),
    wall("next_try_wall"),
    Column("processing_s", Float(53), nullable=True),
    whole("tokens"),
    words("error_type"),
    words("error"),
    wall("finished_wall"),
    whole("hour"),
    nested("metadata"),
    UniqueConstraint("message_id"),
    Index(None, "status", "next_try_wall"),
    Index(None, "owner_id", "hour"),
)
BROADCASTS = owned(
    "broadcasts",
    words("message"),
    nested("tiers"),
    words("type"),
    words("status", index=True),
    whole("recipients"),
    whole("sent"),
    whole("failed"),
    whole("day"),
    whole("number"),
    wall("started_wall"),
    wall("finished_wall"),
    UniqueConstraint("day", "number"),
)
BROADCAST_RECIPIENTS = Table(
    "broadcast_recipients",
    METADATA,
    Column("seq", PLACE, primary_key=True, autoincrement=True),
    ref("owner_id", "accounts"),
    ref("broadcast_id", "broadcasts"),
    id_of("contact_id", null=False),
    words("to_number"),
    words("status"),
    id_of("message_id", index=True),
    Index(None, "broadcast_id", "status"),
)
TIER_CHANGES = Table(
    "tier_changes",
    METADATA,
    Column("seq", PLACE, primary_key=True, autoincrement=True),
    ref("owner_id", "accounts"),
    id_of("contact_id", null=False),
    words("tier"),
    words("previous"),
    whole("step"),
    wall("at_wall", null=False),
    Index(None, "owner_id", "at_wall"),
)
"`step`: 1 up, -1 down, 0 to or from a tier that has no place among the others."
