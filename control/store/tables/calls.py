"""Calls, what was said in them, what is kept beside them."""

from sqlalchemy import Column, Float, ForeignKey, Index, String, Table, UniqueConstraint, text

from .columns import ID_CHARS, METADATA, flag, id_of, nested, owned, ref, wall, whole, words

CALLS = owned(
    "calls",
    flag("inbound"),
    words("from_number"),
    words("to_number", index=True),
    words("line"),
    # An agent may be deleted while its calls remain: no foreign key, the name is kept beside it.
    id_of("agent_id", index=True),
    words("agent_name"),
    id_of("human_agent_id"),
    words("status"),
    words("outcome", null=True),
    words("cause", null=True),
    whole("sip_status", null=True),
    whole("q850", null=True),
    whole("gsm_cause", null=True),
    words("failure_reason"),
    words("priority"),
    whole("priority_rank"),
    nested("context"),
    nested("metadata"),
    wall("scheduled_wall"),
    words("timezone"),
    words("wished_line"),
    words("wished_from"),
    whole("retry_attempt"),
    wall("next_retry_wall"),
    flag("retried"),
    id_of("original_call_id"),
    Column("ring_limit_s", Float(53), nullable=False),
    nested("attempts"),
    nested("substitutions"),
    words("wire_id"),
    wall("started_wall"),
    wall("answered_wall"),
    wall("ended_wall", index=True),
    Column("duration_s", Float(53)),
    flag("voicemail", null=True),
    words("recording", null=True),
    wall("recording_deleted_wall"),
    nested("record", null=True),
    words("sentiment", null=True),
    Column("qa_score", Float(53)),
    # What wanted it, besides people; no foreign keys: calls remain.
    id_of("schedule_id"),
    words("occurrence", null=True),
    id_of("campaign_id"),
    id_of("import_job_id"),
    whole("import_row", null=True),
    nested("usage", null=True),
    nested("cost", null=True),
    words("node"),
    # One call each, whatever is done twice.
    UniqueConstraint("schedule_id", "occurrence"),
    UniqueConstraint("import_job_id", "import_row"),
    UniqueConstraint("original_call_id", "retry_attempt"),
    # A campaign's progress is counted in the index alone.
    Index(None, "campaign_id", "status", "outcome", "next_retry_wall", "retried"),
    # What has become due, and what is next: WHERE status = … ORDER BY priority_rank, seq.
    Index(None, "status", "scheduled_wall"),
    Index(None, "status", "priority_rank", "seq"),
    Index(
        None,
        "next_retry_wall",
        sqlite_where=text("next_retry_wall IS NOT NULL"),
        postgresql_where=text("next_retry_wall IS NOT NULL"),
    ),
    # Lists: an account's, and everybody's.
    Index(None, "owner_id", "created_wall", "seq"),
    Index(None, "created_wall", "seq"),
    Index(None, "started_wall", "seq"),
)
TURNS = Table(
    "turns",
    METADATA,
    Column("call_id", String(ID_CHARS), ForeignKey("calls.id", ondelete="CASCADE"), nullable=False),
    whole("index"),
    words("role"),
    words("text"),
    whole("begin_samples"),
    whole("end_samples"),
    nested("rest"),
    UniqueConstraint("call_id", "index"),
)
RECORDINGS = owned(
    "recordings",
    ref("call_id", "calls"),
    words("file"),
    words("format"),
    whole("size_bytes"),
    whole("rate_hz"),
    Column("length_s", Float(53), nullable=False),
    # What is marked has files that are to go: seldom any.
    wall("deleted_wall", index=True),
    UniqueConstraint("call_id"),
    Index(None, "owner_id", "created_wall", "seq"),
    # What has been kept for long enough.
    Index(None, "created_wall"),
)
NOTES = owned(
    "notes",
    ref("call_id", "calls"),
    words("text"),
    words("category"),
    nested("tags"),
    id_of("author_id"),
)
# A note's tags once more, to find calls by them.
NOTE_TAGS = Table(
    "note_tags",
    METADATA,
    Column("note_id", String(ID_CHARS), ForeignKey("notes.id", ondelete="CASCADE"), nullable=False),
    ref("call_id", "calls"),
    words("tag"),
    UniqueConstraint("note_id", "tag"),
    Index(None, "tag", "call_id"),
)
ESCALATIONS = owned(
    "escalations",
    ref("call_id", "calls"),
    id_of("human_agent_id"),
    words("status"),
    words("mode"),
    words("reason"),
    words("target"),
    flag("return_to_agent"),
    nested("tried"),
    wall("bridged_wall"),
    wall("closed_wall"),
    words("failure_reason"),
)
