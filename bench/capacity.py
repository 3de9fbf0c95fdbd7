"""How many calls a core holds: real RTP both ways, the engine alone on one core.

    python -m offhook.bench.capacity --calls 250 500 1000 1500 [--no-vad] [--record] [--seconds 8]

Server and far ends are two processes, pinned to a core each. A step holds while the clock's p99
lateness (deadline to last packet sent) stays within 5 ms and no frame is lost. Not measured here:
SIP, speech services (see latency.py).
"""

import argparse
import asyncio
import functools
import gc
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..codecs.catalog import PCMU
from ..drivers.rtp.ports import PortPair, PortPool, PortRange
from ..drivers.rtp.wire import UdpWire
from ..media.clock import LoopClock
from ..media.events import AnyMediaEvent, PlayoutFinished
from ..media.frames.engine import Engine, EngineSettings
from ..media.frames.lane import Lane, LaneSettings
from ..media.frames.recorder import Recorder
from ..media.frames.vad import VadSettings
from ..media.frames.wire import address_key
from .speech import bench_speech

WARM_UP_S = 6.0
"The clock's window is 5 s; what happened while streams began is not counted."
REPLY_S = 3
"The agent speaks all the time, in replies of this length."
SERVER_CORE, LOAD_CORE = 1, 0
COLUMNS = (
    "calls",
    "cpu_percent",
    "us_a_call_a_tick",
    "calls_a_core",
    "late_p50_ms",
    "late_p99_ms",
    "late_max_ms",
    "concealed_frames",
    "packets_lost",
    "kb_a_call_full",
)


class Server:
    """N lanes that all listen and all speak."""

    def __init__(self, arguments: argparse.Namespace, reply: NDArray[np.int16]) -> None:
        self.clock = LoopClock()
        self.wire = UdpWire()
        self.recorder = Recorder()
        settings = EngineSettings(
            max_lanes=100_000, vad=None if arguments.no_vad else VadSettings()
        )
        self.engine = Engine(self.clock, self.wire, self.recorder, random.Random(1), settings)
        self.ports = PortPool("127.0.0.1", PortRange(0, 0))
        self.reply = reply
        self.events = 0
        self.lanes: list[Lane] = []
        self.pairs: list[PortPair] = []

    def open(self, record_to: Path | None) -> None:
        pair = self.ports.take(self.clock.now())
        lane = self.engine.open(
            LaneSettings(
                codec=PCMU,
                payload_type=0,
                receive_payload_type=0,
                destination=address_key("127.0.0.1", 9),
                event_payload_type=101,
                receive_event_payload_type=101,
            )
        )
        self.wire.attach(*lane.place, pair.rtp, pair.rtcp)
        lane.sink = functools.partial(self._receive, lane)
        if record_to is not None:
            lane.record(record_to / f"{len(self.lanes)}.wav")
        # Replies of different calls do not begin in the same tick.
        self._speak(lane, 1, self.reply[(len(self.lanes) * 997) % (len(self.reply) // 2) :])
        self.lanes.append(lane)
        self.pairs.append(pair)

    def _speak(self, lane: Lane, epoch: int, reply: NDArray[np.int16]) -> None:
        lane.play(epoch, reply)
        lane.finish(epoch)
        lane.open_gate(epoch)

    def _receive(self, lane: Lane, event: AnyMediaEvent) -> None:
        self.events += 1
        if isinstance(event, PlayoutFinished):
            self._speak(lane, event.epoch + 1, self.reply)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _rss_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


async def serve(
    arguments: argparse.Namespace, calls: int, folder: Path, speech: NDArray[np.int16]
) -> dict[str, object]:
    """One step: open the lanes, start the load, measure, stop."""
    speech_file = folder / "speech.raw"
    speech.tofile(speech_file)
    server = Server(arguments, speech[: REPLY_S * 8000])
    before_kb = _rss_kb()
    for _ in range(calls):
        server.open(folder if arguments.record else None)
    opened_kb = _rss_kb()
    gc.collect()
    gc.freeze()
    gc.disable()
    server.engine.start()
    command = [sys.executable, "-m", "offhook.bench.rtp_load", "--speech", str(speech_file)]
    load = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
        [*command, *(str(pair.port) for pair in server.pairs)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, {LOAD_CORE}),
    )
    await asyncio.sleep(WARM_UP_S)
    lost = [lane.quality() for lane in server.lanes]
    cpu_s, began_at, events = _cpu_s(), time.monotonic(), server.events
    await asyncio.sleep(arguments.seconds)
    cpu_share = (_cpu_s() - cpu_s) / (time.monotonic() - began_at)
    health = server.engine.health()
    after = [lane.quality() for lane in server.lanes]
    concealed = sum(
        a.concealed_samples - b.concealed_samples for a, b in zip(after, lost, strict=True)
    )
    missing = sum(a.packets_lost for a in after)
    output, _ = await asyncio.to_thread(load.communicate, b"stop")
    full_kb = _rss_kb()
    server.engine.close_clock()
    await server.recorder.aclose()
    return {
        "calls": calls,
        "cpu_percent": round(100 * cpu_share, 1),
        "us_a_call_a_tick": round(cpu_share * 20_000 / calls, 2),
        "calls_a_core": round(calls / cpu_share),
        "late_p50_ms": round(health.p50_ms, 2),
        "late_p99_ms": round(health.p99_ms, 2),
        "late_max_ms": round(health.max_ms, 2),
        "skipped_ticks": health.skipped_ticks,
        "concealed_frames": concealed // 160,
        "packets_lost": missing,
        "speech_events": server.events - events,
        "kb_a_call_opened": round((opened_kb - before_kb) / calls, 1),
        "kb_a_call_full": round((full_kb - before_kb) / calls, 1),
        "load": json.loads(output),
    }


def step(arguments: argparse.Namespace) -> None:
    """The server side of one step, in a process of its own."""
    import uvloop

    os.sched_setaffinity(0, {SERVER_CORE})
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    speech = bench_speech(8000)
    with tempfile.TemporaryDirectory() as folder:
        result = uvloop.run(serve(arguments, arguments.step, Path(folder), speech))
    print(json.dumps(result))


def main(argv: list[str] | None = None) -> None:
    """Run the steps and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[100, 500, 1000, 1500])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--no-vad", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--step", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.step:
        step(arguments)
        return
    flags = ["--seconds", str(arguments.seconds)]
    flags += ["--no-vad"] * arguments.no_vad + ["--record"] * arguments.record
    print("  ".join(f"{name:>16}" for name in COLUMNS))
    for calls in arguments.calls:
        command = [sys.executable, "-m", "offhook.bench.capacity", "--step", str(calls), *flags]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{calls} calls: {done.stderr.strip().splitlines()[-1:]}")
            continue
        result = json.loads(done.stdout)
        print("  ".join(f"{result[name]!s:>16}" for name in COLUMNS), flush=True)


if __name__ == "__main__":
    main()
