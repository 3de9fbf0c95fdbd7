"""A forgotten password: a link to the address, a new password for whoever has the link."""

from ..auth.errors import CodeRefused
from ..auth.identifiers import email_of
from ..auth.one_time_codes import Verdict
from ..auth.principal import OPERATOR_ID
from ..auth.proofs import Proofs
from ..domain.accounts import CodeKind
from ..store.database import Database
from .accounts import ACCOUNTS, COLUMNS
from .sent_codes import SentCodes
from .sign_in import SignedIn, SignIn

SUBJECT = "A new password"
BODY = (
    "Somebody, probably you, has forgotten the password of this account. Within an hour a new one\n"
    "can be set with this:\n\ntoken={code}\n\nIf it was not you, nothing need be done.\n"
)


class Recovery:
    """The verbs."""

    def __init__(
        self, database: Database, proofs: Proofs, codes: SentCodes, sign_in: SignIn
    ) -> None:
        self._database = database
        self._proofs = proofs
        self._codes = codes
        self._sign_in = sign_in

    async def forgot(self, email: str) -> None:
        """Send a link, if the account is there; whoever asks is told nothing, nor by the time.

        For an address without an account the same is written to the operator's, and taken back.
        """
        address = email_of(email)
        async with self._database.read() as tx:
            account = await ACCOUNTS.find(tx, None, COLUMNS.email == (address or ""))
        real = account is not None and account.is_active and account.id != OPERATOR_ID
        owner_id = account.id if account is not None and real else OPERATOR_ID
        # Counted by name, so that one that is nobody's is counted as well.
        if address is None or self._codes.wait_s(CodeKind.RESET, address) > 0:
            return
        try:
            async with self._database.write() as tx:
                await self._codes.send(tx, CodeKind.RESET, owner_id, address, SUBJECT, BODY)
                if not real:
                    raise _TakenBack
        except _TakenBack:
            return

    async def reset(self, token: str, password: str, audience: str = "") -> SignedIn:
        """Set a new password and sign in; every other sign-in ends.

        Raises CodeRefused, Unprocessable, Unavailable.
        """
        async with self._database.read() as tx:  # first: who has no link may not make us hash
            code = await self._codes.by_token(tx, CodeKind.RESET, token)
        if self._codes.look_at(code, token).verdict is not Verdict.RIGHT:
            raise CodeRefused("token")
        hash_ = await self._proofs.passwords.hash(password)
        async with self._database.write() as tx:
            code = await self._codes.by_token(tx, CodeKind.RESET, token)
            judged = await self._codes.judge(tx, code, token)
        if code is None or judged.verdict is not Verdict.RIGHT:
            raise CodeRefused("token")
        return await self._sign_in.replace_password(code.owner_id, hash_, audience)


class _TakenBack(Exception):
    """Rolls a transaction back."""
