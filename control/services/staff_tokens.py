"""Lasting tokens of 40 hexadecimal digits, for administrators' programs: the same for the same one.

A token is made of a key of this server's and of its credential's id, so that it can be told again
although only its hash is stored. Revoked, it is never told again: the next one is another.
"""

import msgspec

from ...media.clock import Clock
from ..auth import api_keys
from ..auth.errors import AccountDeactivated
from ..auth.principal import OPERATOR_ID
from ..auth.proofs import Proofs
from ..domain.accounts import Account, Credential, CredentialKind, Role
from ..errors import Forbidden
from ..store import schema
from ..store.database import Database
from .accounts import ACCOUNTS, COLUMNS as ACCOUNT, CREDENTIALS
from .sign_in import SignIn

COLUMNS = schema.CREDENTIALS.c
ANY_ADMIN = "admin"
"As whoever set the server up calls themselves, where no account has that user name."
EVERYTHING = ("*",)


class StaffTokens:
    """The verb."""

    def __init__(self, database: Database, clock: Clock, proofs: Proofs, sign_in: SignIn) -> None:
        self._database = database
        self._clock = clock
        self._proofs = proofs
        self._sign_in = sign_in

    async def tell(
        self, name: str, password: str, address: str, purpose: str
    ) -> tuple[Account, str]:
        """An administrator's token for a purpose, made when there is none.

        `name`: of an account, or `admin` for the first administrator; `address`: where the request
        comes from. Raises WrongPassword, AccountDeactivated, Forbidden, TooManyRequests,
        Unavailable.
        """
        account = await self._sign_in.named(name)
        if account is None and name.strip().lower() == ANY_ADMIN:
            account = await self._first_admin()
        await self._sign_in.prove(account, name, password, address)
        assert account is not None, "nobody's password is right"
        if not account.is_active:
            raise AccountDeactivated
        if account.role is not Role.ADMIN:
            raise Forbidden("only administrators have such tokens")
        return account, await self._token(account.id, purpose)

    async def _first_admin(self) -> Account | None:
        where = (ACCOUNT.role == Role.ADMIN.value, ACCOUNT.id != OPERATOR_ID)
        async with self._database.read() as tx:
            found = await ACCOUNTS.all(tx, None, *where, ACCOUNT.is_active.is_(True), limit=1)
        return found[0] if found else None

    async def _token(self, account_id: str, purpose: str) -> str:
        key, now = self._proofs.token40_key, self._clock.wall()
        mine = (
            COLUMNS.kind == CredentialKind.TOKEN40.value,
            COLUMNS.name == purpose,
            COLUMNS.revoked_wall.is_(None),
        )
        async with self._database.write() as tx:
            known = await CREDENTIALS.find(tx, account_id, *mine)
            if known is not None:
                made = api_keys.derive_token40(key, known.id)
                if api_keys.matches(made.text, known.secret_hash):
                    return made.text
            token = Credential(
                owner_id=account_id,
                kind=CredentialKind.TOKEN40,
                name=purpose,
                lookup="",
                scopes=EVERYTHING,
                created_wall=now,
                updated_wall=now,
            )
            made = api_keys.derive_token40(key, token.id)
            token = msgspec.structs.replace(token, lookup=made.id, secret_hash=made.hash)
            await CREDENTIALS.add(tx, token)
        return made.text
