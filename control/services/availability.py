"""For which share of the time some server has been up: each keeps a record of its life.

A life is from a start to its end; of one that was killed, to when it was last seen to be up, up
to `BEAT_S` before. The time is the last 30 days, or since the first start if that is less.
Not here: who keeps a life going (node_life.py).
"""

from collections.abc import Iterable

import msgspec
from sqlalchemy import delete, func, insert, select, update

from ...media.clock import Clock
from ..store import schema
from ..store.database import Database

BEAT_S = 20.0
"So often a life is seen to go on."
PERIOD_S = 30 * 86_400.0
MAX_LIVES = 1000
"So many are looked at, the newest; before them is no time."
LIVES = schema.NODE_LIVES
LIFE = LIVES.c

Span = tuple[float, float]
"From, to: wall time."


class Availability(msgspec.Struct, frozen=True):
    """How much of a time there was a server."""

    share: float
    "0 to 1."
    from_wall: float
    to_wall: float


class AvailabilityService:
    """The verbs. Without `begin` only what others have kept is known, and that this one is up."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._begun_at = clock.now()
        self._seq = 0
        "0: it is not kept."

    async def begin(self) -> None:
        """This process is up; forgets what is too old to count. Raises StoreError."""
        self._begun_at = self._clock.now()
        now = self._clock.wall()
        old = LIVES.alias("old")
        # The first start says that there was a time before those that are looked at.
        first = select(func.min(old.c.seq)).scalar_subquery()
        life = insert(LIVES).values(
            node=self._database.node, begun_wall=now, seen_wall=now, is_ended=False
        )
        async with self._database.write() as tx:
            await tx.execute(
                delete(LIVES).where(LIFE.seen_wall < now - PERIOD_S, LIFE.seq != first)
            )
            key = (await tx.execute(life)).inserted_primary_key
        assert key is not None, "one row was inserted"
        self._seq = int(key[0])

    async def beat(self, *, last: bool = False) -> None:
        """It is still up; `last`: and ends now. Raises StoreError."""
        # Where the clock was set the beginning moves along: this process knows how long it runs.
        values = {"begun_wall": self._begun_wall(), "seen_wall": self._clock.wall()}
        life = update(LIVES).where(LIFE.seq == self._seq)
        async with self._database.write() as tx:
            await tx.execute(life.values(**values, is_ended=last))

    async def get(self) -> Availability:
        """Until now. Raises StoreError."""
        now, begun = self._clock.wall(), self._begun_wall()
        others = LIFE.seq != self._seq
        newest = (
            select(LIFE.begun_wall, LIFE.seen_wall, LIFE.is_ended)
            .where(others, LIFE.seen_wall >= now - PERIOD_S)
            .order_by(LIFE.seq.desc())
            .limit(MAX_LIVES)
        )
        first = select(LIFE.begun_wall).where(others).order_by(LIFE.seq).limit(1)
        async with self._database.read() as tx:
            lives = [(float(a), float(b), bool(over)) for a, b, over in await tx.execute(newest)]
            oldest = await tx.scalar(first)
        known = [begun] if oldest is None else [begun, float(oldest)]
        if len(lives) == MAX_LIVES:
            known = [min(from_ for from_, _, _ in lives)]
        from_wall = max(min(known), now - PERIOD_S)
        spans = [(from_, _until(seen, over, now)) for from_, seen, over in lives]
        share = share_of([*spans, (begun, now)], from_wall, now)
        return Availability(share, from_wall, now)

    def _begun_wall(self) -> float:
        return self._clock.wall() - (self._clock.now() - self._begun_at)


def _until(seen_wall: float, is_ended: bool, now: float) -> float:
    """Another server is up until it is missed for longer than a beat may be late."""
    return now if not is_ended and 0 <= now - seen_wall <= 2 * BEAT_S else seen_wall


def share_of(spans: Iterable[Span], from_wall: float, to_wall: float) -> float:
    """The part of a time that lies in at least one of the spans; of no time: 1."""
    if to_wall <= from_wall:
        return 1.0
    covered, reached = 0.0, from_wall
    for begin, end in sorted(spans):
        begin, end = max(begin, reached), min(end, to_wall)
        if end > begin:
            covered += end - begin
            reached = end
    return min(1.0, covered / (to_wall - from_wall))
