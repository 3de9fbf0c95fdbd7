"""Documents in pieces: as long as an answer needs, cut between paragraphs, else between sentences.

Pure. A piece never crosses a page or a heading, so that both can be told of it; short paragraphs
under one heading stand together. Pieces of one long text overlap by a sentence, so that what is
said across the cut is found.
"""

import re
from collections.abc import Iterable, Iterator

import msgspec

from ..domain.documents import NewChunk

WANTED_CHARS = 900
"About 150 words: a minute of speech, and what an embedding model takes well."
MAX_CHARS = 1200
OVERLAP_CHARS = 200
"The last sentence of a piece begins the next one, if it is not longer."
MAX_HEADING_CHARS = 200
MAX_CHUNKS = 20_000
"Of one document."

_SENTENCE = re.compile(r"(?<=[.!?:;])\s+")
_SPACES = re.compile(r"\s+")


class Block(msgspec.Struct, frozen=True, array_like=True):
    """A paragraph, or a heading, in its document's order."""

    text: str
    page: int | None = None
    level: int = 0
    "Of a heading: 1 is the outermost; 0: it is none."


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph, abbreviations aside."""
    return [sentence for sentence in _SENTENCE.split(text.strip()) if sentence]


def chunks(blocks: Iterable[Block]) -> Iterator[NewChunk]:
    """The pieces."""
    headings: dict[int, str] = {}
    page: int | None = None
    waiting: list[str] = []
    for block in blocks:
        text = _SPACES.sub(" ", _sound(block.text)).strip()
        if not text:
            continue
        if block.page != page or block.level:
            yield from _pieces(waiting, page, _path(headings))
            waiting, page = [], block.page
        if block.level:
            headings = {level: words for level, words in headings.items() if level < block.level}
            headings[block.level] = text[:MAX_HEADING_CHARS]
        else:
            waiting.append(text)
    yield from _pieces(waiting, page, _path(headings))


def _sound(text: str) -> str:
    """Without what no database takes: halves of surrogate pairs, NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")


def _path(headings: dict[int, str]) -> str:
    return " › ".join(headings[level] for level in sorted(headings))[-MAX_HEADING_CHARS:]


def _pieces(paragraphs: list[str], page: int | None, heading: str) -> Iterator[NewChunk]:
    piece = ""
    for paragraph in paragraphs:
        if piece and len(piece) + len(paragraph) > WANTED_CHARS:
            yield NewChunk(page, heading, piece)
            piece = ""
        if len(paragraph) <= MAX_CHARS:
            piece = f"{piece}\n{paragraph}" if piece else paragraph
            continue
        *whole, piece = _cut(paragraph)
        for part in whole:
            yield NewChunk(page, heading, part)
    if piece:
        yield NewChunk(page, heading, piece)


def _cut(paragraph: str) -> list[str]:
    """A long paragraph in parts of whole sentences."""
    parts: list[str] = []
    part: list[str] = []
    length = 0
    for sentence in _short(sentences(paragraph)):
        if part and length + len(sentence) > WANTED_CHARS:
            parts.append(" ".join(part))
            part = part[-1:] if len(part[-1]) <= OVERLAP_CHARS else []
            length = sum(map(len, part))
        part.append(sentence)
        length += len(sentence) + 1
    return [*parts, " ".join(part)]


def _short(found: list[str]) -> Iterator[str]:
    """What goes on for longer than a piece is cut between words, else anywhere."""
    for sentence in found:
        while len(sentence) > WANTED_CHARS:
            at = sentence.rfind(" ", 1, WANTED_CHARS)
            at = at if at > 0 else WANTED_CHARS
            yield sentence[:at].strip()
            sentence = sentence[at:].strip()
        if sentence:
            yield sentence
