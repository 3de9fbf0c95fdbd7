"""The four SIP transactions (RFC 3261 §17, with RFC 6026's Accepted state). Sans-IO.

A transaction is one request and its responses between two neighbours. It repeats what an
unreliable transport may lose, absorbs what arrives twice, and gives up after 64*T1. It knows
nothing of calls: its *transaction user* (TU) does. Which state follows which is in
transaction_tables.py; here is what each step sends, tells and waits for.

Not here: which transaction a message belongs to; see transaction_layer.py.
"""

import logging
from collections import deque
from typing import ClassVar

import msgspec

from .message import Request, Response
from .timers import Timers
from .transaction_tables import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    Input,
    State,
    Table,
)

logger = logging.getLogger(__name__)

TRYING_AFTER_S = 0.2
"An INVITE server sends 100 by itself when its user is silent this long, RFC 3261 §17.2.1."


class ResponseReceived(msgspec.Struct, frozen=True):
    """A response that the user has not seen (or a 2xx to INVITE, each time it comes)."""

    response: Response


class AckReceived(msgspec.Struct, frozen=True):
    """The ACK of a 2xx that came with the INVITE's own branch, as some elements send it."""

    ack: Request


class TransactionTimedOut(msgspec.Struct, frozen=True):
    """Timer B or F: no final response. Timer H: no ACK of our failure response."""

    timer: str
    elapsed_s: float
    "Since the transaction began."


class TransportFailed(msgspec.Struct, frozen=True):
    """The message could not be sent."""

    why: str


AnyTransactionEvent = ResponseReceived | AckReceived | TransactionTimedOut | TransportFailed


def response_class(status: int) -> Input:
    """The input that a response of `status` is."""
    if status < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if status < 300 else Input.FAILURE


class Transaction:
    """What the four machines share: a state, timers by letter, output and events."""

    table: ClassVar[Table]
    first: ClassVar[State]

    def __init__(self, request: Request, *, reliable: bool, timers: Timers, now: float) -> None:
        self.request = request
        self.reliable = reliable
        self.state = self.first
        self._timers = timers
        self._began_at = now
        self._deadlines: dict[str, float] = {}
        self._out: list[bytes] = []
        self._events: deque[AnyTransactionEvent] = deque()

    def data_to_send(self) -> list[bytes]:
        """Messages to put on the wire now, in order."""
        out, self._out = self._out, []
        return out

    def get_timer(self) -> float | None:
        """When handle_timer is wanted next."""
        return min(self._deadlines.values(), default=None)

    def handle_timer(self, now: float) -> None:
        """Let every timer fire that is due."""
        due = sorted((at, letter) for letter, at in self._deadlines.items() if at <= now)
        for _, letter in due:
            if self._deadlines.pop(letter, None) is not None:
                self._fire(letter, now)

    def next_event(self) -> AnyTransactionEvent | None:
        """What the transaction user should know, oldest first."""
        return self._events.popleft() if self._events else None

    def transport_failed(self, why: str, now: float) -> None:
        """The transport could not send a message of this transaction (RFC 3261 §17.1.4)."""
        if self._step(Input.TRANSPORT_ERROR):
            self._events.append(TransportFailed(why))

    def _fire(self, letter: str, now: float) -> None:
        raise AssertionError(f"{type(self).__name__} has no timer {letter}")

    def _step(self, what: Input) -> bool:
        """Follow the table; False when the input is to be ignored."""
        state = self.table[self.state].get(what)
        if state is None:
            logger.debug("%s ignores %s in %s", self, what.value, self.state.value)
            return False
        if state is not self.state:
            logger.debug("%s: %s -> %s", self, self.state.value, state.value)
            self.state = state
            self._deadlines.clear()
        return True

    def _give_up(self, letter: str, now: float) -> None:
        if self._step(Input(f"timer {letter}")):
            self._events.append(TransactionTimedOut(letter, now - self._began_at))

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.request.method} {self.request.call_id}"


