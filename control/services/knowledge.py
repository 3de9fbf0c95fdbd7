"""What agents know, searched: by words, and by meaning where an embedding model is configured.

The database names the passages that have any of the asked words (store/full_text.py); what each is
worth is worked out here the same way for every database (knowledge/ranking.py).
"""

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select

from ...media.errors import ProviderError
from ..auth.principal import Principal
from ..domain.documents import DocumentStatus
from ..knowledge.embedding import Embedder
from ..knowledge.ranking import Collection, Question, blended
from ..knowledge.vectors import VectorStore
from ..knowledge.words import asked_words, indexed, scope
from ..store import schema
from ..store.database import Database, Transaction
from ..store.full_text import best, counts
from .access import missing
from .agents import AGENTS
from .documents import check_agent

CANDIDATES = 40
"Passages that are looked at closely, by their words."
MEANT = 20
"And as many more by their meaning."
LEAST_SOUGHT, MOST_SOUGHT = 3, 10
"Words of the question that the index is asked for, the rarest: the others tell little."
SOUGHT_PASSAGES = 2000
"Beyond the rarest three, words are sought as long as they are in no more passages together."
MAX_LIMIT = 50

logger = logging.getLogger(__name__)
_DOCUMENT, _CHUNK = schema.DOCUMENTS.c, schema.CHUNKS.c
_READY = _DOCUMENT.status == DocumentStatus.READY.value


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A passage that fits."""

    document_id: str
    title: str
    index: int
    "Its place in the document."
    page: int | None
    heading: str
    text: str
    answer: str
    "Its sentences that fit best."
    score: float
    "0..1, see knowledge/ranking.py."
    by_words: float
    by_meaning: float | None
    "None: there are no vectors."


class KnowledgeService:
    """The verbs."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder | None = None,
        vectors: VectorStore | None = None,
    ) -> None:
        """`embedder` None: by words alone."""
        self._database = database
        self.embedder = embedder
        self.vectors = vectors or VectorStore(database)

    async def search(
        self, who: Principal, question: str, agent_id: str | None, limit: int, min_score: float
    ) -> list[Found]:
        """The passages that fit best, best first: of an agent and all agents, or of all that is
        kept.

        Raises Unprocessable naming `agent_id`.
        """
        owner_id = who.account_id
        async with self._database.read() as tx:
            if who.is_admin and agent_id is not None:
                agent = await AGENTS.get(tx, agent_id, None)
                if agent is None:
                    raise missing("agent", agent_id)
                owner_id = agent.owner_id
            else:
                await check_agent(tx, who, agent_id)
        found = await self.find(owner_id, agent_id, question, limit)
        return [passage for passage in found if passage.score >= min_score]

    async def find(
        self, owner_id: str, agent_id: str | None, question: str, limit: int
    ) -> list[Found]:
        """The same for a call: whose it is needs no looking at. Raises StoreError."""
        asked = asked_words(question)
        if not asked:
            return []
        async with self._database.read() as tx:
            place = await _place(tx, owner_id, agent_id)
            if not place.passages:
                return []
            if self.embedder is None or not place.vectors:
                return await self._found(tx, place, asked, None, limit)
        # No connection is held while the model is asked.
        meant = await self._meaning(question)
        async with self._database.read() as tx:
            return await self._found(tx, place, asked, meant, limit)

    async def _found(
        self, tx: Transaction, place: "Place", asked: list[str], meant: bytes | None, limit: int
    ) -> list[Found]:
        collection = await _collection(tx, place, asked)
        seqs = await best(tx, place.scopes, place.sought(asked, collection), CANDIDATES)
        alike: dict[int, float] = {}
        if meant is not None:
            alike = await self.vectors.alike(tx, place, meant, seqs, MEANT)
        rows = await _passages(tx, list({*seqs, *alike}))
        return _ranked(Question.of(asked, collection), place, rows, alike, limit)

    async def _meaning(self, question: str) -> bytes | None:
        """The question as a vector; None: there is no model, or it does not answer."""
        if self.embedder is None:
            return None
        try:
            return (await self.embedder.embed([question]))[0]
        except ProviderError as exc:
            logger.warning("searching by words alone: %s", exc)
            return None


