"""The signalling of one outgoing call over UDP, by hand (RFC 3261, 3264, 8760). Sans-IO.

It shares no code with the server, so that what is wrong on both sides does not cancel out. One
call, one offer, no forking, no PRACK (none is offered), no session timers: what a call of a few
minutes to any agent needs, and not more.
"""

import enum
import logging
import random
import re

import msgspec

from .bare_digest import Credentials, authorization

T1_S = 0.5
T2_S = 4.0
TIMEOUT_S = 64 * T1_S
"Timers B and F."
ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, NOTIFY"
COPIED = ("via", "from", "to", "call-id", "cseq")
ANSWERED_200 = ("OPTIONS", "UPDATE", "INFO", "NOTIFY", "CANCEL")
SHORT_NAMES = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact"}
CHALLENGES = {
    401: ("www-authenticate", "Authorization"),
    407: ("proxy-authenticate", "Proxy-Authorization"),
}
URI = re.compile(r"<([^>]+)>")
URI_HOST = re.compile(r"sips?:(?:[^@]*@)?(\[[^\]]+\]|[^:;>?]+)(?::(\d+))?")

Address = tuple[str, int]

logger = logging.getLogger(__name__)


class Answered(msgspec.Struct, frozen=True):
    """The call is up."""

    sdp: str


class MediaMoved(msgspec.Struct, frozen=True):
    """A re-INVITE or UPDATE said where audio goes from now on."""

    sdp: str


class Refused(msgspec.Struct, frozen=True):
    """The call did not come about."""

    reason: str


class Ended(msgspec.Struct, frozen=True):
    """The call is over, by whichever side."""


Event = Answered | MediaMoved | Refused | Ended


class State(enum.Enum):
    """Of the call."""

    IDLE = enum.auto()
    CALLING = enum.auto()
    PROCEEDING = enum.auto()
    UP = enum.auto()
    ENDING = enum.auto()
    OVER = enum.auto()