class ClientTransaction(Transaction):
    """Sends a request until it is answered."""

    def __init__(self, request: Request, *, reliable: bool, timers: Timers, now: float) -> None:
        super().__init__(request, reliable=reliable, timers=timers, now=now)
        self._data = request.serialize()
        self._out.append(self._data)

    @property
    def is_unanswered(self) -> bool:
        """No response has come: whoever it was sent to may not be there."""
        return self.state in (State.CALLING, State.TRYING)

    def was_sent_as(self, beginning: bytes) -> bool:
        """Whether the request on the wire began with these bytes."""
        return self._data.startswith(beginning)

    def receive_response(self, response: Response, now: float) -> None:
        """A response whose branch and method are this transaction's."""
        raise NotImplementedError


class InviteClient(ClientTransaction):
    """INVITE client transaction, RFC 3261 §17.1.1 and RFC 6026 §8.4."""

    table = INVITE_CLIENT
    first = State.CALLING

    def __init__(self, request: Request, *, reliable: bool, timers: Timers, now: float) -> None:
        super().__init__(request, reliable=reliable, timers=timers, now=now)
        self._ack = b""
        self._interval_s = timers.t1_s
        self._deadlines["B"] = now + timers.transaction_s
        if not reliable:
            self._deadlines["A"] = now + self._interval_s

    def receive_response(self, response: Response, now: float) -> None:
        before = self.state
        what = response_class(response.status)
        if not self._step(what):
            return
        if what is Input.FAILURE:
            if before is not State.COMPLETED:
                self._ack = ack_of_failure(self.request, response).serialize()
                self._deadlines["D"] = now + self._timers.d_s(self.reliable)
            self._out.append(self._ack)
        elif what is Input.SUCCESS and before is not State.ACCEPTED:
            self._deadlines["M"] = now + self._timers.transaction_s
        if before is not State.COMPLETED:
            self._events.append(ResponseReceived(response))

    def _fire(self, letter: str, now: float) -> None:
        if letter == "A":
            self._out.append(self._data)
            self._interval_s *= 2
            self._deadlines["A"] = now + self._interval_s
        elif letter == "B":
            self._give_up("B", now)
        else:
            self._step(Input(f"timer {letter}"))


class NonInviteClient(ClientTransaction):
    """Client transaction of every other method, RFC 3261 §17.1.2."""

    table = NON_INVITE_CLIENT
    first = State.TRYING

    def __init__(self, request: Request, *, reliable: bool, timers: Timers, now: float) -> None:
        super().__init__(request, reliable=reliable, timers=timers, now=now)
        self._interval_s = timers.t1_s
        self._give_up_at = now + timers.transaction_s
        self._deadlines["F"] = self._give_up_at
        if not reliable:
            self._deadlines["E"] = now + self._interval_s

    def receive_response(self, response: Response, now: float) -> None:
        resend_at = self._deadlines.get("E")
        what = response_class(response.status)
        if not self._step(what):
            return
        if what is Input.PROVISIONAL:
            self._deadlines["F"] = self._give_up_at
            if resend_at is not None:
                self._deadlines["E"] = resend_at
        else:
            self._deadlines["K"] = now + self._timers.k_s(self.reliable)
        self._events.append(ResponseReceived(response))

    def _fire(self, letter: str, now: float) -> None:
        if letter == "E":
            self._out.append(self._data)
            waiting = self.state is State.PROCEEDING
            self._interval_s = (
                self._timers.t2_s if waiting else min(2 * self._interval_s, self._timers.t2_s)
            )
            self._deadlines["E"] = now + self._interval_s
        elif letter == "F":
            self._give_up("F", now)
        else:
            self._step(Input(f"timer {letter}"))


class ServerTransaction(Transaction):
    """Answers a request, again whenever it comes again."""

    def __init__(self, request: Request, *, reliable: bool, timers: Timers, now: float) -> None:
        super().__init__(request, reliable=reliable, timers=timers, now=now)
        self._last = b""

    def receive_request(self, request: Request, now: float) -> None:
        """The same request again, or the ACK of an INVITE."""
        raise NotImplementedError

    def respond(self, response: Response, now: float) -> bool:
        """Send the user's response; False when the state allows none (too late)."""
        raise NotImplementedError


