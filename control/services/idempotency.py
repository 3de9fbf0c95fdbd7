"""A request that is sent twice with one Idempotency-Key is done once: its answer is kept a day.

A key is claimed before the work and given its answer after it. Claims of a process that died are
void after a minute. Answers are sealed: some tell a secret that is shown only once.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import and_, delete, insert, or_, select, update

from ...media.clock import Clock
from ..auth.secrets_box import SecretsBox
from ..errors import FieldError, KeyUsedBefore, StillAnswering
from ..store import schema
from ..store.database import Database, Transaction

KEPT_S = 86_400.0
CLAIM_S = 60.0
"A request that is not answered by then never will be."
SWEEP_S = 600.0
"So often what is too old is deleted."
MAX_BODY_CHARS = 1024 * 1024
"Of a kept answer. No answer of this API to a POST comes near."
FIELD = "Idempotency-Key"

KEYS = schema.IDEMPOTENCY_KEYS
_IS_CLAIM = KEYS.c.status.is_(None)


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it was given."""

    status: int
    headers: dict[str, str]
    body: str | None
    "None: it was too large to keep, or was no text; what was asked for has been done."


class Claim(msgspec.Struct, frozen=True):
    """The right to do what a key stands for."""

    owner_id: str
    key: str
    claimed_wall: float


class IdempotencyService:
    """`claim`, do the work, then `keep` its answer or `release` the key."""

    def __init__(self, database: Database, clock: Clock, box: Callable[[], SecretsBox]) -> None:
        self._database = database
        self._clock = clock
        self._box = box
        self._swept_wall = float("-inf")

    async def claim(self, owner_id: str, key: str, request: bytes) -> Claim | KeptAnswer:
        """The answer that was given to this key, or the right to give one.

        `request` is all that tells one request from another. Raises KeyUsedBefore and
        StillAnswering.
        """
        hashed = self._box().fingerprint(request)  # it may hold a password
        now = self._clock.wall()
        async with self._database.write() as tx:
            await self._sweep(tx, now)
            found = (await tx.execute(select(KEYS).where(*_is(owner_id, key)))).first()
            if found is not None and not _is_void(found, now):
                return self._answer(found, hashed)
            if found is not None:
                await tx.execute(delete(KEYS).where(*_is(owner_id, key)))
            claimed = {"owner_id": owner_id, "key": key, "request_hash": hashed}
            await tx.execute(insert(KEYS).values(**claimed, created_wall=now))
        return Claim(owner_id, key, now)

    async def keep(self, claim: Claim, status: int, headers: dict[str, str], body: bytes) -> None:
        """The answer that the key gives from now on."""
        values = {"status": status, "headers": headers, "body": self._sealed(claim, body)}
        async with self._database.write() as tx:
            await tx.execute(update(KEYS).where(*_of(claim)).values(values))

    async def release(self, claim: Claim) -> None:
        """Nothing came of it: the key may be used again."""
        async with self._database.write() as tx:
            await tx.execute(delete(KEYS).where(*_of(claim)))

    def _answer(self, found: Any, hashed: str) -> KeptAnswer:
        if found.request_hash != hashed:
            said = "this key was sent with another request"
            raise KeyUsedBefore(said, [FieldError(FIELD, said)])
        if found.status is None:
            raise StillAnswering("a request with this key is being answered")
        body = None
        if found.body is not None:
            body = self._box().open(found.body, _place(found.owner_id, found.key))
        return KeptAnswer(status=found.status, headers=found.headers, body=body)

    def _sealed(self, claim: Claim, body: bytes) -> str | None:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return None
        if len(text) > MAX_BODY_CHARS:
            return None
        return self._box().seal(text, _place(claim.owner_id, claim.key))

    async def _sweep(self, tx: Transaction, now: float) -> None:
        if now < self._swept_wall + SWEEP_S:
            return
        self._swept_wall = now
        void = and_(_IS_CLAIM, KEYS.c.created_wall <= now - CLAIM_S)
        await tx.execute(delete(KEYS).where(or_(void, KEYS.c.created_wall <= now - KEPT_S)))


def _is(owner_id: str, key: str) -> tuple[Any, Any]:
    return KEYS.c.owner_id == owner_id, KEYS.c.key == key


def _of(claim: Claim) -> tuple[Any, ...]:
    """Its row, unless it has become somebody else's in the meantime."""
    mine = KEYS.c.created_wall == claim.claimed_wall
    return (*_is(claim.owner_id, claim.key), _IS_CLAIM, mine)


def _is_void(found: Any, now: float) -> bool:
    age_s = now - found.created_wall
    return bool(age_s >= (CLAIM_S if found.status is None else KEPT_S))


def _place(owner_id: str, key: str) -> str:
    return f"{owner_id} {key}"
