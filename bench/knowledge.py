"""Finds what agents' documents say: how often, how surely, how fast.

Questions as callers ask them (knowledge_questions.json), each with words that the right passage
must have, are asked of the document itself; others have no answer in it. Then the same search in
collections of 1,000 and 10,000 pieces. The document is Debian's policy manual, of the package
`debian-policy`, which is fetched by apt: it is not part of this repository.
"""

import argparse
import asyncio
import gzip
import os
import pathlib
import random
import shlex
import statistics
import subprocess
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
from .reports.results_file import Document, Metric, origin, write

PACKAGE = "debian-policy"
MANUAL = "usr/share/doc/debian-policy/policy.txt.gz"
QUESTIONS = pathlib.Path(__file__).parent / "knowledge_questions.json"
LIMIT = 5
SIZES = (1_000, 10_000)
ROUNDS = 200


class Labelled(msgspec.Struct, frozen=True):
    """A question, and by what its answer is known."""

    ask: str
    has: tuple[str, ...] = ()
    "All of these stand in the right passage, in lower case; none: there is no answer."


class Outcome(msgspec.Struct, frozen=True):
    """One question's."""

    ask: str
    rank: int | None
    "Of the first right passage, from 1; None: not among the first five, or there is none."
    score: float
    "Of the first passage, right or not."


class Figures(msgspec.Struct, frozen=True):
    """Of all questions."""

    words: str
    recall_at_5: float
    recall_at_1: float
    mrr: float
    answered: tuple[Outcome, ...]
    unanswerable: tuple[Outcome, ...]


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
        words=name,
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


def manual(folder: pathlib.Path) -> pathlib.Path:
    """Debian's policy manual as text, fetched by apt where it is not installed."""
    installed = pathlib.Path("/") / MANUAL
    if not installed.exists():
        subprocess.run(["apt-get", "download", PACKAGE], cwd=folder, check=True)
        package = next(folder.glob(f"{PACKAGE}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
        installed = folder / MANUAL
    text = folder / "policy.txt"
    text.write_bytes(gzip.decompress(installed.read_bytes()))
    return text


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All of it."""
    asked = msgspec.json.decode(QUESTIONS.read_bytes(), type=list[Labelled])
    with tempfile.TemporaryDirectory() as folder:
        path = options.document or manual(pathlib.Path(folder))
        pieces = await pieces_of(path)
    found = [await quality("endings off", pieces, asked)]
    with mock.patch.object(comparing, "stem", _as_written):
        plain = [
            ReadChunk(read.chunk, comparing.words(f"{read.chunk.heading} {read.chunk.text}"))
            for read in pieces
        ]
        found.append(await quality("as they are written", plain, asked))
    speeds = [await speed(pieces, size, asked, options.rounds) for size in SIZES]
    return {"pieces": len(pieces), "quality": found, "speed": speeds}


def _as_written(word: str) -> str:
    return word


def show(result: dict[str, Any], *, each: bool) -> None:
    """As a person reads it."""
    for figures in result["quality"]:
        scores = sorted(outcome.score for outcome in figures.unanswerable)
        right = sorted(outcome.score for outcome in figures.answered if outcome.rank)
        print(
            f"words {figures.words}: recall@5 {figures.recall_at_5:.0%}, "
            f"first {figures.recall_at_1:.0%}, MRR {figures.mrr:.2f} of {len(figures.answered)}; "
            f"score of the first passage where it is among them p10 {right[len(right) // 10]:.2f} "
            f"p50 {right[len(right) // 2]:.2f}, of {len(scores)} questions without an answer "
            f"p50 {scores[len(scores) // 2]:.2f} max {scores[-1]:.2f}"
        )
    if each:
        for outcome in (*result["quality"][0].answered, *result["quality"][0].unanswerable):
            print(f"  {outcome.rank or '-'}  {outcome.score:.2f}  {outcome.ask}")
    for one in result["speed"]:
        times = f"p50 {one.p50_ms} ms, p95 {one.p95_ms}, p99 {one.p99_ms}"
        print(f"{one.pieces} pieces: {times}; {one.cpu_ms} ms of a core")


def document(result: dict[str, Any]) -> Document:
    """As all measurements write it."""
    metrics: list[Metric] = []
    for figures in result["quality"]:
        case = f"words {figures.words}"
        ranks = [outcome.rank for outcome in figures.answered]
        metrics += [
            Metric(
                "found among the first 5", case, "%", [100.0 * bool(r) for r in ranks], "higher"
            ),
            Metric("1/rank", case, "", [1 / r if r else 0.0 for r in ranks], "higher"),
            Metric("score, with an answer", case, "", [o.score for o in figures.answered]),
            Metric("score, without an answer", case, "", [o.score for o in figures.unanswerable]),
        ]
    for one in result["speed"]:
        metrics.append(Metric("search", f"{one.pieces} pieces", "ms", one.each_ms))
    return Document(
        origin(f"offhook bench knowledge {shlex.join(sys.argv[1:])}"), "knowledge", metrics
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="offhook bench knowledge", description=__doc__)
    parser.add_argument("--document", type=pathlib.Path, help="another copy of the manual")
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
