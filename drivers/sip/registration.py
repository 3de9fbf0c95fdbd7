"""Being registered: REGISTER, refreshed before it runs out, removed at the end (RFC 3261 §10.2).

Sans-IO. The time that counts is the one the registrar gives *our* binding in its Contact list; a
registration that fails is tried again, ever more slowly and never in step with others.
"""

import enum
import logging
import random
from collections import deque

import msgspec

from .address import Address
from .authorizing import HEADERS_OF_STATUS, Authorizer, again
from .dialog import MAX_FORWARDS
from .grammar import readable
from .hop import Hop, hop_of
from .identity import Identity
from .message import Request, Response
from .transaction_layer import AnyAction, SendRequest
from .uri import Uri

logger = logging.getLogger(__name__)

REFRESH_AT = 0.85
"The part of the agreed time after which the binding is refreshed."
FIRST_RETRY_S = 2.0
LONGEST_RETRY_S = 300.0
RETRY_JITTER = 0.5
"A retry waits between half of its interval and all of it."
MAX_EXPIRES_S = 86_400
"Longest time that is asked for, whatever a 423 says."


class RegistrationSettings(msgspec.Struct, frozen=True):
    """One account at a registrar."""

    name: str
    registrar: Uri
    username: str
    expires_s: int = 300


class RegistrationState(enum.Enum):
    IDLE = "idle"
    REGISTERING = "registering"
    REGISTERED = "registered"
    WAITING = "waiting"
    "Failed; tried again later."
    UNREGISTERING = "unregistering"
    STOPPED = "stopped"


class Registered(msgspec.Struct, frozen=True):
    """The binding stands, for that long."""

    name: str
    expires_s: int


class RegistrationFailed(msgspec.Struct, frozen=True):
    """It does not; tried again in `retry_s`."""

    name: str
    status: int | None
    "None: no answer."
    reason: str
    retry_s: float


class Unregistered(msgspec.Struct, frozen=True):
    """The end, after stop()."""

    name: str


AnyRegistrationEvent = Registered | RegistrationFailed | Unregistered


