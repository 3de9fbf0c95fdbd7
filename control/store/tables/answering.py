"""Who answers: agents; by what: numbers and modems."""

from .columns import entity, flag, nested, owned, ref, whole, words

AGENTS = owned(
    "agents",
    words("kind"),
    words("name", index=True),
    words("description"),
    words("greeting", null=True),
    words("system_prompt"),
    words("language"),
    nested("llm"),
    words("stt_provider"),
    nested("voice"),
    nested("house"),
    nested("turn"),
    nested("retry", null=True),
    nested("analysis"),
    words("type"),
    nested("config_data"),
    flag("is_active"),
    flag("from_configuration"),
    words("email", null=True),
    words("phone_number", null=True),
    words("address", null=True),
    words("availability"),
    nested("open_hours", null=True),
)
PHONE_NUMBERS = owned(
    "phone_numbers",
    words("number", unique=True),
    words("label"),
    ref("agent_id", "agents", null=True, on_delete="SET NULL"),
    words("line", null=True),
    flag("is_active"),
    nested("open_hours", null=True),
    ref("closed_agent_id", "agents", null=True, on_delete="SET NULL"),
    whole("max_live_calls", null=True),
    flag("from_configuration"),
)
MODEMS = entity(
    "modems",
    words("name", unique=True),
    words("imei"),
    words("number", null=True),
    words("state"),
    flag("simulated"),
    ref("assigned_account_id", "accounts", null=True, on_delete="SET NULL"),
)
