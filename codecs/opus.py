"""Opus (RFC 6716, RFC 7587) by libopus: encode, decode, in-band FEC, DTX, concealment; mono.

libopus is called with the interpreter lock held (PyDLL): a call takes 15-150 us, and giving up the
lock to a busy thread would cost more than that. Not here: loss decisions (the jitter buffer's).
"""

import ctypes
import ctypes.util
import functools
import importlib.metadata

import msgspec
import numpy as np
from numpy.typing import NDArray

from .errors import CodecError, CodecUnavailable

RATES_HZ = (8000, 12000, 16000, 24000, 48000)
MAX_PACKET_MS = 120
MAX_FRAMES = 48
"RFC 6716 §3.2.5: 120 ms of 2.5 ms frames."
MAX_FRAME_BYTES = 1275
"RFC 6716 §3.2.1."
MAX_ENCODED_BYTES = 1500
"No packet of ours is longer: it has to fit one datagram."
BITRATE_BPS = 24000
"Of our encoder: wide-band speech with room for FEC."
LOWEST_BITRATE_BPS = 6000
"RFC 7587 §6.1: the least that a far end may ask for."
EXPECTED_LOSS_PERCENT = 0
"Until the far end reports."
FEC_FROM_PERCENT = 2
"Below it FEC takes more from speech than it gives back: PESQ 4.35 to 4.05 without loss, at equal"
" bytes; 4.03 to 4.02 at 1 %, 3.72 to 3.98 at 2 %, 3.00 to 3.71 at 5 % (24 kbit/s, 4 utterances)."
FEC_PERCENT = 10
"What libopus is told from there on, or more: told 2 to 5 it spends nothing on FEC at 24 kbit/s."
SILENT_PACKET_BYTES = 2
"With DTX, a packet this short need not be sent (opus_encoder.h)."

# Frame length by the TOC's configuration number, in units of 2.5 ms (RFC 6716 Table 2).
FRAME_UNITS: tuple[int, ...] = (4, 8, 16, 24) * 3 + (4, 8) * 2 + (1, 2, 4, 8) * 4
UNITS_A_SECOND = 400

# opus_defines.h
OK = 0
APPLICATION_VOIP = 2048
SET_BITRATE = 4002
SET_COMPLEXITY = 4010
SET_INBAND_FEC = 4012
SET_PACKET_LOSS_PERC = 4014
SET_DTX = 4016
SET_SIGNAL = 4024
SIGNAL_VOICE = 3001
RESET_STATE = 4028


class Wishes(msgspec.Struct, frozen=True):
    """What a far end asks of our encoder (RFC 7587 §6.1), and the defaults when it does not."""

    bitrate_bps: int = BITRATE_BPS
    fec: bool = False
    dtx: bool = False


def read_wishes(fmtp: str) -> Wishes:
    """Read an a=fmtp value; what is malformed or unknown is no wish."""
    pairs = (part.partition("=") for part in fmtp.lower().split(";"))
    said = {name.strip(): value.strip() for name, _, value in pairs}
    most = said.get("maxaveragebitrate", "")
    asked = int(most) if most.isascii() and most.isdigit() and len(most) < 10 else BITRATE_BPS
    return Wishes(
        bitrate_bps=min(BITRATE_BPS, max(LOWEST_BITRATE_BPS, asked)),
        fec=said.get("useinbandfec") == "1",
        dtx=said.get("usedtx") == "1",
    )


def packet_samples(payload: bytes, rate_hz: int) -> int:
    """Length of a packet in samples at `rate_hz`, by its table of contents (RFC 6716 §3.1).

    Raises CodecError for what §3.4 calls malformed, as far as two bytes and the length tell.
    """
    if not payload:
        raise CodecError("opus", "empty packet")
    frames = _frame_count(payload)
    units = frames * FRAME_UNITS[payload[0] >> 3]
    if units * 1000 > MAX_PACKET_MS * UNITS_A_SECOND:
        raise CodecError("opus", f"{frames} frames are longer than {MAX_PACKET_MS} ms")
    return units * rate_hz // UNITS_A_SECOND


