"""Calls that are wanted regularly, or many at once."""

from sqlalchemy import Column, Float, Index, UniqueConstraint

from .columns import flag, id_of, nested, owned, ref, wall, whole, words

SCHEDULES = owned(
    "schedules",
    words("name"),
    id_of("agent_id", index=True),
    words("to_number"),
    words("from_number"),
    words("line"),
    nested("context"),
    nested("metadata"),
    words("priority"),
    Column("ring_limit_s", Float(53), nullable=False),
    nested("recurrence"),
    Column("grace_s", Float(53), nullable=False),
    flag("is_active"),
    wall("next_run_wall", index=True),
    wall("last_run_wall"),
    whole("runs"),
    whole("missed"),
)
CAMPAIGNS = owned(
    "campaigns",
    words("name"),
    words("description"),
    id_of("agent_id", index=True),
    words("from_number"),
    words("line"),
    nested("context"),
    nested("metadata"),
    words("priority"),
    Column("ring_limit_s", Float(53), nullable=False),
    nested("window"),
    whole("max_concurrent"),
    words("status", index=True),
    whole("numbers"),
    wall("launched_wall"),
    wall("paused_wall"),
    wall("completed_wall"),
)
CAMPAIGN_TARGETS = owned(
    "campaign_targets",
    ref("campaign_id", "campaigns"),
    words("number"),
    words("status"),
    id_of("call_id"),
    UniqueConstraint("campaign_id", "number"),
    Index(None, "campaign_id", "status", "seq"),
)
IMPORT_JOBS = owned(
    "import_jobs",
    words("file_name"),
    whole("size_bytes"),
    words("content_hash"),
    words("idempotency_key", null=True),
    nested("options"),
    words("status", index=True),
    words("encoding"),
    words("delimiter"),
    whole("rows_total", null=True),
    whole("rows_done"),
    whole("rows_ok"),
    whole("rows_failed"),
    words("error"),
    wall("started_wall"),
    wall("finished_wall"),
    UniqueConstraint("owner_id", "idempotency_key"),
)
IMPORT_FAILURES = owned(
    "import_failures",
    ref("import_job_id", "import_jobs"),
    whole("row"),
    nested("errors"),
    UniqueConstraint("import_job_id", "row"),
)
