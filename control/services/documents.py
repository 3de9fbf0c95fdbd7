"""Documents that agents answer from: kept, listed, read again, deleted by their owners.

How one is read: services/document_steps.py; who reads it: knowledge/document_runner.py; how the
pieces are searched: services/knowledge.py.
"""

import asyncio
import hashlib
import pathlib
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ...media.clock import Clock
from ..auth.principal import Principal
from ..domain.documents import Chunk, Document, DocumentStatus
from ..errors import Conflict, FieldError, Unprocessable
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of
from .agents import AGENTS
from .imports import Upload

DOCUMENTS = Rows(schema.DOCUMENTS, Document)
CHUNKS = Rows(schema.CHUNKS, Chunk)
COLUMNS = schema.DOCUMENTS.c
CHUNK = schema.CHUNKS.c
MAX_DOCUMENTS = 2000
"Of one account."
MAX_PROCESSING = 100
"Of one account, that wait to be read."
DELETED_AT_ONCE = 200
"Pieces in one transaction, so that others can write in between."
MAX_TITLE_CHARS = 200
DELETED = "it is being deleted"


class DocumentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which documents; None: all."""

    agent_id: str | None = None
    status: DocumentStatus | None = None
    category: str | None = None
    search: str | None = None
    "A part of the title."


class NewDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a file that is uploaded."""

    agent_id: str | None = None
    title: str = ""
    "Empty: the file's name without its ending."
    category: str = ""


class DocumentService:
    """The verbs."""

    def __init__(self, database: Database, clock: Clock, folder: pathlib.Path) -> None:
        """`folder`: where files are kept under their hashes; whoever brings the first makes it."""
        self._database = database
        self._clock = clock
        self.folder = folder
        self.files = asyncio.Lock()
        "Held by whoever brings a file until its document is stored, and by whoever tidies up."
        self.on_change: Callable[[], None] = _nobody
        "There may be something to be read, or to be tidied away."

    def remove_parts(self) -> None:
        """Blocking, and before any file comes: what a crash has left of files that came."""
        for file in self.folder.glob("*.part"):
            file.unlink(missing_ok=True)

    # --- to be read -------------------------------------------------------------------------------

    async def get(self, who: Principal, id_: str) -> Document:
        """One document. Raises NotFound."""
        async with self._database.read() as tx:
            return await get_document(tx, who, id_)

    async def page(
        self, who: Principal, query: PageQuery, wanted: DocumentFilter
    ) -> Page[Document]:
        """Documents in pages."""
        where = []
        if wanted.agent_id is not None:
            where.append(COLUMNS.agent_id == wanted.agent_id)
        if wanted.status is not None:
            where.append(COLUMNS.status == wanted.status.value)
        if wanted.category is not None:
            where.append(COLUMNS.category == wanted.category)
        if wanted.search:
            where.append(COLUMNS.title.icontains(wanted.search, autoescape=True))
        async with self._database.read() as tx:
            return await DOCUMENTS.page(tx, owner_of(who), query, *where)

    async def chunks(self, who: Principal, id_: str, query: PageQuery) -> Page[Chunk]:
        """A document's pieces, in pages. Raises NotFound."""
        async with self._database.read() as tx:
            document = await get_document(tx, who, id_)
            return await CHUNKS.page(tx, None, query, CHUNK.document_id == document.id)

    # --- to be changed ----------------------------------------------------------------------------

    async def create(self, who: Principal, upload: Upload, said: NewDocument) -> Document:
        """Keep a file; it is read by and by.

        Raises Unprocessable naming `agent_id`, and Conflict when there are too many.
        """
        now = self._clock.wall()
        document = Document(
            owner_id=who.account_id,
            agent_id=said.agent_id,
            title=(said.title or title_of(upload.file_name))[:MAX_TITLE_CHARS],
            category=said.category,
            file_name=upload.file_name,
            size_bytes=upload.size_bytes,
            content_hash=upload.content_hash,
            created_wall=now,
            updated_wall=now,
        )
        try:
            async with self.files:
                await asyncio.to_thread(upload.path.replace, self.path_of(document))
                async with self._database.write() as tx:
                    await check_agent(tx, who, said.agent_id)
                    await _check_room(tx, who.account_id)
                    document = await DOCUMENTS.add(tx, document)
        finally:
            self.on_change()  # what was refused is tidied away
        return document

    async def create_from_text(self, who: Principal, text: str, said: NewDocument) -> Document:
        """Keep words that come without a file. Raises what `create` does."""
        data = text.encode()
        path = self.folder / f"{uuid.uuid4()}.part"
        upload = Upload(
            path=path,
            file_name="",
            size_bytes=len(data),
            content_hash=hashlib.sha256(data).hexdigest(),
        )
        try:
            await asyncio.to_thread(_write, path, data)
            return await self.create(who, upload, said)
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def keep_text(self, text: str, said: NewDocument, owner_id: str) -> Document:
        """Keep words under their hash, for a document that the caller stores: `add` does.

        The caller holds `files` until that is done, and calls `on_change` afterwards.
        """
        data, now = text.encode(), self._clock.wall()
        document = Document(
            owner_id=owner_id,
            agent_id=said.agent_id,
            title=(said.title or title_of(""))[:MAX_TITLE_CHARS],
            category=said.category,
            size_bytes=len(data),
            content_hash=hashlib.sha256(data).hexdigest(),
            created_wall=now,
            updated_wall=now,
        )
        part = self.folder / f"{uuid.uuid4()}.part"
        try:
            await asyncio.to_thread(_write, part, data)
            await asyncio.to_thread(part.replace, self.path_of(document))
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
        return document

    async def add(self, tx: Transaction, documents: Sequence[Document]) -> list[Document]:
        """Store documents of one account whose files are kept. Raises Conflict for too many."""
        added = []
        for document in documents:
            await _check_room(tx, document.owner_id)
            added.append(await DOCUMENTS.add(tx, document))
        return added

    async def change(self, who: Principal, id_: str, changes: dict[str, Any]) -> Document:
        """Another title or category. Raises NotFound."""
        async with self._database.write() as tx:
            document = await get_document(tx, who, id_)
            return await DOCUMENTS.update(tx, document, **changes, updated_wall=self._clock.wall())

    async def reprocess(self, who: Principal, id_: str) -> Document:
        """Read a document again, from the file that is kept. Raises NotFound and Conflict."""
        async with self._database.write() as tx:
            document = await get_document(tx, who, id_)
            if document.status is DocumentStatus.PROCESSING:
                raise Conflict("it is being read")
            document = await DOCUMENTS.update(
                tx,
                document,
                status=DocumentStatus.PROCESSING,
                error="",
                started_wall=None,
                finished_wall=None,
                updated_wall=self._clock.wall(),
            )
        self.on_change()
        return document

    async def delete(self, who: Principal, id_: str) -> None:
        """Remove a document, its pieces, and its file unless another one has the same.

        Raises NotFound.
        """
        async with self._database.write() as tx:
            document = await get_document(tx, who, id_)
            # From here on nothing finds it, and whoever reads it stops.
            await DOCUMENTS.update(tx, document, status=DocumentStatus.FAILED, error=DELETED)
        await remove_chunks(self._database, document.id)
        async with self._database.write() as tx:
            await DOCUMENTS.delete(tx, document.id, None)
        self.on_change()

    def path_of(self, document: Document) -> pathlib.Path:
        """Where its file is."""
        return self.folder / document.content_hash


