"""How calls are placed: quiet hours, stops, numbers that are not called."""

from sqlalchemy import UniqueConstraint

from .columns import entity, nested, ref, wall, words

DIAL_SETTINGS = entity(
    "dial_settings",
    ref("owner_id", "accounts", null=True),
    words("timezone"),
    nested("quiet_hours", null=True),
    wall("stopped_wall"),
    words("stop_reason"),
    UniqueConstraint("owner_id"),
)
DO_NOT_CALL = entity(
    "do_not_call",
    ref("owner_id", "accounts", null=True),
    words("number"),
    words("key"),
    words("reason"),
    UniqueConstraint("key", "owner_id"),
)
