"""What administrators look after: health, modems, keys of speech and model services."""

import functools
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from ...domain.accounts import ProviderKey
from ...domain.numbers import Modem, ModemState
from ...domain.server_parts import PartState
from ...errors import StoreError
from ...http.docs import version
from ...http.route import Asked, Nothing
from ...services.provider_keys import ProviderKeyFilter
from ..dialect import AnyRow, Row
from ..moments import Moment, seconds, seconds_or_none
from .forms import meant, own
from .listing import ListQuery, page_of

TAG = "Admin"
HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"
PART: dict[PartState, str] = {
    PartState.WELL: HEALTHY,
    PartState.IMPAIRED: DEGRADED,
    PartState.DOWN: UNHEALTHY,
    PartState.ABSENT: HEALTHY,
}
"What is not configured is not missed: the embedded part does its work."
STATUS: dict[ModemState, Literal["active", "inactive"]] = {
    ModemState.OFFLINE: "inactive",
    ModemState.IDLE: "active",
    ModemState.IN_CALL: "active",
    ModemState.ERROR: "inactive",
}
MODEM_COLUMNS = {"id": "seq", "name": "name", "created_at": "created_wall"}
KEY_COLUMNS = {"id": "seq", "provider": "provider", "created_at": "created_wall"}

Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
Provider = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
DailyLimit = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class HealthView(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the server does its work."""

    status: str
    timestamp: Moment
    uptime_seconds: int
    version: str
    services: dict[str, str]
    """`database`; `telephony`: new calls are taken; `modems`: all can carry calls; `ai`: language
    models have answered lately, or the embedded one does."""


class ModemView(msgspec.Struct, frozen=True, kw_only=True):
    """A modem."""

    id: int
    name: str
    phone_number: str | None
    status: Literal["active", "inactive"]
    user_id: int | None
    signal_strength: int | None
    "null: nothing measures it."
    last_seen_at: Moment | None
    "null: it is not there."


class Assignment(msgspec.Struct, frozen=True):
    """Whose modem it is to be."""

    user_id: int


class NewKey(msgspec.Struct, frozen=True):
    """A key of a speech or model service."""

    key: Secret
    provider: Provider
    daily_limit: DailyLimit | None = None


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key; it is never shown as a whole."""

    id: int
    provider: str
    key_preview: str
    daily_limit: int | None
    "null: none."
    used_today: int
    is_active: bool
    created_at: Moment


async def get_health(asked: Asked[Nothing, Nothing]) -> HealthView:
    """Whether the server does its work, and its parts."""
    services = asked.edge.services
    parts = {"database": HEALTHY, "telephony": HEALTHY, "modems": HEALTHY, "ai": HEALTHY}
    try:
        figures = await services.system_figures.get()
        if figures.usable_modems < figures.modems:
            parts["modems"] = DEGRADED
        parts["ai"] = PART[(await services.server_parts.model()).state]
    except StoreError:
        parts["database"] = parts["modems"] = UNHEALTHY
    if asked.edge.health.refusal() is not None:
        parts["telephony"] = DEGRADED
    whole = all(state == HEALTHY for state in parts.values())
    return HealthView(
        status=HEALTHY if whole else DEGRADED,
        timestamp=seconds(services.stated_calls.now_wall()),
        uptime_seconds=int(services.system_figures.uptime_s()),
        version=version(),
        services=parts,
    )


async def list_modems(asked: Asked[ListQuery, Nothing]) -> list[ModemView]:
    """All modems."""
    page = await asked.edge.services.modems.page(asked.who, page_of(asked.query, MODEM_COLUMNS))
    return await _modems(asked, page.items)


async def assign_modem(asked: Asked[Nothing, Assignment]) -> ModemView:
    """Give a modem to a user: calls come from it, and go out by it."""
    id_ = await own(asked, "modem")
    account_id = await meant(asked, "account", asked.body.user_id, "user")
    modem = await asked.edge.services.modems.assign(asked.who, id_, account_id)
    return (await _modems(asked, [modem]))[0]


async def list_keys(asked: Asked[ListQuery, Nothing]) -> list[KeyView]:
    """Keys of speech and model services, everybody's."""
    keys = asked.edge.services.provider_keys
    page = await keys.page(asked.who, page_of(asked.query, KEY_COLUMNS), ProviderKeyFilter())
    return [_key(key, keys.used_today(key)) for key in page.items]


async def add_key(asked: Asked[Nothing, NewKey]) -> KeyView:
    """Add a key for calls by that service."""
    body, keys = asked.body, asked.edge.services.provider_keys
    wanted = ProviderKey(
        owner_id=asked.who.account_id,
        provider=body.provider,
        secret="",
        daily_limit=body.daily_limit,
    )
    return _key(await keys.create(asked.who, wanted, body.key), 0)


async def _modems(asked: Asked[Any, Any], modems: Sequence[Modem]) -> list[ModemView]:
    services = asked.edge.services
    owners = [modem.assigned_account_id for modem in modems]
    users = await services.numbered.seqs_of("account", owners)
    now = services.stated_calls.now_wall()
    return [
        ModemView(
            id=modem.seq,
            name=modem.name,
            phone_number=modem.number,
            status=STATUS[modem.state],
            user_id=users.get(modem.assigned_account_id or ""),
            signal_strength=None,
            last_seen_at=seconds_or_none(now if STATUS[modem.state] == "active" else None),
        )
        for modem in modems
    ]


def _key(key: ProviderKey, used_today: int) -> KeyView:
    return KeyView(
        id=key.seq,
        provider=key.provider,
        key_preview=f"...{key.hint}",
        daily_limit=key.daily_limit,
        used_today=used_today,
        is_active=key.is_active,
        created_at=seconds(key.created_wall),
    )


_row = functools.partial(Row, tag=TAG, admin=True)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        "/api/admin/health",
        get_health,
        "Get system health",
        "lines:read",
        returns=HealthView,
    ),
    _row(
        "GET",
        "/api/admin/modems",
        list_modems,
        "List GSM modems",
        "lines:read",
        query=ListQuery,
        returns=list[ModemView],
    ),
    _row(
        "POST",
        "/api/admin/modems/{modem}/assign",
        assign_modem,
        "Assign GSM modem",
        "lines:write",
        body=Assignment,
        returns=ModemView,
        example={"user_id": 1},
    ),
    _row(
        "GET",
        "/api/admin/api-keys",
        list_keys,
        "List API keys",
        "providers:read",
        query=ListQuery,
        returns=list[KeyView],
    ),
    _row(
        "POST",
        "/api/admin/api-keys",
        add_key,
        "Add API key",
        "providers:write",
        body=NewKey,
        returns=KeyView,
        status=201,
        example={"key": "a key of theirs", "provider": "gemini", "daily_limit": 1000},
    ),
)
