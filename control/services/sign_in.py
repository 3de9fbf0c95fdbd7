"""Signing in and out: from a name and a password to tokens, from a refresh token to the next ones.

Not what is sent to prove an address or a number (recovery.py, verification.py).
"""

import logging

import msgspec

from ...media.clock import Clock
from ..auth import refresh_families
from ..auth.errors import AccountDeactivated, RegistrationClosed, TokenRevoked, WrongPassword
from ..auth.identifiers import MAX_CHARS, kind_of
from ..auth.principal import Principal
from ..auth.proofs import Proofs
from ..auth.refresh_families import Verdict
from ..auth.tokens import Holder, Issued, check_generation
from ..domain.accounts import Account, Credential, CredentialKind, Role
from ..errors import BadRequest, TooManyRequests
from ..store import schema
from ..store.database import Database, Transaction
from .access import missing
from .accounts import ACCOUNTS, COLUMNS, CREDENTIALS, AccountService

CREDENTIAL = schema.CREDENTIALS.c
FAMILIES = CREDENTIAL.kind == CredentialKind.REFRESH_FAMILY.value
MAX_SIGN_INS = 50
"Of one account that can be refreshed; the oldest ends when there is one more."

logger = logging.getLogger(__name__)


class SignedIn(msgspec.Struct, frozen=True):
    """Who signed in, and their tokens."""

    account: Account
    access: Issued
    refresh: Issued