class InviteServer(ServerTransaction):
    """INVITE server transaction, RFC 3261 §17.2.1 and RFC 6026 §8.5."""

    table = INVITE_SERVER
    first = State.PROCEEDING

    def __init__(self, request: Request, *, reliable: bool, timers: Timers, now: float) -> None:
        super().__init__(request, reliable=reliable, timers=timers, now=now)
        self._interval_s = timers.t1_s
        self._deadlines["100"] = now + TRYING_AFTER_S

    def receive_request(self, request: Request, now: float) -> None:
        if request.method == "ACK":
            if not self._step(Input.ACK):
                return
            if self.state is State.CONFIRMED:
                self._deadlines["I"] = now + self._timers.i_s(self.reliable)
            else:
                self._events.append(AckReceived(request))
        elif self.state in (State.PROCEEDING, State.COMPLETED) and self._last:
            # Accepted absorbs: its 2xx are repeated by the user, RFC 6026 §7.1.
            self._out.append(self._last)

    def respond(self, response: Response, now: float) -> bool:
        what = response_class(response.status)
        before = self.state
        if not self._step(what):
            return False
        self._last = response.serialize()
        self._out.append(self._last)
        self._deadlines.pop("100", None)
        if what is Input.SUCCESS and before is not State.ACCEPTED:
            self._deadlines["L"] = now + self._timers.transaction_s
        elif what is Input.FAILURE:
            self._deadlines["H"] = now + self._timers.transaction_s
            if not self.reliable:
                self._deadlines["G"] = now + self._interval_s
        return True

    def _fire(self, letter: str, now: float) -> None:
        if letter == "100":
            self.respond(self.request.respond(100), now)
        elif letter == "G":
            self._out.append(self._last)
            self._interval_s = min(2 * self._interval_s, self._timers.t2_s)
            self._deadlines["G"] = now + self._interval_s
        elif letter == "H":
            self._give_up("H", now)
        else:
            self._step(Input(f"timer {letter}"))


class NonInviteServer(ServerTransaction):
    """Server transaction of every other method, RFC 3261 §17.2.2."""

    table = NON_INVITE_SERVER
    first = State.TRYING

    def receive_request(self, request: Request, now: float) -> None:
        if self.state in (State.PROCEEDING, State.COMPLETED):
            self._out.append(self._last)

    def respond(self, response: Response, now: float) -> bool:
        what = response_class(response.status)
        if not self._step(what):
            return False
        self._last = response.serialize()
        self._out.append(self._last)
        if what is not Input.PROVISIONAL:
            self._deadlines["J"] = now + self._timers.j_s(self.reliable)
        return True

    def _fire(self, letter: str, now: float) -> None:
        self._step(Input(f"timer {letter}"))


def ack_of_failure(invite: Request, response: Response) -> Request:
    """The ACK that an INVITE client transaction owes to a 3xx-6xx (RFC 3261 §17.1.1.3)."""
    return in_transaction_of(invite, "ACK", to=response.headers.get("To"))


def in_transaction_of(invite: Request, method: str, *, to: str | None = None) -> Request:
    """An ACK or CANCEL: same branch, same number, same Route as the INVITE (RFC 3261 §9.1)."""
    request = Request(method, invite.uri)
    vias = invite.headers.get_all("Via")
    request.headers.add("Via", vias[0])
    for route in invite.headers.get_all("Route"):
        request.headers.add("Route", route)
    request.headers.add("Max-Forwards", "70")
    for name in ("From", "To", "Call-ID"):
        value = invite.headers.get(name)
        assert value is not None, f"our own INVITE has {name}"
        request.headers.add(name, to if name == "To" and to else value)
    request.headers.add("CSeq", f"{invite.cseq.number} {method}")
    return request
