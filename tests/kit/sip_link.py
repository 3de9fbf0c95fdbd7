"""SIP user agents joined by a network that loses, doubles and delays, on a virtual time line."""

import heapq
import itertools
import random
from collections.abc import Callable

import msgspec

from offhook.codecs.catalog import Codec
from offhook.drivers.sip.address import Address
from offhook.drivers.sip.agent import UserAgent
from offhook.drivers.sip.agent_events import (
    AgentSettings,
    AnyAgentEvent,
    CallArrived,
    CallChanged,
    Credentials,
    RegistrationChanged,
)
from offhook.drivers.sip.callee import CalleeSession
from offhook.drivers.sip.caller import CallerSession, Invitation
from offhook.drivers.sip.hop import Hop
from offhook.drivers.sip.identity import Identity
from offhook.drivers.sip.invite_usage import SessionSettings
from offhook.drivers.sip.message import Request, Response, parse
from offhook.drivers.sip.negotiation import MediaChoice
from offhook.drivers.sip.session import Session
from offhook.drivers.sip.trunk import Trunk
from offhook.drivers.sip.uri import Uri
from offhook.media.errors import Refused
from offhook.media.ports import AnyLegEvent, LanePort

OnCall = Callable[["Phone", CalleeSession, float], None]
"What a phone does when it is called, and when that is."


class FakeMedia:
    """Media sessions that only remember what was asked of them."""

    def __init__(self, host: str = "192.0.2.10", limit: int = 1_000_000) -> None:
        self.host = host
        self.limit = limit
        self.opened: list[FakeMediaSession] = []
        self.live = 0
        self.codecs_refused: tuple[Codec, ...] = ()
        self.on_apply: Callable[[], None] = lambda: None

    def open(self, remote_host: str) -> "FakeMediaSession":
        if self.live >= self.limit:
            raise Refused("no free port")
        session = FakeMediaSession(self, self.host, 20_000 + 2 * len(self.opened))
        self.opened.append(session)
        self.live += 1
        return session


class FakeMediaSession:
    lane: LanePort | None = None

    def __init__(self, pool: FakeMedia, host: str, port: int) -> None:
        self.local_host = host
        self.local_port = port
        self.applied: list[MediaChoice] = []
        self.closed = False
        self._pool = pool

    def apply(self, choice: MediaChoice) -> None:
        assert not self.closed, "media was closed"
        assert self.can_apply(choice.codec), "can_apply() was asked"
        self.applied.append(choice)
        self._pool.on_apply()

    def can_apply(self, codec: Codec) -> bool:
        return codec not in self._pool.codecs_refused

    def close(self) -> None:
        assert not self.closed, "closed twice"
        self.closed = True
        self._pool.live -= 1


