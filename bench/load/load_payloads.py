"""What load sends: speech encoded beforehand, a packet a row, so that sending costs no encoding."""

from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...codecs import g711
from ...codecs.catalog import CATALOG, G722, OPUS, PCMA, PCMU, Codec
from ...codecs.g722 import G722Encoder
from ...codecs.opus import OpusEncoder

CODECS = ("PCMU", "opus", "G722")
"The names that load is made for, as in `--codec`."
DYNAMIC_PAYLOAD_TYPE = 111
"Of Opus: what browsers take."
FRAMES_A_SECOND = 50


class Payloads(msgspec.Struct, frozen=True):
    """A stretch of speech as packets of 20 ms."""

    data: NDArray[np.uint8]
    "[packets, longest]"
    lengths: NDArray[np.int64]
    payload_type: int
    timestamp_step: int


def payload_type(codec: Codec) -> int:
    """The static one, or ours."""
    return DYNAMIC_PAYLOAD_TYPE if codec.payload_type is None else codec.payload_type


def encoded(pcm: NDArray[np.int16], codec: Codec) -> Payloads:
    """Whole frames of `pcm`, which is at the codec's sample rate."""
    frame = codec.sample_rate_hz // FRAMES_A_SECOND
    frames = pcm[: len(pcm) // frame * frame].reshape(-1, frame)
    packets = [bytes(part) for part in _encode(frames, codec)]
    data = np.zeros((len(packets), max(map(len, packets))), np.uint8)
    for row, packet in enumerate(packets):
        data[row, : len(packet)] = np.frombuffer(packet, np.uint8)
    lengths = np.array([len(packet) for packet in packets], np.int64)
    return Payloads(data, lengths, payload_type(codec), codec.clock_rate_hz // FRAMES_A_SECOND)


def save(path: Path, payloads: Payloads) -> None:
    """For a load in another process."""
    numbers = [payloads.payload_type, payloads.timestamp_step]
    with path.open("wb") as file:
        np.savez(file, data=payloads.data, lengths=payloads.lengths, numbers=np.array(numbers))


def load(path: Path) -> Payloads:
    """What `save` has written."""
    with np.load(path) as file:
        payload_type_, step = (int(number) for number in file["numbers"])
        return Payloads(file["data"], file["lengths"], payload_type_, step)


def codec_of(name: str) -> Codec:
    """The codec of that name, one of CODECS."""
    return CATALOG[name]


def _encode(frames: NDArray[np.int16], codec: Codec) -> list[bytes]:
    if codec == OPUS:
        opus = OpusEncoder(codec.sample_rate_hz)
        return [opus.encode(frame) for frame in frames]
    if codec == G722:
        g722 = G722Encoder()
        return [g722.encode(frame).tobytes() for frame in frames]
    assert codec in (PCMU, PCMA), "no load is made for it"
    to_bytes = g711.encode_ulaw if codec == PCMU else g711.encode_alaw
    return [to_bytes(frame).tobytes() for frame in frames]
