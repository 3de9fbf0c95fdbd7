"""Documents that are found by what they mean."""

import pathlib
import random
from collections.abc import AsyncIterator

import numpy as np
import pytest

from offhook.control.auth.principal import OPERATOR
from offhook.control.domain.documents import Document
from offhook.control.knowledge.document_runner import DocumentRunner
from offhook.control.knowledge.embedding import BATCH, Embedding
from offhook.control.services.documents import NewDocument
from offhook.drivers.llm.openai_embeddings import EmbeddingSettings, OpenAIEmbedder
from offhook.drivers.openai_client import OpenAISettings
from offhook.media.errors import ProviderError
from offhook.tests.kit.api import Api
from offhook.tests.kit.embedding_server import EmbeddingServer

TEXT = (
    "# Garage\n\nWe fix every automobile.\n\n# Hours\n\nUntil noon.\n\n# Other\n\nNothing of that."
)


@pytest.fixture
async def server() -> AsyncIterator[EmbeddingServer]:
    async with EmbeddingServer().running() as server:
        yield server


class Library:
    """Documents, read and embedded."""

    def __init__(self, api: Api, server: EmbeddingServer) -> None:
        self.api = api
        self.knowledge = api.services.knowledge
        client = OpenAISettings(base_url=server.base_url, retries=0)
        self.embedder = OpenAIEmbedder(EmbeddingSettings("m", client), random.Random(1))
        self.knowledge.embedder = self.embedder
        documents, steps = api.services.documents, api.services.document_steps
        embedding = Embedding(steps, self.embedder)
        self.runner = DocumentRunner(documents, steps, api.clock, embedding)
        documents.on_change = self.runner.wake
        self.runner.start()

    async def read(self, text: str, agent_id: str | None = None) -> Document:
        documents = self.api.services.documents
        said = NewDocument(title="t", agent_id=agent_id)
        made = await documents.create_from_text(OPERATOR, text, said)
        await self.runner.idle.wait()
        return await documents.get(OPERATOR, made.id)

    async def found(self, question: str, agent_id: str | None = None) -> list[str]:
        passages = await self.knowledge.search(OPERATOR, question, agent_id, 5, 0.2)
        return [passage.text for passage in passages]

    async def aclose(self) -> None:
        await self.runner.aclose()
        await self.embedder.aclose()


@pytest.fixture
async def library(tmp_path: pathlib.Path, server: EmbeddingServer) -> AsyncIterator[Library]:
    async with Api(tmp_path) as api:
        library = Library(api, server)
        yield library
        await library.aclose()


@pytest.mark.parametrize("as_numbers", [False, True])
async def test_a_passage_is_found_by_its_meaning_without_a_word_of_the_question(
    library: Library, server: EmbeddingServer, as_numbers: bool
) -> None:
    server.as_numbers = as_numbers
    document = await library.read(TEXT)
    assert (document.chunks, document.vectors, document.embedding_model) == (3, 3, "m")
    assert server.asked[0][0] == "Garage\nWe fix every automobile."
    assert await library.found("Can you mend my car?") == ["We fix every automobile."]
    best, *_ = await library.knowledge.search(OPERATOR, "mend my car", None, 5, 0.0)
    assert best.by_words == 0.0
    assert best.by_meaning == pytest.approx(1.0, abs=0.02)
    assert best.score == pytest.approx(0.5, abs=0.01)


async def test_words_and_meaning_are_weighed_together(library: Library) -> None:
    await library.read("# A\n\nA vehicle called Hubert.\n\n# B\n\nHubert.\n\n# C\n\nA vehicle.")
    assert (await library.found("What car is Hubert?"))[0] == "A vehicle called Hubert."


async def test_an_agent_does_not_find_by_meaning_what_is_another_ones(library: Library) -> None:
    anna, bob = [
        (await library.api.want(201, "POST", "/v1/agents", {"name": name}))["id"] for name in "AB"
    ]
    await library.read("One automobile.", anna)
    await library.read("Two automobiles.", bob)
    await library.read("Any automobile.")
    assert set(await library.found("car", anna)) == {"One automobile.", "Any automobile."}
    assert set(await library.found("car", bob)) == {"Two automobiles.", "Any automobile."}
    assert len(await library.found("car")) == 3


async def test_what_is_kept_in_memory_follows_the_documents(library: Library) -> None:
    first = await library.read("One automobile.")
    assert await library.found("car") == ["One automobile."]
    kept = library.knowledge.vectors.size
    assert kept > 0
    await library.read("Two vehicles.")
    assert len(await library.found("car")) == 2
    await library.api.services.documents.delete(OPERATOR, first.id)
    assert await library.found("car") == ["Two vehicles."]
    assert library.knowledge.vectors.size == kept


async def test_what_does_not_fit_in_memory_is_found_all_the_same(library: Library) -> None:
    library.knowledge.vectors.max_bytes = 0
    await library.read("\n\n".join(f"# {at}\n\nNothing." for at in range(600)) + "\n\nA vehicle.")
    assert await library.found("car") == ["Nothing.\nA vehicle."]
    assert library.knowledge.vectors.size == 0


async def test_pieces_are_embedded_in_batches(library: Library, server: EmbeddingServer) -> None:
    document = await library.read("\n\n".join(f"# {at}\n\nText." for at in range(BATCH + 3)))
    assert [len(texts) for texts in server.asked] == [BATCH, 3]
    assert document.vectors == BATCH + 3


async def test_a_model_that_does_not_answer_costs_no_document_its_words(
    library: Library, server: EmbeddingServer
) -> None:
    server.refuses = True
    document = await library.read(TEXT)
    assert (document.status.value, document.vectors) == ("ready", 0)
    assert "no such model" in document.embedding_error
    assert await library.found("automobile") == ["We fix every automobile."]
    server.refuses = False
    await library.api.services.documents.reprocess(OPERATOR, document.id)
    await library.runner.idle.wait()
    document = await library.api.services.documents.get(OPERATOR, document.id)
    assert (document.vectors, document.embedding_error) == (3, "")
    server.refuses = True
    assert await library.found("automobile") == ["We fix every automobile."]
    assert await library.found("car") == []


async def test_vectors_of_another_model_are_not_compared(
    library: Library, server: EmbeddingServer
) -> None:
    await library.read(TEXT)
    server.width += 1
    assert await library.found("car") == []
    assert await library.found("automobile") == ["We fix every automobile."]


async def test_vectors_are_of_length_one_and_nonsense_is_refused(server: EmbeddingServer) -> None:
    client = OpenAISettings(base_url=server.base_url, retries=0)
    embedder = OpenAIEmbedder(EmbeddingSettings("m", client), random.Random(1))
    vectors = await embedder.embed(["car car repair", "noon"])
    assert [float(np.linalg.norm(np.frombuffer(v, "<f4"))) for v in vectors] == pytest.approx(
        [1, 1]
    )
    server.vector = lambda text: [0.0]  # type: ignore[method-assign]
    with pytest.raises(ProviderError, match="without a direction"):
        await embedder.embed(["x"])
    await embedder.aclose()
