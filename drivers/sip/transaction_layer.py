"""All transactions of a user agent: which one a message belongs to, and their timers. Sans-IO.

A response belongs to the client transaction with its branch, sent-by and method; a request to the
server transaction with its branch, sent-by and method, where an ACK counts as INVITE (RFC 3261
§17.1.3, §17.2.3). Peers of RFC 2543 make no unique branch: their requests are told apart by URI,
From tag, Call-ID, CSeq and the whole topmost Via.

Not here: what a request means, and whether it is let in; see agent.py.
"""

from collections import Counter, deque
from typing import Protocol

import msgspec

from .errors import MalformedMessage
from .hop import Hop, Outgoing
from .message import Request, Response
from .timers import Agenda, Timers
from .transaction import (
    AckReceived,
    ClientTransaction,
    InviteClient,
    InviteServer,
    NonInviteClient,
    NonInviteServer,
    ResponseReceived,
    ServerTransaction,
    Transaction,
    TransactionTimedOut,
    TransportFailed,
)
from .transaction_tables import State
from .via import BRANCH_COOKIE, Via

MAX_TRANSACTIONS = 50_000
"Live server transactions; a new request beyond is dropped, its sender will repeat it."


class SendRequest(msgspec.Struct, frozen=True):
    """Start a client transaction; the sender hears of its responses."""

    request: Request
    hop: Hop


class SendAck(msgspec.Struct, frozen=True):
    """Send the ACK of a 2xx: no transaction, nobody answers it."""

    ack: Request
    hop: Hop


class SendResponse(msgspec.Struct, frozen=True):
    """Answer a request that came."""

    request: Request
    response: Response


class Abandon(msgspec.Struct, frozen=True):
    """Forget a request that was cancelled and never answered (RFC 3261 §9.1)."""

    request: Request


AnyAction = SendRequest | SendAck | SendResponse | Abandon


class TransactionUser(Protocol):
    """Who sends requests and waits for their answers (RFC 3261 §6: TU)."""

    def receive_response(self, response: Response, request: Request, now: float) -> None:
        """A response to `request`, as it was sent."""
        ...

    def request_failed(self, request: Request, fault: str | None, now: float) -> None:
        """The request could not be sent, and why; None: no final response came in time."""
        ...

    def actions_to_send(self) -> list[AnyAction]:
        """What the layer is asked to do, in order."""
        ...


class ResponseArrived(msgspec.Struct, frozen=True):
    """For the user that sent `request`."""

    user: TransactionUser
    request: Request
    response: Response


class RequestFailed(msgspec.Struct, frozen=True):
    """`request` could not be sent, or nobody answered it."""

    user: TransactionUser
    request: Request
    fault: str | None
    "Why it could not be sent; None: nobody answered."


class AckArrived(msgspec.Struct, frozen=True):
    """The ACK of a 2xx: it is its own transaction and belongs to a dialog."""

    ack: Request


AnyLayerEvent = ResponseArrived | RequestFailed | AckArrived
Key = tuple[object, ...]