def _frame_count(payload: bytes) -> int:
    code = payload[0] & 3
    if code == 0:
        if len(payload) > 1 + MAX_FRAME_BYTES:
            raise CodecError("opus", f"a frame of {len(payload) - 1} bytes")
        return 1
    if code == 1:
        if len(payload) % 2 == 0 or len(payload) > 1 + 2 * MAX_FRAME_BYTES:
            raise CodecError("opus", f"two equal frames in {len(payload) - 1} bytes")
        return 2
    if len(payload) < 2:
        raise CodecError("opus", f"code {code} packet of one byte")
    if code == 2:
        return 2
    frames = payload[1] & 63
    if not 1 <= frames <= MAX_FRAMES:
        raise CodecError("opus", f"{frames} frames in a packet")
    return frames


@functools.cache
def library() -> ctypes.PyDLL:
    """libopus with its prototypes set. Raises CodecUnavailable."""
    tried: list[str] = []
    for name in _library_names():
        try:
            lib = ctypes.PyDLL(name)
        except OSError as exc:
            tried.append(f"{name} ({exc})")
            continue
        return _with_prototypes(lib)
    where = "; ".join(tried) or "no candidate"
    raise CodecUnavailable("opus", f"libopus not found in the av wheel or the system: {where}")


def _library_names() -> list[str]:
    """Where libopus may be: inside the av wheel (which need not be imported), then the system."""
    names: list[str] = []
    try:
        files = importlib.metadata.files("av") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name.startswith("libopus-") and ".so" in file.name:
            names.append(str(file.locate()))
    system = ctypes.util.find_library("opus")
    return [*names, system] if system else names


def _with_prototypes(lib: ctypes.PyDLL) -> ctypes.PyDLL:
    number, pointer = ctypes.c_int, ctypes.c_void_p
    status = ctypes.POINTER(number)
    lib.opus_encoder_create.argtypes = [ctypes.c_int32, number, number, status]
    lib.opus_encoder_create.restype = pointer
    lib.opus_encode.argtypes = [pointer, pointer, number, pointer, ctypes.c_int32]
    lib.opus_encode.restype = ctypes.c_int32
    lib.opus_encoder_ctl.argtypes = [pointer, number]  # and what the request takes
    lib.opus_encoder_destroy.argtypes = [pointer]
    lib.opus_encoder_destroy.restype = None
    lib.opus_decoder_create.argtypes = [ctypes.c_int32, number, status]
    lib.opus_decoder_create.restype = pointer
    lib.opus_decode.argtypes = [pointer, ctypes.c_char_p, ctypes.c_int32, pointer, number, number]
    lib.opus_decoder_ctl.argtypes = [pointer, number]
    lib.opus_decoder_destroy.argtypes = [pointer]
    lib.opus_decoder_destroy.restype = None
    lib.opus_strerror.argtypes = [number]
    lib.opus_strerror.restype = ctypes.c_char_p
    lib.opus_get_version_string.argtypes = []
    lib.opus_get_version_string.restype = ctypes.c_char_p
    return lib


def version() -> str:
    """What libopus calls itself. Raises CodecUnavailable."""
    name: bytes = library().opus_get_version_string()
    return name.decode("ascii", "replace")


def _check(result: int, doing: str) -> int:
    if result < OK:
        text: bytes = library().opus_strerror(result)
        raise CodecError("opus", f"{doing}: {text.decode('ascii', 'replace')}")
    return result


