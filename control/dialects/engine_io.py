"""One client's Engine.IO connection, revision 4, with Socket.IO on it. No clock, no socket.

https://socket.io/docs/v4/engine-io-protocol/: packets are texts whose first digit says what they
are. The server pings; whoever does not answer in time is gone. How the packets travel, one by one
in a WebSocket or some at once in HTTP's bodies, is the shell's matter (engine_sessions.py), and so
is the change from one to the other.

    OPENING ──CONNECT to `/`──▶ CONNECTED ──DISCONNECT, close, silence, too much waits──▶ CLOSED
       └──────────── another namespace: refused, and it may try again ────────────────────────▲
"""

import enum
from collections import deque
from typing import Any

import msgspec

from .socket_io import MAIN, Kind, Malformed, Packet, read, write

REVISION = "4"
PING_EVERY_S = 25.0
PONG_WITHIN_S = 20.0
CONNECT_WITHIN_S = 45.0
"So long a client may be there without a namespace."
MAX_PAYLOAD_BYTES = 64 * 1024
"Of one message or body of a client."
MAX_WAITING = 200
"Packets that a client has not fetched; one more, and it is closed."
SEPARATOR = "\x1e"
"Between packets in a body."

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0", "1", "2", "3", "4", "5", "6"
PROBE = "probe"
"What a ping and a pong say on the WebSocket that is to take over."


class State(enum.Enum):
    """Where a connection stands."""

    OPENING = enum.auto()
    CONNECTED = enum.auto()
    CLOSED = enum.auto()


class Said(msgspec.Struct, frozen=True):
    """An event of the client's."""

    name: str
    arguments: tuple[Any, ...]
    id: int | None
    "It wants to be acknowledged."


class Connection:
    """The core."""

    def __init__(self, sid: str, now: float) -> None:
        self.sid = sid
        self.state = State.OPENING
        self.closed_because = ""
        self._to_send: deque[str] = deque()
        self._said: deque[Said] = deque()
        self._connect_by = now + CONNECT_WITHIN_S
        self._ping_at = now + PING_EVERY_S
        self._pong_by: float | None = None
        self._send(
            OPEN,
            msgspec.json.encode(
                {
                    "sid": sid,
                    "upgrades": ["websocket"],
                    "pingInterval": round(1000 * PING_EVERY_S),
                    "pingTimeout": round(1000 * PONG_WITHIN_S),
                    "maxPayload": MAX_PAYLOAD_BYTES,
                }
            ).decode(),
        )

    # --- what comes -------------------------------------------------------------------------------

    def receive_packet(self, text: str, now: float) -> None:
        """One packet of the client's. What has no meaning closes the connection."""
        if self.state is State.CLOSED:
            return
        digit, rest = text[:1], text[1:]
        if digit == PONG:
            self._pong_by = None
            self._ping_at = now + PING_EVERY_S
        elif digit == MESSAGE:
            try:
                self._receive(read(rest))
            except Malformed as exc:
                self.close(str(exc))
        elif digit == CLOSE:
            self.close("the client left")
        elif digit not in (PING, NOOP) or not digit:
            self.close("no packet of Engine.IO")

    def next_event(self) -> Said | None:
        """What the client has said, in order."""
        return self._said.popleft() if self._said else None

    # --- what goes --------------------------------------------------------------------------------

    def emit(self, name: str, *arguments: Any) -> None:
        """Tell the client something; before it has connected there is nobody who listens."""
        if self.state is State.CONNECTED:
            self._packet(Packet(kind=Kind.EVENT, data=[name, *arguments]))

    def acknowledge(self, id_: int, *arguments: Any) -> None:
        """Answer an event that wants it."""
        if self.state is State.CONNECTED:
            self._packet(Packet(kind=Kind.ACK, id=id_, data=list(arguments)))

    @property
    def waiting(self) -> int:
        """Packets that are to be sent."""
        return len(self._to_send)

    def packets_to_send(self, most: int | None = None) -> list[str]:
        """What goes to the client now, in order."""
        count = len(self._to_send) if most is None else min(most, len(self._to_send))
        return [self._to_send.popleft() for _ in range(count)]

    def close(self, reason: str) -> None:
        """End it; what waits is dropped, and the client is told that it is over."""
        if self.state is State.CLOSED:
            return
        was_connected = self.state is State.CONNECTED
        self.state, self.closed_because = State.CLOSED, reason
        self._to_send.clear()
        if was_connected:
            self._to_send.append(MESSAGE + write(Packet(kind=Kind.DISCONNECT)))
        self._to_send.append(CLOSE)

    # --- time -------------------------------------------------------------------------------------

    def get_timer(self) -> float | None:
        """When to call handle_timer; None: it is over."""
        if self.state is State.CLOSED:
            return None
        at = self._ping_at if self._pong_by is None else self._pong_by
        return min(at, self._connect_by) if self.state is State.OPENING else at

    def handle_timer(self, now: float) -> None:
        """Ping, or give up."""
        if self.state is State.OPENING and now >= self._connect_by:
            self.close("it has not connected in time")
        elif self._pong_by is not None and now >= self._pong_by:
            self.close("it does not answer")
        elif self._pong_by is None and now >= self._ping_at and self.state is not State.CLOSED:
            self._pong_by = now + PONG_WITHIN_S
            self._send(PING)

    # --- inside -----------------------------------------------------------------------------------

    def _receive(self, packet: Packet) -> None:
        if packet.kind is Kind.CONNECT:
            self._connect(packet.namespace)
        elif packet.namespace != MAIN or self.state is not State.CONNECTED:
            self.close("it has not connected to that namespace")
        elif packet.kind is Kind.DISCONNECT:
            self.close("the client left")
        elif packet.kind is Kind.EVENT:
            name, *arguments = packet.data
            self._said.append(Said(name, tuple(arguments), packet.id))
        # Acknowledgements: nobody here asks for any.

    def _connect(self, namespace: str) -> None:
        if namespace != MAIN:
            said = {"message": "Invalid namespace"}
            self._packet(Packet(kind=Kind.CONNECT_ERROR, namespace=namespace, data=said))
        elif self.state is State.CONNECTED:
            self.close("it has connected already")
        else:
            self.state = State.CONNECTED
            self._packet(Packet(kind=Kind.CONNECT, data={"sid": self.sid}))

    def _packet(self, packet: Packet) -> None:
        self._send(MESSAGE, write(packet))

    def _send(self, digit: str, rest: str = "") -> None:
        if len(self._to_send) >= MAX_WAITING:
            self.close("it has fallen behind")
            return
        self._to_send.append(digit + rest)


def packets_of(body: bytes) -> list[str]:
    """The packets in a body of HTTP's. Raises Malformed."""
    try:
        return body.decode().split(SEPARATOR)
    except UnicodeDecodeError as exc:
        raise Malformed("no text") from exc
