"""Other people's jitter buffers, as they are, behind one face: aiortc's, speexdsp's, pjmedia's.

Each is used the way that its own project uses it by default. All three are driven by their calls
alone, none reads a clock, so they run in virtual time. Not here: what is heard (quality_listening).

- aiortc: `JitterBuffer(capacity=16, prefetch=4)` as RTCRtpReceiver makes it for audio. A track's
  `recv` gives frames as fast as they come, so its listener is a sound card's clock of 20 ms that
  takes the next frame of an unbounded queue. It has no concealment.
- speexdsp: `jitter_buffer_*` with its default settings, tick after get. It has no concealment.
- pjmedia: `pjmedia_jbuf`, adaptive, with the settings of pjmedia_stream_create() and progressive
  discard, and `pjmedia_plc`, its concealment of PCMU and G.722.
"""

import ctypes
import ctypes.util
import functools
import importlib.metadata
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .netem import PTIME_S
from .quality_buffers import Concealer, PacketBuffer

PACKET = "<u4"
"What a peer's buffer holds in place of a payload: the packet's number."
STEP = 160
"Timestamp units of a packet."
FRAME_MS = int(PTIME_S * 1000)


class PeerMissing(Exception):
    """A peer cannot be run here: says why, and how to get it."""


class Peer(NamedTuple):
    """How to make one buffer, and one concealer for a sample rate where the peer has one."""

    name: str
    version: str
    buffer: Callable[[], PacketBuffer]
    concealer: Callable[[int], Concealer] | None = None


# --- aiortc ---------------------------------------------------------------------------------------


class AiortcBuffer:
    """aiortc.jitterbuffer.JitterBuffer and the queue of its track."""

    def __init__(self) -> None:
        from aiortc.jitterbuffer import JitterBuffer  # pyright: ignore[reportMissingImports]
        from aiortc.rtp import RtpPacket  # pyright: ignore[reportMissingImports]

        self._make = RtpPacket
        self._buffer = JitterBuffer(capacity=16, prefetch=4)
        self._track: deque[int] = deque()

    def put(self, packet: int, now_s: float) -> None:
        del now_s
        arrived = self._make(sequence_number=packet & 0xFFFF, timestamp=packet * STEP)
        arrived._data = packet.to_bytes(4, "little")  # pyright: ignore[reportAttributeAccessIssue]
        _, frame = self._buffer.add(arrived)
        if frame is not None:
            self._track.append(int.from_bytes(frame.data[:4], "little"))

    def get(self, now_s: float) -> int | None:
        del now_s
        return self._track.popleft() if self._track else None


def aiortc() -> Peer:
    """Raises PeerMissing."""
    try:
        AiortcBuffer()
    except ImportError as exc:
        raise PeerMissing(f"aiortc: {exc} (pip install aiortc)") from exc
    return Peer("aiortc", importlib.metadata.version("aiortc"), AiortcBuffer)


# --- speexdsp -------------------------------------------------------------------------------------


