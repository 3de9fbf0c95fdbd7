"""Finds what agents' documents say: how often, how surely, how fast.

Questions as callers ask them, each with words that the right passage must have, are asked of a
document itself; others have no answer in it. There are three sets (knowledge_sets.py): by the first
one the form of the score and its threshold were chosen, the second one is held out, the third one
is a page of a shop. Then the same search in collections of 1,000 and 10,000 pieces. The manuals are
Debian's, fetched by apt: they are not part of this repository.
"""

import argparse
import asyncio
import os
import pathlib
import random
import shlex
import statistics
import sys
import tempfile
from collections.abc import Sequence
from typing import Any
from unittest import mock

import msgspec

from ..control.auth.principal import OPERATOR
from ..control.domain.documents import Document as Kept
from ..control.events.events import EventBus
from ..control.knowledge import words as comparing
from ..control.knowledge.document_reading import read_document
from ..control.knowledge.document_worker import ReadChunk
from ..control.services.accounts import ensure_operator
from ..control.services.document_steps import DocumentSteps
from ..control.services.documents import DOCUMENTS
from ..control.services.event_log import EventLog
from ..control.services.knowledge import Found, KnowledgeService
from ..control.store.database import Database
from ..media.clock import LoopClock
from .knowledge_sets import HELD_OUT, POLICY, SHOP, Labelled
from .reports.results_file import Document, Metric, origin, write

LIMIT = 5
THRESHOLD = 0.3
"From which score on the house responder says a passage (`house.knowledge_score`)."
SIZES = (1_000, 10_000)
ROUNDS = 200


class Outcome(msgspec.Struct, frozen=True):
    """One question's."""

    ask: str
    rank: int | None
    "Of the first right passage, from 1; None: not among the first five, or there is none."
    score: float
    "Of the first passage, right or not."


class Figures(msgspec.Struct, frozen=True):
    """Of all questions."""

    case: str
    recall_at_5: float
    recall_at_1: float
    mrr: float
    answered: tuple[Outcome, ...]
    unanswerable: tuple[Outcome, ...]

    @property
    def said(self) -> int:
        """Questions whose first passage is right, and fits well enough to be said."""
        return sum(one.rank == 1 and one.score >= THRESHOLD for one in self.answered)

    @property
    def said_wrongly(self) -> int:
        """Questions with an answer, for which a passage is said that is not it."""
        return sum(one.rank != 1 and one.score >= THRESHOLD for one in self.answered)

    @property
    def false_answers(self) -> int:
        """Questions without an answer, for which something is said all the same."""
        return sum(one.score >= THRESHOLD for one in self.unanswerable)


class Speed(msgspec.Struct, frozen=True):
    """Milliseconds of one search, one after another."""

    pieces: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float
    "Of all threads, a search."
    each_ms: list[float]