class TransactionLayer:
    """Matches messages to transactions, runs their timers, and forgets them when they end."""

    def __init__(self, timers: Timers) -> None:
        self.timers = timers
        self.counters: Counter[str] = Counter()
        self._clients: dict[Key, tuple[ClientTransaction, Hop, TransactionUser]] = {}
        self._servers: dict[Key, tuple[ServerTransaction, Hop]] = {}
        self._originals: dict[Key, Key] = {}
        self._agenda: Agenda[Key] = Agenda()
        self._out: list[Outgoing] = []
        self._events: deque[AnyLayerEvent] = deque()

    def __len__(self) -> int:
        """Live transactions."""
        return len(self._clients) + len(self._servers)

    # --- requests of ours ---

    def carry_out(self, user: TransactionUser, now: float) -> None:
        """Do what a user asks for."""
        for action in user.actions_to_send():
            if isinstance(action, SendRequest):
                self.send_request(action.request, action.hop, user, now)
            elif isinstance(action, SendResponse):
                self.respond(action.request, action.response, now)
            elif isinstance(action, SendAck):
                self._out.append(Outgoing(action.ack.serialize(), action.hop))
            else:
                self._abandon(client_key(action.request.via, action.request.method))

    def send_request(self, request: Request, hop: Hop, user: TransactionUser, now: float) -> None:
        """Start a client transaction; `user` hears of its responses."""
        kind = InviteClient if request.method == "INVITE" else NonInviteClient
        reliable = hop.transport != "UDP"
        transaction = kind(request, reliable=reliable, timers=self.timers, now=now)
        key = client_key(request.via, request.method)
        self._clients[key] = (transaction, hop, user)
        self._drain_client(key, now)

    def receive_response(self, response: Response, now: float) -> None:
        """Hand a response to its transaction; one that has none is counted and dropped."""
        key = client_key(response.via, response.cseq.method)
        if key not in self._clients:
            self.counters["stray_response"] += 1
            return
        self._clients[key][0].receive_response(response, now)
        self._drain_client(key, now)

    # --- requests to us ---

    def absorb(self, request: Request, now: float) -> bool:
        """True when a live transaction knows this request already (or it is any ACK)."""
        key = server_key(request)
        if key in self._servers:
            self._servers[key][0].receive_request(request, now)
            self._drain_server(key, now)
            return True
        if request.method == "ACK":
            self._events.append(AckArrived(request))
            return True
        return False

    def is_merged(self, request: Request) -> bool:
        """The same request has come by another way (RFC 3261 §8.2.2.2)."""
        original = self._originals.get(merge_key(request))
        return original is not None and original != server_key(request)

    def open_server(self, request: Request, reply_to: Hop, now: float) -> bool:
        """Start a server transaction for a new request; False when there are too many."""
        if len(self._servers) >= MAX_TRANSACTIONS:
            self.counters["dropped_overload"] += 1
            return False
        kind = InviteServer if request.method == "INVITE" else NonInviteServer
        reliable = reply_to.transport != "UDP"
        transaction = kind(request, reliable=reliable, timers=self.timers, now=now)
        key = server_key(request)
        self._servers[key] = (transaction, reply_to)
        self._originals.setdefault(merge_key(request), key)
        self._drain_server(key, now)
        return True

    def respond(self, request: Request, response: Response, now: float) -> bool:
        """Answer a request; False when its transaction has ended or answered already."""
        key = server_key(request)
        if key not in self._servers:
            self.counters["late_response"] += 1
            return False
        sent = self._servers[key][0].respond(response, now)
        self._drain_server(key, now)
        return sent

    def respond_stateless(self, response: Response, reply_to: Hop) -> None:
        """Answer without remembering: for what is refused before it costs anything."""
        self._out.append(Outgoing(response.serialize(), reply_to))

    def invite_of(self, cancel: Request) -> Request | None:
        """The INVITE that a CANCEL means (RFC 3261 §9.2)."""
        entry = self._servers.get(server_key(cancel, method="INVITE"))
        return None if entry is None else entry[0].request

    # --- the world ---

    def transport_failed(self, hop: Hop, why: str, now: float) -> None:
        """Nothing can be sent to `hop`: every client that still waits for it hears so."""
        for key, (transaction, to, _) in list(self._clients.items()):
            if to == hop and transaction.is_unanswered:
                transaction.transport_failed(why, now)
                self._drain_client(key, now)

    def receive_refusal(self, quoted: bytes, why: str, now: float) -> None:
        """ICMP says that a message which began so found nobody (RFC 3261 §18.4, §8.1.3.1).

        Anybody can send ICMP in a far end's name. It is believed only of the one request whose
        branch, which nobody can guess, it quotes; other calls to the same place are not concerned.
        """
        key = _key_of_beginning(quoted)
        if key not in self._clients:
            self.counters["stray_refusal"] += 1
            return
        transaction = self._clients[key][0]
        if transaction.is_unanswered and transaction.was_sent_as(quoted):
            transaction.transport_failed(why, now)
            self._drain_client(key, now)

    def datagrams_to_send(self) -> list[Outgoing]:
        """Messages for the transport, in order."""
        out, self._out = self._out, []
        return out

    def get_timer(self) -> float | None:
        """When handle_timer is wanted next."""
        return self._agenda.get_timer()

    def handle_timer(self, now: float) -> None:
        """Run the timers that are due."""
        for key in self._agenda.due(now):
            if key in self._clients:
                self._clients[key][0].handle_timer(now)
                self._drain_client(key, now)
            elif key in self._servers:
                self._servers[key][0].handle_timer(now)
                self._drain_server(key, now)

    def next_event(self) -> AnyLayerEvent | None:
        """What a transaction user should know, oldest first."""
        return self._events.popleft() if self._events else None

    def _abandon(self, key: Key) -> None:
        if self._clients.pop(key, None) is not None:
            self._agenda.set(key, None)

    def _drain_client(self, key: Key, now: float) -> None:
        transaction, hop, user = self._clients[key]
        self._out += [Outgoing(data, hop) for data in transaction.data_to_send()]
        while (event := transaction.next_event()) is not None:
            if isinstance(event, ResponseReceived):
                self._events.append(ResponseArrived(user, transaction.request, event.response))
            elif isinstance(event, TransactionTimedOut | TransportFailed):
                fault = event.why if isinstance(event, TransportFailed) else None
                self._events.append(RequestFailed(user, transaction.request, fault))
        if not self._rearm(key, transaction):
            del self._clients[key]

    def _drain_server(self, key: Key, now: float) -> None:
        transaction, hop = self._servers[key]
        self._out += [Outgoing(data, hop) for data in transaction.data_to_send()]
        while (event := transaction.next_event()) is not None:
            if isinstance(event, AckReceived):
                self._events.append(AckArrived(event.ack))
            elif isinstance(event, TransactionTimedOut):
                self.counters["ack_missing"] += 1
        if not self._rearm(key, transaction):
            del self._servers[key]
            merged = merge_key(transaction.request)
            if self._originals.get(merged) == key:
                del self._originals[merged]

    def _rearm(self, key: Key, transaction: Transaction) -> bool:
        """Put the transaction's timer on the agenda; False when it has ended."""
        ended = transaction.state is State.TERMINATED
        self._agenda.set(key, None if ended else transaction.get_timer())
        return not ended


