"""Keys of speech and model services: kept sealed, shown never, counted when they are used."""

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ...drivers.openai_client import Secret
from ...media.clock import Clock
from ..agents.provider_places import OwnKey, place_of
from ..auth.principal import Principal
from ..auth.secrets_box import SecretsBox
from ..configuration.config_agents import ProviderSettings
from ..domain.accounts import ProviderKey
from ..errors import Conflict, FieldError, TooManyRequests, Unprocessable
from ..events.webhook_addresses import check_url
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of

PROVIDER_KEYS = Rows(schema.PROVIDER_KEYS, ProviderKey)
COLUMNS = schema.PROVIDER_KEYS.c
MAX_KEYS = 100
"Of one account."
HINT_CHARS = 4
MIN_HINTED_CHARS = 16
"Of a shorter secret nothing is shown: four characters would be too much of it."
DAY_S = 86_400.0


class ProviderKeyFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which keys; None: all."""

    provider: str | None = None
    is_active: bool | None = None


class Taken(msgspec.Struct, frozen=True):
    """A key to be used once."""

    id: str
    secret: str
    key: OwnKey
    "The same, with where it is used."


class ProviderKeyService:
    """The verbs."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        box: Callable[[], SecretsBox],
        providers: Sequence[ProviderSettings] = (),
        *,
        allow_private: bool = False,
    ) -> None:
        """`providers`: those of the configuration. `allow_private`: a key may name an address of
        this machine or its network, as webhooks may."""
        self._database = database
        self._clock = clock
        self._box = box
        self._providers = {provider.name: provider for provider in providers}
        self._allow_private = allow_private

    async def create(self, who: Principal, key: ProviderKey, secret: str) -> ProviderKey:
        """Store a new one; its owner is whoever asks.

        Raises Conflict for one too many, Unprocessable for an address that it may not name.
        """
        async with self._database.write() as tx:
            return await self.add(tx, msgspec.structs.replace(key, owner_id=who.account_id), secret)

    async def add(self, tx: Transaction, key: ProviderKey, secret: str) -> ProviderKey:
        """The same in the caller's transaction, for the key's owner."""
        self._check(key.base_url)
        now = self._clock.wall()
        key = msgspec.structs.replace(
            key, created_wall=now, updated_wall=now, **self._sealed(key.id, secret)
        )
        if await PROVIDER_KEYS.count(tx, key.owner_id) >= MAX_KEYS:
            raise Conflict(f"an account has at most {MAX_KEYS} keys of providers")
        return await PROVIDER_KEYS.add(tx, key)

    async def get(self, who: Principal, id_: str) -> ProviderKey:
        """One. Raises NotFound."""
        async with self._database.read() as tx:
            return await self._get(tx, who, id_)

    async def page(
        self, who: Principal, query: PageQuery, wanted: ProviderKeyFilter
    ) -> Page[ProviderKey]:
        """Keys in pages."""
        where = []
        if wanted.provider is not None:
            where.append(COLUMNS.provider == wanted.provider)
        if wanted.is_active is not None:
            where.append(COLUMNS.is_active == wanted.is_active)
        async with self._database.read() as tx:
            return await PROVIDER_KEYS.page(tx, owner_of(who), query, *where)

    async def change(
        self, who: Principal, id_: str, changes: dict[str, Any], secret: str | None = None
    ) -> ProviderKey:
        """Change some fields, or the secret itself. Raises NotFound, and Unprocessable.

        With another address the secret is given anew: who may write keys may not read them, not by
        having one sent to themselves either.
        """
        self._check(changes.get("base_url", ""))
        if secret is not None:
            changes = changes | self._sealed(id_, secret)
        async with self._database.write() as tx:
            key = await self._get(tx, who, id_)
            if secret is None and changes.get("base_url", key.base_url) != key.base_url:
                said = "has to be given again with another address"
                raise Unprocessable("the key is for another address", [FieldError("secret", said)])
            return await PROVIDER_KEYS.update(tx, key, **changes, updated_wall=self._clock.wall())

    async def delete(self, who: Principal, id_: str) -> None:
        """Delete one. Raises NotFound."""
        async with self._database.write() as tx:
            key = await self._get(tx, who, id_)
            await PROVIDER_KEYS.delete(tx, key.id, key.owner_id)

    async def take(self, owner_id: str, provider: str) -> Taken | None:
        """The account's key for a provider that was used least today, counted.

        None: it has none, or none of which it is known where it is used.

        A day is UTC's. What an older key of ours sealed is sealed anew. Raises TooManyRequests when
        every key has reached its limit of the day, StoreError when it cannot be unsealed.
        """
        now, box = self._clock.wall(), self._box()
        today = datetime.datetime.fromtimestamp(now, datetime.UTC).date().isoformat()
        mine = (COLUMNS.provider == provider, COLUMNS.is_active.is_(True))
        async with self._database.write() as tx:
            found = await PROVIDER_KEYS.all(tx, owner_id, *mine, limit=MAX_KEYS)
            keys = [key for key in found if self.place(key) is not None]
            if not keys:
                return None
            free = [
                key
                for key in keys
                if key.daily_limit is None or _used(key, today) < key.daily_limit
            ]
            if not free:
                raise TooManyRequests(f"all keys of {provider} are used up", DAY_S - now % DAY_S)
            key = min(free, key=lambda key: (_used(key, today), key.seq))
            secret = box.open(key.secret, key.id)
            changes: dict[str, Any] = {"used_today": _used(key, today) + 1, "used_on": today}
            if box.needs_resealing(key.secret):
                changes["secret"] = box.seal(secret, key.id)
            await PROVIDER_KEYS.update(tx, key, **changes)
        place = self.place(key)
        assert place is not None, "others were left out"
        return Taken(
            key.id,
            secret,
            OwnKey(
                Secret(secret),
                place,
                public_only=bool(key.base_url) and not self._allow_private,
            ),
        )

    async def take_own(self, owner_id: str, provider: str) -> OwnKey | None:
        """The same, for who uses it; without a key nothing is written. Raises what `take` does."""
        mine = (COLUMNS.provider == provider, COLUMNS.is_active.is_(True))
        async with self._database.read() as tx:
            if await PROVIDER_KEYS.find(tx, owner_id, *mine) is None:
                return None
        taken = await self.take(owner_id, provider)
        return None if taken is None else taken.key

    def place(self, key: ProviderKey) -> ProviderSettings | None:
        """Where a key is used, and for which models; None: nowhere, as things are now."""
        try:
            self._check(key.base_url)  # what is allowed may have changed since it was written
        except Unprocessable:
            return None
        return place_of(key, self._providers)

    def used_today(self, key: ProviderKey) -> int:
        """How often it was taken since midnight, UTC."""
        now = datetime.datetime.fromtimestamp(self._clock.wall(), datetime.UTC)
        return _used(key, now.date().isoformat())

    def _check(self, base_url: str) -> None:
        if base_url:
            check_url(base_url, allow_private=self._allow_private, field="base_url")

    def _sealed(self, id_: str, secret: str) -> dict[str, str]:
        hint = secret[-HINT_CHARS:] if len(secret) >= MIN_HINTED_CHARS else ""
        return {"secret": self._box().seal(secret, id_), "hint": hint}

    async def _get(self, tx: Transaction, who: Principal, id_: str) -> ProviderKey:
        key = await PROVIDER_KEYS.get(tx, id_, owner_of(who))
        if key is None:
            raise missing("provider key", id_)
        return key


def _used(key: ProviderKey, today: str) -> int:
    return key.used_today if key.used_on == today else 0
