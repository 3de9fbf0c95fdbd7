"""SHELL: calls' ways in and out of one server, put together: the frame engine, SIP, the loopback.

The engine is made first: legs get their lanes of it. The clock runs (`run`) only when the lines are
up and nothing more is to be loaded. In the end it stops before the lines do, and recordings are
closed (`recorder.aclose`) when no frame can come any more.
"""

import contextlib
import logging
import random
from collections.abc import Callable, Mapping

from ...drivers.loopback.ledger import Ledger
from ...drivers.loopback.line import MAX_CALLS as SIMULATED, LoopbackLine
from ...drivers.rtp.ports import PortPool, PortRange
from ...drivers.rtp.session import RtpMediaFactory
from ...drivers.rtp.wire import UdpWire
from ...drivers.sip.endpoint import LineSettings, SipEndpoint
from ...drivers.sip.registration import AnyRegistrationEvent
from ...media.clock import Clock
from ...media.errors import Refused
from ...media.frames.engine import Engine, EngineSettings
from ...media.frames.recorder import Recorder
from ...media.ports import LegPort
from ...media.speech_ports import Synthesizer
from ..configuration.config import Settings
from ..configuration.config_lines import LOOPBACK_LINE
from ..dialer.call_limits import CallLimits
from ..dialer.dialling import is_address
from ..errors import StartError
from .lines import Lines
from .sip_settings import sip_settings

LOOPBACK = "127.0.0.1"
ANY_HOST = ("", "0.0.0.0", "::")

logger = logging.getLogger(__name__)


class LineRoom:
    """`start()`, then `run()`; both end with the stack."""

    def __init__(
        self, settings: Settings, limits: CallLimits, clock: Clock, rng: random.Random
    ) -> None:
        """`limits`: what else counts the calls of a line."""
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._wire = UdpWire()
        self.recorder = Recorder()
        self.engine = Engine(
            clock,
            self._wire,
            self.recorder,
            rng,
            EngineSettings(
                max_lanes=_lanes(settings), max_lateness_ms=settings.limits.max_lateness_ms
            ),
        )
        self.lines = Lines(settings, limits)
        self.ports = PortPool(settings.rtp.host, PortRange(*settings.rtp.port_range()))
        self._sip: SipEndpoint | None = None

    async def start(
        self,
        stack: contextlib.AsyncExitStack,
        take: Callable[[LegPort], None],
        refuse: Callable[[], str | None],
        voice: Synthesizer,
    ) -> None:
        """Open the lines. Raises StartError, SipError and MediaError.

        `take` gets every leg that comes in, unless `refuse` says why none is taken. Those who
        answer simulated calls speak with `voice`.
        """
        if self._settings.loopback:
            await self._start_loopback(stack, take, voice)
        await self._start_sip(stack, take, refuse)

    def run(self, stack: contextlib.AsyncExitStack) -> None:
        """Let frames flow."""
        self.engine.start()
        stack.callback(self.engine.close_clock)

    def dial(self, to: str, line: str) -> LegPort:
        """Somebody else for a call that has come by `line`. Raises MediaError and SipError."""
        if reason := self.engine.refusal(admitted=True):
            raise Refused(reason)
        known = self.lines.get(line)
        carries = known is not None and known.can_call_out and not known.simulated
        if self._sip is not None and is_address(to) and not carries:
            public_only = not self._settings.sip.allow_private
            return self._sip.call(to, line=line, public_only=public_only)
        return self.lines.call(line, to)

    def sip_kept(self) -> Mapping[str, int]:
        """How much SIP keeps, by kind."""
        return {} if self._sip is None else self._sip.agent.live

    def sip_address(self) -> str:
        """Host and port that are really served."""
        assert self._sip is not None, "start() comes first"
        return f"{self._settings.sip.host}:{self._sip.port}"

    def how_to_call(self) -> str:
        """For people: who can call in, and where."""
        assert self._sip is not None, "start() comes first"
        sip = self._settings.sip
        if sip.open == "loopback":
            host = LOOPBACK if sip.host in ANY_HOST else sip.host
            return f"from this machine, call sip:agent@{host}:{self._sip.port}"
        if self._settings.trunks or self._settings.lines:
            return "calls are taken from the trunks and lines of the configuration"
        return "nobody can call yet: set OFFHOOK_SIP_OPEN=loopback, or [[trunks]] or [[lines]]"

    async def _start_loopback(
        self,
        stack: contextlib.AsyncExitStack,
        take: Callable[[LegPort], None],
        voice: Synthesizer,
    ) -> None:
        line = LoopbackLine(
            self.engine, self._wire, voice, self._clock, self._rng, LOOPBACK_LINE, take
        )
        if self._settings.loopback_ledger:
            ledger = Ledger(self._settings.loopback_ledger)
            stack.callback(ledger.close)
            line.on_dialled = ledger.add
        await line.start()
        self.lines.loopback = line
        stack.push_async_callback(line.aclose)

    async def _start_sip(
        self,
        stack: contextlib.AsyncExitStack,
        take: Callable[[LegPort], None],
        refuse: Callable[[], str | None],
    ) -> None:
        settings, sip = self._settings, self._settings.sip
        media = RtpMediaFactory(
            self.engine, self._wire, self.ports, self._clock, sip.advertised_host or None
        )
        endpoint = SipEndpoint(
            sip_settings(settings),
            self._clock,
            self._rng,
            media.open,
            take,
            refuse,
            self._tell_registration,
        )
        try:
            await endpoint.start()
        except OSError as exc:
            where = f"SIP on {sip.host} port {sip.port}"
            # uvloop's own error tells where it could not bind, its cause tells why.
            why = exc.__cause__ if isinstance(exc.__cause__, OSError) else exc
            raise StartError(where, why.strerror or str(why)) from exc
        self._sip = self.lines.sip = endpoint
        stack.push_async_callback(self._end_sip, endpoint)
        for line in settings.lines:
            endpoint.register(
                LineSettings(line.name, line.registrar, line.username, line.password, line.expires)
            )

    async def _end_sip(self, endpoint: SipEndpoint) -> None:
        self._sip = self.lines.sip = None  # the metrics outlive it
        await endpoint.aclose()

    def _tell_registration(self, event: AnyRegistrationEvent) -> None:
        logger.info("line: %s", event)
        self.lines.tell_registration(event)


def _lanes(settings: Settings) -> int:
    """Each call's, those that live calls call, and the far ends that are simulated here."""
    legs = settings.limits.max_calls + settings.limits.second_legs
    return legs + (min(legs, SIMULATED) if settings.loopback else 0)