def client_key(via: Via, method: str) -> Key:
    """RFC 3261 §17.1.3."""
    return ("client", via.branch, via.host.lower(), via.port, method)


def server_key(request: Request, *, method: str | None = None) -> Key:
    """RFC 3261 §17.2.3; `method` overrides the request's own."""
    method = method or request.method
    method = "INVITE" if method == "ACK" else method
    via = request.via
    if via.branch is not None and via.branch.startswith(BRANCH_COOKIE):
        return ("server", via.branch, via.host.lower(), via.port, method)
    # The To tag is left out: the ACK of a failure has one that its INVITE had not.
    sender = (str(request.uri), request.from_.tag, request.call_id, request.cseq.number)
    return ("rfc2543", *sender, str(via), method)


def _key_of_beginning(data: bytes) -> Key | None:
    """The client transaction of a request that is cut short; we write its Via first."""
    try:
        start, via, _ = data.decode().split("\r\n", 2)
        name, _, value = via.partition(":")
        if name != "Via":
            return None
        return client_key(Via.parse_many(value)[0], start.partition(" ")[0])
    except (ValueError, MalformedMessage):  # cut too short, or no message of ours
        return None


def merge_key(request: Request) -> Key:
    """What is equal in two copies of one request that came by two ways."""
    cseq = request.cseq
    return (request.from_.tag, request.call_id, cseq.number, cseq.method)
