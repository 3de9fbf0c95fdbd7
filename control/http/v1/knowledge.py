"""`/v1/knowledge/search`: what an agent would find."""

from typing import Annotated

import msgspec

from ...errors import NotFound, Unprocessable
from ...services.knowledge import MAX_LIMIT, Found
from ..route import AnyRoute, Asked, Nothing, Route
from .documents import TAG

Score = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Search(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question."""

    query: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    "In words as they are said; nothing in it is an operator."
    agent_id: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    "Whose knowledge, with what all your agents know; left out: all your documents."
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT)] = 5
    min_score: Score = 0.0
    "Passages that fit less well are left out."


class PassageView(msgspec.Struct, frozen=True, kw_only=True):
    """A passage."""

    document_id: str
    document: str
    "The document's title."
    index: int
    "Its place among the document's pieces."
    page: int | None
    heading: str
    text: str
    answer: str
    "The sentences of it that fit best: what an agent without a language model says."
    score: Score
    "How well it fits: by its words, and half by its meaning where there are vectors."
    by_words: Score
    "0.45: all that is asked for is in it, once; rare words count more, and so do repetitions."
    by_meaning: float | None
    "The likeness (cosine) of the meanings; null: no embedding model is configured."


class Passages(msgspec.Struct, frozen=True):
    """What was found, best first."""

    passages: tuple[PassageView, ...]


async def search_knowledge(asked: Asked[Nothing, Search]) -> Passages:
    """Find the passages of your documents that answer a question best."""
    body = asked.body
    found = await asked.edge.services.knowledge.search(
        asked.who, body.query, body.agent_id, body.limit, body.min_score
    )
    return Passages(tuple(passage_view(passage) for passage in found))


def passage_view(found: Found) -> PassageView:
    """A passage as the API shows it."""
    same = [name for name in PassageView.__struct_fields__ if name != "document"]
    return PassageView(**{name: getattr(found, name) for name in same}, document=found.title)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/v1/knowledge/search",
        handler=search_knowledge,
        summary="Search what agents know",
        tag=TAG,
        scope="knowledge:read",
        body=Search,
        returns=Passages,
        problems=(NotFound, Unprocessable),
    ),
)
