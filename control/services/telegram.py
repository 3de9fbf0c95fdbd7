"""Telegram: which account there is an account's, and what it is told there.

What is sent leaves by the outbox (outbox.py); who sends it is messages/telegram_sender.py.
"""

from typing import Any, Literal

import msgspec
from sqlalchemy import BigInteger, cast

from ...media.clock import Clock
from ..auth.principal import Principal
from ..domain.accounts import Account, Telegram
from ..errors import Conflict
from ..store.database import Database, Transaction
from .access import missing
from .accounts import ACCOUNTS, COLUMNS

NOTHING = Telegram(user_id=None)
"Before an account has said anything."
CHANNEL: Literal["telegram"] = "telegram"


class TelegramService:
    """The verbs. Everybody has their own, administrators too."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(self, who: Principal) -> Telegram:
        """What is told there, link or not."""
        async with self._database.read() as tx:
            account = await _account(tx, who)
        return account.telegram or NOTHING

    async def link(self, who: Principal, user_id: int, username: str) -> Telegram:
        """Let the account be told things there; another link is replaced.

        Raises Conflict when another account has it: nobody takes a link away by naming it.
        """
        # Their numbers have outgrown 32 bits.
        theirs = cast(COLUMNS.telegram["user_id"].as_string(), BigInteger) == user_id
        async with self._database.write() as tx:
            account = await _account(tx, who)
            if await ACCOUNTS.find(tx, None, theirs, COLUMNS.id != account.id) is not None:
                raise Conflict("another account has it already", field="telegram_user_id")
            link = msgspec.structs.replace(
                account.telegram or NOTHING, user_id=user_id, username=username
            )
            by = account.notify_by
            changes = {"notify_by": by if CHANNEL in by else (*by, CHANNEL)}
            return await self._keep(tx, account, link, changes)

    async def change(self, who: Principal, changes: dict[str, Any]) -> Telegram:
        """Change what is told there; the link stays, or is still to come."""
        async with self._database.write() as tx:
            account = await _account(tx, who)
            link = msgspec.structs.replace(account.telegram or NOTHING, **changes)
            return await self._keep(tx, account, link, {})

    async def _keep(
        self, tx: Transaction, account: Account, link: Telegram, changes: dict[str, Any]
    ) -> Telegram:
        now = self._clock.wall()
        await ACCOUNTS.update(tx, account, telegram=link, updated_wall=now, **changes)
        return link


async def _account(tx: Transaction, who: Principal) -> Account:
    account = await ACCOUNTS.get(tx, who.account_id, None)
    if account is None:
        raise missing("account", who.account_id)
    return account
