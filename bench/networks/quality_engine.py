"""Offhook's frame engine at the end of a trace: a lane on a virtual clock, packets by their time.

The lane is opened, fed and heard through the engine's own face (a Wire, LanePort's capture and
quality), so what is measured is what a call gets. Not here: traces (netem.py), scores.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...codecs.catalog import FIRST_DYNAMIC_PAYLOAD_TYPE, Codec
from ...media.clock import VirtualClock
from ...media.events import AnyMediaEvent, AudioCaptured
from ...media.frames.engine import Engine, EngineSettings
from ...media.frames.frame_clock import PHASES, TICK_S
from ...media.frames.lane import LaneSettings
from ...media.frames.recorder import Recorder
from ...media.frames.vad import VadSettings
from ...media.frames.wire import Inbox, address_key
from ...media.ports import Quality
from .netem import PTIME_S, Arrival
from .quality_buffers import Counted

FAR_END = address_key("127.0.0.1", 4000)
HEADER_BYTES = 12
SSRC = 0x0FFC0DE


class Heard(NamedTuple):
    """What a lane heard of a trace."""

    pcm: NDArray[np.int16]
    "From the first frame on, which was played at the phase that was asked for."
    counted: Counted
    events: list[AnyMediaEvent]


class _TraceWire:
    """A Wire without sockets: what has arrived by now for the one lane; nothing is sent."""

    def __init__(self) -> None:
        self.arrived: list[tuple[bytes, float]] = []
        "Each packet, and when it came, wall time: as a kernel stamps it."

    def receive(self, cohort: int, inbox: Inbox) -> int:
        del cohort
        for index, (packet, at_wall) in enumerate(self.arrived):
            inbox.data[index, : len(packet)] = np.frombuffer(packet, np.uint8)
            inbox.lengths[index] = len(packet)
            inbox.rows[index] = 0
            inbox.sources[index] = FAR_END
            inbox.arrived_wall[index] = at_wall
        count, self.arrived = len(self.arrived), []
        return count

    def send(
        self,
        cohort: int,
        rows: NDArray[np.int64],
        packets: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        destinations: NDArray[np.uint64],
    ) -> None:
        pass

    def send_control(self, cohort: int, row: int, data: bytes) -> None:
        pass


def hear(
    codec: Codec,
    payloads: list[bytes],
    arrivals: list[Arrival],
    frames: int,
    phase_s: float,
    span: tuple[int, int],
    seed: int = 0,
    vad: VadSettings | None = None,
) -> Heard:
    """Play a trace of `payloads` into a new lane; `span` is the frames that are counted."""
    rng = random.Random(seed)
    clock, wire = VirtualClock(), _TraceWire()
    engine = Engine(clock, wire, Recorder(), rng, EngineSettings(vad=vad))
    dynamic = FIRST_DYNAMIC_PAYLOAD_TYPE
    payload_type = dynamic if codec.payload_type is None else codec.payload_type
    lane = engine.open(
        LaneSettings(
            codec=codec,
            payload_type=payload_type,
            receive_payload_type=payload_type,
            destination=FAR_END,
            receive_event_payload_type=101,
        )
    )
    assert lane.place[1] == 0, "the wire knows one lane only, the first"
    events: list[AnyMediaEvent] = []
    lane.sink = events.append
    lane.capture(0)
    packet_of = _packets(codec, payload_type, payloads, rng.getrandbits(16))
    at = doubles = 0
    seen: set[int] = set()
    snapshots: list[tuple[Quality, int]] = []
    for number in range(frames):
        if number in span:
            snapshots.append((lane.quality(), doubles))
        now_s = phase_s + number * PTIME_S
        while at < len(arrivals) and arrivals[at].at_s <= now_s:
            packet = arrivals[at].packet
            doubles += packet in seen
            seen.add(packet)
            came_wall = clock.wall() - (now_s - arrivals[at].at_s)
            wire.arrived.append((packet_of(packet), came_wall))
            at += 1
        for phase in range(PHASES):
            engine.tick(phase)
            clock.advance(TICK_S)
    snapshots.append((lane.quality(), doubles))
    lane.end_capture()
    pieces = [event.pcm for event in events if isinstance(event, AudioCaptured)]
    pcm = np.frombuffer(b"".join(pieces), np.int16)
    counted = _counted(snapshots[0], snapshots[1], span, codec.sample_rate_hz)
    return Heard(pcm, counted, events)


def _packets(
    codec: Codec, payload_type: int, payloads: list[bytes], first: int
) -> Callable[[int], bytes]:
    """RTP packets by their numbers; sequence and timestamp begin anywhere."""
    step = codec.clock_rate_hz * codec.ptime_ms // 1000

    def packet(number: int) -> bytes:
        sequence, timestamp = (first + number) & 0xFFFF, (first + number) * step & 0xFFFFFFFF
        head = bytes((0x80, payload_type | (0x80 if number == 0 else 0)))
        head += sequence.to_bytes(2, "big") + timestamp.to_bytes(4, "big")
        return head + SSRC.to_bytes(4, "big") + payloads[number]

    return packet


def _counted(
    before: tuple[Quality, int], after: tuple[Quality, int], span: tuple[int, int], rate_hz: int
) -> Counted:
    """Between two snapshots: doubles are thrown away too, but were not late."""
    (then, doubles_then), (now, doubles_now) = before, after
    frames = span[1] - span[0]
    concealed = now.concealed_samples - then.concealed_samples
    discarded = now.packets_discarded - then.packets_discarded
    late = max(0, discarded - (doubles_now - doubles_then))
    return Counted(concealed / (frames * PTIME_S * rate_hz), late / frames)
