"""Proving a phone number by a code, and a new e-mail address by a link."""

import msgspec

from ...media.clock import Clock
from ..auth.errors import CodeRefused
from ..auth.identifiers import read_identifiers
from ..auth.one_time_codes import Verdict, is_good
from ..auth.principal import Principal
from ..domain.accounts import Account, CodeKind
from ..errors import FieldError, TooManyRequests, Unprocessable
from ..store.database import Database, Transaction
from .access import missing
from .accounts import ACCOUNTS, COLUMNS, AccountService, check_free
from .sent_codes import SentCodes
from .sign_in import SignIn

SMS_BODY = "{code} is your verification code. It is good for ten minutes."
SUBJECT = "Your new address"
BODY = (
    "This address was given for an account. Within an hour it can be confirmed with this:\n\n"
    "token={code}\n\nIf it was not you, nothing need be done.\n"
)


class Verification:
    """The verbs."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        codes: SentCodes,
        accounts: AccountService,
        sign_in: SignIn,
    ) -> None:
        self._database = database
        self._clock = clock
        self._codes = codes
        self._accounts = accounts
        self._sign_in = sign_in

    async def start_phone(self, who: Principal, number: str | None = None) -> str:
        """Send a code to the number, None: to the account's; returns where it goes.

        The account has a new number only when the code has come back. Raises Unprocessable,
        TooManyRequests.
        """
        account = await self._accounts.get(who, who.account_id)
        given = account.phone_number if number is None else number
        target = read_identifiers([("phone_number", given)])["phone_number"]
        if target is None:
            needed = [FieldError("phone_number", "is needed: the account has none")]
            raise Unprocessable("no number", needed)
        await self._send(account, target)
        return target

    async def start_registered(self, account: Account) -> None:
        """The same for an account that was made just now, with a number."""
        assert account.phone_number is not None, "it was asked for"
        await self._send(account, account.phone_number)

    async def start_again(self, account: Account) -> bool:
        """A new code for whoever cannot ask for one, where the last one is good no longer.

        False: it is good still, or too many were sent.
        """
        if account.phone_number is None:
            return False
        async with self._database.read() as tx:
            code = await self._codes.newest(tx, CodeKind.SMS, account.id)
        if code is not None and is_good(code, self._clock.wall()):
            return False
        try:
            await self._send(account, account.phone_number)
        except TooManyRequests:
            return False
        return True

    async def verify_phone(self, account_id: str, text: str) -> Account:
        """The number that the code was sent to is the account's. Raises CodeRefused, Conflict.

        Who had only claimed it loses it: a proof is worth more.
        """
        async with self._database.write() as tx:
            code = await self._codes.newest(tx, CodeKind.SMS, account_id)
            judged = await self._codes.judge(tx, code, text)
            if code is not None and judged.verdict is Verdict.RIGHT:
                account = await ACCOUNTS.get(tx, account_id, None)
                if account is None:
                    raise missing("account", account_id)
                claimed = (COLUMNS.phone_number == code.target, COLUMNS.is_verified.is_(False))
                await ACCOUNTS.update_where(tx, None, *claimed, phone_number=None)
                return await self._change(tx, account, phone_number=code.target, is_verified=True)
        raise CodeRefused("code")

    async def start_email(self, who: Principal, email: str, password: str, address: str) -> str:
        """Send a link to the new address of whoever knows the password; returns where it goes.

        Raises Unprocessable, WrongPassword, TooManyRequests, Unavailable.
        """
        target = read_identifiers([("email", email)])["email"]
        assert target is not None, "one was given"
        account = await self._accounts.get(who, who.account_id)
        await self._sign_in.prove(account, account.email, password, address)
        self._count(CodeKind.EMAIL, account)
        async with self._database.write() as tx:
            await self._codes.send(tx, CodeKind.EMAIL, account.id, target, SUBJECT, BODY)
        return target

    async def verify_email(self, token: str) -> Account:
        """The address that the link was sent to is the account's. Raises CodeRefused, Conflict."""
        async with self._database.write() as tx:
            code = await self._codes.by_token(tx, CodeKind.EMAIL, token)
            judged = await self._codes.judge(tx, code, token)
            if code is not None and judged.verdict is Verdict.RIGHT:
                account = await ACCOUNTS.get(tx, code.owner_id, None)
                assert account is not None, "codes go with their account"
                return await self._change(tx, account, email=code.target)
        raise CodeRefused("token")

    async def _change(self, tx: Transaction, account: Account, **changes: str | bool) -> Account:
        await check_free(tx, msgspec.structs.replace(account, **changes))
        return await ACCOUNTS.update(tx, account, **changes, updated_wall=self._clock.wall())

    async def _send(self, account: Account, target: str) -> None:
        self._count(CodeKind.SMS, account)
        async with self._database.write() as tx:
            await self._codes.send(tx, CodeKind.SMS, account.id, target, "", SMS_BODY)

    def _count(self, kind: CodeKind, account: Account) -> None:
        wait_s = self._codes.wait_s(kind, account.id)
        if wait_s > 0:
            raise TooManyRequests("too many codes were sent", wait_s)