class OpusEncoder:
    """Encodes one mono stream for speech. `close()` frees its state, as does its end of life."""

    def __init__(
        self,
        rate_hz: int = 16000,
        bitrate_bps: int = BITRATE_BPS,
        complexity: int = 5,
        fec: bool = True,
        dtx: bool = False,
        expected_loss_percent: int = EXPECTED_LOSS_PERCENT,
    ) -> None:
        self._state: int | None = None
        self._lib = library()
        self.rate_hz = rate_hz
        status = ctypes.c_int(OK)
        state: int | None = self._lib.opus_encoder_create(
            rate_hz, 1, APPLICATION_VOIP, ctypes.byref(status)
        )
        _check(status.value, f"encoder at {rate_hz} Hz")
        self._state = state
        self._packet = ctypes.create_string_buffer(MAX_ENCODED_BYTES)
        for request, value in (
            (SET_BITRATE, bitrate_bps),
            (SET_COMPLEXITY, complexity),
            (SET_INBAND_FEC, int(fec)),
            (SET_DTX, int(dtx)),
            (SET_SIGNAL, SIGNAL_VOICE),
        ):
            self._control(request, value)
        self.expect_loss(expected_loss_percent)

    def _control(self, request: int, value: int) -> None:
        result = self._lib.opus_encoder_ctl(self._open_state(), request, ctypes.c_int(value))
        _check(result, f"encoder setting {request} = {value}")

    def _open_state(self) -> int:
        if self._state is None:
            raise CodecError("opus", "the encoder is closed")
        return self._state

    def expect_loss(self, percent: int) -> None:
        """Tell what the far end reports as lost: FEC is only spent where that is worth it."""
        told = max(FEC_PERCENT, min(100, percent)) if percent >= FEC_FROM_PERCENT else 0
        self._control(SET_PACKET_LOSS_PERC, told)

    def encode(self, pcm: NDArray[np.int16]) -> bytes:
        """int16[F], F of 2.5, 5, 10, 20, 40 or 60 ms, to a packet. Other lengths: CodecError.

        With DTX a packet of up to SILENT_PACKET_BYTES need not be sent.
        """
        samples = np.ascontiguousarray(pcm, np.int16).reshape(-1)
        length: int = self._lib.opus_encode(
            self._open_state(), samples.ctypes.data, samples.size, self._packet, MAX_ENCODED_BYTES
        )
        _check(length, f"cannot encode {samples.size} samples")
        return ctypes.string_at(self._packet, length)

    def close(self) -> None:
        """Free the state; may be called again."""
        state, self._state = self._state, None
        if state is not None:
            self._lib.opus_encoder_destroy(state)

    def __del__(self) -> None:
        if getattr(self, "_state", None) is not None:
            self.close()


class OpusDecoder:
    """Decodes one stream to mono at its rate, whatever the packets' own band and channels."""

    def __init__(self, rate_hz: int = 16000) -> None:
        self._state: int | None = None
        self._lib = library()
        self.rate_hz = rate_hz
        status = ctypes.c_int(OK)
        state: int | None = self._lib.opus_decoder_create(rate_hz, 1, ctypes.byref(status))
        _check(status.value, f"decoder at {rate_hz} Hz")
        self._state = state
        self._room = rate_hz * MAX_PACKET_MS // 1000

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """A packet to int16[m]. Raises CodecError for a malformed one; the stream can go on."""
        return self._decode(payload, packet_samples(payload, self.rate_hz), fec=False)

    def recover(self, next_payload: bytes, samples: int) -> NDArray[np.int16]:
        """What was lost just before `next_payload`, from its LBRR data (RFC 6716 §2.1.7).

        int16[samples], a multiple of 2.5 ms; concealment where the packet carries none. Decode
        `next_payload` itself afterwards.
        """
        packet_samples(next_payload, self.rate_hz)
        return self._decode(next_payload, self._whole_units(samples), fec=True)

    def conceal(self, samples: int) -> NDArray[np.int16]:
        """int16[samples], a multiple of 2.5 ms, in place of what was lost (the codec's own PLC)."""
        return self._decode(None, self._whole_units(samples), fec=False)

    def reset(self) -> None:
        """Forget the stream, for a new source."""
        _check(self._lib.opus_decoder_ctl(self._open_state(), RESET_STATE), "decoder reset")

    def _whole_units(self, samples: int) -> int:
        if not 0 < samples <= self._room or samples * UNITS_A_SECOND % self.rate_hz:
            raise CodecError("opus", f"cannot conceal {samples} samples at {self.rate_hz} Hz")
        return samples

    def _decode(self, payload: bytes | None, samples: int, fec: bool) -> NDArray[np.int16]:
        state = self._open_state()
        pcm = np.empty(samples, np.int16)
        size = 0 if payload is None else len(payload)
        count: int = self._lib.opus_decode(state, payload, size, pcm.ctypes.data, samples, int(fec))
        return pcm[: _check(count, f"cannot decode {size} bytes")]

    def _open_state(self) -> int:
        if self._state is None:
            raise CodecError("opus", "the decoder is closed")
        return self._state

    def close(self) -> None:
        """Free the state; may be called again."""
        state, self._state = self._state, None
        if state is not None:
            self._lib.opus_decoder_destroy(state)

    def __del__(self) -> None:
        if getattr(self, "_state", None) is not None:
            self.close()
