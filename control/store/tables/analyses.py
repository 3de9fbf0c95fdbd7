"""What is found out about calls after their end."""

from sqlalchemy import Column, Float, Index, UniqueConstraint

from .columns import nested, owned, ref, wall, whole, words

CALL_ANALYSES = owned(
    "call_analyses",
    ref("call_id", "calls"),
    words("status"),
    whole("attempts"),
    wall("next_try_wall"),
    words("error"),
    words("provider"),
    words("model"),
    words("method"),
    wall("finished_wall"),
    words("summary"),
    words("sentiment", null=True),
    Column("sentiment_score", Float(53)),
    nested("sentiment_points"),
    nested("emotions"),
    nested("key_phrases"),
    words("outcome"),
    Column("qa_score", Float(53)),
    nested("checklist"),
    nested("action_items"),
    UniqueConstraint("call_id"),
    Index(None, "status", "next_try_wall"),
)
