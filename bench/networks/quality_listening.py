"""From played packets to what a listener hears: one decoder for all buffers, and what fills gaps.

The decoder is Offhook's, the same for every buffer, so that buffers are compared and not codecs. It
is given packets in the order in which they are played; without redundancy (in-band FEC), which no
peer's buffer hands on by itself. Not here: which packet is played when (quality_buffers.py).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...codecs import g711, g722, opus
from ...codecs.catalog import G722, OPUS, PCMU, Codec
from ...media.frames.concealment import Concealment
from ...media.frames.ring import ABSENT
from .netem import PTIME_S
from .quality_buffers import Concealer

CODECS: dict[str, Codec] = {"pcmu": PCMU, "g722": G722, "opus": OPUS}

OPUS_LOSS_PERCENT = 10
"What the sender expects: below it libopus spends nothing on redundancy at 24 kbit/s."

Pcm = NDArray[np.int16]


class Coded(NamedTuple):
    """Speech as packets, and how it sounds when all of them are there."""

    codec: Codec
    payloads: list[bytes]
    clean: Pcm


class Decoder:
    """One stream of one codec, frame by frame."""

    def __init__(self, codec: Codec) -> None:
        self.frame = int(PTIME_S * codec.sample_rate_hz)
        self._g722 = g722.G722Decoder() if codec == G722 else None
        self.opus = opus.OpusDecoder(codec.sample_rate_hz) if codec == OPUS else None

    def decode(self, payload: bytes) -> Pcm:
        if self._g722 is not None:
            return self._g722.decode(payload)
        if self.opus is not None:
            return self.opus.decode(payload)
        return g711.decode_ulaw(np.frombuffer(payload, np.uint8))


class Silence:
    """No concealment: nothing is heard of what is not there."""

    def __init__(self, rate_hz: int) -> None:
        self._frame = int(PTIME_S * rate_hz)

    def good(self, frame: Pcm) -> Pcm:
        return frame

    def missing(self) -> Pcm:
        return np.zeros(self._frame, np.int16)


class Repetition:
    """Offhook's concealment of sampled codecs, behind a peer's buffer."""

    def __init__(self, rate_hz: int) -> None:
        self._frame = int(PTIME_S * rate_hz)
        self._concealment = Concealment(1, rate_hz)

    def good(self, frame: Pcm) -> Pcm:
        return self._fill(frame) if self._concealment.elapsed[0] else self._remember(frame)

    def missing(self) -> Pcm:
        return self._fill(np.full(self._frame, ABSENT, np.int16))

    def _fill(self, frame: Pcm) -> Pcm:
        return self._remember(self._concealment.fill(np.zeros(1, np.int64), frame[None]).frames[0])

    def _remember(self, frame: Pcm) -> Pcm:
        self._concealment.remember(1, frame[None])
        return frame


class OpusGuess:
    """libopus's own concealment, which needs the decoder itself."""

    MAX_FRAMES = 5
    "libopus fades to nothing by itself; after 100 ms its guess is noise."

    def __init__(self, decoder: Decoder) -> None:
        assert decoder.opus is not None, "only Opus conceals by itself"
        self._decoder = decoder.opus
        self._frame = decoder.frame
        self._made_up = self.MAX_FRAMES  # nothing to go on with before the first frame

    def good(self, frame: Pcm) -> Pcm:
        self._made_up = 0
        return frame

    def missing(self) -> Pcm:
        if self._made_up >= self.MAX_FRAMES:
            return np.zeros(self._frame, np.int16)
        self._made_up += 1
        return self._decoder.conceal(self._frame)


def code(pcm: Pcm, codec: Codec) -> Coded:
    """Encode whole frames, and decode them again without a network between."""
    frame = int(PTIME_S * codec.sample_rate_hz)
    frames = pcm[: len(pcm) // frame * frame].reshape(-1, frame)
    if codec == G722:
        encoder = g722.G722Encoder()
        payloads = [encoder.encode(each).tobytes() for each in frames]
    elif codec == OPUS:
        coder = opus.OpusEncoder(codec.sample_rate_hz, expected_loss_percent=OPUS_LOSS_PERCENT)
        payloads = [coder.encode(each) for each in frames]
    else:
        payloads = [g711.encode_ulaw(each).tobytes() for each in frames]
    decoder = Decoder(codec)
    return Coded(codec, payloads, np.concatenate([decoder.decode(each) for each in payloads]))


def listen(played: Sequence[int | None], coded: Coded, concealer: Concealer | None) -> Pcm:
    """What is heard of the played packets; `concealer` None: silence."""
    decoder = Decoder(coded.codec)
    return _listen(played, coded, decoder, concealer or Silence(coded.codec.sample_rate_hz))


def listen_by_opus(played: Sequence[int | None], coded: Coded) -> Pcm:
    """The same with the concealment of libopus."""
    decoder = Decoder(coded.codec)
    return _listen(played, coded, decoder, OpusGuess(decoder))


def _listen(
    played: Sequence[int | None], coded: Coded, decoder: Decoder, concealer: Concealer
) -> Pcm:
    heard = [
        concealer.good(decoder.decode(coded.payloads[packet]))
        if packet is not None
        else concealer.missing()
        for packet in played
    ]
    return np.concatenate(heard)