class _SpeexPacket(ctypes.Structure):
    """JitterBufferPacket of speex/speex_jitter.h."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("len", ctypes.c_uint32),
        ("timestamp", ctypes.c_uint32),
        ("span", ctypes.c_uint32),
        ("sequence", ctypes.c_uint16),
        ("user_data", ctypes.c_uint32),
    )


class SpeexBuffer:
    """jitter_buffer_* of libspeexdsp."""

    def __init__(self) -> None:
        self._lib = _speexdsp()
        self._state = self._lib.jitter_buffer_init(STEP)
        self._data = ctypes.create_string_buffer(4)

    def put(self, packet: int, now_s: float) -> None:
        del now_s
        self._data.raw = packet.to_bytes(4, "little")
        arrived = self._packet()
        arrived.timestamp, arrived.span = packet * STEP, STEP
        self._lib.jitter_buffer_put(self._state, ctypes.byref(arrived))

    def get(self, now_s: float) -> int | None:
        del now_s
        wanted, offset = self._packet(), ctypes.c_int32()
        state = ctypes.byref(wanted)
        code = self._lib.jitter_buffer_get(self._state, state, STEP, ctypes.byref(offset))
        self._lib.jitter_buffer_tick(self._state)
        return int.from_bytes(self._data.raw, "little") if code == 0 else None  # JITTER_BUFFER_OK

    def _packet(self) -> _SpeexPacket:
        return _SpeexPacket(data=ctypes.addressof(self._data), len=4)

    def __del__(self) -> None:
        if hasattr(self, "_state"):
            self._lib.jitter_buffer_destroy(self._state)


@functools.cache
def _speexdsp() -> ctypes.CDLL:
    name = ctypes.util.find_library("speexdsp")
    if name is None:
        raise PeerMissing("speexdsp: no libspeexdsp here (apt-get install libspeexdsp1)")
    lib = ctypes.CDLL(name)
    pointer, number = ctypes.c_void_p, ctypes.c_int32
    lib.jitter_buffer_init.argtypes = [ctypes.c_int]
    lib.jitter_buffer_init.restype = pointer
    lib.jitter_buffer_put.argtypes = [pointer, ctypes.POINTER(_SpeexPacket)]
    lib.jitter_buffer_get.argtypes = [
        pointer,
        ctypes.POINTER(_SpeexPacket),
        number,
        ctypes.POINTER(number),
    ]
    for function in (lib.jitter_buffer_tick, lib.jitter_buffer_destroy):
        function.argtypes = [pointer]
        function.restype = None
    return lib


def speexdsp() -> Peer:
    """Raises PeerMissing."""
    _speexdsp()
    file = Path(ctypes.util.find_library("speexdsp") or "")
    return Peer("speexdsp", file.name, SpeexBuffer)


# --- pjmedia --------------------------------------------------------------------------------------

PJ_ROOM_BYTES = 1 << 16
"More than a pj_caching_pool needs; its size is not told."
POOL_BYTES = 4000
MAX_FRAMES = 500 // FRAME_MS
MAX_PREFETCH = MAX_FRAMES * 4 // 5
"pjmedia_stream_create(): 500 ms, adaptive from 1 frame to four fifths of that."
NORMAL_FRAME = 1
"PJMEDIA_JB_NORMAL_FRAME"
MAX_PLC_FRAMES = 240 // FRAME_MS
"PJMEDIA_MAX_PLC_DURATION_MSEC: after that, silence."


class _PjString(ctypes.Structure):
    _fields_ = (("ptr", ctypes.c_char_p), ("length", ctypes.c_ssize_t))


class _Pj:
    """pjlib, initialised once, as it lies in the wheel of pjsua2-python."""

    def __init__(self) -> None:
        try:
            files = importlib.metadata.files("pjsua2-python") or []
        except importlib.metadata.PackageNotFoundError as exc:
            raise PeerMissing("pjmedia: pip install --no-deps pjsua2-python") from exc
        paths = [str(file.locate()) for file in files if file.name.startswith("_pjsua2.")]
        try:
            self.lib = lib = ctypes.CDLL(paths[0])
            lib.pj_pool_create.restype = ctypes.c_void_p
            lib.pjmedia_jbuf_create.restype = ctypes.c_int
        except (OSError, IndexError, AttributeError) as exc:
            raise PeerMissing(f"pjmedia: not to be had from pjsua2-python: {exc}") from exc
        lib.pj_log_set_level(0)
        lib.pj_init()
        self._room = ctypes.create_string_buffer(PJ_ROOM_BYTES)
        lib.pj_caching_pool_init(self._room, None, ctypes.c_size_t(0))

    def pool(self) -> ctypes.c_void_p:
        size = ctypes.c_size_t(POOL_BYTES)
        return ctypes.c_void_p(self.lib.pj_pool_create(self._room, b"bench", size, size, None))

    def release(self, pool: ctypes.c_void_p) -> None:
        self.lib.pj_pool_release(pool)


@functools.cache
def _pj() -> _Pj:
    return _Pj()


class PjmediaBuffer:
    """pjmedia_jbuf of the pjproject."""

    def __init__(self) -> None:
        self._pj = _pj()
        self._pool = self._pj.pool()
        self._jbuf = ctypes.c_void_p()
        lib, name = self._pj.lib, _PjString(b"bench", 5)
        made = lib.pjmedia_jbuf_create(
            self._pool, ctypes.byref(name), 4, FRAME_MS, MAX_FRAMES, ctypes.byref(self._jbuf)
        )
        assert made == 0, "the pool has room"
        lib.pjmedia_jbuf_set_adaptive(self._jbuf, 0, 1, MAX_PREFETCH)

    def put(self, packet: int, now_s: float) -> None:
        del now_s
        data, discarded = packet.to_bytes(4, "little"), ctypes.c_int()
        self._pj.lib.pjmedia_jbuf_put_frame2(
            self._jbuf, data, ctypes.c_size_t(4), 0, packet & 0xFFFF, ctypes.byref(discarded)
        )

    def get(self, now_s: float) -> int | None:
        del now_s
        frame, kind = ctypes.create_string_buffer(4), ctypes.c_char()
        size, bits = ctypes.c_size_t(4), ctypes.c_uint32()
        self._pj.lib.pjmedia_jbuf_get_frame2(
            self._jbuf, frame, ctypes.byref(size), ctypes.byref(kind), ctypes.byref(bits)
        )
        return int.from_bytes(frame.raw, "little") if kind.value[0] == NORMAL_FRAME else None

    def __del__(self) -> None:
        if hasattr(self, "_jbuf"):
            self._pj.lib.pjmedia_jbuf_destroy(self._jbuf)
            self._pj.release(self._pool)


class PjmediaConcealer:
    """pjmedia_plc, for at most 240 ms."""

    def __init__(self, rate_hz: int) -> None:
        self._pj = _pj()
        self._pool = self._pj.pool()
        self._frame = int(PTIME_S * rate_hz)
        self._plc = ctypes.c_void_p()
        made = self._pj.lib.pjmedia_plc_create(
            self._pool, rate_hz, self._frame, 0, ctypes.byref(self._plc)
        )
        assert made == 0, "the pool has room"
        self._made_up = MAX_PLC_FRAMES  # nothing to go on with before the first frame

    def good(self, frame: NDArray[np.int16]) -> NDArray[np.int16]:
        kept = np.ascontiguousarray(frame, np.int16).copy()
        self._pj.lib.pjmedia_plc_save(self._plc, ctypes.c_void_p(kept.ctypes.data))
        self._made_up = 0
        return kept

    def missing(self) -> NDArray[np.int16]:
        made_up = np.zeros(self._frame, np.int16)
        if self._made_up < MAX_PLC_FRAMES:
            self._pj.lib.pjmedia_plc_generate(self._plc, ctypes.c_void_p(made_up.ctypes.data))
            self._made_up += 1
        return made_up

    def __del__(self) -> None:
        if hasattr(self, "_pool"):
            self._pj.release(self._pool)


def pjmedia() -> Peer:
    """Raises PeerMissing."""
    _pj()
    version = importlib.metadata.version("pjsua2-python")
    return Peer("pjmedia", version, PjmediaBuffer, PjmediaConcealer)


PEERS: tuple[Callable[[], Peer], ...] = (aiortc, speexdsp, pjmedia)
