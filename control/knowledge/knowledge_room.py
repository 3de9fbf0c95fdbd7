"""SHELL: the parts of one server that have to do with documents, put together."""

import random
from collections.abc import Callable
from typing import Protocol

from ...drivers.llm.openai_embeddings import EmbeddingSettings, OpenAIEmbedder
from ...drivers.openai_client import OpenAISettings
from ...drivers.provider_watch import ProviderWatch, nobody_watches
from ...media.clock import Clock
from ...media.speech_ports import Knowledge
from ..configuration.config import Settings
from ..domain.agents import Agent
from ..services.document_steps import DocumentSteps
from ..services.documents import DocumentService
from ..services.knowledge import KnowledgeService
from .agent_knowledge import AgentKnowledge
from .document_runner import DocumentRunner
from .embedding import Embedding

MB = 1024 * 1024


class KnowledgeServices(Protocol):
    """What of the services it needs (services/catalog.py)."""

    @property
    def documents(self) -> DocumentService: ...
    @property
    def document_steps(self) -> DocumentSteps: ...
    @property
    def knowledge(self) -> KnowledgeService: ...


class KnowledgeRoom:
    """`start()` when the database is open, `aclose()` before it is closed."""

    def __init__(
        self,
        settings: Settings,
        services: KnowledgeServices,
        clock: Clock,
        rng: random.Random,
        watch: ProviderWatch = nobody_watches,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """`leads`: whether this node reads the documents of all (nodes.py)."""
        self._settings = settings.knowledge
        self._service = services.knowledge
        self._documents = services.documents
        self._embedder = _embedder(settings, rng, watch)
        embedding = None
        if self._embedder is not None:
            embedding = Embedding(services.document_steps, self._embedder)
            self._service.embedder = self._embedder
        self._service.vectors.max_bytes = settings.knowledge.memory_mb * MB
        self._runner = DocumentRunner(
            services.documents, services.document_steps, clock, embedding, leads
        )
        self.idle = self._runner.idle
        "No document is left to be read."
        self.wake = self._runner.wake
        "There may be something to be read."
        services.documents.on_change = self._runner.wake

    def of(self, agent: Agent) -> Knowledge:
        """What an agent knows."""
        answer_s = self._settings.answer_ms / 1000
        return AgentKnowledge(self._service, agent.owner_id, agent.id, answer_s)

    def remove_parts(self) -> None:
        """Blocking, and before any file comes: what a crash has left of files that came."""
        self._documents.remove_parts()

    def start(self) -> None:
        """Read what waits to be read."""
        self._runner.start()

    async def aclose(self) -> None:
        """Stop reading; what is cut off is read again at the next start."""
        await self._runner.aclose()
        if self._embedder is not None:
            await self._embedder.aclose()


def _embedder(
    settings: Settings, rng: random.Random, watch: ProviderWatch
) -> OpenAIEmbedder | None:
    name = settings.knowledge.embeddings
    provider = next((one for one in settings.providers if one.name == name), None)
    if provider is None:
        return None
    server = OpenAISettings(
        base_url=provider.base_url, provider=provider.name, key_env=provider.api_key_env
    )
    return OpenAIEmbedder(EmbeddingSettings(provider.models.embeddings, server), rng, watch=watch)