class Place(msgspec.Struct, frozen=True):
    """What is searched."""

    owner_id: str
    account: int
    agent: int | None
    scopes: tuple[str, ...]
    passages: int
    words: int
    vectors: int
    changed_wall: float
    "Of whatever changed last in it."

    def sought(self, asked: Sequence[str], collection: Collection) -> list[str]:
        """The words that the index is asked for: the rarest that it has."""
        known = [word for word in asked if collection.having.get(word)]
        known.sort(key=lambda word: collection.having[word])
        chosen: list[str] = []
        passages = 0
        for word in known[:MOST_SOUGHT]:
            passages += collection.having[word]
            if len(chosen) >= LEAST_SOUGHT and passages > SOUGHT_PASSAGES:
                break
            chosen.append(word)
        return indexed(self.account, chosen).split()


async def _place(tx: Transaction, owner_id: str, agent_id: str | None) -> Place:
    account, agent = schema.ACCOUNTS.c, schema.AGENTS.c
    query = select(
        select(account.seq).where(account.id == owner_id).scalar_subquery(),
        select(agent.seq).where(agent.id == (agent_id or "")).scalar_subquery(),
        func.coalesce(func.sum(_DOCUMENT.chunks), 0),
        func.coalesce(func.sum(_DOCUMENT.words), 0),
        func.coalesce(func.sum(_DOCUMENT.vectors), 0),
        func.coalesce(func.max(_DOCUMENT.updated_wall), 0.0),
    ).where(_DOCUMENT.owner_id == owner_id, _READY)
    number, its, passages, words, vectors, changed = (await tx.execute(query)).one()
    if number is None:
        return Place(owner_id, 0, None, (), 0, 0, 0, 0.0)
    # Without an agent the account's number in front of the words says enough.
    scopes = () if agent_id is None else (scope(number, its), scope(number, None))
    return Place(owner_id, number, its, scopes, int(passages), int(words), int(vectors), changed)


async def _collection(tx: Transaction, place: Place, asked: Sequence[str]) -> Collection:
    written = indexed(place.account, asked).split()
    having = await counts(tx, written)
    known = {
        word: having[as_written]
        for word, as_written in zip(asked, written, strict=True)
        if as_written in having
    }
    return Collection(place.passages, place.words, known)


async def _passages(tx: Transaction, seqs: Sequence[int]) -> list[Any]:
    if not seqs:
        return []
    query = (
        select(
            _CHUNK.seq,
            _CHUNK.document_id,
            _DOCUMENT.title,
            _CHUNK.index,
            _CHUNK.page,
            _CHUNK.heading,
            _CHUNK.text,
            _CHUNK.words,
        )
        .join(schema.DOCUMENTS, _DOCUMENT.id == _CHUNK.document_id)
        .where(_CHUNK.seq.in_(seqs), _READY)
    )
    return list(await tx.execute(query))


def _ranked(
    question: Question, place: Place, rows: Sequence[Any], alike: dict[int, float], limit: int
) -> list[Found]:
    front = indexed(place.account, [""])
    as_indexed = Question(
        {f"{front}{word}": weight for word, weight in question.weights.items()},
        question.average_words,
    )
    judged: list[tuple[float, float, float | None, Any]] = []
    for row in rows:
        by_words = as_indexed.by_words(row.words.split())
        by_meaning = alike.get(row.seq)  # None: it has no vector, its words must do
        judged.append((blended(by_words, by_meaning), by_words, by_meaning, row))
    judged.sort(key=lambda one: (-one[0], one[3].seq))
    return [
        Found(
            document_id=row.document_id,
            title=row.title,
            index=row.index,
            page=row.page,
            heading=row.heading,
            text=row.text,
            answer=question.answer(row.text),
            score=round(score, 4),
            by_words=round(by_words, 4),
            by_meaning=None if by_meaning is None else round(by_meaning, 4),
        )
        for score, by_words, by_meaning, row in judged[:limit]
    ]
