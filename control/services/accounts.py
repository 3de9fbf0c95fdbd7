"""Accounts: who owns things."""

from ...media.clock import Clock
from ..auth.principal import OPERATOR_ID
from ..domain.accounts import Account, Role
from ..store import schema
from ..store.database import Database
from ..store.rows import Rows

ACCOUNTS = Rows(schema.ACCOUNTS, Account)
OPERATOR_EMAIL = "operator@localhost"


class AccountService:
    """The verbs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def ensure_operator(self) -> None:
        """The account that the operator's token and the configuration act for; no password fits."""
        async with self._database.write() as tx:
            if await ACCOUNTS.get(tx, OPERATOR_ID, None) is None:
                now = self._clock.wall()
                operator = Account(
                    id=OPERATOR_ID,
                    email=OPERATOR_EMAIL,
                    role=Role.ADMIN,
                    created_wall=now,
                    updated_wall=now,
                )
                await ACCOUNTS.add(tx, operator)
