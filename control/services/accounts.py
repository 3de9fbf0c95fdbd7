"""Accounts: made, changed, switched off; what everybody may change of their own.

Not how one signs in (sign_in.py), nor keys for programs (api_keys.py), nor their end
(account_removal.py).
"""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import or_

from ...media.clock import Clock
from ..auth.identifiers import EXPECTED, read_identifiers
from ..auth.principal import OPERATOR_ID, Principal
from ..auth.proofs import Proofs
from ..domain.accounts import Account, Credential, OneTimeCode, Role
from ..errors import Conflict, FieldError, StartError, Unprocessable
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing

ACCOUNTS = Rows(schema.ACCOUNTS, Account)
CREDENTIALS = Rows(schema.CREDENTIALS, Credential)
CODES = Rows(schema.ONE_TIME_CODES, OneTimeCode)
COLUMNS = schema.ACCOUNTS.c
OPERATOR_EMAIL = "operator@localhost"
SEARCHED = ("email", "username", "phone_number", "first_name", "last_name")


class AccountFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which accounts; None: all."""

    role: Role | None = None
    is_active: bool | None = None
    search: str | None = None
    "A part of the address, the user name, the number, or a name."


class AccountService:
    """The verbs. Those that take `who` let users reach nobody but themselves."""

    def __init__(self, database: Database, clock: Clock, proofs: Proofs) -> None:
        self._database = database
        self._clock = clock
        self._proofs = proofs
        self.on_activated: list[Callable[[], None]] = []
        "An account may have things done again: whoever does them may look."

    # --- at the start -----------------------------------------------------------------------------

    async def ensure_admin(self, email: str, password: str) -> Account | None:
        """The first administrator, where there is none beside the operator; None: there is one.

        Raises StartError when an account that is no administrator's has that address.
        """
        others = (COLUMNS.role == Role.ADMIN.value, COLUMNS.id != OPERATOR_ID)
        async with self._database.read() as tx:
            if await ACCOUNTS.find(tx, None, *others) is not None:
                return None
        try:
            return await self.add(Account(email=email, role=Role.ADMIN), password)
        except (Conflict, Unprocessable) as exc:
            raise StartError(
                "the first administrator (admin.email, admin.password)", why(exc)
            ) from exc

    # --- verbs ------------------------------------------------------------------------------------

    async def add(self, account: Account, password: str | None) -> Account:
        """Store a new one; who may is the caller's matter. None: nobody can sign in by password.

        Raises Unprocessable and Conflict, naming fields.
        """
        names = (("email", account.email), ("username", account.username))
        read = read_identifiers((*names, ("phone_number", account.phone_number)))
        hash_ = "" if password is None else await self._proofs.passwords.hash(password)
        now = self._clock.wall()
        account = msgspec.structs.replace(
            account, **read, password_hash=hash_, created_wall=now, updated_wall=now
        )
        async with self._database.write() as tx:
            await check_free(tx, account)
            return await ACCOUNTS.add(tx, account)

    async def get(self, who: Principal, id_: str) -> Account:
        """One. Raises NotFound, for users also of every other account than theirs."""
        async with self._database.read() as tx:
            return await self._get(tx, who, id_)

    async def page(self, who: Principal, query: PageQuery, wanted: AccountFilter) -> Page[Account]:
        """Accounts in pages."""
        where = [] if who.is_admin else [COLUMNS.id == who.account_id]
        if wanted.role is not None:
            where.append(COLUMNS.role == wanted.role.value)
        if wanted.is_active is not None:
            where.append(COLUMNS.is_active == wanted.is_active)
        if wanted.search:
            texts = (COLUMNS[name] for name in SEARCHED)
            part = wanted.search
            where.append(or_(*(text.icontains(part, autoescape=True) for text in texts)))
        async with self._database.read() as tx:
            return await ACCOUNTS.page(tx, None, query, *where)

    async def change(
        self, who: Principal, id_: str, changes: dict[str, Any], password: str | None = None
    ) -> Account:
        """Change some fields; a new password, or to be switched off, ends every sign-in.

        What an account that is switched off has waiting is not begun until it is on again.
        What only administrators may change is the caller's matter. Raises NotFound, Unprocessable,
        and Conflict for what another account has, and for who would shut themselves out.
        """
        changes = dict(changes)
        names = [(name, changes[name]) for name in EXPECTED if name in changes]
        changes |= read_identifiers(names)
        if "email" in changes and changes["email"] is None:
            raise Unprocessable("the account does not fit", [FieldError("email", "is needed")])
        if password is not None:
            changes["password_hash"] = await self._proofs.passwords.hash(password)
        async with self._database.write() as tx:
            account = await self._get(tx, who, id_)
            check_allowed(who, account, changes)
            if changes.get("phone_number", account.phone_number) != account.phone_number:
                changes.setdefault("is_verified", False)
            if password is not None or changes.get("is_active", True) < account.is_active:
                changes["token_generation"] = account.token_generation + 1
            await check_free(tx, msgspec.structs.replace(account, **changes))
            changed = await ACCOUNTS.update(tx, account, **changes, updated_wall=self._clock.wall())
        self._proofs.known.forget(account.id)
        if changed.is_active > account.is_active:
            for look in self.on_activated:
                look()
        return changed

    async def _get(self, tx: Transaction, who: Principal, id_: str) -> Account:
        account = await ACCOUNTS.get(tx, id_, None)
        if account is None or not (who.is_admin or account.id == who.account_id):
            raise missing("account", id_)
        return account


async def ensure_operator(database: Database, clock: Clock) -> None:
    """The account that the operator's token and the configuration act for; no password fits."""
    async with database.write() as tx:
        if await ACCOUNTS.get(tx, OPERATOR_ID, None) is None:
            now = clock.wall()
            operator = Account(
                id=OPERATOR_ID,
                email=OPERATOR_EMAIL,
                role=Role.ADMIN,
                created_wall=now,
                updated_wall=now,
            )
            await ACCOUNTS.add(tx, operator)


async def check_free(tx: Transaction, account: Account) -> None:
    """Raises Conflict naming the field whose value another account has."""
    for field in EXPECTED:
        value = getattr(account, field)
        if value is None:
            continue
        taken = (COLUMNS[field] == value, COLUMNS.id != account.id)
        if await ACCOUNTS.find(tx, None, *taken) is not None:
            raise Conflict("another account has it already", field=field)


def check_allowed(who: Principal, account: Account, changes: dict[str, Any]) -> None:
    """Raises Conflict for what would shut out whoever asks, or the operator."""
    barring = {"is_active", "role"} & {
        name for name, value in changes.items() if value != getattr(account, name)
    }
    if account.id == OPERATOR_ID and (barring or "password_hash" in changes):
        raise Conflict("the operator's account stays as it is: its token is in the configuration")
    if account.id == who.account_id and barring:
        raise Conflict("nobody can take from themselves what only another could give back")


def why(problem: Conflict | Unprocessable) -> str:
    """A refusal in a line, with its fields."""
    if problem.errors:
        return "; ".join(f"{error.field} {error.message}" for error in problem.errors)
    return f"{problem.field}: {problem.detail}" if problem.field else problem.detail
