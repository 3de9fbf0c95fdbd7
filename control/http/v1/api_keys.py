"""`/v1/api-keys`: keys for programs."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec

from ...domain.accounts import Credential
from ...errors import Conflict, Forbidden, NotFound
from ...services.api_keys import KeyFilter
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none, wall_of

TAG = "API keys"

Id = Annotated[str, msgspec.Meta(max_length=64)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Scope = Annotated[str, msgspec.Meta(max_length=64)]
Scopes = Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=64)]


class KeyQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which keys."""

    owner_id: Id | None = None
    "Of one account; administrators see all."
    is_revoked: bool | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to be made."""

    name: Name
    scopes: Scopes
    "`<resource>:read`, `<resource>:write`, or `*` for everything that the account may."
    expires_at: datetime.datetime | None = None
    "null: never."
    owner_id: Id | None = None
    "For administrators: whose it is to be; null: one's own."


class KeyView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key; it begins with `ohk_`, `key_id` and `_`."""

    id: str
    seq: int
    owner_id: str
    kind: Literal["api_key", "token40"]
    name: str
    key_id: str
    "Of a token of 40 digits the beginning of its hash."
    scopes: tuple[str, ...]
    created_at: datetime.datetime
    expires_at: datetime.datetime | None
    revoked_at: datetime.datetime | None
    last_used_at: datetime.datetime | None
    "To the minute."
    key: str | None = None
    "The key itself. Shown when it is made, and never again."


async def list_api_keys(asked: Asked[KeyQuery, Nothing]) -> List[KeyView]:
    """Your keys, newest first; without the keys themselves."""
    query = asked.query
    wanted = KeyFilter(owner_id=query.owner_id, is_revoked=query.is_revoked)
    page = await asked.edge.services.api_keys.page(asked.who, query.page(), wanted)
    return list_of(page, [key_view(key) for key in page.items])


async def create_api_key(asked: Asked[Nothing, NewKey]) -> KeyView:
    """Make a key, for no more than your own credential covers. The answer has it: keep it."""
    body = asked.body
    expires_wall = None if body.expires_at is None else wall_of(body.expires_at)
    key, text = await asked.edge.services.api_keys.create(
        asked.who, body.name, body.scopes, expires_wall, body.owner_id
    )
    return key_view(key, text)


async def get_api_key(asked: Asked[Nothing, Nothing]) -> KeyView:
    """One key, without the key itself."""
    return key_view(await asked.edge.services.api_keys.get(asked.who, asked.path("id")))


async def revoke_api_key(asked: Asked[Nothing, Nothing]) -> None:
    """Revoke a key: it opens nothing from now on. It stays in the list."""
    await asked.edge.services.api_keys.revoke(asked.who, asked.path("id"))


def key_view(key: Credential, text: str | None = None) -> KeyView:
    """A key as the API shows it."""
    return KeyView(
        id=key.id,
        seq=key.seq,
        owner_id=key.owner_id,
        kind="api_key" if key.kind.value == "api_key" else "token40",
        name=key.name,
        key_id=key.lookup[:8],
        scopes=key.scopes,
        created_at=utc(key.created_wall),
        expires_at=utc_or_none(key.expires_wall),
        revoked_at=utc_or_none(key.revoked_wall),
        last_used_at=utc_or_none(key.last_used_wall),
        key=text,
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/api-keys",
        list_api_keys,
        "List API keys",
        "keys:read",
        query=KeyQuery,
        returns=List[KeyView],
    ),
    _route(
        "POST",
        "/v1/api-keys",
        create_api_key,
        "Make an API key",
        "keys:write",
        body=NewKey,
        returns=KeyView,
        status=201,
        problems=(Forbidden, NotFound, Conflict),
    ),
    _route(
        "GET",
        "/v1/api-keys/{id}",
        get_api_key,
        "Get an API key",
        "keys:read",
        returns=KeyView,
        problems=(NotFound,),
    ),
    _route(
        "DELETE",
        "/v1/api-keys/{id}",
        revoke_api_key,
        "Revoke an API key",
        "keys:write",
        status=204,
        problems=(NotFound,),
    ),
)
