"""Plain text, Markdown and HTML as paragraphs and headings. Pure.

Markdown is read for its headings and paragraphs, not rendered: what is marked up is said all the
same. Of HTML what is not shown (scripts, styles, navigation) is left out.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from .chunking import Block

MAX_DEPTH = 5000
"Elements within each other; more is no page that anybody has written."

_BLANK = re.compile(r"\n\s*\n")
_HASHES = re.compile(r" {0,3}(#{1,6})\s+(.+?)\s*#*\s*\Z")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)\s*\Z")
_UNDERLINED = re.compile(r"(?P<words>[^\n]{1,200})\n(?P<line>=+|-+|~+|\*+)\s*\Z")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_LINK = re.compile(r"!?\[([^\]\n]{0,300})\]\([^)\n]{0,1000}\)")
_MARKS = re.compile(r"(\*\*|__|`+)(?=\S)|(?<=\S)(\*\*|__|`+)")
_BULLET = re.compile(r"^\s{0,8}(?:[*+-]|\d{1,3}[.)])\s+", re.MULTILINE)

# What begins a paragraph of its own, and what is not shown or is of the page, not its subject.
_SHOWN_APART = (
    "address article aside blockquote body br caption dd div dl dt figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 header hr html li main ol p pre section table td th title tr ul"
)
_NOT_SHOWN = "script style noscript template svg math nav iframe object select"
_WITHOUT_END = "area base br col embed hr img input link meta source track wbr"
_BLOCKS = frozenset(_SHOWN_APART.split())
_HIDDEN = frozenset(_NOT_SHOWN.split())
_VOID = frozenset(_WITHOUT_END.split())
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def text_blocks(text: str, *, markdown: bool) -> Iterator[Block]:
    """Paragraphs between blank lines; form feeds number pages, as printers had them."""
    pages = text.replace("\r\n", "\n").replace("\r", "\n").split("\f")
    for number, page in enumerate(pages, 1):
        place = number if len(pages) > 1 else None
        if markdown:
            yield from _markdown_blocks(page, place)
        else:
            for paragraph in _BLANK.split(page):
                yield from _paragraph(paragraph.strip("\n"), place)


def _markdown_blocks(text: str, page: int | None) -> Iterator[Block]:
    """A heading needs no blank line before or after it; in a fence nothing is one."""
    lines: list[str] = []
    fence = ""

    def paragraph() -> Iterator[Block]:
        text = _unmarked("\n".join(lines))
        lines.clear()
        if not fence:
            yield from _paragraph(text, page)
        elif text.strip():
            yield Block(text, page)

    for line in text.split("\n"):
        if (mark := _FENCE.match(line)) and fence in ("", mark[1]):
            yield from paragraph()
            fence = "" if fence else mark[1]
        elif not line.strip():
            yield from paragraph()
        elif not fence and (found := _HASHES.match(line)):
            yield from paragraph()
            yield Block(_unmarked(found[2]), page, len(found[1]))
        elif not fence and len(lines) == 1 and (found := _UNDERLINE.match(line)):
            yield Block(_unmarked(lines.pop()), page, "=-".index(found[1][0]) + 1)
        else:
            lines.append(line)
    yield from paragraph()


def _paragraph(text: str, page: int | None) -> Iterator[Block]:
    if found := _UNDERLINED.match(text.strip()):
        yield Block(found["words"], page, "=-~*".index(found["line"][0]) + 1)
    elif text.strip():
        yield Block(text, page)


def _unmarked(text: str) -> str:
    return _BULLET.sub("", _MARKS.sub("", _LINK.sub(r"\1", text)))


def html_blocks(text: str) -> Iterator[Block]:
    """What a page shows."""
    reader = _Page()
    reader.feed(text)
    reader.close()
    reader.end_block()
    yield from reader.blocks


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._words: list[str] = []
        self._level = 0
        self._hidden: list[str] = []
        "Open elements from the first hidden one on."

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden or tag in _HIDDEN:
            if tag not in _VOID and len(self._hidden) < MAX_DEPTH:
                self._hidden.append(tag)
        elif tag in _BLOCKS:
            self.end_block()
            self._level = _HEADINGS.get(tag, 0)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._hidden and tag in _BLOCKS:
            self.end_block()

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:  # what was left open inside ends with it
                while self._hidden.pop() != tag:
                    pass
        elif tag in _BLOCKS:
            self.end_block()
            self._level = 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._words.append(data)

    def end_block(self) -> None:
        """What has come belongs together."""
        text = "".join(self._words).strip()
        self._words.clear()
        if text:
            self.blocks.append(Block(text, None, self._level))
