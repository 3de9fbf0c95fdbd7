"""SHELL: a telephone of our own: one frame engine and one SIP endpoint that place calls.

What `offhook call`, the demo and the benchmarks call with; the server itself is wiring.py.
"""

import asyncio
import random

from ...codecs.catalog import PREFERENCE, Codec
from ...drivers.rtp.ports import PortPool, PortRange
from ...drivers.rtp.session import RtpMediaFactory
from ...drivers.rtp.wire import UdpWire
from ...drivers.sip.endpoint import SipEndpoint, SipSettings
from ...drivers.sip.leg import SipLeg
from ...media.clock import LoopClock
from ...media.frames.engine import Engine, EngineSettings
from ...media.frames.lane import Lane
from ...media.frames.recorder import Recorder
from ...media.frames.vad import VadSettings
from ...media.ports import AnyLegEvent, LegAnswered, LegEnded


class PlacedCall:
    """A call that is being placed, from ringing to its end."""

    def __init__(self, leg: SipLeg) -> None:
        self.leg = leg
        self._answered = asyncio.Event()
        self._ended = asyncio.Event()
        self.end: LegEnded | None = None
        self.was_answered = False
        leg.sink = self._receive

    @property
    def lane(self) -> Lane:
        """The audio; after the answer."""
        lane = self.leg.lane
        assert isinstance(lane, Lane), "the call has not been answered"
        return lane

    def _receive(self, event: AnyLegEvent) -> None:
        if isinstance(event, LegAnswered):
            self.was_answered = True
            self._answered.set()
        elif isinstance(event, LegEnded):
            self.end = event
            self.leg.sink = None  # it and we would keep each other
            self._answered.set()
            self._ended.set()

    async def answered(self) -> bool:
        """Wait for the answer, True, or for the end without one, False."""
        await self._answered.wait()
        return self.was_answered

    async def ended(self) -> LegEnded:
        """Wait for the end, whoever causes it."""
        await self._ended.wait()
        assert self.end is not None, "set before the event"
        return self.end


class Softphone:
    """Place calls: `await start()`, `call(...)`, `await aclose()`."""

    def __init__(
        self,
        *,
        host: str = "0.0.0.0",
        listens: bool = False,
        codecs: tuple[Codec, ...] = PREFERENCE,
    ) -> None:
        """`listens`: lanes tell when the far end speaks. `codecs`: offered, in this order."""
        self.clock = LoopClock()
        self.recorder = Recorder()
        self._rng = random.SystemRandom()
        wire = UdpWire()
        vad = VadSettings() if listens else None
        self.engine = Engine(self.clock, wire, self.recorder, self._rng, EngineSettings(vad=vad))
        ports = PortPool(host, PortRange(0, 0))
        self._media = RtpMediaFactory(self.engine, wire, ports, self.clock)
        self._endpoint = SipEndpoint(
            SipSettings(host=host, port=0, codecs=codecs),
            self.clock,
            self._rng,
            self._media.open,
            on_incoming=lambda leg: leg.hang_up(),
        )

    async def start(self) -> None:
        """Bind the SIP socket and start the frame clock. Raises OSError."""
        await self._endpoint.start()
        self.engine.start()

    def call(
        self, target: str, *, username: str | None = None, password: str | None = None
    ) -> PlacedCall:
        """Call a SIP address. Raises MalformedMessage, Unroutable and Refused."""
        leg = self._endpoint.call(target, from_=username, username=username, password=password)
        return PlacedCall(leg)

    async def aclose(self) -> None:
        """End what is live and close the sockets."""
        await self._endpoint.aclose()
        self.engine.close_clock()
        await self.recorder.aclose()
