"""How documents are read: their pieces stored, a slice in a transaction; then they are ready.

One that was cut off is read from its beginning again. Only one task calls what is here.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import insert, select

from ...media.clock import Clock
from ..domain.documents import Chunk, Document, DocumentKind, DocumentStatus
from ..domain.events import DocumentProcessed
from ..knowledge.document_worker import ReadChunk
from ..knowledge.words import indexed, scope
from ..store import schema
from ..store.database import Database, Transaction
from .documents import CHUNK, COLUMNS, DOCUMENTS, remove_chunks
from .event_log import EventLog

ACCOUNT = schema.ACCOUNTS.c
AGENT = schema.AGENTS.c


class DocumentSteps:
    """What happens to a document while it is read."""

    def __init__(self, database: Database, log: EventLog, clock: Clock) -> None:
        self._database = database
        self._log = log
        self._clock = clock

    async def next_document(self) -> Document | None:
        """The one that has waited longest. Raises StoreError."""
        processing = COLUMNS.status == DocumentStatus.PROCESSING.value
        order = (COLUMNS.updated_wall, COLUMNS.seq)
        async with self._database.read() as tx:
            found = await DOCUMENTS.first(tx, None, processing, order=order, limit=1)
        return found[0] if found else None

    async def hashes(self) -> set[str]:
        """Of all files that some document has. Raises StoreError."""
        async with self._database.read() as tx:
            return set((await tx.execute(select(COLUMNS.content_hash).distinct())).scalars())

    async def begin(self, id_: str, kind: DocumentKind, pages: int | None) -> bool:
        """It is being read, from its beginning; False: it is gone. Raises StoreError."""
        await remove_chunks(self._database, id_)
        async with self._database.write() as tx:
            document = await _processing(tx, id_)
            if document is None:
                return False
            await DOCUMENTS.update(
                tx,
                document,
                kind=kind,
                pages=pages,
                chunks=0,
                words=0,
                vectors=0,
                embedding_model="",
                embedding_error="",
                started_wall=self._clock.wall(),
            )
        return True

    async def store(self, id_: str, read: Sequence[ReadChunk]) -> bool:
        """The next pieces; False: the document is gone. Raises StoreError."""
        now = self._clock.wall()
        async with self._database.write() as tx:
            document = await _processing(tx, id_)
            if document is None:
                return False
            account, agent = await numbers(tx, document.owner_id, document.agent_id)
            rows = [
                _row(document, document.chunks + at, one, account, agent, now)
                for at, one in enumerate(read)
            ]
            await tx.execute(insert(schema.CHUNKS), rows)
            await DOCUMENTS.update(
                tx,
                document,
                chunks=document.chunks + len(read),
                words=document.words + sum(len(one.words) for one in read),
            )
        return True

    async def finish(self, id_: str, error: str = "") -> Document | None:
        """It is ready, or cannot be read; None: it is gone. Raises StoreError."""
        now = self._clock.wall()
        status = DocumentStatus.FAILED if error else DocumentStatus.READY
        if error:
            await remove_chunks(self._database, id_)
        async with self._log.writing() as work:
            document = await _processing(work.tx, id_)
            if document is None:
                return None
            nothing = {"chunks": 0, "words": 0} if error else {}
            document = await DOCUMENTS.update(
                work.tx,
                document,
                status=status,
                error=error,
                **nothing,
                finished_wall=now,
                updated_wall=now,
            )
            work.tell(
                document.owner_id,
                DocumentProcessed(
                    at_wall=now,
                    document_id=document.id,
                    agent_id=document.agent_id,
                    status=status,
                    chunks=document.chunks,
                    error=error,
                ),
            )
        return document

    # --- meaning ----------------------------------------------------------------------------------

    async def unembedded(self, id_: str, limit: int) -> list[Chunk]:
        """The next pieces of a document that have no vector. Raises StoreError."""
        vectors = schema.CHUNK_VECTORS
        columns = [schema.CHUNKS.c[name] for name in Chunk.__struct_fields__]
        query = (
            select(*columns)
            .outerjoin(vectors, vectors.c.chunk_id == CHUNK.id)
            .where(CHUNK.document_id == id_, vectors.c.chunk_id.is_(None))
            .order_by(CHUNK.seq)
            .limit(limit)
        )
        async with self._database.read() as tx:
            rows = list(await tx.execute(query))
        names = Chunk.__struct_fields__
        return [msgspec.convert(dict(zip(names, row, strict=True)), Chunk) for row in rows]

    async def store_vectors(self, id_: str, model: str, vectors: dict[str, bytes]) -> bool:
        """Vectors by chunk, float32, of length 1; False: the document is gone. Raises StoreError.

        Raises Conflict when a piece was removed meanwhile.
        """
        rows = [{"chunk_id": id_, "model": model, "vector": v} for id_, v in vectors.items()]
        async with self._database.write() as tx:
            document = await _processing(tx, id_)
            if document is None:
                return False
            await tx.execute(insert(schema.CHUNK_VECTORS), rows)
            count = document.vectors + len(rows)
            await DOCUMENTS.update(tx, document, vectors=count, embedding_model=model)
        return True

    async def tell_unembedded(self, id_: str, why: str) -> None:
        """Its pieces have no vectors, or not all have. Raises StoreError."""
        async with self._database.write() as tx:
            if (document := await _processing(tx, id_)) is not None:
                await DOCUMENTS.update(tx, document, embedding_error=why)


async def numbers(tx: Transaction, owner_id: str, agent_id: str | None) -> tuple[int, int | None]:
    """An account's and an agent's, as they stand in front of words (knowledge/words.py)."""
    account = (await tx.execute(select(ACCOUNT.seq).where(ACCOUNT.id == owner_id))).scalar_one()
    if agent_id is None:
        return account, None
    return account, (
        await tx.execute(select(AGENT.seq).where(AGENT.id == agent_id))
    ).scalar_one_or_none()


async def _processing(tx: Transaction, id_: str) -> Document | None:
    document = await DOCUMENTS.get(tx, id_, None)
    gone = document is None or document.status is not DocumentStatus.PROCESSING
    return None if gone else document


def _row(
    document: Document, index: int, read: ReadChunk, account: int, agent: int | None, now: float
) -> dict[str, object]:
    chunk = Chunk(
        owner_id=document.owner_id,
        document_id=document.id,
        index=index,
        page=read.chunk.page,
        heading=read.chunk.heading,
        text=read.chunk.text,
        created_wall=now,
        updated_wall=now,
    )
    row: dict[str, object] = msgspec.structs.asdict(chunk)
    del row["seq"]
    return row | {"scope": scope(account, agent), "words": indexed(account, read.words)}
