"""A DOCX file as paragraphs and headings (ECMA-376, Part 1 §17). Blocking; for the worker.

It is a zip of XML: what it says of its sizes is not believed, what is unpacked is counted. Expat
(2.4.1 and newer) bounds how far entities grow; documents by Word declare none, so that any
declaration is refused here. Page breaks are where Word last saw them (`lastRenderedPageBreak`).
"""

import pathlib
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO
from xml.parsers import expat

from .chunking import Block
from .unreadable import Unreadable

MAX_XML_BYTES = 200 * 1024 * 1024
"Unpacked: 20 MB of text pack to 4."
MAX_STYLES_BYTES = 10 * 1024 * 1024
PIECE_BYTES = 64 * 1024
DOCUMENT, STYLES = "word/document.xml", "word/styles.xml"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main "

# What zips and XML that are not as they should be are met with: offsets beyond the file, too.
BROKEN = (
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    ValueError,
    expat.ExpatError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def is_docx(path: pathlib.Path) -> bool:
    """Whether it is one, by what is in it."""
    try:
        with zipfile.ZipFile(path) as file:
            return DOCUMENT in file.namelist()
    except (*BROKEN, NotImplementedError):
        return False


def docx_blocks(path: pathlib.Path) -> Iterator[Block]:
    """Its paragraphs. Raises Unreadable."""
    try:
        with zipfile.ZipFile(path) as file:
            levels: dict[str, int] = {}
            if STYLES in file.namelist():
                with file.open(STYLES) as styles:
                    levels = _read(_Styles(), styles, MAX_STYLES_BYTES).levels
            with file.open(DOCUMENT) as document:
                text = _Text(levels)
                for piece in _pieces(document, MAX_XML_BYTES):
                    text.feed(piece)
                    yield from text.taken()
                text.close()
                yield from text.taken()
    except (RuntimeError, NotImplementedError) as exc:  # how zipfile tells of both
        raise Unreadable(f"the DOCX file is encrypted or packed in a strange way: {exc}") from exc
    except BROKEN as exc:
        raise Unreadable(f"the DOCX file is damaged: {exc}") from exc


def _pieces(file: IO[bytes], most: int) -> Iterator[bytes]:
    size = 0
    while piece := file.read(PIECE_BYTES):
        size += len(piece)
        if size > most:
            raise Unreadable(f"the DOCX file unpacks to more than {most // 1024 // 1024} MB")
        yield piece


def _read(reader: "_Styles", file: IO[bytes], most: int) -> "_Styles":
    for piece in _pieces(file, most):
        reader.feed(piece)
    reader.close()
    return reader


class _Xml:
    """Names are `<namespace> <name>`."""

    def __init__(self) -> None:
        parser = self._parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.data
        parser.EntityDeclHandler = self._refuse

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises ExpatError and Unreadable."""
        self._parser.Parse(data, False)

    def close(self) -> None:
        """There are no more."""
        self._parser.Parse(b"", True)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def data(self, text: str) -> None:
        """Text between them."""

    def _refuse(self, *_: object) -> None:
        raise Unreadable("the DOCX file declares entities, which Word never does")


class _Styles(_Xml):
    """Which styles are headings: by their outline level, or their name."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: dict[str, int] = {}
        self._style = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == f"{_W}style":
            self._style = attributes.get(f"{_W}styleId", "")
        elif name == f"{_W}name" and self._style:
            written = attributes.get(f"{_W}val", "").lower()
            if written == "title":
                self.levels[self._style] = 1
            elif written.startswith("heading ") and written[8:].isdecimal():
                self.levels[self._style] = max(1, int(written[8:9]))
        elif name == f"{_W}outlineLvl" and self._style:
            level = attributes.get(f"{_W}val", "")
            if level.isdecimal() and int(level) < 9:
                self.levels[self._style] = int(level) + 1


class _Text(_Xml):
    def __init__(self, levels: dict[str, int]) -> None:
        super().__init__()
        self._levels = levels
        self._blocks: list[Block] = []
        self._words: list[str] = []
        self._level = 0
        self._in_text = False
        self._pages = 1
        self._page = 1

    def taken(self) -> list[Block]:
        """What has come since the last time."""
        blocks, self._blocks = self._blocks, []
        return blocks

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == f"{_W}p":
            self._words, self._level, self._page = [], 0, self._pages
        elif name == f"{_W}t":
            self._in_text = True
        elif name in (f"{_W}tab", f"{_W}br", f"{_W}cr"):
            self._words.append(" ")
            if attributes.get(f"{_W}type") == "page":
                self._pages += 1
        elif name == f"{_W}lastRenderedPageBreak":
            self._pages += 1
            if not self._words:
                self._page = self._pages
        elif name == f"{_W}pStyle":
            self._level = self._levels.get(attributes.get(f"{_W}val", ""), 0)

    def end(self, name: str) -> None:
        if name == f"{_W}t":
            self._in_text = False
        elif name == f"{_W}p" and (text := "".join(self._words).strip()):
            self._blocks.append(Block(text, self._page, self._level))
            self._words = []

    def data(self, text: str) -> None:
        if self._in_text:
            self._words.append(text)