class Registration:
    """One binding of one account."""

    def __init__(
        self, settings: RegistrationSettings, identity: Identity, authorizer: Authorizer
    ) -> None:
        """Raises Unroutable when there is no way to the registrar."""
        self.settings = settings
        self.state = RegistrationState.IDLE
        self._identity = identity
        self._authorizer = authorizer
        self._hop: Hop = hop_of(settings.registrar)
        self._rng: random.Random = identity.rng
        self._call_id = identity.call_id(self._hop)
        self._tag = identity.token()
        self._contact = identity.contact(self._hop, settings.username)
        self._cseq = 0
        self._expires_s = settings.expires_s
        self._failures = 0
        self._at: float | None = None
        self._in_flight: Request | None = None
        self._actions: list[AnyAction] = []
        self._events: deque[AnyRegistrationEvent] = deque()

    @property
    def hop(self) -> Hop:
        """Where the registrar is."""
        return self._hop

    @property
    def is_over(self) -> bool:
        """Stopped, and nothing is in flight."""
        return self.state is RegistrationState.STOPPED

    def start(self, now: float) -> None:
        """Register, and stay registered until stop()."""
        self._enter(RegistrationState.REGISTERING)
        self._send(self._request(self._expires_s))

    def stop(self, now: float) -> None:
        """Remove the binding (`Expires: 0`)."""
        if self.state in (RegistrationState.UNREGISTERING, RegistrationState.STOPPED):
            return
        self._at = None
        if self.state in (RegistrationState.IDLE, RegistrationState.WAITING):
            self._end()
            return
        self._enter(RegistrationState.UNREGISTERING)
        self._send(self._request(0))

    def actions_to_send(self) -> list[AnyAction]:
        """What the transaction layer is asked to do."""
        actions, self._actions = self._actions, []
        return actions

    def next_event(self) -> AnyRegistrationEvent | None:
        """What the owner should know, oldest first."""
        return self._events.popleft() if self._events else None

    def get_timer(self) -> float | None:
        """When handle_timer is wanted next."""
        return self._at

    def handle_timer(self, now: float) -> None:
        """Refresh, or try again."""
        if self._at is not None and self._at <= now:
            self._at = None
            self.start(now)

    def receive_response(self, response: Response, request: Request, now: float) -> None:
        """A response to a REGISTER."""
        if response.status < 200 or request is not self._in_flight:
            return
        self._in_flight = None
        if response.status in HEADERS_OF_STATUS and self._answer_challenge(request, response):
            return
        self._authorizer.settled("REGISTER")
        if self.state is RegistrationState.UNREGISTERING:
            self._end()
        elif response.status < 300:
            self._succeed(response, now)
        elif response.status == 423 and self._accept_longer(response):
            self._send(self._request(self._expires_s))
        else:
            self._fail(response.status, response.reason, response.seconds("Retry-After"), now)

    def request_failed(self, request: Request, fault: str | None, now: float) -> None:
        """Nobody answered, or it could not be sent."""
        if request is not self._in_flight:
            return
        self._in_flight = None
        if self.state is RegistrationState.UNREGISTERING:
            self._end()
        else:
            self._fail(None, "no answer" if fault is None else fault, None, now)

    # --- inside ---

    def _succeed(self, response: Response, now: float) -> None:
        self._failures = 0
        expires_s = self._granted(response)
        self._at = now + expires_s * REFRESH_AT
        self._enter(RegistrationState.REGISTERED)
        self._events.append(Registered(self.settings.name, expires_s))

    def _granted(self, response: Response) -> int:
        """The time of our own binding: others of the same account are in the list too."""
        asked = response.expires or self._expires_s
        for contact in response.contacts:
            if contact.is_wildcard or not _same_place(contact, self._contact):
                continue
            text = contact.parameter("expires") or ""
            if text.isascii() and text.isdigit() and len(text) < 10:
                return max(1, int(text))
        return max(1, min(asked, MAX_EXPIRES_S))

    def _accept_longer(self, response: Response) -> bool:
        """423: the registrar wants fewer refreshes (RFC 3261 §10.2.8)."""
        least = response.seconds("Min-Expires")
        if least is None or not self._expires_s < least <= MAX_EXPIRES_S:
            return False
        self._expires_s = least
        return True

    def _answer_challenge(self, request: Request, response: Response) -> bool:
        header = self._authorizer.answer(request, response)
        if header is None:
            return False
        self._cseq += 1
        retry = again(request, self._identity, self._hop, self._cseq)
        retry.headers.set(*header)
        self._send(retry)
        return True

    def _fail(self, status: int | None, reason: str, after_s: int | None, now: float) -> None:
        self._authorizer.settled("REGISTER")
        interval_s = min(FIRST_RETRY_S * 2**self._failures, LONGEST_RETRY_S)
        self._failures = min(self._failures + 1, 16)
        retry_s = max(
            interval_s * self._rng.uniform(RETRY_JITTER, 1.0),
            float(min(after_s or 0, LONGEST_RETRY_S)),
        )
        self._at = now + retry_s
        self._enter(RegistrationState.WAITING)
        self._events.append(
            RegistrationFailed(self.settings.name, status, readable(reason), retry_s)
        )

    def _end(self) -> None:
        self._enter(RegistrationState.STOPPED)
        self._events.append(Unregistered(self.settings.name))

    def _enter(self, state: RegistrationState) -> None:
        if state is not self.state:
            logger.debug("line %s: %s -> %s", self.settings.name, self.state.value, state.value)
            self.state = state

    def _send(self, request: Request) -> None:
        self._in_flight = request
        self._actions.append(SendRequest(request, self._hop))

    def _request(self, expires_s: int) -> Request:
        registrar = self.settings.registrar
        self._cseq += 1
        ours = Address(None, Uri("sip", self.settings.username, host=registrar.host))
        request = Request("REGISTER", Uri("sip", host=registrar.host, port=registrar.port))
        request.headers.add("Via", self._identity.via(self._hop))
        request.headers.add("Max-Forwards", str(MAX_FORWARDS))
        request.headers.add("From", str(ours.with_tag(self._tag)))
        request.headers.add("To", str(ours))
        request.headers.add("Call-ID", self._call_id)
        request.headers.add("CSeq", f"{self._cseq} REGISTER")
        request.headers.add("Contact", str(self._contact))
        request.headers.add("Expires", str(expires_s))
        request.headers.add("User-Agent", self._identity.user_agent)
        return request


def _same_place(one: Address, other: Address) -> bool:
    a, b = one.uri, other.uri
    return (a.user, a.host.lower(), a.port) == (b.user, b.host.lower(), b.port)
