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
import numpy as np

from ..codecs import opus
from ..codecs.errors import CodecError
from ..codecs.g722 import G722Encoder
from ..media.clock import LoopClock
from ..media.errors import MediaError
from ..media.frames.frame_clock import FrameClock
from ..media.frames.silero_weights import load_weights
from .config import Settings

FILES_A_CALL = 4
"RTP and RTCP sockets, the recording, and one to spare."
FILES_OTHERWISE = 100
CLOCK_S = 1.0
"How long the clock is watched."
RTP_SAMPLES = 8
"Ports of the range that are tried."
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
            folder.mkdir(parents=True, exist_ok=True)
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
    """The system allows as many files as the calls need."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.limits.max_calls * FILES_A_CALL + FILES_OTHERWISE
    if hard == resource.RLIM_INFINITY or hard >= needed:
        return Finding("open files", True, f"{needed} needed at most, {hard} allowed")
    cure = f"raise it (ulimit -Hn {needed}, LimitNOFILE=), or lower limits.max_calls"
    return Finding("open files", False, f"{needed} needed at most, only {hard} allowed", cure)


def opus_codec(settings: Settings) -> Finding:
    """libopus is there and encodes."""
    try:
        encoder = opus.OpusEncoder()
        encoder.encode(np.zeros(320, np.int16))
        encoder.close()
        return Finding("Opus", True, opus.version())
    except CodecError as exc:
        cure = "pip install av (its wheel carries libopus), or apt install libopus0"
        return Finding("Opus", False, str(exc), cure)


def g722_codec(settings: Settings) -> Finding:
    """FFmpeg's G.722 by PyAV."""
    try:
        G722Encoder().encode(np.zeros(320, np.int16))
        return Finding("G.722", True, "by PyAV")
    except (CodecError, ImportError) as exc:
        return Finding("G.722", False, str(exc), "pip install av")


def vad_weights(settings: Settings) -> Finding:
    """The speech network's weights are there and have the right shapes."""
    try:
        load_weights(8000)
        load_weights(16000)
        return Finding("voice activity", True, "Silero weights for 8 and 16 kHz")
    except MediaError as exc:
        cure = "pip install --no-deps silero-vad"
        return Finding("voice activity", False, str(exc), cure)


def espeak(settings: Settings) -> Finding:
    """espeak-ng loads, in a process of its own as always (GPL-3, not thread-safe)."""
    try:
        ran = subprocess.run(
            [sys.executable, "-c", ESPEAK_LOADS], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return Finding("speech (espeak-ng)", False, str(exc), "pip install espeakng-loader")
    last_line = (ran.stderr.strip().splitlines() or [""])[-1]
    if ran.returncode != 0:
        return Finding("speech (espeak-ng)", False, last_line, "pip install espeakng-loader")
    return Finding("speech (espeak-ng)", True, "loads")


def recognition(settings: Settings) -> Finding:
    """pocketsphinx and its English model."""
    what = "recognition (pocketsphinx)"
    try:
        module = importlib.import_module("pocketsphinx")
    except ImportError as exc:
        return Finding(what, False, str(exc), "pip install pocketsphinx")
    model = pathlib.Path(module.get_model_path("en-us/en-us"))
    if not model.is_dir():
        return Finding(what, False, f"no model in {model}", "pip install --force-reinstall it")
    return Finding(what, True, "with its en-us model")


def clock_quality(settings: Settings) -> Finding:
    """The frame clock of this machine keeps its deadlines, with nothing else to do."""
    try:
        late = asyncio.run(watch_clock(CLOCK_S))
    except OSError as exc:
        return Finding("clock", False, str(exc), "Offhook needs Linux with timerfd")
    limit = settings.limits.max_lateness_ms
    detail = f"late by {late[0]:.2f} ms at p50, {late[1]:.2f} ms at p99; limit {limit:g} ms"
    cure = "this machine is too busy or its CPU throttled: calls would be refused"
    return Finding("clock", late[1] <= limit, detail, "" if late[1] <= limit else cure)


async def watch_clock(seconds: float) -> tuple[float, float]:
    """p50 and p99 of an idle frame clock's lateness, in ms. Raises OSError without a timerfd."""
    done = asyncio.Event()
    clock = LoopClock()
    frames = FrameClock(clock, lambda phase: None, lambda phase: None)
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
