"""Words outside calls: contacts, SMS, what leaves, what accounts are told."""

from sqlalchemy import Index, UniqueConstraint

from .columns import entity, flag, id_of, nested, owned, ref, wall, whole, words

CONTACTS = owned(
    "contacts",
    words("phone_number"),
    words("full_name"),
    words("email", null=True),
    words("tier"),
    words("timezone"),
    nested("preferences"),
    nested("tier_history"),
    flag("is_active"),
    whole("messages_in"),
    whole("messages_out"),
    wall("last_seen_wall"),
    UniqueConstraint("owner_id", "phone_number"),
)
SMS_MESSAGES = owned(
    "sms_messages",
    flag("inbound"),
    words("from_number"),
    words("to_number", index=True),
    words("body"),
    words("kind"),
    words("status"),
    words("provider_sid", null=True, index=True),
    words("error"),
    id_of("contact_id", index=True),
    wall("sent_wall"),
)
OUTBOX = entity(
    "outbox",
    ref("owner_id", "accounts", null=True),
    words("channel"),
    words("to", index=True),
    words("from_number"),
    words("subject"),
    words("body"),
    wall("secret_until_wall", index=True),
    words("status"),
    whole("attempts"),
    wall("next_try_wall"),
    wall("sent_wall"),
    words("reference"),
    words("error"),
    Index(None, "status", "next_try_wall"),
)
NOTIFICATIONS = owned(
    "notifications",
    words("type"),
    words("title"),
    words("message"),
    id_of("call_id"),
    wall("read_wall"),
    Index(None, "owner_id", "read_wall"),
)
ERROR_LOGS = entity(
    "error_logs",
    ref("owner_id", "accounts", null=True),
    words("type", index=True),
    words("severity"),
    words("message"),
    id_of("contact_id"),
    id_of("call_id"),
    id_of("task_id"),
    words("phone_number", null=True, index=True),
    nested("context"),
    wall("resolved_wall"),
    words("resolution"),
)