class SignIn:
    """The verbs. `address` is where a request comes from, for counting wrong passwords.

    `audience` names the one API whose tokens are meant; empty: the native one.
    """

    def __init__(
        self, database: Database, clock: Clock, proofs: Proofs, accounts: AccountService
    ) -> None:
        self._database = database
        self._clock = clock
        self._proofs = proofs
        self._accounts = accounts

    async def register(self, account: Account, password: str, *, opened: bool = False) -> Account:
        """An account for whoever asks, always an ordinary one.

        `opened`: where they ask, everybody may, whatever the configuration says of our own door.
        Raises RegistrationClosed, Unprocessable and Conflict.
        """
        if not opened and self._proofs.settings.registration != "open":
            raise RegistrationClosed
        plain = msgspec.structs.replace(
            account, role=Role.USER, is_active=True, is_verified=False, max_live_calls=None
        )
        return await self._accounts.add(plain, password)

    async def login(
        self,
        name: str,
        password: str,
        address: str,
        audience: str = "",
        access_ttl_s: int | None = None,
    ) -> SignedIn:
        """By e-mail address, user name or phone number.

        Raises WrongPassword, AccountDeactivated, TooManyRequests, Unavailable.
        """
        account = await self.authenticate(name, password, address)
        return await self.begin(account.id, audience, access_ttl_s)

    async def authenticate(self, name: str, password: str, address: str) -> Account:
        """Whose name and password these are, without tokens. Raises what `login` does."""
        account = await self.named(name)
        await self.prove(account, name, password, address)
        assert account is not None, "nobody's password is right"
        if not account.is_active:
            raise AccountDeactivated
        if self._proofs.passwords.needs_rehash(account.password_hash):
            await self._rehash(account, password)
        return account

    async def named(self, name: str) -> Account | None:
        """The account of this e-mail address, user name or phone number."""
        found = kind_of(name)
        if found is None:
            return None
        field, value = found
        async with self._database.read() as tx:
            return await ACCOUNTS.find(tx, None, COLUMNS[field] == value)

    async def prove(self, account: Account | None, name: str, password: str, address: str) -> None:
        """That `password` is the account's; takes as long when there is none.

        Tries count for the account, whichever of its names is given. Raises WrongPassword,
        TooManyRequests, Unavailable.
        """
        throttle = self._proofs.throttle
        key = name[:MAX_CHARS] if account is None else account.email
        wait_s = throttle.begin(key, address, self._clock.now())
        if wait_s > 0:
            raise TooManyRequests("too many wrong passwords", wait_s)
        right: bool | None = None
        try:
            stored = None if account is None else account.password_hash
            right = await self._proofs.passwords.verify(password, stored)
        finally:
            if right is None:  # too busy, or the client went away
                throttle.withdraw(key, address, self._clock.now())
        if not right:
            raise WrongPassword
        throttle.succeeded(key, address, self._clock.now())

    async def begin(
        self, account_id: str, audience: str = "", access_ttl_s: int | None = None
    ) -> SignedIn:
        """A new sign-in of an account that has proved itself. Raises NotFound.

        `access_ttl_s`: how long its access token is good; None: as the configuration says.
        """
        async with self._database.write() as tx:
            account = await ACCOUNTS.get(tx, account_id, None)
            if account is None or not account.is_active:
                raise missing("account", account_id)
            return await self._begin(tx, account, audience, access_ttl_s)

    async def refresh(self, token: str, audience: str = "") -> SignedIn:
        """New tokens for a refresh token, which is good once. Raises TokenError."""
        claims = self._proofs.tokens.read(token, "refresh", audience)
        now = self._clock.wall()
        async with self._database.write() as tx:
            account = await ACCOUNTS.get(tx, claims.account_id, None)
            if account is None or not account.is_active:
                raise TokenRevoked
            check_generation(claims, account.token_generation)
            family = await CREDENTIALS.find(
                tx, account.id, FAMILIES, CREDENTIAL.lookup == claims.family
            )
            holder = _holder(account, audience)
            following = self._proofs.tokens.issue_refresh(holder, claims.family)
            judged = refresh_families.exchange(family, claims, following.claims, now)
            await _store(tx, family, judged.family)
        if judged.verdict is Verdict.REUSED:
            logger.warning("a refresh token came twice: its sign-in is ended, of %s", account.id)
            self._proofs.known.forget(account.id)
        judged.refuse_unless_current()
        access = self._proofs.tokens.issue_access(holder, family=claims.family)
        return SignedIn(account, access, following)

    async def access(
        self, token: str, audience: str = "", access_ttl_s: int | None = None
    ) -> Issued:
        """A new access token for a refresh token, which stays good. Raises TokenError."""
        claims = self._proofs.tokens.read(token, "refresh", audience)
        async with self._database.write() as tx:
            account = await ACCOUNTS.get(tx, claims.account_id, None)
            if account is None or not account.is_active:
                raise TokenRevoked
            check_generation(claims, account.token_generation)
            family = await CREDENTIALS.find(
                tx, account.id, FAMILIES, CREDENTIAL.lookup == claims.family
            )
            judged = refresh_families.judge(family, claims, self._clock.wall())
            await _store(tx, family, judged.family)
        if judged.verdict is Verdict.REUSED:
            self._proofs.known.forget(account.id)
        judged.refuse_unless_current()
        holder = _holder(account, audience)
        return self._proofs.tokens.issue_access(holder, access_ttl_s, claims.family)

    async def renew(
        self, who: Principal, audience: str = "", access_ttl_s: int | None = None
    ) -> tuple[Account, Issued]:
        """One more access token of the sign-in that `who` was proved by, which ends as it would.

        For older APIs that have no refresh tokens. Raises TokenRevoked.
        """
        mine = (FAMILIES, CREDENTIAL.lookup == who.credential, CREDENTIAL.revoked_wall.is_(None))
        async with self._database.read() as tx:
            account = await ACCOUNTS.get(tx, who.account_id, None)
            family = await CREDENTIALS.find(tx, who.account_id, *mine)
        over = family is None or (family.expires_wall or 0.0) <= self._clock.wall()
        if account is None or not account.is_active or over:
            raise TokenRevoked
        holder = _holder(account, audience)
        return account, self._proofs.tokens.issue_access(holder, access_ttl_s, who.credential)

    async def logout(self, who: Principal, *, everywhere: bool = False) -> None:
        """End this sign-in, or all of the account. Its tokens fail at once; keys stay good.

        Raises BadRequest when whoever asks has not signed in.
        """
        now = self._clock.wall()
        async with self._database.write() as tx:
            if everywhere:
                account = await ACCOUNTS.get(tx, who.account_id, None)
                assert account is not None, "it was there when the request was let in"
                await end_all(tx, account, now)
            else:
                family = await CREDENTIALS.find(
                    tx, who.account_id, FAMILIES, CREDENTIAL.lookup == who.credential
                )
                if family is None:
                    raise BadRequest("not signed in: keys are revoked, not signed out")
                await _store(tx, family, refresh_families.revoked(family, now))
        self._proofs.known.forget(who.account_id)

    async def change_password(
        self, who: Principal, current: str, new: str, address: str, audience: str = ""
    ) -> SignedIn:
        """A new password for whoever knows the current one; ends every sign-in, begins a new one.

        Raises WrongPassword, Unprocessable, TooManyRequests, Unavailable.
        """
        account = await self._accounts.get(who, who.account_id)
        await self.prove(account, account.email, current, address)
        hash_ = await self._proofs.passwords.hash(new, "new_password")
        return await self.replace_password(account.id, hash_, audience)

    async def replace_password(self, account_id: str, hash_: str, audience: str = "") -> SignedIn:
        """The same, when it has been proved who asks. Raises NotFound."""
        async with self._database.write() as tx:
            account = await ACCOUNTS.get(tx, account_id, None)
            if account is None or not account.is_active:
                raise missing("account", account_id)
            account = await end_all(tx, account, self._clock.wall(), password_hash=hash_)
            signed_in = await self._begin(tx, account, audience)
        self._proofs.known.forget(account_id)
        return signed_in

    async def _begin(
        self, tx: Transaction, account: Account, audience: str, access_ttl_s: int | None = None
    ) -> SignedIn:
        now = self._clock.wall()
        if account.first_login_wall is None:
            account = await ACCOUNTS.update(tx, account, first_login_wall=now)
        expired = (FAMILIES, CREDENTIAL.expires_wall <= now)
        await CREDENTIALS.delete_where(tx, account.id, *expired)
        surplus = await CREDENTIALS.count(tx, account.id, FAMILIES) - (MAX_SIGN_INS - 1)
        for oldest in await CREDENTIALS.all(tx, account.id, FAMILIES, limit=max(0, surplus)):
            await CREDENTIALS.delete(tx, oldest.id, account.id)
        tokens, holder = self._proofs.tokens, _holder(account, audience)
        refresh = tokens.issue_refresh(holder)
        await CREDENTIALS.add(tx, refresh_families.begin(refresh.claims))
        access = tokens.issue_access(holder, access_ttl_s, refresh.claims.family)
        return SignedIn(account, access, refresh)

    async def _rehash(self, account: Account, password: str) -> None:
        """Hash anew what was hashed at another cost, unless it has been changed meanwhile."""
        hash_ = await self._proofs.passwords.hash(password)
        same = (COLUMNS.id == account.id, COLUMNS.password_hash == account.password_hash)
        async with self._database.write() as tx:
            await ACCOUNTS.update_where(tx, None, *same, password_hash=hash_)


async def end_all(
    tx: Transaction, account: Account, now_wall: float, password_hash: str | None = None
) -> Account:
    """End every sign-in of the account; the caller drops what is known of it afterwards."""
    await CREDENTIALS.delete_where(tx, account.id, FAMILIES)
    return await ACCOUNTS.update(
        tx,
        account,
        token_generation=account.token_generation + 1,
        password_hash=account.password_hash if password_hash is None else password_hash,
        updated_wall=now_wall,
    )


async def _store(tx: Transaction, before: Credential | None, after: Credential | None) -> None:
    if before is None or after is None or before == after:
        return
    names = Credential.__struct_fields__
    changes = {n: getattr(after, n) for n in names if getattr(after, n) != getattr(before, n)}
    await CREDENTIALS.update(tx, before, **changes)


def _holder(account: Account, audience: str) -> Holder:
    return Holder(account.id, account.role, account.token_generation, audience)
