"""A call with others in it, on a real frame engine and a virtual clock: tones tell who is heard.

Every party is a telephone with a lane of its own, whose packets cross with those of our lane.
"""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offhook.codecs.catalog import PCMU, Codec
from offhook.control.calls.bridging import Bridging
from offhook.media.clock import VirtualClock
from offhook.media.conversation.records import AnyCallEvent, CallRecord, CallStatus
from offhook.media.conversation.session import Session
from offhook.media.conversation.settings import AgentSettings
from offhook.media.events import AnyMediaEvent, AudioCaptured
from offhook.media.frames.engine import Engine, EngineSettings
from offhook.media.frames.frame_clock import PHASES, TICK_S
from offhook.media.frames.lane import Lane, LaneSettings
from offhook.media.frames.recorder import Recorder
from offhook.media.ports import AnyLegEvent, HangUpCause, LanePort, LegAnswered, LegEnded
from offhook.tests.kit.fake_speech import FakeResponder, FakeSynthesizer, FakeTranscriber
from offhook.tests.kit.fake_wire import FAR_END, FakeWire

PEAK = 4000
AGENT_HZ = 1300
LEAST_SHARE = 0.1
"Of a tone's energy: more of it is heard, less is not."


class RealLeg:
    """A leg whose audio is real. Implements LegPort."""

    def __init__(self, engine: Engine, lane: Lane, inbound: bool) -> None:
        self.line = "test"
        self.inbound = inbound
        self.from_number, self.to_number, self.wire_id = "+15550001", "+15550002", "leg"
        self.sink: Callable[[AnyLegEvent], None] | None = None
        self.lane: LanePort | None = None
        self.expected_rate_hz = lane.rate_hz
        self.ended: LegEnded | None = None
        self._engine = engine
        self._audio = lane

    def ring(self) -> None: ...

    def answer(self) -> None:
        self.lane = self._audio
        self._tell(LegAnswered())

    def send_digits(self, digits: str) -> None:
        self._audio.send_digits(digits)

    def hang_up(self, cause: HangUpCause = HangUpCause.NORMAL) -> None:
        self.end(cause, by_us=True)

    def end(self, cause: HangUpCause = HangUpCause.NORMAL, *, by_us: bool = False) -> None:
        """The leg is gone; told once."""
        if self.ended is None:
            self.ended = LegEnded(cause, by_us)
            self._engine.close(self._audio)
            self._tell(self.ended)

    def _tell(self, event: AnyLegEvent) -> None:
        if self.sink is not None:
            self.sink(event)


class Phone:
    """A party: their telephone, and our leg to it. It sends a tone of its own all the time."""

    def __init__(self, engine: Engine, hz: int, codec: Codec, inbound: bool = False) -> None:
        payload_type = 96 if codec.payload_type is None else codec.payload_type
        settings = LaneSettings(codec, payload_type, payload_type, FAR_END)
        self.hz = hz
        self.ours = engine.open(settings)
        self.theirs = engine.open(settings)
        self.leg = RealLeg(engine, self.ours, inbound)
        self.theirs.sink = self._hear
        self.theirs.play(1, tone(hz, self.theirs.rate_hz, 60.0))
        self.theirs.open_gate(1)
        self._pieces: list[NDArray[np.int16]] = []

    def listen(self) -> None:
        """Forget what was heard."""
        self._pieces = []
        self.theirs.capture(self.theirs.position_samples)

    def heard(self) -> NDArray[np.int16]:
        """What has been heard since `listen`."""
        self.theirs.end_capture()
        return np.concatenate([np.zeros(0, np.int16), *self._pieces])

    def _hear(self, event: AnyMediaEvent) -> None:
        if isinstance(event, AudioCaptured):
            self._pieces.append(np.frombuffer(event.pcm, np.int16))


