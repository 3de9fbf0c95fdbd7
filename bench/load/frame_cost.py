"""What a frame costs in the engine without a network: packets from memory, packets into nothing.

All else is there: header parse, jitter buffer, decoding, voice activity where it is on, playout,
encoding, headers; with --record the writer's thread, too. Keys come as packets, as in capacity.py:
nobody listens for tones. Run as a process by peers.py; prints one line of JSON.

    python -m offhook.bench.load.frame_cost --lanes 100 --codec PCMU [--vad] [--record]
"""

import argparse
import json
import os
import random
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # no type marker

from ...codecs.catalog import Codec
from ...media.clock import VirtualClock
from ...media.frames.engine import Engine, EngineSettings
from ...media.frames.frame_clock import PHASES, TICK_S
from ...media.frames.lane import Lane, LaneSettings
from ...media.frames.recorder import Recorder
from ...media.frames.vad import VadSettings
from ...media.frames.wire import Inbox, address_key
from ..speech.load_speech import bench_speech
from .cores import SERVER_CORE
from .load_payloads import CODECS, Payloads, codec_of, encoded, payload_type

WARM_FRAMES = 50
HEADER = 12
EVENT_PAYLOAD_TYPE = 101
FAR = address_key("127.0.0.1", 40000)


class MemoryWire:
    """One packet for every lane that is asked for; what is sent is counted."""

    def __init__(self, payloads: Payloads) -> None:
        self._payloads = payloads
        self._rows: dict[int, list[int]] = {}
        self._frame: dict[int, int] = {}
        self.sent = self.received = 0

    def attach(self, cohort: int, row: int) -> None:
        """A lane gets packets from now on."""
        self._rows.setdefault(cohort, []).append(row)
        self._frame.setdefault(cohort, 0)

    def receive(self, cohort: int, inbox: Inbox) -> int:
        """The next packet of every lane of the cohort."""
        rows = np.array(self._rows.get(cohort, []), np.int64)
        if not rows.size:
            return 0
        tick = self._frame[cohort]
        self._frame[cohort] += 1
        payloads, n = self._payloads, len(rows)
        which = (tick + rows * 37) % len(payloads.lengths)
        inbox.data[:n, :HEADER] = self._header(tick, rows)
        inbox.data[:n, HEADER : HEADER + payloads.data.shape[1]] = payloads.data[which]
        inbox.lengths[:n] = HEADER + payloads.lengths[which]
        inbox.rows[:n] = rows
        inbox.sources[:n] = FAR
        self.received += n
        return n

    def send(
        self,
        cohort: int,
        rows: NDArray[np.int64],
        packets: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        destinations: NDArray[np.uint64],
    ) -> None:
        """Into nothing."""
        self.sent += len(rows)

    def send_control(self, cohort: int, row: int, data: bytes) -> None:
        """Into nothing."""

    def _header(self, tick: int, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        header = np.zeros((len(rows), HEADER), np.uint8)
        header[:, 0], header[:, 1] = 0x80, self._payloads.payload_type
        header[:, 2:4] = np.frombuffer((tick & 0xFFFF).to_bytes(2, "big"), np.uint8)
        stamp = (tick * self._payloads.timestamp_step) & 0xFFFFFFFF
        header[:, 4:8] = np.frombuffer(stamp.to_bytes(4, "big"), np.uint8)
        header[:, 8:HEADER] = (rows + 1).astype(">u4").view(np.uint8).reshape(-1, 4)
        return header


class Replay:
    """An engine whose time goes as fast as it can."""

    def __init__(self, codec: Codec, lanes: int, vad: bool, speech: NDArray[np.int16]) -> None:
        self.wire = MemoryWire(encoded(speech, codec))
        self._clock = VirtualClock()
        self._recorder = Recorder()
        settings = EngineSettings(max_lanes=lanes, vad=VadSettings() if vad else None)
        self.engine = Engine(self._clock, self.wire, self._recorder, random.Random(1), settings)
        self._ticks = 0
        number = payload_type(codec)
        self.lanes = [
            self.engine.open(
                LaneSettings(
                    codec=codec,
                    payload_type=number,
                    receive_payload_type=number,
                    destination=FAR,
                    event_payload_type=EVENT_PAYLOAD_TYPE,
                    receive_event_payload_type=EVENT_PAYLOAD_TYPE,
                )
            )
            for _ in range(lanes)
        ]
        for lane in self.lanes:
            self.wire.attach(*lane.place)
            self._speak(lane, speech)

    def run(self, frames: int) -> None:
        """So many frames of each lane."""
        for _ in range(frames * PHASES):
            self._clock.advance(TICK_S)
            self._ticks += 1
            self.engine.tick(self._ticks % PHASES)

    def record(self, folder: Path) -> None:
        """All lanes, from now on; returns when their files have been made."""
        for number, lane in enumerate(self.lanes):
            lane.record(folder / f"{number}.wav")
        self.wait_for_writer()

    def wait_for_writer(self) -> None:
        """Until all that has been recorded is written."""
        # Orders are carried out in turn, and nobody has this key.
        self._recorder.stop((-1, -1)).result()

    def _speak(self, lane: Lane, speech: NDArray[np.int16]) -> None:
        lane.play(1, speech)
        lane.open_gate(1)


def cost_us(
    codec: Codec,
    lanes: int,
    vad: bool,
    frames: int,
    speech: NDArray[np.int16],
    record_to: Path | None = None,
) -> float:
    """CPU of one lane's frame, both directions."""
    replay = Replay(codec, lanes, vad, speech)
    if record_to is not None:
        replay.record(record_to)
    replay.run(WARM_FRAMES)
    replay.wait_for_writer()
    began_s, sent = time.process_time(), replay.wire.sent
    replay.run(frames)
    replay.wait_for_writer()
    spent_s = time.process_time() - began_s
    assert replay.wire.sent - sent == lanes * frames, "every lane sends every frame"
    return 1e6 * spent_s / (lanes * frames)


def main() -> None:
    """Run as a process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codec", choices=CODECS, default="PCMU")
    parser.add_argument("--lanes", type=int, default=100)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--vad", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--speech", type=Path, help="int16 at the codec's rate")
    options = parser.parse_args()
    os.sched_setaffinity(0, {SERVER_CORE})
    threadpool_limits(1)  # as Engine.start does
    codec = codec_of(options.codec)
    known = options.speech is not None
    speech = np.fromfile(options.speech, np.int16) if known else bench_speech(codec.sample_rate_hz)
    speech.setflags(write=False)  # as speech services give it: lanes share it
    with tempfile.TemporaryDirectory(prefix="offhook-frame-cost-") as folder:
        record_to = Path(folder) if options.record else None
        us = cost_us(codec, options.lanes, options.vad, options.frames, speech, record_to)
    print(json.dumps({"us_a_frame": us, "lanes": options.lanes}))


if __name__ == "__main__":
    main()