class BareCall:
    """The UAC's side of a call: datagrams go in, datagrams and events come out."""

    def __init__(
        self,
        target: str,
        local: Address,
        rng: random.Random,
        sdp: str,
        credentials: Credentials | None = None,
    ) -> None:
        """`target` is `sip:user@host:port`; `local` where we are reached."""
        self.call_id = f"{rng.getrandbits(64):016x}@bench"
        self.state = State.IDLE
        self._local = f"{local[0]}:{local[1]}"
        self._rng = rng
        self._sdp = sdp
        self._credentials = credentials
        self._uri = self._target = target
        user = "bench" if credentials is None else credentials.username
        self._contact = f"<sip:{user}@{self._local}>"
        self._from = f"<sip:{user}@{local[0]}>;tag={rng.getrandbits(32):08x}"
        self._to = f"<{target}>"
        self._routes: list[str] = []
        self._cseq = self._invite_number = 0
        self._proof: tuple[str, ...] = ()
        "The INVITE's credentials; its ACK carries them too (§22.1)."
        self._request = ""
        "The one in flight, to be repeated."
        self._method = ""
        self._tried = False
        "Credentials, for the request in flight."
        self._timer: float | None = None
        self._interval_s = 0.0
        self._give_up_at = 0.0
        self._to_send: list[str] = []
        self._events: list[Event] = []

    # --- verbs -----------------------------------------------------------------------------------

    def invite(self, now: float) -> None:
        """Begin the call."""
        self._state_is(State.CALLING)
        self._start("INVITE", self._sdp, now)

    def hang_up(self, now: float) -> None:
        """End the call: BYE, or CANCEL while it is not up."""
        if self.state is State.UP:
            self._state_is(State.ENDING)
            self._start("BYE", "", now)
        elif self.state in (State.CALLING, State.PROCEEDING):
            # The same branch and number as the INVITE (RFC 3261 §9.1); nobody waits for its answer.
            self._send(self._like_invite("CANCEL"))
            self._over(None)

    def receive_datagram(self, data: bytes, now: float) -> None:
        """A message from the far end; what is malformed or not of this call is ignored."""
        text = data.decode(errors="replace")
        if header(text, "call-id") != self.call_id:
            return
        first = text.split("\r\n", 1)[0]
        if status := re.match(r"SIP/2\.0 (\d\d\d)", first):
            number, _, method = header(text, "cseq").partition(" ")
            self._receive_response(int(status[1]), number, method.strip(), first, text, now)
        else:
            self._receive_request(first.split(" ", 1)[0], text)

    def datagrams_to_send(self) -> list[bytes]:
        """What to send now, to `next_hop`."""
        sent, self._to_send = self._to_send, []
        return [text.encode() for text in sent]

    def next_event(self) -> Event | None:
        """What happened, oldest first."""
        return self._events.pop(0) if self._events else None

    def get_timer(self) -> float | None:
        """When to call `handle_timer`."""
        return self._timer

    def handle_timer(self, now: float) -> None:
        """Repeat the request in flight (timers A and E), or give up (B and F)."""
        if self._timer is None or now < self._timer:
            return
        if now >= self._give_up_at:
            self._over(Refused("no answer to INVITE") if self._method == "INVITE" else Ended())
            return
        self._send(self._request)
        longest = TIMEOUT_S if self._method == "INVITE" else T2_S
        self._interval_s = min(2 * self._interval_s, longest)
        self._timer = min(now + self._interval_s, self._give_up_at)

    @property
    def next_hop(self) -> Address | None:
        """Where requests inside the call go, when that is a numeric address; None: as before."""
        found = URI_HOST.search(self._routes[0] if self._routes else self._target)
        if found is None or not re.fullmatch(r"[\d.]+|\[[\da-fA-F:]+\]", found[1]):
            return None
        return found[1].strip("[]"), int(found[2] or 5060)

    # --- responses -------------------------------------------------------------------------------

    def _receive_response(
        self, status: int, number: str, method: str, first: str, text: str, now: float
    ) -> None:
        if method == "INVITE" and 200 <= status < 300:
            self._accepted(text)  # and once more for each repetition of it (§13.2.2.4)
            return
        if number != str(self._cseq) or method != self._method:
            return
        if status < 200:
            if method == "INVITE" and self.state is State.CALLING:
                self._state_is(State.PROCEEDING)
                self._timer = None  # it may ring for as long as it likes; our caller has a limit
            return
        if method == "INVITE":
            self._send(self._like_invite("ACK", header(text, "to")))
        if status in CHALLENGES and not self._tried and self._authorized(status, text, now):
            return
        if self.state in (State.CALLING, State.PROCEEDING):
            self._over(Refused(first.removeprefix("SIP/2.0 ")))
        elif self.state is State.ENDING:
            self._over(Ended())

    def _accepted(self, text: str) -> None:
        if self.state is State.IDLE:
            return
        self._to = header(text, "to")
        if contact := URI.search(header(text, "contact")):
            self._target = contact[1]
        self._routes = [
            f"<{uri}>" for line in headers(text, "record-route") for uri in URI.findall(line)
        ][::-1]
        self._send(self._message("ACK", "", *self._proof, number=self._invite_number))
        if self.state in (State.CALLING, State.PROCEEDING):
            self._timer = None
            self._state_is(State.UP)
            self._events.append(Answered(body(text)))
        elif self.state is State.OVER:
            # It answered while we cancelled: the call is up over there, and must be ended.
            self._cseq += 1
            self._send(self._message("BYE", ""))

    def _authorized(self, status: int, text: str, now: float) -> bool:
        if self._credentials is None:
            return False
        asked, answer_name = CHALLENGES[status]
        cnonce = f"{self._rng.getrandbits(64):016x}"
        for challenge in headers(text, asked):
            answer = authorization(challenge, self._credentials, self._method, self._target, cnonce)
            if answer is not None:
                sdp = self._sdp if self._method == "INVITE" else ""
                self._start(self._method, sdp, now, f"{answer_name}: {answer}")
                self._tried = True
                if self.state is State.PROCEEDING:
                    self._state_is(State.CALLING)
                return True
        return False

    # --- requests of the far end ------------------------------------------------------------------

    def _receive_request(self, method: str, text: str) -> None:
        if method == "ACK":
            return
        if method == "BYE":
            self._respond(text, "200 OK")
            if self.state is not State.OVER:
                self._over(Ended())
        elif method == "INVITE" and self.state is State.UP:
            # A repetition of it is answered in the same way; so our 200 need not be repeated.
            self._respond(text, "200 OK", self._sdp)
            self._moved(text)
        elif method in ANSWERED_200:
            has_offer = method == "UPDATE" and bool(body(text))
            self._respond(text, "200 OK", self._sdp if has_offer else "")
            if has_offer:
                self._moved(text)
        else:
            self._respond(text, "405 Method Not Allowed")

    def _moved(self, text: str) -> None:
        if body(text):
            self._events.append(MediaMoved(body(text)))

    def _respond(self, request: str, status: str, sdp: str = "") -> None:
        copied = [
            line for line in request.split("\r\n\r\n")[0].split("\r\n") if _name(line) in COPIED
        ]
        own = [f"Contact: {self._contact}", f"Allow: {ALLOW}", *_content(sdp)]
        self._send("\r\n".join([f"SIP/2.0 {status}", *copied, *own]) + "\r\n\r\n" + sdp)

    # --- our messages ----------------------------------------------------------------------------

    def _start(self, method: str, sdp: str, now: float, *extra: str) -> None:
        self._cseq += 1
        if method == "INVITE":
            self._invite_number, self._proof = self._cseq, extra
        self._method, self._tried = method, False
        self._request = self._message(method, sdp, *extra)
        self._send(self._request)
        self._interval_s = T1_S
        self._timer, self._give_up_at = now + T1_S, now + TIMEOUT_S

    def _message(self, method: str, sdp: str, *extra: str, number: int | None = None) -> str:
        branch = f"z9hG4bK{self._rng.getrandbits(48):012x}"
        lines = [
            f"{method} {self._target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._local};branch={branch};rport",
            "Max-Forwards: 70",
            *(f"Route: {route}" for route in self._routes),
            f"From: {self._from}",
            f"To: {self._to}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self._cseq if number is None else number} {method}",
            f"Contact: {self._contact}",
            f"Allow: {ALLOW}",
            *extra,
            *_content(sdp),
        ]
        return "\r\n".join(lines) + "\r\n\r\n" + sdp

    def _like_invite(self, method: str, to: str | None = None) -> str:
        """ACK of a refusal, or CANCEL: the INVITE's own Via, so the same branch (§17.1.1.3)."""
        kept = ("via", "max-forwards", "route", "from", "to", "call-id")
        lines = [
            line for line in self._request.split("\r\n\r\n")[0].split("\r\n") if _name(line) in kept
        ]
        if to is not None:
            lines = [f"To: {to}" if _name(line) == "to" else line for line in lines]
        number = f"CSeq: {self._invite_number} {method}"
        return (
            "\r\n".join([f"{method} {self._target} SIP/2.0", *lines, number, *_content("")])
            + "\r\n\r\n"
        )

    def _send(self, text: str) -> None:
        self._to_send.append(text)

    def _over(self, event: Event | None) -> None:
        self._timer = None
        self._state_is(State.OVER)
        if event is not None:
            self._events.append(event)

    def _state_is(self, state: State) -> None:
        logger.debug("%s: %s -> %s", self.call_id, self.state.name, state.name)
        self.state = state


# --- text ---------------------------------------------------------------------------------------


def headers(text: str, name: str) -> list[str]:
    """The values of all headers of that (lower-case) name."""
    lines = text.split("\r\n\r\n")[0].split("\r\n")[1:]
    return [line.partition(":")[2].strip() for line in lines if _name(line) == name]


def header(text: str, name: str) -> str:
    """The first of them, or nothing."""
    return next(iter(headers(text, name)), "")


def body(text: str) -> str:
    """What follows the headers."""
    return text.partition("\r\n\r\n")[2]


def _name(line: str) -> str:
    name = line.partition(":")[0].strip().lower()
    return SHORT_NAMES.get(name, name)


def _content(sdp: str) -> list[str]:
    kind = ["Content-Type: application/sdp"] if sdp else []
    return [*kind, f"Content-Length: {len(sdp)}"]
