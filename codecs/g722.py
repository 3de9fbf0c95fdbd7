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
BLOCK_SAMPLES = 160
"The encoder works in blocks of 10 ms, so that 10, 20, 30, 40 and 60 ms packets all come out whole."
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
    """Encodes one stream; the predictor's state goes on from frame to frame."""

    def __init__(self) -> None:
        self._context: AudioCodecContext = av.CodecContext.create("g722", "w")
        self._context.sample_rate = RATE_HZ
        self._context.layout = "mono"
        self._context.format = "s16"
        self._context.options = {"frame_size": str(BLOCK_SAMPLES)}

    def encode(self, pcm: NDArray[np.int16]) -> NDArray[np.uint8]:
        """int16[2k] to uint8[k]. A length that is not a multiple of 10 ms raises CodecError."""
        if pcm.ndim != 1 or pcm.size % BLOCK_SAMPLES:
            raise CodecError("G722", f"samples of shape {pcm.shape} are not whole 10 ms blocks")
        if not pcm.size:
            return np.empty(0, np.uint8)
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        packets = self._context.encode(frame)
        return np.frombuffer(b"".join([bytes(packet) for packet in packets]), np.uint8)


def encode_lanes(encoders: Sequence[G722Encoder], pcm: NDArray[np.int16]) -> NDArray[np.uint8]:
    """int16[n, F] to uint8[n, F // 2], row i by encoder i."""
    payloads = np.empty((pcm.shape[0], pcm.shape[1] // 2), np.uint8)
    for row, encoder in enumerate(encoders):
        payloads[row] = encoder.encode(pcm[row])
    return payloads
