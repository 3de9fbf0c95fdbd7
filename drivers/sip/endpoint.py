"""SHELL: everything SIP of one server: a user agent core, its socket, its timer, its legs."""

import asyncio
import ipaddress
import logging
import random
from collections import OrderedDict
from collections.abc import Callable, Mapping

import msgspec

from ...codecs.catalog import PREFERENCE, Codec
from ...media.clock import Clock, Timer
from ...media.ports import HangUpCause, LegEnded
from .address import Address
from .agent import UserAgent
from .agent_events import AgentSettings, AnyAgentEvent, CallArrived, CallChanged, Credentials
from .callee import CalleeSession
from .caller import CallerSession, Invitation
from .hop import Hop, leads_to
from .identity import Identity
from .invite_usage import SessionSettings
from .leg import SipLeg
from .negotiation import OpenMedia
from .registration import AnyRegistrationEvent, RegistrationSettings
from .session import Session
from .session_timer import TimerSettings
from .timers import Timers
from .transport import UdpTransport, address_towards
from .trunk import DIGEST_ALGORITHMS, Account, Trunk
from .uri import Uri

logger = logging.getLogger(__name__)

CLOSE_LIMIT_S = 3.0
"How long aclose() waits for BYE and REGISTER to be answered."
MAX_ROUTES_KEPT = 1024
DEFAULT_USER = "offhook"


class SipSettings(msgspec.Struct, frozen=True):
    """What the SIP side of a server is configured with."""

    host: str = "127.0.0.1"
    "Address to listen on; 0.0.0.0 for all."
    port: int = 5060
    "0: any free one."
    advertised_host: str | None = None
    "What others reach us by, where that is not the address we listen on."
    user_agent: str = "Offhook"
    open_loopback: bool = False
    "Anybody on this machine may call in."
    trunks: tuple[Trunk, ...] = ()
    accounts: tuple[Account, ...] = ()
    digest_algorithms: tuple[str, ...] = DIGEST_ALGORITHMS
    "What accounts are challenged with; see trunk.py."
    session_expires_s: int = 1800
    codecs: tuple[Codec, ...] = PREFERENCE
    ring_limit_s: float = 180.0
    timers: Timers = Timers()


class LineSettings(msgspec.Struct, frozen=True):
    """A SIP phone account that is registered while the server runs."""

    name: str
    registrar: str
    "`sip:host:port`"
    username: str
    password: str
    expires_s: int = 300


