"""An uploaded file of any kind that is known, by its content. Blocking; for the worker."""

import codecs
import pathlib
import re
from collections.abc import Iterator

from ..domain.documents import DocumentKind, NewChunk
from .chunking import MAX_CHUNKS, Block, chunks
from .document_text import html_blocks, text_blocks
from .docx import docx_blocks, is_docx
from .pdf import PdfFile
from .unreadable import Unreadable

LOOK_BYTES = 4096
MAX_TEXT_BYTES = 20 * 1024 * 1024

_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|h1|p|div)\b",
    re.IGNORECASE | re.DOTALL,
)
_MARKDOWN = re.compile(r"^#{1,6} \S|^(?:```|~~~)|\]\(\S+\)|^[^\n]+\n(?:=+|-{3,})$", re.MULTILINE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS = (
    (b"\xd0\xcf\x11\xe0", "an old Word file (.doc): save it as .docx or PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"{\\rtf", "an RTF file: save it as .docx or PDF"),
    (b"PK\x03\x04", "a zip file, but no DOCX"),
)
KNOWN = "PDF, DOCX, HTML, Markdown and plain text are read"


class DocumentFile:
    """A file that is read: `kind` and `pages` first, then its `chunks()`."""

    def __init__(self, path: pathlib.Path) -> None:
        """Raises Unreadable and OSError."""
        self._path = path
        self._text = ""
        self._pdf: PdfFile | None = None
        self.pages: int | None = None
        size = path.stat().st_size
        if not size:
            raise Unreadable("the file is empty")
        with path.open("rb") as file:
            start = file.read(LOOK_BYTES)
        if b"%PDF-" in start[:1024]:  # readers take a little before it (ISO 32000-2, Annex I)
            self.kind = DocumentKind.PDF
            self._pdf = PdfFile(path)
            self.pages = self._pdf.pages
        elif start.startswith(b"PK\x03\x04") and is_docx(path):
            self.kind = DocumentKind.DOCX
        else:
            for mark, what in _OTHERS:
                if start.startswith(mark):
                    raise Unreadable(f"it is {what}. {KNOWN}")
            if size > MAX_TEXT_BYTES:
                raise Unreadable(f"at most {MAX_TEXT_BYTES} bytes of text")
            self._text = decoded(path.read_bytes())
            self.kind = kind_of(self._text)

    def chunks(self) -> Iterator[NewChunk]:
        """Its pieces. Raises Unreadable when it has none, or too many."""
        count = 0
        for chunk in chunks(self._blocks()):
            count += 1
            if count > MAX_CHUNKS:
                raise Unreadable(f"it is too long: more than {MAX_CHUNKS} pieces of text")
            yield chunk
        if not count:
            raise Unreadable(self._nothing())

    def _blocks(self) -> Iterator[Block]:
        if self._pdf is not None:
            return self._pdf.blocks()
        if self.kind is DocumentKind.DOCX:
            return docx_blocks(self._path)
        if self.kind is DocumentKind.HTML:
            return html_blocks(self._text)
        return text_blocks(self._text, markdown=self.kind is DocumentKind.MARKDOWN)

    def _nothing(self) -> str:
        if self._pdf is not None:
            return "the PDF has no text, only pictures: it would have to be recognised first (OCR)"
        return "there is no text in it"


def kind_of(text: str) -> DocumentKind:
    """What a text is written in."""
    if _HTML.match(text[:LOOK_BYTES]):
        return DocumentKind.HTML
    return DocumentKind.MARKDOWN if _MARKDOWN.search(text[:65536]) else DocumentKind.TEXT


def decoded(data: bytes) -> str:
    """Text in UTF-8 or UTF-16, else Windows-1252. Raises Unreadable for what is no text."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as exc:
                raise Unreadable(f"it says that it is {encoding}, and is not") from exc
    if b"\0" in data[:LOOK_BYTES]:
        raise Unreadable(f"it is no text. {KNOWN}")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
