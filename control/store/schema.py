"""The tables: one for each kind of entity, its columns named as the Struct's fields (domain/).

What is searched or sorted by is a column of its own; nested values are JSON. `seq` is the primary
key and the order of creation, `id` the UUID that everything else refers to. A change here needs a
migration (migrations/versions); a test compares the two.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import SchemaItem

# Names of constraints are stable, so that later migrations can refer to them.
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
ID_CHARS = 36


def _id(name: str, *, null: bool = True, **options: Any) -> Column[str]:
    return Column(name, String(ID_CHARS), nullable=null, **options)


def _ref(name: str, table: str, *, null: bool = False, on_delete: str = "CASCADE") -> Column[str]:
    key = ForeignKey(f"{table}.id", ondelete=on_delete)
    return Column(name, String(ID_CHARS), key, nullable=null, index=True)


def _text(name: str, *, null: bool = False, **options: Any) -> Column[str]:
    return Column(name, Text, nullable=null, **options)


def _wall(name: str, *, null: bool = True, **options: Any) -> Column[float]:
    return Column(name, Float(53), nullable=null, **options)


def _whole(name: str, *, null: bool = False, **options: Any) -> Column[int]:
    return Column(name, Integer, nullable=null, **options)


def _flag(name: str, *, null: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=null)


def _json(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, JSON(none_as_null=True), nullable=null)


def _entity(name: str, *columns: SchemaItem) -> Table:
    """A table with what every entity has."""
    return Table(
        name,
        METADATA,
        Column("seq", Integer, primary_key=True, autoincrement=True),
        _id("id", null=False, unique=True),
        _wall("created_wall", null=False),
        _wall("updated_wall", null=False),
        *columns,
        sqlite_autoincrement=True,  # a number is never given twice
    )


def _owned(name: str, *columns: SchemaItem) -> Table:
    """A table whose rows belong to an account."""
    return _entity(name, _ref("owner_id", "accounts"), *columns)


# --- accounts ---------------------------------------------------------------------------------

ACCOUNTS = _entity(
    "accounts",
    _text("email", unique=True),
    _text("username", null=True, unique=True),
    _text("phone_number", null=True, unique=True),
    _text("password_hash"),
    _text("first_name"),
    _text("last_name"),
    _text("role"),
    _flag("is_active"),
    _flag("is_verified"),
    _wall("first_login_wall"),
    _text("company_number", null=True),
    _json("telegram", null=True),
    _json("notify_by"),
    _whole("max_live_calls", null=True),
    _whole("token_generation"),
)
CREDENTIALS = _owned(
    "credentials",
    _text("kind"),
    _text("name"),
    _text("lookup", unique=True),
    _text("secret_hash"),
    _json("scopes"),
    _wall("expires_wall"),
    _wall("revoked_wall"),
    _wall("last_used_wall"),
)
ONE_TIME_CODES = _owned(
    "one_time_codes",
    _text("kind"),
    _text("target", index=True),
    _text("code_hash", index=True),
    _wall("expires_wall", null=False),
    _whole("tries"),
    _wall("used_wall"),
)
PROVIDER_KEYS = _owned(
    "provider_keys",
    _text("provider"),
    _text("name"),
    _text("secret"),
    _text("hint"),
    _whole("daily_limit", null=True),
    _whole("used_today"),
    _text("used_on"),
    _flag("is_active"),
)

# --- who answers, and by what -----------------------------------------------------------------

AGENTS = _owned(
    "agents",
    _text("kind"),
    _text("name", index=True),
    _text("description"),
    _text("greeting", null=True),
    _text("system_prompt"),
    _text("language"),
    _json("llm"),
    _text("stt_provider"),
    _json("voice"),
    _json("house"),
    _json("turn"),
    _json("retry", null=True),
    _text("type"),
    _json("config_data"),
    _flag("is_active"),
    _flag("from_configuration"),
    _text("email", null=True),
    _text("phone_number", null=True),
    _text("address", null=True),
    _text("availability"),
    _json("open_hours", null=True),
)
PHONE_NUMBERS = _owned(
    "phone_numbers",
    _text("number", unique=True),
    _text("label"),
    _ref("agent_id", "agents", null=True, on_delete="SET NULL"),
    _text("line", null=True),
    _flag("is_active"),
    _json("open_hours", null=True),
    _ref("closed_agent_id", "agents", null=True, on_delete="SET NULL"),
    _whole("max_live_calls", null=True),
    _flag("from_configuration"),
)
MODEMS = _entity(
    "modems",
    _text("name", unique=True),
    _text("imei"),
    _text("number", null=True),
    _text("state"),
    _flag("simulated"),
    _ref("assigned_account_id", "accounts", null=True, on_delete="SET NULL"),
)

# --- calls ------------------------------------------------------------------------------------

CALLS = _owned(
    "calls",
    _flag("inbound"),
    _text("from_number"),
    _text("to_number", index=True),
    _text("line"),
    # An agent may be deleted while its calls remain: no foreign key, the name is kept beside it.
    _id("agent_id", index=True),
    _text("agent_name"),
    _id("human_agent_id"),
    _text("status"),
    _text("outcome", null=True),
    _text("cause", null=True),
    _whole("sip_status", null=True),
    _whole("q850", null=True),
    _text("failure_reason"),
    _text("priority"),
    _whole("priority_rank"),
    _json("context"),
    _json("metadata"),
    _wall("scheduled_wall"),
    _text("timezone"),
    _text("wished_line"),
    _text("wished_from"),
    _whole("retry_attempt"),
    _wall("next_retry_wall"),
    _flag("retried"),
    _id("original_call_id"),
    Column("ring_limit_s", Float(53), nullable=False),
    _json("attempts"),
    _json("substitutions"),
    _text("wire_id"),
    _wall("started_wall"),
    _wall("answered_wall"),
    _wall("ended_wall", index=True),
    Column("duration_s", Float(53)),
    _flag("voicemail", null=True),
    _text("recording", null=True),
    _json("record", null=True),
    # What wanted it, besides people; no foreign keys: calls remain.
    _id("schedule_id"),
    _text("occurrence", null=True),
    _id("campaign_id"),
    _id("import_job_id"),
    _whole("import_row", null=True),
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
    _whole("index"),
    _text("role"),
    _text("text"),
    _whole("begin_samples"),
    _whole("end_samples"),
    _json("rest"),
    UniqueConstraint("call_id", "index"),
)
RECORDINGS = _owned(
    "recordings",
    _ref("call_id", "calls"),
    _text("file"),
    _text("format"),
    _whole("size_bytes"),
    _whole("rate_hz"),
    Column("length_s", Float(53), nullable=False),
)
NOTES = _owned(
    "notes",
    _ref("call_id", "calls"),
    _text("text"),
    _text("category"),
    _json("tags"),
    _id("author_id"),
)
ESCALATIONS = _owned(
    "escalations",
    _ref("call_id", "calls"),
    _id("human_agent_id"),
    _text("status"),
    _text("mode"),
    _text("reason"),
    _text("target"),
    _flag("return_to_agent"),
    _json("tried"),
    _wall("bridged_wall"),
    _wall("closed_wall"),
    _text("failure_reason"),
)

# --- calls that are wanted regularly, or many at once ------------------------------------------

SCHEDULES = _owned(
    "schedules",
    _text("name"),
    _id("agent_id", index=True),
    _text("to_number"),
    _text("from_number"),
    _text("line"),
    _json("context"),
    _json("metadata"),
    _text("priority"),
    Column("ring_limit_s", Float(53), nullable=False),
    _json("recurrence"),
    Column("grace_s", Float(53), nullable=False),
    _flag("is_active"),
    _wall("next_run_wall", index=True),
    _wall("last_run_wall"),
    _whole("runs"),
    _whole("missed"),
)
CAMPAIGNS = _owned(
    "campaigns",
    _text("name"),
    _text("description"),
    _id("agent_id", index=True),
    _text("from_number"),
    _text("line"),
    _json("context"),
    _json("metadata"),
    _text("priority"),
    Column("ring_limit_s", Float(53), nullable=False),
    _json("window"),
    _whole("max_concurrent"),
    _text("status", index=True),
    _whole("numbers"),
    _wall("launched_wall"),
    _wall("paused_wall"),
    _wall("completed_wall"),
)
CAMPAIGN_TARGETS = _owned(
    "campaign_targets",
    _ref("campaign_id", "campaigns"),
    _text("number"),
    _text("status"),
    _id("call_id"),
    UniqueConstraint("campaign_id", "number"),
    Index(None, "campaign_id", "status", "seq"),
)
IMPORT_JOBS = _owned(
    "import_jobs",
    _text("file_name"),
    _whole("size_bytes"),
    _text("content_hash"),
    _text("idempotency_key", null=True),
    _json("options"),
    _text("status", index=True),
    _text("encoding"),
    _text("delimiter"),
    _whole("rows_total", null=True),
    _whole("rows_done"),
    _whole("rows_ok"),
    _whole("rows_failed"),
    _text("error"),
    _wall("started_wall"),
    _wall("finished_wall"),
    UniqueConstraint("owner_id", "idempotency_key"),
)
IMPORT_FAILURES = _owned(
    "import_failures",
    _ref("import_job_id", "import_jobs"),
    _whole("row"),
    _json("errors"),
    UniqueConstraint("import_job_id", "row"),
)

# --- how calls are placed ----------------------------------------------------------------------

DIAL_SETTINGS = _entity(
    "dial_settings",
    _ref("owner_id", "accounts", null=True),
    _text("timezone"),
    _json("quiet_hours", null=True),
    _wall("stopped_wall"),
    _text("stop_reason"),
    UniqueConstraint("owner_id"),
)
DO_NOT_CALL = _entity(
    "do_not_call",
    _ref("owner_id", "accounts", null=True),
    _text("number"),
    _text("key"),
    _text("reason"),
    UniqueConstraint("key", "owner_id"),
)

# --- words outside calls ----------------------------------------------------------------------

CONTACTS = _owned(
    "contacts",
    _text("phone_number"),
    _text("full_name"),
    _text("email", null=True),
    _text("tier"),
    _text("timezone"),
    _json("preferences"),
    _json("tier_history"),
    _flag("is_active"),
    _whole("messages_in"),
    _whole("messages_out"),
    _wall("last_seen_wall"),
    UniqueConstraint("owner_id", "phone_number"),
)
SMS_MESSAGES = _owned(
    "sms_messages",
    _flag("inbound"),
    _text("from_number"),
    _text("to_number", index=True),
    _text("body"),
    _text("kind"),
    _text("status"),
    _text("provider_sid", null=True, index=True),
    _text("error"),
    _id("contact_id", index=True),
    _wall("sent_wall"),
)
OUTBOX = _entity(
    "outbox",
    _ref("owner_id", "accounts", null=True),
    _text("channel"),
    _text("to", index=True),
    _text("subject"),
    _text("body"),
    _text("status"),
    _whole("attempts"),
    _wall("next_try_wall"),
    _wall("sent_wall"),
    _text("error"),
    Index(None, "status", "next_try_wall"),
)
NOTIFICATIONS = _owned(
    "notifications",
    _text("type"),
    _text("title"),
    _text("message"),
    _id("call_id"),
    _wall("read_wall"),
    Index(None, "owner_id", "read_wall"),
)
ERROR_LOGS = _entity(
    "error_logs",
    _ref("owner_id", "accounts", null=True),
    _text("type", index=True),
    _text("severity"),
    _text("message"),
    _id("contact_id"),
    _id("call_id"),
    _json("context"),
    _wall("resolved_wall"),
    _text("resolution"),
)

# --- events and those who are told ------------------------------------------------------------

EVENTS = _entity(
    "events",
    _ref("owner_id", "accounts", null=True),
    _id("call_id", index=True),
    _text("type"),
    _wall("at_wall", null=False),
    _json("body"),
)
WEBHOOKS = _owned(
    "webhooks",
    _text("url"),
    _text("secret"),
    _json("events"),
    _text("description"),
    _flag("is_active"),
    _text("disabled_reason"),
)
DELIVERIES = _owned(
    "deliveries",
    _ref("webhook_id", "webhooks"),
    _id("event_id", null=False, index=True),
    _id("call_id"),
    _text("status"),
    _whole("attempts"),
    _wall("next_try_wall"),
    _whole("response_status", null=True),
    _text("error"),
    _wall("delivered_wall"),
    # What is due; and who waits behind whom.
    Index(None, "status", "next_try_wall"),
    Index(None, "webhook_id", "status", "call_id"),
)
EVENT_POSITIONS = Table(
    "event_positions",
    METADATA,
    # Who reads the events one after another, and the last one that was read.
    Column("reader", String(64), primary_key=True),
    _whole("seq"),
)
IDEMPOTENCY_KEYS = Table(
    "idempotency_keys",
    METADATA,
    Column("owner_id", String(ID_CHARS), primary_key=True),
    Column("key", String(255), primary_key=True),
    _text("request_hash"),
    _whole("status", null=True),
    _json("headers", null=True),
    _text("body", null=True),
    _wall("created_wall", null=False, index=True),
)
