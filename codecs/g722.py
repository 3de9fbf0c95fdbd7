"""G.722 at 64 kbit/s, one coder a lane: 16 kHz samples, half as many bytes.

The coder is ffmpeg's, through PyAV. Not here: the RTP clock, which counts 8000 a second for G.722
(see catalog).
"""

from collections.abc import Sequence

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.error import FFmpegError
from numpy.typing import NDArray

from .errors import CodecError

RATE_HZ = 16000
BLOCK_SAMPLES = 320
"ffmpeg's encoder works in blocks of one length: 20 ms,"
SHORT_BLOCK_SAMPLES = 160
"or 10 ms, so that packets of 10 and 30 ms come out whole too."
MAX_PAYLOAD_BYTES = 8 * 120
"120 ms, the longest packet that is decoded."


class G722Decoder:
    """Decodes one stream; the predictor's state goes on from packet to packet."""

    def __init__(self) -> None:
        self._context: AudioCodecContext = av.CodecContext.create("g722", "r")
        self._context.sample_rate = RATE_HZ
        self._context.layout = "mono"

    def decode(self, payload: bytes | NDArray[np.uint8]) -> NDArray[np.int16]:
        """k bytes to int16[2k]. Raises CodecError when the payload is too long or is refused."""
        data = bytes(payload)
        if not data:  # to ffmpeg an empty packet means the end of the stream
            return np.empty(0, np.int16)
        if len(data) > MAX_PAYLOAD_BYTES:
            raise CodecError("G722", f"{len(data)} bytes in a packet")
        try:
            frames = self._context.decode(av.Packet(data))
        except FFmpegError as exc:
            raise CodecError("G722", f"cannot decode {len(data)} bytes: {exc.strerror}") from exc
        return np.concatenate([frame.to_ndarray()[0] for frame in frames])


class G722Encoder:
    """Encodes one stream; the predictor's state goes on from frame to frame.

    The first frame decides whether the coder works in blocks of 20 or, a quarter dearer, of 10 ms.
    """

    def __init__(self) -> None:
        self._context: AudioCodecContext | None = None
        self._block = SHORT_BLOCK_SAMPLES
        self._frame = av.AudioFrame(format="s16", layout="mono", samples=BLOCK_SAMPLES)
        "Used again and again: making one costs as much as coding it."

    def encode(self, pcm: NDArray[np.int16]) -> NDArray[np.uint8]:
        """int16[2k] to uint8[k]. What is not a whole number of blocks raises CodecError."""
        if pcm.ndim != 1 or pcm.size % self._block:
            milliseconds = self._block * 1000 // RATE_HZ
            raise CodecError("G722", f"shape {pcm.shape} is not whole blocks of {milliseconds} ms")
        if not pcm.size:
            return np.empty(0, np.uint8)
        context = self._context or self._open(pcm.size)
        if self._frame.samples != pcm.size:
            self._frame = av.AudioFrame(format="s16", layout="mono", samples=pcm.size)
        self._frame.sample_rate = RATE_HZ
        self._frame.pts = None
        self._frame.planes[0].update(pcm.tobytes())
        packets = context.encode(self._frame)
        return np.frombuffer(b"".join([bytes(packet) for packet in packets]), np.uint8)

    def _open(self, samples: int) -> AudioCodecContext:
        if samples % BLOCK_SAMPLES == 0:
            self._block = BLOCK_SAMPLES
        context: AudioCodecContext = av.CodecContext.create("g722", "w")
        context.sample_rate = RATE_HZ
        context.layout = "mono"
        context.format = "s16"
        context.options = {"frame_size": str(self._block)}
        self._context = context
        return context


def encode_lanes(encoders: Sequence[G722Encoder], pcm: NDArray[np.int16]) -> NDArray[np.uint8]:
    """int16[n, F] to uint8[n, F // 2], row i by encoder i."""
    payloads = np.empty((pcm.shape[0], pcm.shape[1] // 2), np.uint8)
    for row, encoder in enumerate(encoders):
        payloads[row] = encoder.encode(pcm[row])
    return payloads