async def _check_room(tx: Transaction, owner_id: str) -> None:
    if await DOCUMENTS.count(tx, owner_id) >= MAX_DOCUMENTS:
        raise Conflict(f"{MAX_DOCUMENTS} documents are kept already: delete some first")
    processing = COLUMNS.status == DocumentStatus.PROCESSING.value
    if await DOCUMENTS.count(tx, owner_id, processing) >= MAX_PROCESSING:
        raise Conflict(f"{MAX_PROCESSING} documents wait to be read already")


async def get_document(tx: Transaction, who: Principal, id_: str) -> Document:
    """One that `who` may see. Raises NotFound."""
    document = await DOCUMENTS.get(tx, id_, owner_of(who))
    if document is None:
        raise missing("document", id_)
    return document


async def remove_chunks(database: Database, document_id: str) -> None:
    """All pieces of a document, some at a time. Raises StoreError."""
    some = CHUNK.seq.in_(
        schema.CHUNKS.select()
        .with_only_columns(CHUNK.seq)
        .where(CHUNK.document_id == document_id)
        .limit(DELETED_AT_ONCE)
    )
    while True:
        async with database.write() as tx:
            if not await CHUNKS.delete_where(tx, None, some):
                return


async def check_agent(tx: Transaction, who: Principal, agent_id: str | None) -> None:
    """It is an agent of whoever asks, or none is named. Raises Unprocessable."""
    if agent_id is not None and await AGENTS.get(tx, agent_id, who.account_id) is None:
        said = "there is no such agent"
        raise Unprocessable(said, [FieldError("agent_id", said)])


def title_of(file_name: str) -> str:
    """What a file is called by its name."""
    name = file_name.replace("\\", "/").rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    return (stem if dot and stem and len(ending) <= 8 else name) or "Untitled"


def _write(path: pathlib.Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(data)


def _nobody() -> None:
    """Before there is somebody who reads."""