class Collected:
    """A collection in a database of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.database = Database(f"sqlite+aiosqlite:///{folder / 'knowledge.db'}")
        self.clock = LoopClock()
        self.steps = DocumentSteps(self.database, EventLog(self.database, EventBus()), self.clock)
        self.service = KnowledgeService(self.database)

    async def add(self, title: str, chunks: Sequence[ReadChunk]) -> None:
        """A document that is ready."""
        kept = Kept(owner_id=OPERATOR.account_id, title=title, size_bytes=1, content_hash="0" * 64)
        async with self.database.write() as tx:
            kept = await DOCUMENTS.add(tx, kept)
        for at in range(0, len(chunks), 100):
            await self.steps.store(kept.id, chunks[at : at + 100])
        await self.steps.finish(kept.id)

    async def ask(self, question: str) -> list[Found]:
        """The first passages."""
        return await self.service.find(OPERATOR.account_id, None, question, LIMIT)


async def pieces_of(path: pathlib.Path) -> list[ReadChunk]:
    """A document as the server reads it."""
    async with read_document(path) as reading:
        return [chunk async for chunks in reading for chunk in chunks]


async def quality(name: str, pieces: Sequence[ReadChunk], asked: Sequence[Labelled]) -> Figures:
    """Ask all questions."""
    with tempfile.TemporaryDirectory() as folder:
        collected = Collected(pathlib.Path(folder))
        await collected.database.open()
        await ensure_operator(collected.database, collected.clock)
        await collected.add("manual", pieces)
        outcomes = [(one, _outcome(one, await collected.ask(one.ask))) for one in asked]
        await collected.database.aclose()
    answered = [outcome for one, outcome in outcomes if one.has]
    ranks = [outcome.rank for outcome in answered]
    return Figures(
        case=name,
        recall_at_5=sum(rank is not None for rank in ranks) / len(ranks),
        recall_at_1=ranks.count(1) / len(ranks),
        mrr=sum(1 / rank for rank in ranks if rank) / len(ranks),
        answered=tuple(answered),
        unanswerable=tuple(outcome for one, outcome in outcomes if not one.has),
    )


def _outcome(one: Labelled, found: Sequence[Found]) -> Outcome:
    texts = [f"{passage.heading} {passage.text}".lower() for passage in found]
    right = [at for at, text in enumerate(texts, 1) if one.has and all(w in text for w in one.has)]
    return Outcome(one.ask, right[0] if right else None, found[0].score if found else 0.0)


async def speed(
    pieces: Sequence[ReadChunk], count: int, asked: Sequence[Labelled], rounds: int
) -> Speed:
    """The same questions among `count` pieces: the document's own, as often as it takes."""
    rng = random.Random(1)
    many = [_shuffled(pieces[at % len(pieces)], rng, at >= len(pieces)) for at in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        collected = Collected(pathlib.Path(folder))
        await collected.database.open()
        await ensure_operator(collected.database, collected.clock)
        await collected.add("manual", many)
        took: list[float] = []
        used_s = 0.0
        for at in range(-20, rounds):
            if not at:
                used_s = sum(os.times()[:2])
            begun = collected.clock.now()
            await collected.ask(asked[at % len(asked)].ask)
            if at >= 0:
                took.append((collected.clock.now() - begun) * 1000)
        cpu_ms = (sum(os.times()[:2]) - used_s) * 1000 / rounds
        await collected.database.aclose()
    cuts = statistics.quantiles(took, n=100)
    p50, p95, p99, cpu = (round(ms, 2) for ms in (cuts[49], cuts[94], cuts[98], cpu_ms))
    return Speed(count, p50, p95, p99, cpu, [round(ms, 3) for ms in took])


def _shuffled(read: ReadChunk, rng: random.Random, change: bool) -> ReadChunk:
    """A copy is no copy: a third of its words are another piece's in number, and new."""
    if not change:
        return read
    words = [word if rng.random() < 0.7 else f"{word}{rng.randrange(50)}" for word in read.words]
    return ReadChunk(read.chunk, words)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All of it."""
    asked = POLICY.asked()
    with tempfile.TemporaryDirectory() as folder:
        pieces = await pieces_of(options.document or POLICY.text(pathlib.Path(folder)))
        others = await pieces_of(options.held_out or HELD_OUT.text(pathlib.Path(folder)))
        page = await pieces_of(SHOP.text(pathlib.Path(folder)))
    found = [await quality("words endings off", pieces, asked)]
    with mock.patch.object(comparing, "stem", _as_written):
        plain = [
            ReadChunk(read.chunk, comparing.words(f"{read.chunk.heading} {read.chunk.text}"))
            for read in pieces
        ]
        found.append(await quality("words as they are written", plain, asked))
    found.append(await quality(HELD_OUT.name, others, HELD_OUT.asked()))
    found.append(await quality(SHOP.name, page, SHOP.asked()))
    speeds = [await speed(pieces, size, asked, options.rounds) for size in SIZES]
    return {"quality": found, "speed": speeds}


def _as_written(word: str) -> str:
    return word


def show(result: dict[str, Any], *, each: bool) -> None:
    """As a person reads it."""
    for figures in result["quality"]:
        scores = sorted(outcome.score for outcome in figures.unanswerable)
        right = sorted(outcome.score for outcome in figures.answered if outcome.rank)
        print(
            f"{figures.case}: recall@5 {figures.recall_at_5:.0%}, "
            f"first {figures.recall_at_1:.0%}, MRR {figures.mrr:.2f} of {len(figures.answered)}; "
            f"score of the first passage where it is among them p10 {right[len(right) // 10]:.2f} "
            f"p50 {right[len(right) // 2]:.2f}, of {len(scores)} questions without an answer "
            f"p50 {scores[len(scores) // 2]:.2f} max {scores[-1]:.2f}"
        )
        print(
            f"  said at {THRESHOLD:g}: the answer {figures.said} times, another passage "
            f"{figures.said_wrongly}, where there is no answer {figures.false_answers}"
        )
        if each:
            for outcome in (*figures.answered, *figures.unanswerable):
                print(f"  {outcome.rank or '-'}  {outcome.score:.2f}  {outcome.ask}")
    for one in result["speed"]:
        times = f"p50 {one.p50_ms} ms, p95 {one.p95_ms}, p99 {one.p99_ms}"
        print(f"{one.pieces} pieces: {times}; {one.cpu_ms} ms of a core")


def document(result: dict[str, Any]) -> Document:
    """As all measurements write it."""
    metrics: list[Metric] = []
    for figures in result["quality"]:
        case = figures.case
        ranks = [outcome.rank for outcome in figures.answered]
        metrics += [
            Metric(
                "found among the first 5", case, "%", [100.0 * bool(r) for r in ranks], "higher"
            ),
            Metric("1/rank", case, "", [1 / r if r else 0.0 for r in ranks], "higher"),
            Metric("score, with an answer", case, "", [o.score for o in figures.answered]),
            Metric("score, without an answer", case, "", [o.score for o in figures.unanswerable]),
            Metric(
                "said, and the answer",
                case,
                "%",
                [100.0 * (o.rank == 1 and o.score >= THRESHOLD) for o in figures.answered],
                "higher",
            ),
            Metric(
                "said without an answer",
                case,
                "%",
                [100.0 * (o.score >= THRESHOLD) for o in figures.unanswerable],
            ),
        ]
    for one in result["speed"]:
        metrics.append(Metric("search", f"{one.pieces} pieces", "ms", one.each_ms))
    return Document(
        origin(f"offhook bench knowledge {shlex.join(sys.argv[1:])}"), "knowledge", metrics
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="offhook bench knowledge", description=__doc__)
    parser.add_argument("--document", type=pathlib.Path, help="another copy of the policy")
    parser.add_argument("--held-out", type=pathlib.Path, help="of the developers' reference")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="searches a size")
    parser.add_argument("--each", action="store_true", help="show each question")
    parser.add_argument("--out", type=pathlib.Path, help="write it as JSON as well")
    options = parser.parse_args(sys.argv[1:])
    result = asyncio.run(measure(options))
    show(result, each=options.each)
    if options.out is not None:
        write(options.out, document(result))


if __name__ == "__main__":
    main()
