"""One step of the engine alone: N lanes that all listen and all speak, real RTP both ways.

Run as a process of its own by capacity.py, pinned to a core; starts its load (rtp_load.py) on the
other one and prints a Step as JSON. Not here: SIP, sessions, speech services (capacity_calls.py).
"""

import argparse
import asyncio
import functools
import gc
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
import uvloop
from numpy.typing import NDArray

from ...drivers.rtp.ports import PortPair, PortPool, PortRange
from ...drivers.rtp.wire import UdpWire
from ...drivers.worker_process import command
from ...media.clock import LoopClock
from ...media.events import AnyMediaEvent, PlayoutFinished
from ...media.frames.engine import Engine, EngineSettings
from ...media.frames.lane import Lane, LaneSettings
from ...media.frames.recorder import Recorder
from ...media.frames.vad import VadSettings
from ...media.frames.wire import address_key
from ...media.ports import Quality
from ..speech.conversational_speech import side, stretch
from ..speech.load_speech import bench_speech
from .cores import LOAD_CORE, SERVER_CORE, on_core
from .load_clock import Usage
from .load_payloads import CODECS, codec_of, encoded, payload_type, save
from .proc import core_time
from .ramp import StepFigures
from .rtp_load import Report

PACKAGE = UdpWire.__module__.split(".", maxsplit=1)[0]
"Whatever this module is called: run as a process it is `__main__`."
MODULE, LOAD_MODULE = f"{PACKAGE}.bench.load.capacity_engine", f"{PACKAGE}.bench.load.rtp_load"
WARM_UP_S = 6.0
"The clock's window is 5 s; what happened while streams began is not counted."
LEAST_SECONDS, MEASURED_S = 5.0, 6.0
REPLY_S = 3
"The agent speaks all the time, in replies of this length."
LANES_A_LOOK = 16
"Figures of so many lanes are read between two ticks: reading must not make the clock late."
EVENT_PAYLOAD_TYPE = 101
P59 = "p59"
TALKS = ("half", P59)
"""How both sides talk: callers for half of the time and the agent always, or each as in P.59."""
THEIRS, OURS = 1, 2
"Seeds: the two sides of a conversation are not the same."


class Case(msgspec.Struct, frozen=True):
    """What all lanes of a ramp do."""

    codec: str
    vad: bool
    record: bool
    talk: str = "half"
    "Of TALKS."

    def __str__(self) -> str:
        parts = [self.codec, "VAD" if self.vad else "no VAD"]
        parts += ["recording"] * self.record + ["P.59"] * (self.talk == P59)
        return ", ".join(parts)

    def flags(self) -> list[str]:
        """For the process of a step."""
        chosen = ["--no-vad"] * (not self.vad) + ["--no-record"] * (not self.record)
        return ["--codec", self.codec, "--talk", self.talk, *chosen]


class Step(msgspec.Struct, frozen=True):
    """What N lanes cost, and whether they were served."""

    calls: int
    seconds: float
    cpu_share: float
    "Of one core."
    others_share: float
    "Of the core, that was neither the server's nor the network's."
    late_p50_ms: float
    late_p99_ms: float
    late_max_ms: float
    skipped_ticks: int
    "While measuring."
    concealed_frames: int
    packets_lost: int
    "On the way to the server."
    packets_late: int
    "Came too late to be played, or were not wanted."
    speech_events: int
    kb_a_call_opened: float
    kb_a_call_full: float
    lanes_a_second: float
    "Opened, two sockets each."
    load: Report

    @property
    def cost_us(self) -> float:
        """CPU of one call in one frame of 20 ms."""
        return self.cpu_share * 20_000 / self.calls

    @property
    def calls_a_core(self) -> float:
        """If cost were all that limits."""
        return self.calls / self.cpu_share

    @property
    def frames_lost(self) -> int:
        """In any way: concealed here, lost or skipped or never begun on the way back."""
        back = self.load.arrivals
        return self.concealed_frames + back.lost + back.skipped + back.silent

    def figures(self) -> StepFigures:
        """For the judge."""
        return StepFigures(
            self.late_p99_ms, self.load.health, self.others_share, lost=self.frames_lost
        )


