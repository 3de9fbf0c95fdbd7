"""SHELL: what `offhook doctor` looks at: each check tries the thing itself, as the server does.

Not here: printing (cli/doctor.py). A check never raises: what it meets becomes its finding.
"""

import asyncio
import importlib
import os
import pathlib
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable

import msgspec

from ...media.clock import LoopClock
from .config import Settings

FILES_A_CALL = 4
"RTP and RTCP sockets, the recording, and one to spare."
FILES_OTHERWISE = 100
CLOCK_S = 1.0
"How long the clock is watched."
RTP_SAMPLES = 8
"Ports of the range that are tried."
ESPEAK_S = 30
"Far more than it takes to load."
ESPEAK_LOADS = (
    "import ctypes, espeakng_loader as e, pathlib;"
    "ctypes.CDLL(e.get_library_path()); assert pathlib.Path(e.get_data_path()).is_dir()"
)


class Finding(msgspec.Struct, frozen=True):
    """What a check found."""

    what: str
    well: bool
    detail: str
    cure: str = ""
    "What to do about it."


Check = Callable[[Settings], Finding]


def check_all(settings: Settings) -> list[Finding]:
    """Every check, in the order in which a call would miss things."""
    return [check(settings) for check in CHECKS]


def data_folder(settings: Settings) -> Finding:
    """Data and recordings can be written."""
    for folder in (settings.data_folder(), settings.recordings_folder()):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"offhook")
        except OSError as exc:
            cure = "make it writable for this user, or set OFFHOOK_DATA to another folder"
            return Finding("data folder", False, f"{folder}: {exc.strerror}", cure)
    free = os.statvfs(settings.data_folder())
    return Finding("data folder", True, f"{_gigabytes(free)} free in {settings.data_folder()}")


def http_port(settings: Settings) -> Finding:
    """The API's port is free."""
    return _port("HTTP port", socket.SOCK_STREAM, settings.http.host, [settings.http.port])


def sip_port(settings: Settings) -> Finding:
    """SIP's port is free."""
    return _port("SIP port", socket.SOCK_DGRAM, settings.sip.host, [settings.sip.port])


