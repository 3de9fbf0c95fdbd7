"""SHELL: the loopback line: calls to, and from, far ends that are simulated, through real frames.

Not here: who they are (behaviour.py).
"""

import logging
import random
import uuid
from collections.abc import Callable

from ...media.clock import Clock
from ...media.errors import Refused
from ...media.frames.engine import Engine
from ...media.ports import HangUpCause
from ...media.speech_ports import Synthesizer
from ..rtp.ports import PortPool, PortRange
from ..rtp.session import RtpMediaFactory
from ..rtp.wire import UdpWire
from .behaviour import HUMAN_CALLER, Behaviour, behaviour_of
from .call import LoopbackCall
from .far_end import FarEnd
from .leg import LoopbackLeg
from .media import CODEC, HOST, LoopbackMedia
from .sounds import Sounds

MAX_CALLS = 1000
"Two lanes each."
SPACING_S = 0.005
"""Calls that are placed at once are answered one in each tick: to open the lanes of a call, or to
close them, takes 0.6 ms, and two hundred answers in one moment would hold up every other call."""

logger = logging.getLogger(__name__)


class LoopbackLine:
    """Calls any number, and is called. `start()`, then `call()` and `call_in()`."""

    def __init__(
        self,
        engine: Engine,
        wire: UdpWire,
        synthesizer: Synthesizer,
        clock: Clock,
        rng: random.Random,
        name: str = "loopback",
        on_incoming: Callable[[LoopbackLeg], None] | None = None,
    ) -> None:
        """`engine` and `wire` are those of all calls; ports are any free ones of 127.0.0.1.

        `on_incoming` must answer or hang up the leg, now or later. `rng` makes ids.
        """
        self.name = name
        self._engine = engine
        self._clock = clock
        self._rng = rng
        self._on_incoming = on_incoming
        self.ports = PortPool(HOST, PortRange(0, 0))
        self._media = RtpMediaFactory(engine, wire, self.ports, clock, HOST)
        self._sounds = Sounds(synthesizer, CODEC.sample_rate_hz)
        self._legs: dict[str, LoopbackLeg] = {}
        self._next_at = 0.0
        "Before it no further call begins."
        self._open = False
        self.on_dialled: Callable[[str], None] | None = None
        "Told of every number that is dialled, for tests that nothing is dialled twice."

    async def start(self) -> None:
        """Take calls from now on."""
        self._open = True

    async def aclose(self) -> None:
        """End live calls."""
        self._open = False
        for leg in self.legs:
            leg.hang_up()
        await self._sounds.aclose()

    @property
    def legs(self) -> list[LoopbackLeg]:
        """The calls that are live."""
        return list(self._legs.values())

    def call(self, to_number: str, from_number: str = "", *, admitted: bool = False) -> LoopbackLeg:
        """Call a number: who answers, if anybody, is behaviour.py's. Raises Refused.

        `admitted`: a late clock was asked about before; it has to be much later than for new calls.
        """
        behaviour = behaviour_of(to_number)
        leg = self._begin(behaviour, from_number, to_number, inbound=False, admitted=admitted)
        if self.on_dialled is not None:
            self.on_dialled(to_number)
        return leg

    def call_in(self, from_number: str, to_number: str) -> None:
        """Let a far end call us: `on_incoming` gets its leg. Raises Refused."""
        if self._on_incoming is None:
            raise Refused(f"nobody takes calls of line {self.name}")
        leg = self._begin(HUMAN_CALLER, from_number, to_number, inbound=True)
        try:
            self._on_incoming(leg)
        except Exception:
            # Its owner's code: a bug in it costs this call.
            logger.exception("the owner of a call failed on its arrival")
            leg.hang_up(HangUpCause.ERROR)

    def _begin(
        self,
        behaviour: Behaviour,
        from_number: str,
        to_number: str,
        *,
        inbound: bool,
        admitted: bool = False,
    ) -> LoopbackLeg:
        if reason := self._refusal(admitted):
            raise Refused(reason)
        wire_id = f"loopback-{uuid.UUID(int=self._rng.getrandbits(128), version=4)}"
        media, legs = LoopbackMedia(self._media), self._legs
        began_at = max(self._clock.now(), self._next_at)
        self._next_at = began_at + SPACING_S
        far_end = FarEnd(behaviour, began_at)
        call = LoopbackCall(
            far_end, media, self._sounds, self._clock, lambda: legs.pop(wire_id, None)
        )
        numbers = (from_number, to_number)
        leg = legs[wire_id] = LoopbackLeg(call, self.name, numbers, wire_id, inbound=inbound)
        call.begin(leg)
        return leg

    def _refusal(self, admitted: bool) -> str | None:
        """Why no call can be made now. Simulated ones must not make real ones worse."""
        if not self._open:
            return f"line {self.name} is closed"
        if len(self._legs) >= MAX_CALLS:
            return f"all {MAX_CALLS} calls of line {self.name} are in use"
        return self._engine.refusal(admitted=admitted)
