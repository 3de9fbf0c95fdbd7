"""SHELL: the vectors of an account's pieces, compared with a question's.

They are read from the database in slices and kept in memory, as much as the limit allows, until
one of the account's documents changes; what does not fit is read again for each question. The
comparing is a matrix product a slice, in a thread: numpy gives up the interpreter lock meanwhile.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from ..store import schema
from ..store.database import Database, Transaction
from .words import scope

SLICE_ROWS = 500
"3 MB of 1,536 dimensions: read, and multiplied, without a break."
MAX_KEPT_BYTES = 256 * 1024 * 1024

_CHUNK, _VECTOR = schema.CHUNKS.c, schema.CHUNK_VECTORS.c
Floats = NDArray[np.float32]


class Searched(Protocol):
    """Which pieces (services/knowledge.py)."""

    @property
    def owner_id(self) -> str: ...
    @property
    def account(self) -> int: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...
    @property
    def vectors(self) -> int: ...
    @property
    def changed_wall(self) -> float: ...


class _Slice(msgspec.Struct, frozen=True):
    seqs: NDArray[np.int64]
    common: NDArray[np.bool_]
    agents: NDArray[np.int64]
    matrix: Floats


class _Kept(msgspec.Struct):
    state: tuple[int, float]
    slices: list[_Slice]
    size: int


class VectorStore:
    """All accounts' vectors."""

    def __init__(self, database: Database, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self._database = database
        self.max_bytes = max_bytes
        "That are kept at most."
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(kept.size for kept in self._kept.values())

    async def alike(
        self, tx: Transaction, place: Searched, asked: bytes, seqs: Sequence[int], most: int
    ) -> dict[int, float]:
        """Cosines by `seq`: of the `most` alike, and of those of `seqs`. Raises StoreError."""
        question = np.frombuffer(asked, "<f4")
        wanted = np.array(sorted(seqs), np.int64)
        allowed = _agents(place)
        found: dict[int, float] = {}
        async for part in self._slices(tx, place):
            if part.matrix.shape[1] == len(question):  # else another model has made them
                found |= await asyncio.to_thread(_compare, part, question, wanted, allowed, most)
        near = sorted(found, key=found.__getitem__, reverse=True)[:most]
        return {seq: found[seq] for seq in {*near, *(seq for seq in seqs if seq in found)}}

    async def _slices(self, tx: Transaction, place: Searched) -> AsyncIterator[_Slice]:
        state = (place.vectors, place.changed_wall)
        kept = self._kept.get(place.owner_id)
        if kept is not None and kept.state == state:
            self._kept.move_to_end(place.owner_id)
            for part in kept.slices:
                yield part
            return
        self._kept.pop(place.owner_id, None)
        fresh = _Kept(state, [], 0)
        after = 0
        while (read := await _read(tx, place.owner_id, after)) is not None:
            after = int(read.seqs[-1])
            fresh.slices.append(read)
            fresh.size += read.matrix.nbytes
            yield read
            if fresh.size > self.max_bytes:
                fresh.slices.clear()  # too many to be kept: only their number is
        if fresh.size <= self.max_bytes:
            self._kept[place.owner_id] = fresh
            while self.size > self.max_bytes:
                self._kept.popitem(last=False)


async def _read(tx: Transaction, owner_id: str, after: int) -> _Slice | None:
    query = (
        select(_CHUNK.seq, _CHUNK.scope, _VECTOR.vector)
        .join(schema.CHUNK_VECTORS, _VECTOR.chunk_id == _CHUNK.id)
        .where(_CHUNK.owner_id == owner_id, _CHUNK.seq > after)
        .order_by(_CHUNK.seq)
        .limit(SLICE_ROWS)
    )
    rows = list(await tx.execute(query))
    if not rows:
        return None
    width = len(rows[0].vector)
    rows = [row for row in rows if len(row.vector) == width]
    return await asyncio.to_thread(_slice, [tuple(row) for row in rows])


def _slice(rows: list[tuple[int, str, bytes]]) -> _Slice:
    agents = np.array([int(scope.partition("y")[2]) for _, scope, _ in rows], np.int64)
    matrix = np.frombuffer(b"".join(row[2] for row in rows), "<f4").reshape(len(rows), -1)
    seqs = np.array([row[0] for row in rows], np.int64)
    return _Slice(seqs, agents == 0, agents, matrix)


def _agents(place: Searched) -> int | None:
    """Whose pieces may be found beside those of all agents; None: everybody's."""
    if not place.scopes:
        return None
    own = next((name for name in place.scopes if name != scope(place.account, None)), "")
    return int(own.partition("y")[2]) if own else 0


def _compare(
    part: _Slice, question: Floats, wanted: NDArray[np.int64], agent: int | None, most: int
) -> dict[int, float]:
    cosines = part.matrix @ question
    if agent is not None:
        cosines = np.where(part.common | (part.agents == agent), cosines, -1.0)
    near = np.argsort(cosines)[-most:]
    near = np.union1d(near, np.flatnonzero(np.isin(part.seqs, wanted)))
    return {int(part.seqs[at]): float(cosines[at]) for at in near if cosines[at] > -1.0}