class Server:
    """N lanes that all listen and all speak."""

    def __init__(self, case: Case, replies: list[tuple[NDArray[np.int16], float]]) -> None:
        """`replies`: what is said one after the other, each with the seconds of silence after."""
        self.codec = codec_of(case.codec)
        self.clock, self.wire, self.recorder = LoopClock(), UdpWire(), Recorder()
        settings = EngineSettings(max_lanes=100_000, vad=VadSettings() if case.vad else None)
        self.engine = Engine(self.clock, self.wire, self.recorder, random.Random(1), settings)
        self.ports = PortPool("127.0.0.1", PortRange(0, 0))
        self.replies = replies
        for reply, _ in replies:
            reply.setflags(write=False)  # as speech services give it: lanes share it
        self.events = 0
        self.lanes: list[Lane] = []
        self.pairs: list[PortPair] = []

    def open(self) -> None:
        """One more lane with its sockets."""
        pair = self.ports.take(self.clock.now())
        number = payload_type(self.codec)
        lane = self.engine.open(
            LaneSettings(
                codec=self.codec,
                payload_type=number,
                receive_payload_type=number,
                destination=address_key("127.0.0.1", 9),
                event_payload_type=EVENT_PAYLOAD_TYPE,
                receive_event_payload_type=EVENT_PAYLOAD_TYPE,
            )
        )
        self.wire.attach(*lane.place, pair.rtp, pair.rtcp)
        lane.sink = functools.partial(self._receive, lane)
        self.lanes.append(lane)
        self.pairs.append(pair)

    def begin(self, record_to: Path | None) -> None:
        """All lanes speak; replies of different calls do not begin in the same tick."""
        for number, lane in enumerate(self.lanes):
            if record_to is not None:
                lane.record(record_to / f"{number}.wav")
            first, _ = self._reply(lane, 1)
            self._speak(lane, 1, first[(number * 997) % max(1, len(first) // 2) :])

    async def qualities(self) -> list[Quality]:
        """Of all lanes, a few between two ticks."""
        found: list[Quality] = []
        for at in range(0, len(self.lanes), LANES_A_LOOK):
            found += [lane.quality() for lane in self.lanes[at : at + LANES_A_LOOK]]
            await asyncio.sleep(0.002)
        return found

    def _reply(self, lane: Lane, epoch: int) -> tuple[NDArray[np.int16], float]:
        """Every lane begins at another of them."""
        return self.replies[(lane.place[1] * 7 + epoch) % len(self.replies)]

    def _speak(self, lane: Lane, epoch: int, reply: NDArray[np.int16]) -> None:
        lane.play(epoch, reply)
        lane.finish(epoch)
        lane.open_gate(epoch)

    def _receive(self, lane: Lane, event: AnyMediaEvent) -> None:
        self.events += 1
        if isinstance(event, PlayoutFinished):
            _, pause_s = self._reply(lane, event.epoch)
            reply, _ = self._reply(lane, event.epoch + 1)
            if not pause_s:
                self._speak(lane, event.epoch + 1, reply)
                return
            loop = asyncio.get_running_loop()
            loop.call_later(pause_s, self._speak, lane, event.epoch + 1, reply)


async def serve(case: Case, calls: int, seconds: float, folder: Path, speech: Path) -> Step:
    """Open the lanes, start the load, measure, stop."""
    pcm = np.fromfile(speech, np.int16)
    server = Server(case, replies_of(case, pcm))
    before_kb, began_at = _rss_kb(), time.monotonic()
    for _ in range(calls):
        server.open()
    lanes_a_second = calls / (time.monotonic() - began_at)
    opened_kb = _rss_kb()
    payloads = folder / "payloads.npz"
    rate_hz = server.codec.sample_rate_hz
    heard_pcm = pcm if case.talk != P59 else stretch(pcm, rate_hz, THEIRS)
    save(payloads, encoded(heard_pcm, server.codec))
    server.begin(folder if case.record else None)
    gc.collect()
    gc.freeze()
    gc.disable()
    server.engine.start()
    load = await _start_load(payloads, [pair.port for pair in server.pairs])
    assert load.stdin is not None, "asked for at its start"
    await asyncio.sleep(WARM_UP_S)
    before = await server.qualities()
    load.stdin.write(b"count\n")
    usage, core, events = Usage.now(), core_time(SERVER_CORE), server.events
    skipped = server.engine.health().skipped_ticks
    await asyncio.sleep(seconds)
    now, core_now = Usage.now(), core_time(SERVER_CORE)
    health = server.engine.health()
    heard = server.events - events
    after = await server.qualities()
    output, _ = await load.communicate(b"stop\n")
    full_kb = _rss_kb()
    server.engine.close_clock()
    await server.recorder.aclose()
    cpu_share, _ = now.share_since(usage)
    frame = server.codec.sample_rate_hz // 50
    return Step(
        calls=calls,
        seconds=seconds,
        cpu_share=cpu_share,
        others_share=core_now.others_since(core, cpu_share),
        late_p50_ms=health.p50_ms,
        late_p99_ms=health.p99_ms,
        late_max_ms=health.max_ms,
        skipped_ticks=health.skipped_ticks - skipped,
        concealed_frames=_grown(before, after, "concealed_samples") // frame,
        packets_lost=_grown(before, after, "packets_lost"),
        packets_late=_grown(before, after, "packets_discarded"),
        speech_events=heard,
        kb_a_call_opened=(opened_kb - before_kb) / calls,
        kb_a_call_full=(full_kb - before_kb) / calls,
        lanes_a_second=lanes_a_second,
        load=msgspec.json.decode(output, type=Report),
    )


def replies_of(case: Case, pcm: NDArray[np.int16]) -> list[tuple[NDArray[np.int16], float]]:
    """What the agent says in that case, of this speech."""
    rate_hz = codec_of(case.codec).sample_rate_hz
    if case.talk != P59:
        return [(pcm[: REPLY_S * rate_hz], 0.0)]
    return [(spurt, len(pause) / rate_hz) for spurt, pause in side(pcm, rate_hz, OURS)]


async def speech_file(folder: Path, codec: str) -> Path:
    """The speech for steps of this codec, int16 at its rate, made once."""
    rate_hz = codec_of(codec).sample_rate_hz
    path = folder / f"speech-{rate_hz}.raw"
    await asyncio.to_thread(_make_speech, path, rate_hz)
    return path


async def run_step(case: Case, calls: int, seconds: float, speech: Path) -> Step:
    """One step in a process of its own, on the server's core. Raises ChildProcessError."""
    arguments = ["--calls", str(calls), "--seconds", str(seconds), "--speech", str(speech)]
    process = await asyncio.create_subprocess_exec(
        *command(MODULE, *case.flags(), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        said = errors.decode(errors="replace").strip().splitlines()
        raise ChildProcessError(said[-1] if said else f"ended with {process.returncode}")
    return msgspec.json.decode(output, type=Step)


def _make_speech(path: Path, rate_hz: int) -> None:
    if not path.is_file():
        bench_speech(rate_hz).tofile(path)  # in a loop of its own


async def _start_load(payloads: Path, ports: list[int]) -> asyncio.subprocess.Process:
    arguments = ["--payloads", str(payloads), *map(str, ports)]
    with on_core(LOAD_CORE):
        return await asyncio.create_subprocess_exec(
            *command(LOAD_MODULE, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )


def _grown(before: Iterable[Quality], after: Iterable[Quality], name: str) -> int:
    pairs = zip(before, after, strict=True)
    return sum(int(getattr(b, name)) - int(getattr(a, name)) for a, b in pairs)


def _rss_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def main() -> None:
    """Run as a process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codec", choices=CODECS, default="PCMU")
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=LEAST_SECONDS)
    parser.add_argument("--speech", type=Path, required=True, help="int16 at the codec's rate")
    parser.add_argument("--talk", choices=TALKS, default=TALKS[0])
    parser.add_argument("--no-vad", action="store_true")
    parser.add_argument("--no-record", action="store_true")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {SERVER_CORE})
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    case = Case(arguments.codec, not arguments.no_vad, not arguments.no_record, arguments.talk)
    with tempfile.TemporaryDirectory(prefix="offhook-capacity-") as folder:
        step = uvloop.run(
            serve(case, arguments.calls, arguments.seconds, Path(folder), arguments.speech)
        )
    sys.stdout.buffer.write(msgspec.json.encode(step) + b"\n")


if __name__ == "__main__":
    main()
