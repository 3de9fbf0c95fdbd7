"""SHELL: reads uploaded documents, one after another, and has their pieces stored.

It waits to be woken; a document that was cut off by the end of the process is read again at the
next start. Files that no document has any more are removed.
"""

import asyncio
import logging
import pathlib
from collections.abc import Callable

from ...media.clock import Clock
from ..domain.documents import Document
from ..services.document_steps import DocumentSteps
from ..services.documents import DocumentService
from ..wake_loop import Again, WakeLoop
from .document_reading import ReaderDied, read_document
from .embedding import Embedding
from .unreadable import Unreadable

TIDY_S = 600.0
"Files of documents that went with their agent or account are removed within this time."
MAX_DEATHS = 2
"A file that its reader has died of so often is given up."
HASH_CHARS = 64

logger = logging.getLogger(__name__)


class DocumentRunner:
    """`start()`, then `wake()` when a document came or went, `aclose()` last."""

    def __init__(
        self,
        documents: DocumentService,
        steps: DocumentSteps,
        clock: Clock,
        embedding: Embedding | None = None,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """`embedding` None: documents are found by their words alone.

        `leads`: whether this node reads the documents of all (nodes.py).
        """
        self._documents = documents
        self._steps = steps
        self._embedding = embedding
        self._loop = WakeLoop("read documents", self._round, clock, leads)
        self._deaths: dict[str, int] = {}

    @property
    def idle(self) -> asyncio.Event:
        """No document is left to be read, and it waits."""
        return self._loop.idle

    def start(self) -> None:
        """Go on where the last start ended."""
        self._loop.start()

    def wake(self) -> None:
        """There may be something to be read, or to be removed."""
        self._loop.wake()

    async def aclose(self) -> None:
        """Stop after the slice that is being stored, or before it is."""
        await self._loop.aclose()

    async def _round(self) -> Again:
        while (document := await self._steps.next_document()) is not None:
            await self._read(document)
        await self._tidy()
        return Again(in_s=TIDY_S)

    async def _read(self, document: Document) -> None:
        """All of it. Raises StoreError."""
        try:
            async with read_document(self._documents.path_of(document)) as reading:
                opened = reading.opened
                if not await self._steps.begin(document.id, opened.kind, opened.pages):
                    return
                async for chunks in reading:
                    if not await self._steps.store(document.id, chunks):
                        return
            if reading.done is not None:
                mb, cpu_s = reading.done.peak_bytes / 1e6, reading.done.cpu_s
                logger.debug("document %s: %.0f MB, %.1f s of a core", document.id, mb, cpu_s)
            if self._embedding is not None:
                await self._embedding.embed(document.id)
            await self._steps.finish(document.id)
        except Unreadable as exc:
            await self._steps.finish(document.id, str(exc))
        except ReaderDied as exc:
            logger.error("document %s: %s", document.id, exc)
            self._deaths[document.id] = self._deaths.get(document.id, 0) + 1
            if self._deaths[document.id] >= MAX_DEATHS:
                await self._steps.finish(document.id, "reading it failed")
        self._deaths = {id_: n for id_, n in self._deaths.items() if id_ == document.id}

    async def _tidy(self) -> None:
        """Remove files that no document has."""
        async with self._documents.files:
            wanted = await self._steps.hashes()
            await asyncio.to_thread(_remove_others, self._documents.folder, wanted)


def _remove_others(folder: pathlib.Path, wanted: set[str]) -> None:
    for file in folder.glob("*"):
        if len(file.name) == HASH_CHARS and file.name not in wanted:
            file.unlink(missing_ok=True)
