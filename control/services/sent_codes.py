"""Codes and links on their way to people: made and sent in one transaction, judged in another.

What a right one is good for is the business of recovery.py and verification.py.
"""

from ...media.clock import Clock
from ..auth.one_time_codes import Judged
from ..auth.proofs import Proofs
from ..auth.rate_limits import Policy
from ..domain.accounts import CodeKind, OneTimeCode
from ..store import schema
from ..store.database import Transaction
from .accounts import CODES
from .outbox import Channel, Outbox

SENT = Policy("sent codes", limit=5, window_s=3600.0)
"To one account, of one kind. Each six-digit code bears five tries: 25 in a million an hour."
CODE = schema.ONE_TIME_CODES.c


class SentCodes:
    """Sends and judges."""

    def __init__(self, clock: Clock, proofs: Proofs, outbox: Outbox) -> None:
        self._clock = clock
        self._proofs = proofs
        self._outbox = outbox

    def wait_s(self, kind: CodeKind, account_id: str) -> float:
        """0.0: one may be sent, and is counted; else when the next one may."""
        if not self._proofs.throttled:
            return 0.0
        client = f"{kind.value} {account_id}"
        now, now_wall = self._clock.now(), self._clock.wall()
        return self._proofs.sent.take(SENT, client, now, now_wall).retry_after_s

    async def send(
        self, tx: Transaction, kind: CodeKind, owner_id: str, target: str, subject: str, body: str
    ) -> OneTimeCode:
        """A new code to `target`; older ones of its kind are void. `body` has `{code}` in it."""
        made = self._proofs.codes.make(kind, owner_id, target, self._clock.wall())
        await CODES.delete_where(tx, owner_id, CODE.kind == kind.value)
        stored = await CODES.add(tx, made.stored)
        channel: Channel = "sms" if kind is CodeKind.SMS else "email"
        text = body.format(code=made.text)
        until = made.stored.expires_wall
        await self._outbox.send(
            tx, channel, target, subject, text, owner_id, secret_until_wall=until
        )
        return stored

    async def newest(self, tx: Transaction, kind: CodeKind, owner_id: str) -> OneTimeCode | None:
        """The one of an account that is to be typed."""
        return await CODES.find(tx, owner_id, CODE.kind == kind.value)

    async def by_token(self, tx: Transaction, kind: CodeKind, token: str) -> OneTimeCode | None:
        """The one of a link."""
        hash_ = self._proofs.codes.hash_of(kind, "", token)
        return await CODES.find(tx, None, CODE.kind == kind.value, CODE.code_hash == hash_)

    def look_at(self, code: OneTimeCode | None, text: str) -> Judged:
        """What it is worth, without using it up."""
        return self._proofs.codes.judge(code, text, self._clock.wall())

    async def judge(self, tx: Transaction, code: OneTimeCode | None, text: str) -> Judged:
        """What it is worth; that it was tried or used is stored with what the caller does."""
        judged = self.look_at(code, text)
        after = judged.code
        if code is not None and after is not None and after != code:
            changes = {"tries": after.tries, "used_wall": after.used_wall}
            await CODES.update(tx, code, **changes, updated_wall=after.updated_wall)
        return judged
