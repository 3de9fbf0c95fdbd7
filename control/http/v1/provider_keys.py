"""`/v1/provider-keys`: keys of speech and model services."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.accounts import ProviderKey, ProviderModels
from ...errors import Conflict, NotFound, Unprocessable
from ...events.webhook_addresses import MAX_URL_CHARS
from ...services.provider_keys import ProviderKeyFilter
from ..edge import Edge
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc
from .agents import given

TAG = "Provider keys"

Provider = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Name = Annotated[str, msgspec.Meta(max_length=200)]
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]
Address = Annotated[str, msgspec.Meta(max_length=MAX_URL_CHARS)]
Model = Annotated[str, msgspec.Meta(max_length=200)]
Limit = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


class ProviderKeyQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which keys."""

    provider: Provider | None = None
    is_active: bool | None = None
    sort: Literal["created_at", "-created_at", "provider", "-provider"] = "-created_at"


class KeyModels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of the provider's models do what; empty: as the server knows the provider."""

    chat: Model = ""
    "For agents that name no model themselves."
    speech: Model = ""
    transcription: Model = ""


class NewProviderKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to be kept."""

    provider: Provider
    "As agents name it."
    secret: Secret
    "The provider's key itself. Kept encrypted; no answer ever has it."
    kind: Literal["openai"] = "openai"
    "The protocol that it speaks: OpenAI's, as most servers do."
    base_url: Address = ""
    """Where it is, such as https://api.example.org/v1. Empty: as the server's configuration names
    it; `openai` and `gemini` are known besides. By the rules of a webhook's address."""
    models: KeyModels = KeyModels()
    name: Name = ""
    daily_limit: Limit | None = None
    "Calls a day (UTC); null: as many as there are."
    is_active: bool = True


class ProviderKeyChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays."""

    secret: Secret | UnsetType = UNSET
    base_url: Address | UnsetType = UNSET
    "With another one, `secret` has to be given again."
    models: KeyModels | UnsetType = UNSET
    "All of them."
    name: Name | UnsetType = UNSET
    daily_limit: Limit | None | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class ProviderKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a provider, without the key itself."""

    id: str
    seq: int
    owner_id: str
    provider: str
    kind: str
    base_url: str
    used_at: str | None
    "The address that it is sent to; null: none is known, or allowed, and the key is not used."
    models: KeyModels
    name: str
    hint: str
    "The last four characters; empty where that were too much of it."
    daily_limit: int | None
    used_today: int
    is_active: bool
    created_at: datetime.datetime
    updated_at: datetime.datetime


async def list_provider_keys(asked: Asked[ProviderKeyQuery, Nothing]) -> List[ProviderKeyView]:
    """Your keys of providers, newest first."""
    query = asked.query
    wanted = ProviderKeyFilter(provider=query.provider, is_active=query.is_active)
    page = await asked.edge.services.provider_keys.page(asked.who, query.page(), wanted)
    return list_of(page, [_view(asked.edge, key) for key in page.items])


async def create_provider_key(asked: Asked[Nothing, NewProviderKey]) -> ProviderKeyView:
    """Keep a key of a provider: one that the server knows, or any other with its `base_url`.

    Your agents that name this provider use the key from their next call on, instead of the
    server's. Of several, the one that was used least today; each call counts as one use of it. When
    all have reached their limits the embedded parts answer: `substitutions` of the call says so.
    """
    fields = msgspec.structs.asdict(asked.body)
    secret = fields.pop("secret")
    fields["models"] = _models(asked.body.models)
    key = ProviderKey(owner_id=asked.who.account_id, secret="", **fields)
    return _view(asked.edge, await asked.edge.services.provider_keys.create(asked.who, key, secret))


async def get_provider_key(asked: Asked[Nothing, Nothing]) -> ProviderKeyView:
    """One key of a provider."""
    return _view(
        asked.edge, await asked.edge.services.provider_keys.get(asked.who, asked.path("id"))
    )


async def change_provider_key(asked: Asked[Nothing, ProviderKeyChanges]) -> ProviderKeyView:
    """Change some of it, or put another key in its place."""
    changes = given(asked.body)
    secret = changes.pop("secret", None)
    if asked.body.models is not UNSET:
        changes["models"] = _models(asked.body.models)
    keys = asked.edge.services.provider_keys
    return _view(asked.edge, await keys.change(asked.who, asked.path("id"), changes, secret))


async def delete_provider_key(asked: Asked[Nothing, Nothing]) -> None:
    """Delete a key of a provider."""
    await asked.edge.services.provider_keys.delete(asked.who, asked.path("id"))


def _models(models: KeyModels) -> ProviderModels:
    return ProviderModels(**msgspec.structs.asdict(models))


def _view(edge: Edge, key: ProviderKey) -> ProviderKeyView:
    place = edge.services.provider_keys.place(key)
    return ProviderKeyView(
        id=key.id,
        seq=key.seq,
        owner_id=key.owner_id,
        provider=key.provider,
        kind=key.kind,
        base_url=key.base_url,
        used_at=None if place is None else place.base_url,
        models=KeyModels(**msgspec.structs.asdict(key.models)),
        name=key.name,
        hint=key.hint,
        daily_limit=key.daily_limit,
        used_today=edge.services.provider_keys.used_today(key),
        is_active=key.is_active,
        created_at=utc(key.created_wall),
        updated_at=utc(key.updated_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/provider-keys",
        list_provider_keys,
        "List provider keys",
        "providers:read",
        query=ProviderKeyQuery,
        returns=List[ProviderKeyView],
    ),
    _route(
        "POST",
        "/v1/provider-keys",
        create_provider_key,
        "Keep a provider's key",
        "providers:write",
        body=NewProviderKey,
        returns=ProviderKeyView,
        status=201,
        problems=(Conflict, Unprocessable),
    ),
    _route(
        "GET",
        "/v1/provider-keys/{id}",
        get_provider_key,
        "Get a provider key",
        "providers:read",
        returns=ProviderKeyView,
        problems=(NotFound,),
    ),
    _route(
        "PATCH",
        "/v1/provider-keys/{id}",
        change_provider_key,
        "Change a provider key",
        "providers:write",
        body=ProviderKeyChanges,
        returns=ProviderKeyView,
        problems=(NotFound, Unprocessable),
    ),
    _route(
        "DELETE",
        "/v1/provider-keys/{id}",
        delete_provider_key,
        "Delete a provider key",
        "providers:write",
        status=204,
        problems=(NotFound,),
    ),
)
