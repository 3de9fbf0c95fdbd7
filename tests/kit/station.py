"""A telephone on the loopback for tests: a frame engine and a SIP endpoint.

Real sockets and the real clock, but no speech services, so a test lasts as long as its audio.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Self, TypeVar

import numpy as np

from offhook.codecs.catalog import PCMU
from offhook.drivers.rtp.ports import PortPool, PortRange
from offhook.drivers.rtp.session import RtpMediaFactory
from offhook.drivers.rtp.wire import UdpWire
from offhook.drivers.sip.endpoint import SipEndpoint, SipSettings
from offhook.drivers.sip.leg import SipLeg
from offhook.media.clock import LoopClock
from offhook.media.events import AnyMediaEvent, AudioCaptured
from offhook.media.frames.engine import Engine, EngineSettings
from offhook.media.frames.lane import Lane
from offhook.media.frames.recorder import Recorder
from offhook.media.ports import AnyLegEvent, LegAnswered, LegEnded

LIMIT_S = 10.0
"Of waiting for anything: much longer than it takes."
LOUD = 1000
"Agents of these tests are not so loud."
TONE_S, TONE_HZ, TONE_PEAK = 10, 440, 8000
EPOCH = 1

EventT = TypeVar("EventT", bound=AnyLegEvent)


class Party:
    """One end of a call: waits for what happens, speaks a tone, hears one."""

    def __init__(self, leg: SipLeg) -> None:
        self.leg = leg
        self.events: list[AnyLegEvent] = []
        self._changed = asyncio.Event()
        self._loud = asyncio.Event()
        leg.sink = self._receive

    async def wait_for(self, kind: type[EventT]) -> EventT:
        """The first event of that kind."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                for event in self.events:
                    if isinstance(event, kind):
                        return event
                self._changed.clear()
                await self._changed.wait()

    async def answered(self) -> None:
        await self.wait_for(LegAnswered)

    async def ended(self) -> LegEnded:
        return await self.wait_for(LegEnded)

    @property
    def lane(self) -> Lane:
        lane = self.leg.lane
        assert isinstance(lane, Lane), "the call has audio"
        return lane

    def sound(self) -> None:
        """Send a tone from now on."""
        lane = self.lane
        turns = np.arange(TONE_S * lane.rate_hz) * TONE_HZ / lane.rate_hz
        lane.play(EPOCH, (TONE_PEAK * np.sin(2 * np.pi * turns)).astype(np.int16))
        lane.open_gate(EPOCH)

    async def hear_from(self, other: "Party") -> None:
        """Wait for the other's tone, which begins now."""
        other.sound()
        await self.hear()

    async def hear(self) -> None:
        """Wait for something loud."""
        lane = self.lane
        self._loud.clear()
        lane.sink = self._listen
        lane.capture(lane.position_samples)
        async with asyncio.timeout(LIMIT_S):
            await self._loud.wait()
        lane.end_capture()

    def _receive(self, event: AnyLegEvent) -> None:
        self.events.append(event)
        self._changed.set()

    def _listen(self, event: AnyMediaEvent) -> None:
        if isinstance(event, AudioCaptured) and np.frombuffer(event.pcm, np.int16).max() > LOUD:
            self._loud.set()


class Station:
    """`async with Station() as station`. `on_incoming`: who takes calls; None: `incoming()`."""

    def __init__(self, on_incoming: Callable[[SipLeg], None] | None = None) -> None:
        self.clock = LoopClock()
        self.recorder = Recorder()
        wire = UdpWire()
        rng = random.Random(1)
        self.engine = Engine(self.clock, wire, self.recorder, rng, EngineSettings(vad=None))
        self.ports = PortPool("127.0.0.1", PortRange(0, 0))
        media = RtpMediaFactory(self.engine, wire, self.ports, self.clock)
        self._arrived = asyncio.Queue[Party]()
        self.endpoint = SipEndpoint(
            SipSettings(port=0, open_loopback=True, codecs=(PCMU,)),
            self.clock,
            random.SystemRandom(),
            media.open,
            on_incoming or (lambda leg: self._arrived.put_nowait(Party(leg))),
        )

    async def __aenter__(self) -> Self:
        await self.endpoint.start()
        self.engine.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.endpoint.aclose()
        self.engine.close_clock()
        await self.recorder.aclose()

    def address(self, user: str) -> str:
        """How others call this station."""
        return f"sip:{user}@127.0.0.1:{self.endpoint.port}"

    def call(self, target: str) -> Party:
        return Party(self.endpoint.call(target))

    async def incoming(self) -> Party:
        """The next call that comes in; it rings."""
        async with asyncio.timeout(LIMIT_S):
            party = await self._arrived.get()
        party.leg.ring()
        return party
