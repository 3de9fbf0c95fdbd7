"""Keys for programs: made, listed, revoked by their owners. Not how one is judged when it comes."""

import random

import msgspec
from sqlalchemy import ColumnElement

from ...media.clock import Clock
from ..auth import api_keys
from ..auth.principal import Principal
from ..auth.proofs import Proofs
from ..auth.scopes import ALL, parse_scopes
from ..domain.accounts import Credential, CredentialKind
from ..errors import Conflict, FieldError, Forbidden, Unprocessable
from ..store import schema
from ..store.database import Database
from ..store.rows import Page, PageQuery
from .access import missing, owner_of
from .accounts import ACCOUNTS, CREDENTIALS

COLUMNS = schema.CREDENTIALS.c
KEYS = COLUMNS.kind.in_((CredentialKind.API_KEY.value, CredentialKind.TOKEN40.value))
MAX_KEYS = 100
"Of one account that are not revoked."
MAX_TOKENS = 10
"Of 40 digits, of one account: the oldest goes when there is one more."


class KeyFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which keys; None: all that may be seen."""

    owner_id: str | None = None
    is_revoked: bool | None = None


class ApiKeyService:
    """The verbs."""

    def __init__(
        self, database: Database, clock: Clock, proofs: Proofs, rng: random.Random
    ) -> None:
        """`rng` is unguessable."""
        self._database = database
        self._clock = clock
        self._proofs = proofs
        self._rng = rng

    async def create(
        self,
        who: Principal,
        name: str,
        scopes: tuple[str, ...],
        expires_wall: float | None = None,
        owner_id: str | None = None,
    ) -> tuple[Credential, str]:
        """A new key, and its text: only now. Administrators may make one for another account.

        Raises Unprocessable for scopes that do not exist and times that are over, Forbidden for
        scopes beyond those of whoever asks, NotFound, Conflict for one too many.
        """
        asked, now = parse_scopes(scopes), self._clock.wall()
        if ALL not in who.scopes and not asked <= who.scopes:
            raise Forbidden("a key cannot be made for more than one's own credential covers")
        if expires_wall is not None and expires_wall <= now:
            raise Unprocessable("no such key", [FieldError("expires_at", "is over already")])
        owner_id = owner_id or who.account_id
        if not (who.is_admin or owner_id == who.account_id):
            raise missing("account", owner_id)
        made = api_keys.make(self._rng)
        key = Credential(
            owner_id=owner_id,
            kind=CredentialKind.API_KEY,
            name=name,
            lookup=made.id,
            secret_hash=made.hash,
            scopes=tuple(sorted(asked)),
            expires_wall=expires_wall,
            created_wall=now,
            updated_wall=now,
        )
        async with self._database.write() as tx:
            if await ACCOUNTS.get(tx, owner_id, None) is None:
                raise missing("account", owner_id)
            in_use = (KEYS, COLUMNS.revoked_wall.is_(None))
            if await CREDENTIALS.count(tx, owner_id, *in_use) >= MAX_KEYS:
                raise Conflict(f"an account has at most {MAX_KEYS} keys: revoke one")
            return await CREDENTIALS.add(tx, key), made.text

    async def issue_token40(self, account_id: str, name: str = "") -> str:
        """A new token of 40 digits for everything, for an older API; who may is its matter."""
        made, now = api_keys.make_token40(self._rng), self._clock.wall()
        token = Credential(
            owner_id=account_id,
            kind=CredentialKind.TOKEN40,
            name=name,
            lookup=made.id,
            secret_hash=made.hash,
            scopes=(ALL,),
            created_wall=now,
            updated_wall=now,
        )
        mine = COLUMNS.kind == CredentialKind.TOKEN40.value
        async with self._database.write() as tx:
            surplus = await CREDENTIALS.count(tx, account_id, mine) - (MAX_TOKENS - 1)
            oldest = await CREDENTIALS.all(tx, account_id, mine, limit=max(0, surplus))
            for old in oldest:
                await CREDENTIALS.delete(tx, old.id, account_id)
            await CREDENTIALS.add(tx, token)
        if oldest:
            self._proofs.known.forget(account_id)
        return made.text

    async def page(self, who: Principal, query: PageQuery, wanted: KeyFilter) -> Page[Credential]:
        """Keys in pages, revoked ones too."""
        where: list[ColumnElement[bool]] = [KEYS]
        if wanted.owner_id is not None:
            where.append(COLUMNS.owner_id == wanted.owner_id)
        if wanted.is_revoked is not None:
            revoked = COLUMNS.revoked_wall.is_not(None)
            where.append(revoked if wanted.is_revoked else COLUMNS.revoked_wall.is_(None))
        async with self._database.read() as tx:
            return await CREDENTIALS.page(tx, owner_of(who), query, *where)

    async def get(self, who: Principal, id_: str) -> Credential:
        """One. Raises NotFound."""
        async with self._database.read() as tx:
            key = await CREDENTIALS.find(tx, owner_of(who), KEYS, COLUMNS.id == id_)
        if key is None:
            raise missing("key", id_)
        return key

    async def revoke(self, who: Principal, id_: str) -> None:
        """It opens nothing from now on, and stays in the list. Raises NotFound."""
        now = self._clock.wall()
        async with self._database.write() as tx:
            key = await CREDENTIALS.find(tx, owner_of(who), KEYS, COLUMNS.id == id_)
            if key is None:
                raise missing("key", id_)
            if key.revoked_wall is None:
                await CREDENTIALS.update(tx, key, revoked_wall=now, updated_wall=now)
        self._proofs.known.forget(key.owner_id)
