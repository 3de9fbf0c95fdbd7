"""WAV files, read and written piece by piece.

Layout (Microsoft's multimedia programming interface, 1991; WAVEFORMATEXTENSIBLE, 2001): `RIFF`,
size, `WAVE`, then chunks of id, size, body and a padding byte after odd sizes; `fmt ` comes before
`data`.
The writer keeps the file playable at any `flush`; the reader takes files whose writer was killed.
"""

import struct
from typing import BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from . import g711, pcm
from .errors import WavError

PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 0x0001, 0x0003, 0x0006, 0x0007, 0xFFFE
READABLE = {(PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (ALAW, 8), (MULAW, 8)}
"Format and bits a sample."
EXTENSION_GUID_TAIL = bytes.fromhex("0000 0000 1000 8000 00aa 0038 9b71")
"After the two bytes of the real format, in the sub-format of WAVE_FORMAT_EXTENSIBLE."
UNKNOWN_SIZES = (0, 0xFFFFFFFF)
"What writers leave in `data` when they cannot go back: it lasts until the end of the file."
MAX_CHANNELS = 32
MAX_RATE_HZ = 384_000
MAX_FORMAT_BYTES = 4096
"A larger `fmt ` chunk is not one."
MAX_CHUNKS = 1000
"Before `data`; more means that the file is something else."
MAX_DATA_BYTES = 0xFFFFFFFF - 44
"The sizes have 32 bits."
HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
SKIP_BYTES = 65536


class Format(msgspec.Struct, frozen=True):
    """What a `fmt ` chunk says."""

    code: int
    channels: int
    rate_hz: int
    bits: int

    @property
    def frame_bytes(self) -> int:
        """One sample of every channel."""
        return self.channels * self.bits // 8


class WavReader:
    """Reads from a binary file that stands at `RIFF`; it need not be seekable."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._offset = 0
        self._read_riff()
        self.format, data_bytes = self._find_data()
        self.rate_hz = self.format.rate_hz
        self.channels = self.format.channels
        self._left: int | None = None if data_bytes in UNKNOWN_SIZES else data_bytes
        "Bytes of `data` not read yet; None: until the end of the file."

    @property
    def length_samples(self) -> int | None:
        """Samples a channel that are left, by the header; None where it does not say."""
        return None if self._left is None else self._left // self.format.frame_bytes

    def read(self, samples: int) -> NDArray[np.int16]:
        """The next int16[channels, n]; n is below `samples` only at the end, where it becomes 0.

        A file cut short ends where its last whole sample does.
        """
        wanted = samples * self.format.frame_bytes
        if self._left is not None:
            wanted = min(wanted, self._left)
        data = self._take(wanted)
        if self._left is not None:
            self._left = self._left - len(data) if len(data) == wanted else 0
        whole = len(data) // self.format.frame_bytes * self.format.frame_bytes
        flat = _to_int16(data[:whole], self.format)
        return np.ascontiguousarray(flat.reshape(-1, self.channels).T)

    def _take(self, count: int) -> bytes:
        """Up to `count` bytes: fewer only at the end of the file."""
        pieces: list[bytes] = []
        left = count
        while left > 0:
            piece = self._file.read(left)
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece)
        self._offset += count - left
        return b"".join(pieces)

    def _need(self, count: int, field: str) -> bytes:
        at = self._offset
        data = self._take(count)
        if len(data) < count:
            raise WavError(field, at, f"the file ends after {len(data)} of {count} bytes")
        return data

    def _read_riff(self) -> None:
        head = self._need(12, "RIFF header")
        if head[:4] != b"RIFF":
            raise WavError("RIFF", 0, f"found {head[:4]!r}")
        if head[8:] != b"WAVE":
            raise WavError("WAVE", 8, f"found {head[8:]!r}")

    def _find_data(self) -> tuple[Format, int]:
        wave_format: Format | None = None
        for _ in range(MAX_CHUNKS):
            at = self._offset
            chunk, size = struct.unpack("<4sI", self._need(8, "chunk header"))
            if chunk == b"data":
                if wave_format is None:
                    raise WavError("data", at, "it comes before fmt")
                return wave_format, size
            if chunk == b"fmt ":
                wave_format = self._read_format(size)
            else:
                self._skip(size, chunk)
            if size % 2:
                self._need(1, "padding")
        raise WavError("data", self._offset, f"not among the first {MAX_CHUNKS} chunks")

    def _skip(self, size: int, chunk: bytes) -> None:
        while size:
            size -= len(self._need(min(size, SKIP_BYTES), f"chunk {chunk!r}"))

    def _read_format(self, size: int) -> Format:
        at = self._offset
        if not 16 <= size <= MAX_FORMAT_BYTES:
            raise WavError("fmt size", at - 4, f"{size} bytes")
        body = self._need(size, "fmt")
        code, channels, rate_hz, _, block_bytes, bits = struct.unpack_from("<HHIIHH", body)
        if code == EXTENSIBLE:
            if size < 40 or body[26:40] != EXTENSION_GUID_TAIL:
                raise WavError("fmt sub-format", at + 24, f"{body[24:40].hex()}")
            (code,) = struct.unpack_from("<H", body, 24)
        if (code, bits) not in READABLE:
            raise WavError(
                "fmt format", at, f"format {code:#06x} with {bits} bits is not read here"
            )
        if not 1 <= channels <= MAX_CHANNELS:
            raise WavError("fmt channels", at + 2, f"{channels}")
        if not 1 <= rate_hz <= MAX_RATE_HZ:
            raise WavError("fmt sample rate", at + 4, f"{rate_hz} Hz")
        if block_bytes != channels * bits // 8:
            raise WavError("fmt block size", at + 12, f"{block_bytes} bytes a frame")
        return Format(code, channels, rate_hz, bits)


def _to_int16(data: bytes, wave_format: Format) -> NDArray[np.int16]:
    """Interleaved samples of any readable format as int16; more bits are cut off."""
    match wave_format.code, wave_format.bits:
        case (1, 16):
            return np.frombuffer(data, "<i2").astype(np.int16)
        case (1, 8):  # the only unsigned one
            return ((np.frombuffer(data, np.uint8).astype(np.int16) - 128) * 256).astype(np.int16)
        case (1, 24):
            upper = np.frombuffer(data, np.uint8).reshape(-1, 3)[:, 1:]
            return np.ascontiguousarray(upper).view("<i2")[:, 0].astype(np.int16)
        case (1, _):
            return (np.frombuffer(data, "<i4") >> 16).astype(np.int16)
        case (3, _):
            floats = np.nan_to_num(np.frombuffer(data, "<f4"), nan=0.0, posinf=1.0, neginf=-1.0)
            return pcm.saturate(floats * 32768.0)
        case (6, _):
            return g711.decode_alaw(np.frombuffer(data, np.uint8))
        case _:
            return g711.decode_ulaw(np.frombuffer(data, np.uint8))


class WavWriter:
    """Writes 16-bit PCM to a seekable binary file, from its current position 0."""

    def __init__(self, file: BinaryIO, rate_hz: int, channels: int) -> None:
        self._file = file
        self.rate_hz = rate_hz
        self.channels = channels
        self._data_bytes = 0
        self._file.write(self._header())

    @property
    def position_samples(self) -> int:
        """Samples a channel written so far."""
        return self._data_bytes // (2 * self.channels)

    def write(self, samples: NDArray[np.int16]) -> None:
        """Append int16[channels, n]. Past 4 GiB it raises WavError and writes nothing."""
        if samples.ndim != 2 or samples.shape[0] != self.channels:
            raise ValueError(f"{self.channels} channels wanted, samples have shape {samples.shape}")
        data = np.ascontiguousarray(samples.T, "<i2")  # no copy of what is interleaved already
        if self._data_bytes + data.nbytes > MAX_DATA_BYTES:
            raise WavError("data size", 40, "the file would pass 4 GiB")
        self._file.write(data.data)
        self._data_bytes += data.nbytes

    def flush(self) -> None:
        """Make the header true and hand all to the operating system: from here the file plays."""
        self._file.seek(0)
        self._file.write(self._header())
        self._file.seek(HEADER.size + self._data_bytes)
        self._file.flush()

    def _header(self) -> bytes:
        frame_bytes = 2 * self.channels
        return HEADER.pack(
            *(b"RIFF", HEADER.size - 8 + self._data_bytes, b"WAVE"),
            *(b"fmt ", 16, PCM, self.channels, self.rate_hz, self.rate_hz * frame_bytes),
            *(frame_bytes, 16, b"data", self._data_bytes),
        )
