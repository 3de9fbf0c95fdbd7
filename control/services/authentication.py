"""SHELL: who sends a request, by its `Authorization` header: operator, sign-in, key, or nobody.

Sent is `Bearer` with any of them, or `Token` with 40 hexadecimal digits. Whoever was found stays
known for seconds (auth/known.py), so that a busy client costs no reading.
"""

import asyncio
import logging

from ...media.clock import Clock
from ..auth import api_keys
from ..auth.errors import TokenExpired, TokenMalformed, TokenRevoked
from ..auth.principal import OPERATOR, Principal
from ..auth.proofs import Proofs
from ..auth.scopes import EVERYTHING
from ..auth.tokens import MAX_TOKEN_CHARS, Claims, check_generation
from ..dialer.wall_timer import WallTimer
from ..domain.accounts import Account, Credential, CredentialKind
from ..errors import StoreError, Unauthorized
from ..store.database import Database
from .accounts import ACCOUNTS, CREDENTIALS
from .sign_in import CREDENTIAL, FAMILIES

SCHEMES = ("bearer", "token")
ASK = "send the API token, an access token or a key: Authorization: Bearer …"
USE_KEPT_EVERY_S = 60.0
"`last_used_wall` is not truer than that."

logger = logging.getLogger(__name__)


class Authentication:
    """An Authenticator (http/edge.py) for every kind of credential."""

    def __init__(self, database: Database, clock: Clock, proofs: Proofs) -> None:
        self._database = database
        self._clock = clock
        self._proofs = proofs
        self._noting: dict[str, asyncio.Task[None]] = {}
        "By credential: its use is being written down."

    async def principal(self, authorization: str | None, audience: str = "") -> Principal:
        """The sender. `audience`: the one API whose tokens are taken. Raises Unauthorized."""
        if self._proofs.operator.admits(authorization):
            return OPERATOR
        scheme, _, given = (authorization or "").strip().partition(" ")
        given = given.strip()
        if not given or scheme.lower() not in SCHEMES:
            raise Unauthorized(ASK)
        if len(given) > MAX_TOKEN_CHARS:
            raise TokenMalformed
        named = f"{audience} {given}"
        known = self._proofs.known
        found = known.get(named, self._clock.now(), self._clock.wall())
        if found is not None:
            return found
        changes = known.changes
        found = await self._look_up(given, audience)
        known.remember(named, found, self._clock.now(), found.expires_wall, changes)
        return found

    async def ended(self, authorization: str | None, who: Principal, audience: str = "") -> str:
        """Return why, as soon as what has proved `who` is good no longer, or proves another role.

        For what lasts longer than a request. It is asked anew when something of the account
        changes, and when its time is over. Raises StoreError.
        """
        changed = asyncio.Event()
        callback = changed.set
        timer = WallTimer(self._clock, callback)
        self._proofs.known.watch(who.account_id, callback)
        try:
            while True:
                try:
                    found = await self.principal(authorization, audience)
                except Unauthorized as exc:
                    return exc.detail
                if found != who:
                    return "what the credential allows has changed"
                timer.set(found.expires_wall)
                await changed.wait()
                changed.clear()
        finally:
            timer.cancel()
            self._proofs.known.unwatch(who.account_id, callback)

    async def aclose(self) -> None:
        """Finish what is being written."""
        await asyncio.gather(*self._noting.values(), return_exceptions=True)

    async def _look_up(self, given: str, audience: str) -> Principal:
        if (lookup := api_keys.parse(given)) is not None:
            return await self._by_key(given, lookup, CredentialKind.API_KEY)
        if (lookup := api_keys.parse_token40(given)) is not None:
            return await self._by_key(given, lookup, CredentialKind.TOKEN40)
        claims = self._proofs.tokens.read(given, "access", audience)
        return await self._by_claims(claims)

    async def _by_key(self, given: str, lookup: str, kind: CredentialKind) -> Principal:
        wanted = (CREDENTIAL.kind == kind.value, CREDENTIAL.lookup == lookup)
        async with self._database.read() as tx:
            key = await CREDENTIALS.find(tx, None, *wanted)
            account = None if key is None else await ACCOUNTS.get(tx, key.owner_id, None)
        if key is None or not api_keys.matches(given, key.secret_hash):
            raise Unauthorized("no such key")
        if account is None or not account.is_active or key.revoked_wall is not None:
            raise TokenRevoked
        now = self._clock.wall()
        if key.expires_wall is not None and key.expires_wall <= now:
            raise TokenExpired
        if key.last_used_wall is None or now - key.last_used_wall >= USE_KEPT_EVERY_S:
            self._note_use(key, now)
        ends = key.expires_wall
        if kind is CredentialKind.API_KEY:
            scopes = frozenset(key.scopes)
            return Principal(account.id, account.role, scopes, "api_key", lookup, ends)
        return Principal(account.id, account.role, EVERYTHING, "token40", lookup, ends)

    async def _by_claims(self, claims: Claims) -> Principal:
        async with self._database.read() as tx:
            account = await ACCOUNTS.get(tx, claims.account_id, None)
            family: Credential | None = None
            if account is not None and claims.family:
                wanted = (FAMILIES, CREDENTIAL.lookup == claims.family)
                family = await CREDENTIALS.find(tx, account.id, *wanted)
        _check_alive(account, claims, family)
        assert account is not None, "none is alive"
        ends = claims.expires_wall
        return Principal(account.id, account.role, EVERYTHING, "access", claims.family, ends)

    def _note_use(self, key: Credential, now_wall: float) -> None:
        """Beside the request, which need not wait for it."""
        if key.id in self._noting:
            return
        task = asyncio.create_task(self._write_use(key.id, now_wall), name="note a key's use")
        self._noting[key.id] = task
        task.add_done_callback(lambda _: self._noting.pop(key.id, None))

    async def _write_use(self, id_: str, now_wall: float) -> None:
        try:
            async with self._database.write() as tx:
                await CREDENTIALS.update_where(
                    tx, None, CREDENTIAL.id == id_, last_used_wall=now_wall
                )
        except StoreError as exc:
            logger.warning("when a key was used is not kept: %s", exc)


def _check_alive(account: Account | None, claims: Claims, family: Credential | None) -> None:
    if account is None or not account.is_active:
        raise TokenRevoked
    check_generation(claims, account.token_generation)
    if claims.family and (family is None or family.revoked_wall is not None):
        raise TokenRevoked
