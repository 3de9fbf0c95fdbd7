"""Chinese, Japanese and Korean in the printed report, by fonts that viewers have. Pure.

The report's own font has no such letters, and one that has is larger than this whole server. PDF
names four for them that need not be in the file (ISO 32000-1 §9.7.5.2, Adobe's character
collections): the viewer has them, or something alike. What is written in them is laid over the
pages that matplotlib has drawn.
"""

import re
import unicodedata
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import msgspec
from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

WIDE = (
    *((0x1100, 0x11FF), (0x2E80, 0x9FFF), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF)),
    *((0xFE30, 0xFE4F), (0xFF00, 0xFFEF), (0x20000, 0x3FFFF)),
)
"Of Unicode: radicals, ideographs, kana, bopomofo, hangul, their punctuation and wide forms."
KANA = ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))
HANGUL = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xFFA0, 0xFFDC))
BOPOMOFO = ((0x3100, 0x312F), (0x31A0, 0x31BF))
_NARROW = re.compile("[\uff61-\uffdc]+")
"Kana and hangul that are half as wide: their fonts differ about it, so they are drawn wide."
ASCENT, DESCENT = 880, -120
"In thousandths of an em, of each of the four."
BOLD_LINE = 0.03
"Of an em: letters are drawn around with it, since there is one weight."


class Font(msgspec.Struct, frozen=True):
    """A font that viewers have."""

    name: str
    encoding: str
    "From UTF-16 to the collection's numbers of characters."
    ordering: str
    supplement: int


CHINESE = Font("STSong-Light", "UniGB-UTF16-H", "GB1", 4)
TAIWANESE = Font("MSung-Light", "UniCNS-UTF16-H", "CNS1", 4)
JAPANESE = Font("HeiseiKakuGo-W5", "UniJIS-UTF16-H", "Japan1", 4)
KOREAN = Font("HYGothic-Medium", "UniKS-UTF16-H", "Korea1", 2)


class Run(msgspec.Struct, frozen=True):
    """Letters that stand side by side and are drawn in one font; `font` None: the report's own."""

    text: str
    font: Font | None

    @property
    def ems(self) -> float:
        """How wide it is; only of a font that viewers have."""
        return float(len(self.text))


class Placed(msgspec.Struct, frozen=True):
    """A run on its page, in points from the lower left corner."""

    run: Run
    x: float
    y: float
    "Of the baseline."
    size: float
    colour: tuple[float, float, float]
    "Red, green, blue, each 0 to 1."
    bold: bool = False


def is_wide(char: str) -> bool:
    """Whether it is for one of the four fonts."""
    return _within(ord(char), WIDE)


def runs(text: str) -> list[Run]:
    """A text by its fonts.

    Ideographs are the same in four languages: what stands beside them tells which one it is.
    """
    text = _NARROW.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    text = unicodedata.normalize("NFC", text)
    font = _font_of(text)
    found: list[Run] = []
    begin = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or is_wide(text[at]) is not is_wide(text[begin]):
            found.append(Run(text[begin:at], font if is_wide(text[begin]) else None))
            begin = at
    return found


def laid_over(pdf: bytes, pages: Sequence[Sequence[Placed]]) -> bytes:
    """The file with what is placed on each of its pages."""
    if not any(pages):
        return pdf
    writer = PdfWriter(clone_from=BytesIO(pdf))
    fonts: dict[Font, IndirectObject] = {}
    for page, placed in zip(writer.pages, pages, strict=True):
        if not placed:
            continue
        resources = page["/Resources"].get_object()
        assert isinstance(resources, DictionaryObject)
        known = resources.get("/Font", DictionaryObject()).get_object()
        assert isinstance(known, DictionaryObject)
        names = DictionaryObject(known)
        for one in placed:
            font = one.run.font
            assert font is not None, "matplotlib draws the others"
            if font not in fonts:
                fonts[font] = writer._add_object(_described(font))  # pypdf has no other way
            names[NameObject(f"/{font.name}")] = fonts[font]
        resources[NameObject("/Font")] = names
        before, after = _stream("q"), _stream("Q\n" + "\n".join(map(_drawn, placed)))
        drawn = page.raw_get("/Contents")
        page[NameObject("/Contents")] = ArrayObject(
            [writer._add_object(before), drawn, writer._add_object(after)]
        )
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def _within(code: int, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(first <= code <= last for first, last in ranges)


def _font_of(text: str) -> Font:
    for ranges, font in ((KANA, JAPANESE), (HANGUL, KOREAN), (BOPOMOFO, TAIWANESE)):
        if any(_within(ord(char), ranges) for char in text):
            return font
    return CHINESE


def _drawn(placed: Placed) -> str:
    font = placed.run.font
    assert font is not None, "matplotlib draws the others"
    red, green, blue = (f"{part:.3f}" for part in placed.colour)
    letters = placed.run.text.encode("utf-16-be").hex()
    weight = f"2 Tr {placed.size * BOLD_LINE:.2f} w" if placed.bold else "0 Tr"
    return (
        f"q BT /{font.name} {placed.size:g} Tf {weight} {red} {green} {blue} rg "
        f"{red} {green} {blue} RG 1 0 0 1 {placed.x:.2f} {placed.y:.2f} Tm <{letters}> Tj ET Q"
    )


def _stream(operators: str) -> DecodedStreamObject:
    stream = DecodedStreamObject()
    stream.set_data(f"{operators}\n".encode("ascii"))
    return stream


def _described(font: Font) -> DictionaryObject:
    """ISO 32000-1 §9.7.4 (CIDFonts), §9.8 (font descriptors), §9.7.6 (Type 0 fonts)."""
    name = NameObject(f"/{font.name}")
    descriptor = _dictionary(
        Type=NameObject("/FontDescriptor"),
        FontName=name,
        Flags=NumberObject(4),
        FontBBox=ArrayObject(map(NumberObject, (-100, DESCENT - 100, 1100, ASCENT + 100))),
        ItalicAngle=NumberObject(0),
        Ascent=NumberObject(ASCENT),
        Descent=NumberObject(DESCENT),
        CapHeight=NumberObject(ASCENT),
        StemV=NumberObject(93),
    )
    system = _dictionary(
        Registry=TextStringObject("Adobe"),
        Ordering=TextStringObject(font.ordering),
        Supplement=NumberObject(font.supplement),
    )
    descendant = _dictionary(
        Type=NameObject("/Font"),
        Subtype=NameObject("/CIDFontType0"),
        BaseFont=name,
        CIDSystemInfo=system,
        DW=NumberObject(1000),
        FontDescriptor=descriptor,
    )
    return _dictionary(
        Type=NameObject("/Font"),
        Subtype=NameObject("/Type0"),
        BaseFont=NameObject(f"/{font.name}-{font.encoding}"),
        Encoding=NameObject(f"/{font.encoding}"),
        DescendantFonts=ArrayObject([descendant]),
    )


def _dictionary(**entries: Any) -> DictionaryObject:
    return DictionaryObject({NameObject(f"/{key}"): value for key, value in entries.items()})