class SipEndpoint:
    """The SIP side of a server. `start()`, then `call()`, `register()`, and calls that come in."""

    def __init__(
        self,
        settings: SipSettings,
        clock: Clock,
        rng: random.Random,
        open_media: OpenMedia,
        on_incoming: Callable[[SipLeg], None],
        refuse: Callable[[], str | None] = lambda: None,
        on_registration: Callable[[AnyRegistrationEvent], None] = lambda event: None,
    ) -> None:
        """`rng`: random.SystemRandom() outside of tests. `on_incoming` must answer, refuse or ring
        the leg, now or later. `refuse` says why no call can be taken, None when one can."""
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._open_media = open_media
        self._on_incoming = on_incoming
        self._refuse = refuse
        self._on_registration = on_registration
        self._lines: dict[str, LineSettings] = {}
        self._legs: dict[int, SipLeg] = {}
        self._local_hosts: OrderedDict[str, str] = OrderedDict()
        self._transport: UdpTransport | None = None
        self._agent: UserAgent | None = None
        self._timer: Timer | None = None
        self._timer_at: float | None = None
        self._draining = False
        self._idle = asyncio.Event()

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        settings = self._settings
        transport = UdpTransport(
            self._clock, self._on_datagram, self._on_unreachable, self._on_refused
        )
        await transport.open(settings.host, settings.port)
        self._transport = transport
        identity = Identity(self._transport.port, self._host_for, settings.user_agent, self._rng)
        self._agent = UserAgent(
            AgentSettings(
                codecs=settings.codecs,
                session=SessionSettings(
                    timers=settings.timers,
                    session_timer=TimerSettings(settings.session_expires_s),
                    ring_limit_s=settings.ring_limit_s,
                ),
                trunks=settings.trunks,
                accounts=settings.accounts,
                digest_algorithms=settings.digest_algorithms,
                open_loopback=settings.open_loopback,
            ),
            identity,
            self._open_media,
            self._refuse,
        )

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._started[1].port

    @property
    def agent(self) -> UserAgent:
        """The core, to be read: counters, what is live."""
        return self._started[0]

    @property
    def legs(self) -> list[SipLeg]:
        """The calls that are live."""
        return list(self._legs.values())

    def call(
        self,
        target: str,
        *,
        from_: str | None = None,
        username: str | None = None,
        password: str | None = None,
        headers: Mapping[str, str] | None = None,
        line: str = "",
        public_only: bool = False,
    ) -> SipLeg:
        """Place a call to a SIP URI, or to a number by a registered line.

        `public_only`: its target is somebody's who must not reach our own network through us.

        Nobody but its registrar is shown what a line can show of itself: whoever is called may ask
        for it, and use the answer elsewhere. Raises MalformedMessage (the URI), Unroutable,
        LocalError and media's Refused.
        """
        agent, transport = self._started
        settings = self._lines.get(line)
        uri = self._target(target, settings)
        if settings is not None:
            from_ = from_ or settings.username
            if leads_to(uri, Uri.parse(settings.registrar)):
                username, password = username or settings.username, password or settings.password
        invitation = Invitation(
            uri,
            self._from(from_, settings, transport),
            headers=tuple((headers or {}).items()),
            public_only=public_only,
        )
        credentials = None if username is None else Credentials(username, password or "")
        session = agent.call(invitation, credentials, self._clock.now())
        leg = self._add_leg(session, line)
        self._drain()
        return leg

    def register(self, line: LineSettings) -> None:
        """Register a line and keep it registered. Raises MalformedMessage and Unroutable."""
        agent, _ = self._started
        settings = RegistrationSettings(
            line.name, Uri.parse(line.registrar), line.username, line.expires_s
        )
        credentials = Credentials(line.username, line.password)
        agent.register(settings, credentials, self._clock.now())
        self._lines[line.name] = line
        self._drain()

    def unregister(self, name: str) -> None:
        """Remove a line's registration."""
        agent, _ = self._started
        del self._lines[name]
        agent.unregister(name, self._clock.now())
        self._drain()

    async def aclose(self) -> None:
        """End live calls with BYE, unregister, and close the socket."""
        if self._agent is None or self._transport is None:
            return
        self._idle.clear()
        self._agent.close(self._clock.now())
        self._drain()
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                if not self._agent.is_idle:
                    await self._idle.wait()
        except TimeoutError:
            logger.warning(
                "no answer to our goodbye in %g s, closed all the same: calls %d, lines %d",
                CLOSE_LIMIT_S,
                self._agent.live["sessions"],
                self._agent.live["registrations"],
            )
        if self._timer is not None:
            self._timer.cancel()
        await self._transport.aclose()
        self._agent = self._transport = None

    # --- the loop around the core ---

    @property
    def _started(self) -> tuple[UserAgent, UdpTransport]:
        assert self._agent is not None, "start() comes first"
        assert self._transport is not None, "start() comes first"
        return self._agent, self._transport

    def _on_datagram(self, data: bytes, source: Hop) -> None:
        if self._agent is not None:
            logger.debug("< %s %d bytes", source, len(data))
            self._agent.receive_datagram(data, source, self._clock.now())
            self._drain()

    def _on_unreachable(self, hop: Hop, why: str) -> None:
        if self._agent is not None:
            self._agent.transport_failed(hop, why, self._clock.now())
            self._drain()

    def _on_refused(self, quoted: bytes, why: str) -> None:
        if self._agent is not None:
            self._agent.receive_refusal(quoted, why, self._clock.now())
            self._drain()

    def _on_timer(self) -> None:
        at, self._timer, self._timer_at = self._timer_at, None, None
        if self._agent is not None and at is not None:
            self._agent.handle_timer(max(at, self._clock.now()))
            self._drain()

    def _on_changed(self, session: Session) -> None:
        if self._agent is not None:
            self._agent.changed(session, self._clock.now())
            self._drain()

    def _drain(self) -> None:
        """After every call into the core: report, send, re-arm the one timer."""
        if self._draining or self._agent is None or self._transport is None:
            return  # an owner's callback called a verb: the loop below goes on
        self._draining = True
        try:
            while (event := self._agent.next_event()) is not None:
                self._report(event)
        finally:
            self._draining = False
            for message in self._agent.datagrams_to_send():
                self._transport.send(message)
            self._rearm()
        if self._agent.is_idle:
            self._idle.set()

    def _report(self, event: AnyAgentEvent) -> None:
        """Tell the owner. This is where its code begins: a bug in it costs one call, not all."""
        try:
            if isinstance(event, CallArrived):
                self._on_incoming(self._add_leg(event.session, event.line))
            elif isinstance(event, CallChanged):
                self._tell_leg(event)
            else:
                self._on_registration(event.event)
        except Exception:
            logger.exception("the owner of a call failed on %s", type(event).__name__)
            if isinstance(event, CallArrived | CallChanged):
                event.session.hang_up(HangUpCause.ERROR, self._clock.now())
                self._on_changed(event.session)

    def _rearm(self) -> None:
        assert self._agent is not None, "_drain() has looked"
        at = self._agent.get_timer()
        if at != self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None if at is None else self._clock.call_at(at, self._on_timer)
            self._timer_at = at

    # --- legs ---

    def _add_leg(self, session: CallerSession | CalleeSession, line: str) -> SipLeg:
        leg = SipLeg(session, line, self._on_changed, self._clock.now)
        self._legs[id(session)] = leg
        return leg

    def _tell_leg(self, event: CallChanged) -> None:
        leg = self._legs.get(id(event.session))
        if leg is None:
            return
        if isinstance(event.event, LegEnded):
            del self._legs[id(event.session)]
        leg.tell(event.event)

    def _target(self, target: str, line: LineSettings | None) -> Uri:
        if line is None or ":" in target:
            return Uri.parse(target)
        return msgspec.structs.replace(Uri.parse(line.registrar), user=target)

    def _from(
        self, from_: str | None, line: LineSettings | None, transport: UdpTransport
    ) -> Address:
        if from_ is not None and ":" in from_:
            return Address.parse(from_)
        host = Uri.parse(line.registrar).host if line is not None else self._host_for("")
        port = None if line is not None else transport.port
        return Address(None, Uri("sip", from_ or DEFAULT_USER, host=host, port=port))

    def _host_for(self, remote: str) -> str:
        """Our address as `remote` sees it."""
        if self._settings.advertised_host is not None:
            return self._settings.advertised_host
        bound = self._transport.host if self._transport is not None else self._settings.host
        if not ipaddress.ip_address(bound).is_unspecified:
            return bound
        if remote not in self._local_hosts:
            try:
                self._local_hosts[remote] = address_towards(remote)
            except OSError:
                return "::1" if ":" in bound else "127.0.0.1"
            if len(self._local_hosts) > MAX_ROUTES_KEPT:
                self._local_hosts.popitem(last=False)
        return self._local_hosts[remote]
