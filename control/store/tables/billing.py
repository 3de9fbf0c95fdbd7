"""What accounts subscribe to, what they pay, what they ask administrators for."""

from sqlalchemy import Column, Float, UniqueConstraint

from .columns import id_of, owned, ref, wall, words

SUBSCRIPTIONS = owned(
    "subscriptions",
    words("tier"),
    words("status"),
    words("period", null=True),
    wall("started_wall", null=False),
    wall("expires_wall"),
    words("paid_tier"),
    wall("paid_until_wall"),
    UniqueConstraint("owner_id"),
)
PAYMENTS = owned(
    "payments",
    words("token", unique=True),
    words("tier"),
    words("period"),
    Column("amount", Float(53), nullable=False),
    words("currency"),
    words("status"),
    wall("expires_wall", null=False),
    words("card_last4"),
    words("cardholder"),
    wall("decided_wall"),
    words("reason"),
)
TICKETS = owned(
    "tickets",
    words("subject"),
    words("description"),
    words("category"),
    words("priority"),
    words("status"),
)
TICKET_REPLIES = owned(
    "ticket_replies",
    ref("ticket_id", "tickets"),
    id_of("author_id", null=False),
    words("text"),
)
