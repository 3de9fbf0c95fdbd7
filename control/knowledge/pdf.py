"""A PDF file as paragraphs, page by page. Blocking and slow; for the worker.

The text is taken in the order in which it is drawn, which is that of reading in all but columns
that were set strangely. Lines are joined again, words that were divided at a line's end as well.
Text in pictures is not read: nothing here recognises characters.
"""

import logging
import pathlib
import re
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader
from pypdf.errors import DependencyError, PdfReadError, PyPdfError
from pypdf.generic import FloatObject

from .chunking import Block
from .unreadable import Unreadable

MAX_PAGES = 3000
MAX_PAGE_CHARS = 100_000

_DIVIDED = re.compile(r"(?<=[^\W\d_])-\n(?=[^\W\d_A-Z])")
_SENTENCE_END = (".", "!", "?", ":", ";")
WORD_GAP, PLAIN_GAP = 160, 520
"In thousandths of an em: kerning stays below the first, the second is told as a space."
SHORT_LINE = 0.7
"Of the page's longest: a line that ends so early ends a paragraph."


class PdfFile:
    """A file that is read: `pages` first, then its `blocks()`."""

    def __init__(self, path: pathlib.Path) -> None:
        """Raises Unreadable."""
        logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its remarks are not for our log
        try:
            self._reader = PdfReader(path, strict=False)
            if self._reader.is_encrypted and not self._reader.decrypt(""):
                raise Unreadable("the PDF is encrypted: upload it without its password")
            self.pages = len(self._reader.pages)
        except DependencyError as exc:
            raise Unreadable("the PDF is encrypted in a way that is not known here") from exc
        except (PyPdfError, OSError, *BROKEN) as exc:
            raise Unreadable(f"the PDF is damaged: {_told(exc)}") from exc
        if self.pages > MAX_PAGES:
            raise Unreadable(f"{self.pages} pages: at most {MAX_PAGES}")

    def blocks(self) -> Iterator[Block]:
        """Paragraphs; a page that is damaged is left out. Raises Unreadable when all are."""
        damaged, why = 0, ""
        for number in range(1, self.pages + 1):
            try:
                page = self._reader.pages[number - 1]
                text = page.extract_text(visitor_operand_before=_part_words)[:MAX_PAGE_CHARS]
            except (PyPdfError, *BROKEN) as exc:
                damaged, why = damaged + 1, _told(exc)
                continue
            for paragraph in paragraphs(text):
                yield Block(paragraph, number)
        if damaged == self.pages:
            raise Unreadable(f"the PDF is damaged: {why or 'it has no pages'}")


# What its reader raises of files that are not as they should be, beside its own errors.
BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    PdfReadError,
)


def _part_words(operator: bytes, operands: list[Any], _ctm: Any, _tm: Any) -> None:
    """Make gaps between words plain to the reader (ISO 32000-1 §9.4.3, TJ).

    TeX and its kin set no spaces but move on by a quarter of an em, less where a line is tight. The
    reader waits for half the width of the font's space, and takes an em where the font has none.
    """
    if operator != b"TJ" or not operands or not isinstance(operands[0], list):
        return
    shown = operands[0]
    for at, move in enumerate(shown):
        if isinstance(move, int | float) and -PLAIN_GAP < move <= -WORD_GAP:
            shown[at] = FloatObject(-PLAIN_GAP)


def paragraphs(text: str) -> Iterator[str]:
    """Lines as paragraphs: a blank line or a short one that ends a sentence is their end."""
    lines = _DIVIDED.sub("", text).split("\n")
    longest = max(map(len, lines), default=0)
    waiting: list[str] = []
    for line in lines:
        line = line.strip()
        if line:
            waiting.append(line)
        ends = line.endswith(_SENTENCE_END) and len(line) < SHORT_LINE * longest
        if waiting and (not line or ends):
            yield " ".join(waiting)
            waiting = []
    if waiting:
        yield " ".join(waiting)


def _told(exc: Exception) -> str:
    return (str(exc) or type(exc).__name__)[:200]
