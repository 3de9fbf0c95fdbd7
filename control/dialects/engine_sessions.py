"""SHELL: Engine.IO connections on aiohttp: long polling, WebSockets, from the one to the other.

What is said on a connection is a Talk's matter: it gets what clients say and tells them things.
Each session has one task, which ends with the connection, the credential, or the Talk. Every
request of a session is let in by itself, and has to be of the account that began it.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

import msgspec
from aiohttp import ClientConnectionResetError, WSCloseCode, WSMsgType, web

from ...media.clock import Clock, Timer
from ..errors import StoreError
from ..http.decoding import read_bytes
from ..http.route import Asked
from .engine_io import (
    CLOSE,
    MAX_PAYLOAD_BYTES,
    NOOP,
    PING,
    PONG,
    PROBE,
    REVISION,
    SEPARATOR,
    UPGRADE,
    Connection,
    Said,
    State,
    packets_of,
)
from .socket_io import Malformed

ROOM = 100
"Packets that may wait before a Talk has to."
CLOSE_S = 2.0
"How long a client may take to say goodbye."
TEXT = "text/plain"
JSON = "application/json"

logger = logging.getLogger(__name__)


class Talk(Protocol):
    """What is said on one connection."""

    def hear(self, said: Said) -> Sequence[tuple[str, Any]]:
        """A client's event: what it is told at once, by names; the first is the answer."""
        ...

    async def next(self) -> Sequence[tuple[str, Any]] | None:
        """What it is told next, by names; None: there is no more to be told."""
        ...

    def close(self) -> None:
        """Nobody listens any more."""
        ...


class Session:
    """One connection, and how far it has come."""

    def __init__(self, connection: Connection, talk: Talk, whose: str, clock: Clock) -> None:
        self.connection = connection
        self.whose = whose
        self.polled = False
        "A request waits for packets."
        self.probed = False
        "A WebSocket is about to take over."
        self.has_socket = False
        self.changed = asyncio.Event()
        "There is something to send, or to look at."
        self.task: asyncio.Task[None] | None = None
        self._talk = talk
        self._clock = clock
        self._timer: Timer | None = None
        self._room = asyncio.Event()

    async def run(self, ended: Coroutine[None, None, str]) -> None:
        """Until it is over. `ended` returns why the credential is good no longer."""
        tasks = {
            asyncio.create_task(self._tell_all(), name="tell an Engine.IO client"),
            asyncio.create_task(self._watch(ended), name="watch an Engine.IO client's credential"),
            asyncio.create_task(self._wait_closed(), name="watch an Engine.IO connection"),
        }
        try:
            self._drain()
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for end in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(end, Exception) and not isinstance(end, StoreError):
                    logger.error("an Engine.IO session died", exc_info=end)
            self._talk.close()
            self.close("the server has no more to say")

    def receive(self, packets: Sequence[str]) -> None:
        """What the client has sent."""
        for packet in packets:
            self.connection.receive_packet(packet, self._clock.now())
            while (said := self.connection.next_event()) is not None:
                told = self._talk.hear(said)
                for name, data in told:
                    self.connection.emit(name, data)
                if said.id is not None and told:
                    self.connection.acknowledge(said.id, told[0][1])
        self._drain()

    def close(self, reason: str) -> None:
        """End it."""
        self.connection.close(reason)
        self._drain()

    def packets(self) -> list[str]:
        """What is to be sent now."""
        found = self.connection.packets_to_send()
        self._room.set()
        return found

    @property
    def is_over(self) -> bool:
        """Nothing is said any more."""
        return self.connection.state is State.CLOSED

    async def _tell_all(self) -> None:
        while (told := await self._talk.next()) is not None:
            for name, data in told:
                while self.connection.waiting >= ROOM:
                    self._room.clear()
                    await self._room.wait()
                self.connection.emit(name, data)
            self._drain()

    async def _watch(self, ended: Coroutine[None, None, str]) -> None:
        try:
            self.close(await ended)
        except StoreError:
            self.close("what is stored cannot be read")

    async def _wait_closed(self) -> None:
        while not self.is_over:
            self.changed.clear()
            await self.changed.wait()

    def _drain(self) -> None:
        """After everything that the connection is told: wake who sends, arm its one timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self.connection.get_timer()
        if at is not None:
            self._timer = self._clock.call_at(at, self._on_timer)
        self.changed.set()

    def _on_timer(self) -> None:
        self.connection.handle_timer(self._clock.now())
        self._drain()


class Sessions:
    """All of one server's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._found: dict[str, Session] = {}

    def __len__(self) -> int:
        """Those that are not over."""
        return len(self._found)

    async def serve(self, asked: Asked[Any, Any], begin: Callable[[], Talk]) -> web.StreamResponse:
        """One request of a client, whichever of the transports it speaks."""
        request, query = asked.request, asked.request.query
        if query.get("EIO") != REVISION:
            return _refused(5, "Unsupported protocol version")
        transport = query.get("transport", "polling")
        if transport not in ("polling", "websocket"):
            return _refused(0, "Transport unknown")
        sid = query.get("sid")
        if sid is None:
            if request.method != "GET":
                return _refused(2, "Bad handshake method")
            session = self._begin(asked, begin())
            if transport == "websocket":
                return await _serve_socket(request, session)
            return _payload(session.packets())
        known = self._found.get(sid)
        if known is None or known.whose != asked.who.account_id:
            # Always so behind a proxy that sends a client's requests to more than one server.
            logger.info("an Engine.IO session was asked for that is over, or another server's")
            return _refused(1, "Session ID unknown")
        if known.has_socket:
            return _refused(3, "Bad request")
        if transport == "websocket":
            return _refused(3, "Bad request") if known.probed else await _upgrade(request, known)
        if request.method == "GET":
            return await _poll(known)
        return await _take(request, known)

    def _begin(self, asked: Asked[Any, Any], talk: Talk) -> Session:
        sid = uuid.uuid4().hex
        connection = Connection(sid, self._clock.now())
        session = Session(connection, talk, asked.who.account_id, self._clock)
        self._found[sid] = session
        session.task = asyncio.create_task(session.run(asked.ended()), name="an Engine.IO session")
        session.task.add_done_callback(lambda task: self._over(sid, task))
        return session

    def _over(self, sid: str, task: asyncio.Task[None]) -> None:
        del self._found[sid]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("an Engine.IO session died", exc_info=error)