def rtp_ports(settings: Settings) -> Finding:
    """Some ports of RTP's range are free, from its first to its last."""
    first, last = settings.rtp.port_range()
    step = max(1, (last - first) // (RTP_SAMPLES - 1))
    ports = [*range(first, last, step), last]
    return _port("RTP ports", socket.SOCK_DGRAM, settings.rtp.host, ports)


def open_files(settings: Settings) -> Finding:
    """The system allows as many files as the calls and the API's clients need."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.limits.max_calls * FILES_A_CALL + FILES_OTHERWISE
    needed += settings.http.max_connections
    if hard == resource.RLIM_INFINITY or hard >= needed:
        return Finding("open files", True, f"{needed} needed at most, {hard} allowed")
    cure = f"raise it (ulimit -Hn {needed}, LimitNOFILE=), or lower limits.max_calls"
    return Finding("open files", False, f"{needed} needed at most, only {hard} allowed", cure)


def opus_codec(settings: Settings) -> Finding:
    """libopus is there and encodes."""
    cure = "pip install av (its wheel carries libopus), or apt install libopus0"
    return _tried("Opus", cure, _try_opus)


def g722_codec(settings: Settings) -> Finding:
    """FFmpeg's G.722 by PyAV."""
    return _tried("G.722", "pip install av", _try_g722)


def vad_weights(settings: Settings) -> Finding:
    """The speech network's weights are there and have the right shapes."""
    return _tried("voice activity", "pip install --no-deps silero-vad", _try_weights)


def espeak(settings: Settings) -> Finding:
    """espeak-ng loads, in a process of its own as always (GPL-3, not thread-safe)."""
    return _tried("speech (espeak-ng)", "pip install espeakng-loader", _try_espeak)


def recognition(settings: Settings) -> Finding:
    """pocketsphinx and its English model."""
    cure = "pip install --no-deps --force-reinstall pocketsphinx"
    return _tried("recognition (pocketsphinx)", cure, _try_pocketsphinx)


def clock_quality(settings: Settings) -> Finding:
    """The frame clock of this machine keeps its deadlines, with nothing else to do."""
    try:
        p50_ms, p99_ms = asyncio.run(watch_clock(CLOCK_S))
    except (ImportError, OSError) as exc:
        return Finding("clock", False, str(exc), "Offhook needs Linux with timerfd, and numpy")
    limit = settings.limits.max_lateness_ms
    detail = f"late by {p50_ms:.2f} ms at p50, {p99_ms:.2f} ms at p99; limit {limit:g} ms"
    if p99_ms <= limit:
        return Finding("clock", True, detail)
    cure = "this machine is too busy, or its CPU is throttled: calls would be refused"
    return Finding("clock", False, detail, cure)


async def watch_clock(seconds: float) -> tuple[float, float]:
    """p50 and p99 of an idle frame clock's lateness, in ms. Raises OSError without a timerfd."""
    from ...media.frames.frame_clock import TICK_S, FrameClock

    def nothing(phase: int) -> None:
        """Nobody has lost anything."""

    def idle(phase: int, due_at: float) -> bool:
        """A tick without lanes: how late it is does count."""
        return True

    done = asyncio.Event()
    clock = LoopClock()
    frames = FrameClock(clock, idle, nothing, window_ticks=round(seconds / TICK_S))
    frames.start()
    try:
        clock.call_at(clock.now() + seconds, done.set)
        await done.wait()
        health = frames.health()
    finally:
        frames.close()
    return health.p50_ms, health.p99_ms


CHECKS: tuple[Check, ...] = (
    data_folder,
    http_port,
    sip_port,
    rtp_ports,
    open_files,
    opus_codec,
    g722_codec,
    vad_weights,
    espeak,
    recognition,
    clock_quality,
)


# --- the trying: imports are part of it, for a package may be what is missing --------------------


def _tried(what: str, cure: str, attempt: Callable[[], str]) -> Finding:
    """What `attempt` says, or what it met and the cure. Half a package raises anything."""
    try:
        return Finding(what, True, attempt())
    except Exception as exc:
        return Finding(what, False, str(exc) or type(exc).__name__, cure)


def _try_opus() -> str:
    import numpy as np

    from ...codecs import opus

    encoder = opus.OpusEncoder()
    encoder.encode(np.zeros(320, np.int16))
    encoder.close()
    return opus.version()


def _try_g722() -> str:
    import numpy as np

    from ...codecs.g722 import G722Encoder

    G722Encoder().encode(np.zeros(320, np.int16))
    return "by PyAV"


def _try_weights() -> str:
    from ...media.frames.silero_weights import load_weights

    load_weights(8000)
    load_weights(16000)
    return "Silero weights for 8 and 16 kHz"


def _try_espeak() -> str:
    command = [sys.executable, "-c", ESPEAK_LOADS]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=ESPEAK_S, check=False)
    if ran.returncode != 0:
        last_line = (ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"])[-1]
        raise OSError(last_line)
    return "loads"


def _try_pocketsphinx() -> str:
    module = importlib.import_module("pocketsphinx")
    model = pathlib.Path(module.get_model_path("en-us/en-us"))
    if not model.is_dir():
        raise OSError(f"no model in {model}")
    return "with its en-us model"


def _port(what: str, kind: socket.SocketKind, host: str, ports: list[int]) -> Finding:
    for port in ports:
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
            with socket.socket(family, kind) as attempt:
                if kind == socket.SOCK_STREAM:  # as servers do: a past connection is no obstacle
                    attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                attempt.bind(address)
        except OSError as exc:
            where = f"{host} port {port}: {exc.strerror or exc}"
            cure = "is Offhook running already? Stop what uses it, or set another one"
            return Finding(what, False, where, cure)
    shown = "any free one" if ports[0] == 0 else f"{ports[0]}" + _range_end(ports)
    return Finding(what, True, f"{shown} on {host}")


def _range_end(ports: list[int]) -> str:
    return f"-{ports[-1]}" if len(ports) > 1 else ""


def _gigabytes(free: os.statvfs_result) -> str:
    return f"{free.f_bavail * free.f_frsize / 1e9:.1f} GB"