class JoinedCall:
    """A caller, an agent, and those whom `bridging` calls: numbers of `phones`."""

    def __init__(self, codec: Codec = PCMU, recording: Path | None = None) -> None:
        self.clock = VirtualClock()
        self.wire = FakeWire()
        self.recorder = Recorder()
        settings = EngineSettings(vad=None)
        self.engine = Engine(self.clock, self.wire, self.recorder, random.Random(1), settings)
        self.caller = Phone(self.engine, 400, codec, inbound=True)
        self.phones: dict[str, Phone] = {}
        self.told: list[AnyCallEvent] = []
        self.record = CallRecord(
            id="call-1",
            line="test",
            wire_id="leg",
            inbound=True,
            from_number="+15550001",
            to_number="+15550002",
            agent="test",
            status=CallStatus.RINGING,
            started_wall=self.clock.wall(),
        )
        self.bridging = Bridging(self.caller.leg, self._dial, self.record)
        self.session = Session(
            self.caller.leg,
            FakeTranscriber(self.clock),
            FakeResponder(self.clock, lambda request: []),
            FakeSynthesizer(self.clock),
            AgentSettings(),
            self.clock,
            self.told.append,
            self.record,
            transfer=self.bridging.begin,
        )
        self.bridging.agent = self.session
        self.dialled: list[tuple[str, str]] = []
        self._recording = recording
        self._phase = 0
        self._task: asyncio.Task[None] | None = None

    async def answer(self) -> None:
        """The caller is answered, and the agent makes its sound."""
        if self._recording is not None:
            self.caller.ours.record(self._recording)
        self._task = asyncio.create_task(self.session.run())
        self.caller.leg.answer()
        self.agent_sounds()
        await self.run(200)

    def agent_sounds(self) -> None:
        """For a minute from now on, unless it is stopped."""
        self.session.play(tone(AGENT_HZ, 8000, 60.0), 8000, "tone")

    def add(self, number: str, hz: int, codec: Codec = PCMU) -> Phone:
        """Somebody who can be called."""
        phone = self.phones[number] = Phone(self.engine, hz, codec)
        return phone

    async def run(self, ms: int) -> None:
        """So much time passes."""
        for _ in range(ms // 5):
            self.clock.advance(TICK_S)
            self._phase = (self._phase + 1) % PHASES
            self.engine.tick(self._phase)
            ways = self._ways()
            for cohort, row, packet, _ in self.wire.take_sent():
                if (to := ways.get((cohort, row))) is not None:
                    self.wire.arrive(to.place, packet)
            for _ in range(3):
                await asyncio.sleep(0)

    async def heard_by(self, *phones: Phone) -> list[set[int]]:
        """The tones that each of them hears now, Hz."""
        await self.run(200)
        for phone in phones:
            phone.listen()
        await self.run(400)
        known = [AGENT_HZ, self.caller.hz, *(phone.hz for phone in self.phones.values())]
        return [tones_in(phone.heard(), phone.theirs.rate_hz, known) for phone in phones]

    async def finish(self) -> None:
        """The caller hangs up, if nobody has; all others are ended with them."""
        self.caller.leg.end()
        self.bridging.end()
        if self._task is not None:
            await asyncio.wait_for(self._task, 5)
        await self.recorder.aclose()

    def _ways(self) -> dict[tuple[int, int], Lane]:
        ways: dict[tuple[int, int], Lane] = {}
        for phone in (self.caller, *self.phones.values()):
            if phone.ours.open:
                ways[phone.ours.place] = phone.theirs
                ways[phone.theirs.place] = phone.ours
        return ways

    def _dial(self, to: str, line: str) -> RealLeg:
        self.dialled.append((to, line))
        return self.phones[to].leg


def tone(hz: int, rate_hz: int, seconds: float) -> NDArray[np.int16]:
    at = np.arange(round(rate_hz * seconds))
    return (PEAK * np.sin(2 * np.pi * hz * at / rate_hz)).astype(np.int16)


def tones_in(pcm: NDArray[np.int16], rate_hz: int, known: list[int]) -> set[int]:
    """Which of the known tones are there, by the energy at their frequency."""
    at = np.arange(len(pcm))
    found = set()
    for hz in known:
        turn = np.exp(-2j * np.pi * hz * at / rate_hz)
        level = 2 * abs(np.dot(pcm.astype(float), turn)) / max(1, len(pcm))
        if level**2 > LEAST_SHARE * PEAK**2:
            found.add(hz)
    return found
