"""The payload formats of one RTP media section: what its numbers mean (RFC 8866 §6.6, RFC 3551).

Choosing among them is in offer_answer.py.
"""

import re
from collections.abc import Sequence

import msgspec

from ...codecs.catalog import (
    COMFORT_NOISE,
    OPUS,
    TELEPHONE_EVENT,
    Codec,
    by_payload_type,
)
from .description import Media

FIRST_DYNAMIC = 96
LAST_DYNAMIC = 127
MAX_PTIME_MS = 200

# RFC 7587 §7: one channel of 16 kHz is all we take in, so more than that is a waste of bits.
OPUS_FMTP = "useinbandfec=1;maxplaybackrate=16000;sprop-maxcapturerate=16000"
EVENTS_FMTP = "0-15"  # RFC 4733 §2.4.1: the keys

# Numbers that others use for the same, so that captures read easily.
_USUAL_NUMBERS = {"opus/48000/2": 96, "telephone-event/8000": 101, "telephone-event/48000": 102}

_RTPMAP = re.compile(r"([0-9]{1,3})\s+([^\s/]+)/([0-9]{1,6})(?:/([0-9]{1,2}))?\s*")
_FMTP = re.compile(r"([0-9]{1,3})\s+(\S.*)", re.DOTALL)


class Format(msgspec.Struct, frozen=True):
    """One payload type of a media section."""

    payload_type: int
    name: str
    "Lower case."
    clock_rate_hz: int
    channels: int = 1
    fmtp: str = ""

    def is_codec(self, codec: Codec) -> bool:
        """Whether this is that codec. Opus is Opus, whatever channel count a phone writes."""
        if (self.name, self.clock_rate_hz) != (codec.name.lower(), codec.clock_rate_hz):
            return False
        return codec == OPUS or self.channels == codec.channels


def read_formats(media: Media) -> list[Format]:
    """The formats of an RTP section in its order; those that are not understood are left out."""
    maps = _by_number(_RTPMAP, media.values("rtpmap"))
    parameters = _by_number(_FMTP, media.values("fmtp"))
    formats: list[Format] = []
    for text in dict.fromkeys(media.formats):
        if not re.fullmatch(r"[0-9]{1,3}", text) or int(text) > LAST_DYNAMIC:
            continue
        number = int(text)
        fmtp = parameters[number][2].strip() if number in parameters else ""
        if number in maps:
            _, name, clock, channels = maps[number].groups()
            formats.append(Format(number, name.lower(), int(clock), int(channels or 1), fmtp))
        elif (codec := by_payload_type(number)) is not None:
            formats.append(Format(number, codec.name.lower(), codec.clock_rate_hz, 1, fmtp))
    return formats


def _by_number(pattern: re.Pattern[str], values: list[str]) -> dict[int, re.Match[str]]:
    found = (pattern.fullmatch(value.strip()) for value in values)
    return {int(match[1]): match for match in found if match is not None}


def find_codec(formats: Sequence[Format], codec: Codec) -> Format | None:
    """The first format that is this codec."""
    return next((item for item in formats if item.is_codec(codec)), None)


def find_events(formats: Sequence[Format], clock_rate_hz: int) -> Format | None:
    """The telephone-event format for speech of this clock rate.

    RFC 4733 §2.1 wants equal rates; phones that offer Opus beside telephone-event/8000 alone are
    common (baresip 1.0 does), and key presses in a wrong clock beat none.
    """
    events = [item for item in formats if item.name == TELEPHONE_EVENT.name]
    same = (item for item in events if item.clock_rate_hz == clock_rate_hz)
    return next(same, events[0] if events else None)


def has_comfort_noise(formats: Sequence[Format], clock_rate_hz: int) -> bool:
    """Whether comfort noise (RFC 3389) at this clock rate is among them."""
    return any(
        item.name == COMFORT_NOISE.name.lower() and item.clock_rate_hz == clock_rate_hz
        for item in formats
    )


def read_ptime(media: Media, default_ms: int) -> int:
    """How much a packet to this section should hold (a=ptime within a=maxptime), in ms."""
    wanted = _milliseconds(media.attribute("ptime")) or default_ms
    limit = _milliseconds(media.attribute("maxptime")) or MAX_PTIME_MS
    return min(wanted, limit, MAX_PTIME_MS)


def _milliseconds(text: str | None) -> int | None:
    found = re.fullmatch(r"([0-9]{1,4})(\.[0-9]*)?", (text or "").strip())
    return int(found[1]) or None if found else None


class PayloadTypes:
    """Which number stands for which codec in this session, so that later offers repeat what
    earlier ones said, ours or the peer's (RFC 3264 §8.3.2)."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def bind(self, codec: Codec, payload_type: int) -> None:
        """Remember a number that the peer has chosen; a codec that had it gets another."""
        others = {
            rtpmap: number
            for rtpmap, number in self._numbers.items()
            if number != payload_type and rtpmap != codec.rtpmap
        }
        self._numbers = others | {codec.rtpmap: payload_type}

    def number(self, codec: Codec) -> int:
        """The codec's number, bound now if it had none."""
        if codec.payload_type is not None:
            return codec.payload_type
        if codec.rtpmap not in self._numbers:
            self._numbers[codec.rtpmap] = self._free_number(_USUAL_NUMBERS.get(codec.rtpmap))
        return self._numbers[codec.rtpmap]

    def _free_number(self, usual: int | None) -> int:
        taken = set(self._numbers.values())
        if usual is not None and usual not in taken:
            return usual
        reserved = taken | set(_USUAL_NUMBERS.values())
        return next(n for n in range(FIRST_DYNAMIC, LAST_DYNAMIC + 1) if n not in reserved)


def attributes_of(codec: Codec, payload_type: int) -> list[tuple[str, str | None]]:
    """The a=rtpmap and a=fmtp lines by which we announce a codec."""
    lines: list[tuple[str, str | None]] = [("rtpmap", f"{payload_type} {codec.rtpmap}")]
    if codec == OPUS:
        lines.append(("fmtp", f"{payload_type} {OPUS_FMTP}"))
    elif codec.name == TELEPHONE_EVENT.name:
        lines.append(("fmtp", f"{payload_type} {EVENTS_FMTP}"))
    return lines
