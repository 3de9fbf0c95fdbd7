"""The codecs that calls are offered and answered with, and their RTP parameters.

A *clock rate* counts RTP timestamps, a *sample rate* is what the lane holds; they differ for G.722
(8000 by a historic slip, RFC 3551 §4.5.2) and Opus (always 48000, RFC 7587 §4.1).
"""

import msgspec

FIRST_DYNAMIC_PAYLOAD_TYPE = 96
"RFC 3551 §6: 96-127 are bound by SDP."


class Codec(msgspec.Struct, frozen=True):
    """One way to put a lane on the wire."""

    name: str
    "The encoding name of a=rtpmap."
    payload_type: int | None
    "The static payload type (RFC 3551 Table 4); None: dynamic."
    clock_rate_hz: int
    "RTP timestamp units a second."
    sample_rate_hz: int
    "The lane's rate."
    channels: int = 1
    "As SDP writes it: Opus says 2 whatever it carries (RFC 7587 §7)."
    ptime_ms: int = 20

    @property
    def rtpmap(self) -> str:
        """What follows the payload type in a=rtpmap: `opus/48000/2`."""
        channels = f"/{self.channels}" if self.channels > 1 else ""
        return f"{self.name}/{self.clock_rate_hz}{channels}"

    @property
    def is_speech(self) -> bool:
        """False for what only travels beside speech: telephone-event and CN."""
        return self.name not in (TELEPHONE_EVENT.name, COMFORT_NOISE.name)


PCMU = Codec("PCMU", 0, 8000, 8000)
PCMA = Codec("PCMA", 8, 8000, 8000)
G722 = Codec("G722", 9, 8000, 16000)
OPUS = Codec("opus", None, 48000, 16000, channels=2)
L16_8K = Codec("L16", None, 8000, 8000)
L16_16K = Codec("L16", None, 16000, 16000)
COMFORT_NOISE = Codec("CN", 13, 8000, 8000)
TELEPHONE_EVENT = Codec("telephone-event", None, 8000, 8000)
TELEPHONE_EVENT_48K = Codec("telephone-event", None, 48000, 16000)
"RFC 4733 §2.1: events share the clock rate of the speech that they interrupt."

ALL = (
    OPUS,
    G722,
    L16_16K,
    PCMU,
    PCMA,
    L16_8K,
    TELEPHONE_EVENT,
    TELEPHONE_EVENT_48K,
    COMFORT_NOISE,
)
CATALOG: dict[str, Codec] = {codec.rtpmap: codec for codec in ALL} | {
    codec.name: codec for codec in (OPUS, G722, PCMU, PCMA, TELEPHONE_EVENT, COMFORT_NOISE)
}
"By rtpmap (`L16/16000`), and by bare name where one codec has it (`PCMU`)."
PREFERENCE: tuple[Codec, ...] = (OPUS, G722, PCMU, PCMA)
"What is offered, best first: wide-band before telephone band (recognition gains most from it)."


def by_payload_type(payload_type: int) -> Codec | None:
    """The codec of a static payload type, for SDP without an a=rtpmap."""
    return next((codec for codec in ALL if codec.payload_type == payload_type), None)


def by_rtpmap(name: str, clock_rate_hz: int, channels: int = 1) -> Codec | None:
    """The codec that an a=rtpmap names; encoding names ignore case (RFC 8866 §6.6)."""
    wanted = (name.lower(), clock_rate_hz, channels)
    return next(
        (c for c in ALL if (c.name.lower(), c.clock_rate_hz, c.channels) == wanted),
        None,
    )
