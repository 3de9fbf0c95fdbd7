"""Plain text, Markdown and HTML as paragraphs and headings. Pure.

Markdown is read for its headings and paragraphs, not rendered: what is marked up is said all the
same. Of HTML what is not shown (scripts, styles, navigation) is left out.
"""

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

from .chunking import Block

MAX_DEPTH = 5000
"Elements within each other; more is no page that anybody has written."
MAX_TITLE_CHARS = 200
MIN_DRAWN = 4
"Characters of a line of tildes, stars or carets under a title: three tildes are a fence."

_BLANK = re.compile(r"\n\s*\n")
# One may indent headings (CommonMark §4.2), but nobody does; what manuals indent by three are
# examples, with comments in them.
_HASHES = re.compile(r"(#{1,6})\s+(.+?)\s*#*\s*\Z")
_ANY_HASHES = re.compile(r"^#{1,6}\s", re.MULTILINE)
_UNDERLINE = re.compile(r" {0,3}(?P<line>=+|-+|~+|\*+|\^+)\s*\Z")
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
    titles = _Titles("=-" if markdown and _ANY_HASHES.search(text) else "")
    for number, page in enumerate(pages, 1):
        place = number if len(pages) > 1 else None
        if markdown:
            yield from _markdown_blocks(page, place, titles)
        else:
            for paragraph in _BLANK.split(page):
                yield from _paragraph(paragraph.strip("\n"), place, titles)


class _Titles:
    """Titles that a line is drawn under, as in Markdown and in reStructuredText.

    The kind of line that is met first is the outermost: manuals draw what they like.
    """

    def __init__(self, known: str) -> None:
        self._known = known

    def level(self, above: Sequence[str], line: str) -> int:
        """Of the title that `line` underlines; 0: it does not.

        Tildes may begin code, and stars part paragraphs: they have to be as long as the title.
        """
        found = _UNDERLINE.match(line)
        if found is None or len(above) != 1:
            return 0
        mark, drawn = found["line"][0], len(found["line"])
        if mark not in "=-" and drawn < max(MIN_DRAWN, len(above[0].strip())):
            return 0
        if mark not in self._known:
            self._known += mark
        return self._known.index(mark) + 1


def _markdown_blocks(text: str, page: int | None, titles: _Titles) -> Iterator[Block]:
    """A heading needs no blank line before or after it; in a fence nothing is one."""
    lines: list[str] = []
    fence = ""

    def paragraph() -> Iterator[Block]:
        text = _unmarked("\n".join(lines))
        lines.clear()
        if not fence:
            yield from _paragraph(text, page, titles)
        elif text.strip():
            yield Block(text, page)

    for line in text.split("\n"):
        if not fence and (level := titles.level(lines, line)):
            yield Block(_unmarked(lines.pop()), page, level)
        elif (mark := _FENCE.match(line)) and fence in ("", mark[1]):
            yield from paragraph()
            fence = "" if fence else mark[1]
        elif not line.strip():
            yield from paragraph()
        elif not fence and (found := _HASHES.match(line)):
            yield from paragraph()
            yield Block(_unmarked(found[2]), page, len(found[1]))
        else:
            lines.append(line)
    yield from paragraph()


def _paragraph(text: str, page: int | None, titles: _Titles) -> Iterator[Block]:
    words, _, line = text.strip().partition("\n")
    if len(words) <= MAX_TITLE_CHARS and (level := titles.level((words,), line)):
        yield Block(words, page, level)
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