class Phone:
    """One user agent at an address of its own."""

    def __init__(
        self,
        host: str,
        rng: random.Random,
        settings: AgentSettings,
        on_call: OnCall | None = None,
        refuse: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.hop = Hop("UDP", host, 5060)
        self.media = FakeMedia(host)
        identity = Identity(5060, lambda remote: host, "Offhook", rng)
        self.agent = UserAgent(settings, identity, self.media.open, refuse)
        self.on_call = on_call
        self.events: list[AnyAgentEvent] = []
        self.calls: list[CalleeSession] = []
        self.inbox: list[Request | Response] = []
        "Every message that reached this phone, copies too."

    def told(self, session: object) -> list[AnyLegEvent]:
        """What was told of one call."""
        return [
            event.event
            for event in self.events
            if isinstance(event, CallChanged) and event.session is session
        ]

    def registrations(self) -> list[object]:
        return [event.event for event in self.events if isinstance(event, RegistrationChanged)]

    def collect(self, now: float) -> None:
        while (event := self.agent.next_event()) is not None:
            self.events.append(event)
            if isinstance(event, CallArrived):
                self.calls.append(event.session)
                if self.on_call is not None:
                    self.on_call(self, event.session, now)
                    self.agent.changed(event.session, now)


class Weather(msgspec.Struct, frozen=True):
    """What the network does to each datagram."""

    loss: float = 0.0
    doubled: float = 0.0
    delay_s: tuple[float, float] = (0.01, 0.01)


class Link:
    """Delivers datagrams among phones, and runs their timers, in the order of time."""

    def __init__(self, seed: int = 0, weather: Weather = Weather()) -> None:  # noqa: B008
        self.now = 0.0
        self.rng = random.Random(seed)
        self.weather = weather
        self.phones: dict[Hop, Phone] = {}
        self.peers: dict[Hop, Callable[[Request | Response, Hop], None]] = {}
        "Elements that only listen (scripted ones), by where they are."
        self.log: list[str] = []
        "`time from>to first line`, as sent."
        self.drop: Callable[[Request | Response], bool] | None = None
        "Messages that get lost on the way, besides what the weather takes."
        self._order = itertools.count()
        self._flying: list[tuple[float, int, Hop, Hop, bytes]] = []

    def phone(
        self,
        host: str,
        settings: AgentSettings | None = None,
        on_call: OnCall | None = None,
        refuse: Callable[[], str | None] = lambda: None,
    ) -> Phone:
        """A phone that takes calls from everybody on this link."""
        settings = settings or open_settings()
        phone = Phone(host, random.Random(self.rng.getrandbits(32)), settings, on_call, refuse)
        self.phones[phone.hop] = phone
        return phone

    def call(
        self, caller: Phone, target: str, credentials: Credentials | None = None
    ) -> CallerSession:
        """Place a call."""
        from_ = Address(None, Uri("sip", "caller", host=caller.hop.host))
        invitation = Invitation(Uri.parse(target), from_)
        session = caller.agent.call(invitation, credentials, self.now)
        self.flush()
        return session

    def act(self, phone: Phone, session: Session, verb: Callable[[float], None]) -> None:
        """Call a verb of a session, with all that follows at once."""
        verb(self.now)
        phone.agent.changed(session, self.now)
        self.flush()

    def send(self, source: Hop, to: Hop, data: bytes) -> None:
        """Put a datagram on its way."""
        first = data.split(b"\r\n")[0].decode("utf-8", "replace")
        self.log.append(f"{self.now:.3f} {source.host}>{to.host} {first}")
        copies = 0 if self.rng.random() < self.weather.loss else 1
        copies += self.rng.random() < self.weather.doubled
        if copies and self.drop is not None and self.drop(parse(data)):
            copies = 0
        for _ in range(copies):
            at = self.now + self.rng.uniform(*self.weather.delay_s)
            heapq.heappush(self._flying, (at, next(self._order), source, to, data))

    def flush(self) -> None:
        """Collect what the phones have to tell and to send; a telling may lead to a sending."""
        for phone in self.phones.values():
            phone.collect(self.now)
        for phone in self.phones.values():
            for message in phone.agent.datagrams_to_send():
                self.send(phone.hop, message.hop, message.data)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        self.flush()
        while (at := self._next_at()) is not None and at <= end:
            self.now = max(self.now, at)
            self._deliver()
            for phone in self.phones.values():
                timer = phone.agent.get_timer()
                if timer is not None and timer <= self.now:
                    phone.agent.handle_timer(self.now)
            self.flush()
        self.now = end

    def lines(self, word: str) -> list[str]:
        """Log entries that hold `word`."""
        return [line for line in self.log if word in line]

    def _deliver(self) -> None:
        while self._flying and self._flying[0][0] <= self.now:
            _, _, source, to, data = heapq.heappop(self._flying)
            phone = self.phones.get(to)
            if to in self.peers:
                self.peers[to](parse(data), source)
            elif phone is not None:
                phone.inbox.append(parse(data))
                phone.agent.receive_datagram(data, source, self.now)

    def _next_at(self) -> float | None:
        timers = [phone.agent.get_timer() for phone in self.phones.values()]
        times = [at for at in timers if at is not None]
        if self._flying:
            times.append(self._flying[0][0])
        return min(times, default=None)


EVERYBODY = (Trunk("test", ("0.0.0.0/0",)),)
"A trunk that lets all in."


def open_settings(session: SessionSettings = SessionSettings()) -> AgentSettings:  # noqa: B008
    """Settings of a phone that lets everybody in."""
    return AgentSettings(trunks=EVERYBODY, session=session)


def answers(phone: Phone, session: CalleeSession, now: float) -> None:
    """For `on_call`: answer at once."""
    session.answer(now)


def rings(phone: Phone, session: CalleeSession, now: float) -> None:
    """For `on_call`: ring and leave it at that."""
    session.ring(now)
