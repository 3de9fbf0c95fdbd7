"""How many SMS a text becomes (3GPP 23.038 §6.2.1, 23.040 §9.2.3.24.1). Pure.

A text of the GSM 7 bit default alphabet has 160 characters an SMS, any other (UCS-2) 70; in longer
ones each part gives seven characters, or three, to the header that joins them. What takes two
units (an extension such as the euro sign, a surrogate pair) is not cut in two.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("^{}\\[~]|€\f")
"Two septets each: an escape comes first (3GPP 23.038 §6.2.1.1)."
SINGLE: dict[str, int] = {"gsm7": 160, "ucs2": 70}
DOTS = "..."
"Of the GSM alphabet, which the ellipsis is not."
PART: dict[str, int] = {"gsm7": 153, "ucs2": 67}


class Segments(msgspec.Struct, frozen=True, kw_only=True):
    """How a text travels."""

    encoding: Literal["gsm7", "ucs2"]
    units: int
    "Septets, or UTF-16 units."
    segments: int
    "SMS that it takes, and costs."


def segments_of(text: str) -> Segments:
    """Count them; an empty text is one SMS too."""
    encoding: Literal["gsm7", "ucs2"] = "ucs2"
    if all(char in GSM7 or char in EXTENSION for char in text):
        encoding = "gsm7"
        sizes = [2 if char in EXTENSION else 1 for char in text]
    else:
        sizes = [2 if ord(char) > 0xFFFF else 1 for char in text]
    units = sum(sizes)
    count = 1 if units <= SINGLE[encoding] else _parts(sizes, PART[encoding])
    return Segments(encoding=encoding, units=units, segments=count)


def _parts(sizes: Sequence[int], room: int) -> int:
    parts, used = 1, 0
    for size in sizes:
        if used + size > room:
            parts, used = parts + 1, 0
        used += size
    return parts


def shortened(text: str, most: int) -> str:
    """The text, or as much of its beginning as that many SMS hold, dots after it."""
    if segments_of(text).segments <= most:
        return text
    low, high = 0, min(len(text), most * SINGLE["gsm7"])
    while low < high:
        middle = (low + high + 1) // 2
        fits = segments_of(text[:middle] + DOTS).segments <= most
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low].rstrip() + DOTS