async def _poll(session: Session) -> web.Response:
    """As soon as there is something; what was not sent yet stays if the client goes away."""
    if session.polled:
        session.close("two requests wait at once")
        return _refused(3, "Bad request")
    session.polled = True
    try:
        while True:
            if packets := session.packets():
                return _payload(packets)
            if session.is_over:
                return _payload([CLOSE])
            if session.probed:
                return _payload([NOOP])
            session.changed.clear()
            await session.changed.wait()
    finally:
        session.polled = False


async def _take(request: web.Request, session: Session) -> web.Response:
    """What a client that polls has to say."""
    data = await read_bytes(request, MAX_PAYLOAD_BYTES)
    try:
        packets = packets_of(data)
    except Malformed as exc:
        session.close(str(exc))
        return _refused(3, "Bad request")
    session.receive(packets)
    return web.Response(text="ok", content_type="text/html")


async def _upgrade(request: web.Request, session: Session) -> web.StreamResponse:
    """A WebSocket takes over from the requests, when it has been tried."""
    socket = _socket()
    await socket.prepare(request)
    taken = False
    session.probed = True
    try:
        async with asyncio.timeout(CLOSE_S):
            if await _text(socket) == PING + PROBE:
                await socket.send_str(PONG + PROBE)
                session.changed.set()  # the request that waits is let go
                taken = await _text(socket) == UPGRADE
    except (TimeoutError, ClientConnectionResetError):
        pass  # the requests go on
    finally:
        session.probed = False
    if taken and not session.is_over:
        return await _serve_socket(request, session, socket)
    await _close(socket, request, WSCloseCode.PROTOCOL_ERROR, "no upgrade")
    return socket


async def _serve_socket(
    request: web.Request, session: Session, socket: web.WebSocketResponse | None = None
) -> web.WebSocketResponse:
    """Until one of both sides leaves."""
    session.has_socket = True
    if socket is None:
        socket = _socket()
        await socket.prepare(request)
    tasks = {
        asyncio.create_task(_send_all(socket, session), name="send an Engine.IO client"),
        asyncio.create_task(_read_all(socket, session), name="read an Engine.IO client"),
    }
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        session.close("the client left")
        reason = session.connection.closed_because
        await _close(socket, request, WSCloseCode.POLICY_VIOLATION, reason)
    return socket


async def _send_all(socket: web.WebSocketResponse, session: Session) -> None:
    with contextlib.suppress(ClientConnectionResetError):
        while True:
            for packet in session.packets():
                await socket.send_str(packet)
            if session.is_over and not session.connection.waiting:
                return
            session.changed.clear()
            if not session.connection.waiting:
                await session.changed.wait()


async def _read_all(socket: web.WebSocketResponse, session: Session) -> None:
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            session.close("nothing binary is taken")
            return
        session.receive([message.data])


async def _text(socket: web.WebSocketResponse) -> str:
    message = await socket.receive()
    return str(message.data) if message.type is WSMsgType.TEXT else ""


async def _close(
    socket: web.WebSocketResponse, request: web.Request, code: WSCloseCode, reason: str
) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code=code, message=reason.encode()[:120])
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()


def _socket() -> web.WebSocketResponse:
    return web.WebSocketResponse(max_msg_size=MAX_PAYLOAD_BYTES, timeout=CLOSE_S)


def _payload(packets: Sequence[str]) -> web.Response:
    return web.Response(text=SEPARATOR.join(packets), content_type=TEXT, charset="utf-8")


def _refused(code: int, message: str) -> web.Response:
    """As Engine.IO's own servers say it."""
    body = msgspec.json.encode({"code": code, "message": message})
    return web.Response(body=body, status=400, content_type=JSON)
