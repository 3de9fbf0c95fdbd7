"""SHELL: what the pieces of a document mean, asked of an embedding model, batch after batch.

A model that does not answer costs no document its words: it is ready all the same, and says why.
"""

import logging
from typing import Protocol

from ...media.errors import ProviderError
from ..errors import Conflict
from ..services.document_steps import DocumentSteps

BATCH = 16
"Small: an answer is decoded in the event loop, 16 x 1,536 numbers within a millisecond."

logger = logging.getLogger(__name__)


class Embedder(Protocol):
    """Words as vectors (drivers/llm/openai_embeddings.py)."""

    model: str

    async def embed(self, texts: list[str]) -> list[bytes]:
        """A vector of each: float32, little-endian, of length 1. Raises ProviderError."""
        ...


class Embedding:
    """Gives documents their vectors."""

    def __init__(self, steps: DocumentSteps, embedder: Embedder) -> None:
        self._steps = steps
        self._embedder = embedder

    async def embed(self, document_id: str) -> None:
        """All pieces that have none. Raises StoreError."""
        try:
            while chunks := await self._steps.unembedded(document_id, BATCH):
                texts = [f"{chunk.heading}\n{chunk.text}".strip() for chunk in chunks]
                found = await self._embedder.embed(texts)
                ids = [chunk.id for chunk in chunks]
                vectors = dict(zip(ids, found, strict=True))
                if not await self._steps.store_vectors(document_id, self._embedder.model, vectors):
                    return
        except ProviderError as exc:
            logger.warning("document %s is searched by its words alone: %s", document_id, exc)
            await self._steps.tell_unembedded(document_id, str(exc)[:500])
        except Conflict:
            logger.info("document %s was deleted while it was embedded", document_id)
