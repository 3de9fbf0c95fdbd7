"""`/ws/calls`: what happens, as plain JSON texts over a WebSocket, or by Socket.IO's protocol.

They are told apart by the parameter that every client of Socket.IO sends: `EIO`. Both are the same
feed (feed.py); plain clients may write what they want in any of the ways that are known of them.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from aiohttp import ClientConnectionResetError, WSCloseCode, WSMsgType, web

from ...errors import StoreError, TooManyRequests
from ...http.route import Asked, Nothing
from ..dialect import AnyRow, Row
from ..engine_io import MAX_PAYLOAD_BYTES, Said
from ..speaking import speaking
from .feed import SUBSCRIBE, UNSUBSCRIBE, Feed, Message
from .forms import BASE

TAG = "WebSocket Events"
PATH = "/ws/calls"
HEARTBEAT_S = 20.0
CLOSE_S = 2.0
"How long a client may take to say goodbye."
MAX_SOCKETS = 100
"Of one account at once, whatever they speak."
SOCKET_IO_EVENT = "42"
"How Socket.IO writes an event: some send it without the rest of the protocol."

logger = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode

Word = Annotated[str, msgspec.Meta(max_length=4096)]


class SocketQuery(msgspec.Struct, frozen=True, kw_only=True, rename={"eio": "EIO"}):
    """How a client speaks."""

    token: Word | None = None
    "An access token."
    eio: Word | None = None
    "4: Engine.IO and Socket.IO; left out: plain JSON."
    transport: Word | None = None
    "Of Engine.IO: polling or websocket."
    sid: Word | None = None
    "Of Engine.IO: the connection."


class Wish(msgspec.Struct, frozen=True):
    """What a client may send."""

    event: str
    data: dict[str, Any] = {}


async def get_calls_socket(asked: Asked[SocketQuery, Nothing]) -> web.StreamResponse:
    """What happens in your calls, as it happens. `?token=` is an access token.

    Each text is `{"event", "type", "data", "timestamp"}`. Send `{"event": "subscribe", "data":
    {"type": "all_calls"}}` or `{"event": "subscribe", "data": {"type": "call", "call_id": …}}`;
    without it only notifications are told. With `EIO=4` the same is spoken by Socket.IO's protocol:
    `io(host, {path: "…/ws/calls", query: {token}})`, then `socket.emit("subscribe", …)`.
    """
    if asked.query.eio is not None:
        return await _speak_socket_io(asked)
    feed = _begin(asked)
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, max_msg_size=MAX_PAYLOAD_BYTES, timeout=CLOSE_S
    )
    await socket.prepare(asked.request)
    code, reason = WSCloseCode.TRY_AGAIN_LATER, ""
    try:
        ended = await _serve(asked, socket, feed)
        if ended is not None:
            code, reason = WSCloseCode.POLICY_VIOLATION, ended
    finally:
        feed.close()
        said = reason or feed.subscription.closed_because or ""
        await _close(socket, asked.request, code, said)
    return socket


async def post_calls_socket(asked: Asked[SocketQuery, Nothing]) -> web.StreamResponse:
    """What a client of Engine.IO has to say that polls."""
    return await _speak_socket_io(asked)


def wish_of(text: str) -> tuple[str, Any]:
    """A plain client's text as an event's name and what belongs to it; ("", None): it is none.

    `{"event", "data"}`; `{"action", …}`; `{"type": "subscribe", "data"}`; `["subscribe", {…}]`,
    with or without Socket.IO's `42` in front.
    """
    try:
        sent = msgspec.json.decode(text.removeprefix(SOCKET_IO_EVENT).encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "", None
    if isinstance(sent, list) and len(sent) == 2 and isinstance(sent[0], str):
        return sent[0], sent[1]
    if not isinstance(sent, dict):
        return "", None
    for key in ("event", "action", "type"):
        name = sent.get(key)
        if name in (SUBSCRIBE, UNSUBSCRIBE):
            others = {other: value for other, value in sent.items() if other != key}
            return str(name), sent.get("data", others)
    return "", None


class Talking:
    """The feed as a Talk of Engine.IO (engine_sessions.py)."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def hear(self, said: Said) -> Sequence[tuple[str, Any]]:
        """A client's event, and the answer."""
        answer = self._feed.hear(said.name, said.arguments[0] if said.arguments else {})
        return [(answer.event, answer.data)]

    async def next(self) -> Sequence[tuple[str, Any]] | None:
        """One message; its data alone, as clients of Socket.IO have the name by itself."""
        told = await self._feed.next()
        return None if told is None else [(told.event, told.data)]

    def close(self) -> None:
        """Nobody listens any more."""
        self._feed.close()


def _begin(asked: Asked[Any, Any]) -> Feed:
    if asked.edge.bus.held_by(asked.who.account_id) >= MAX_SOCKETS:
        raise TooManyRequests(f"an account has at most {MAX_SOCKETS} of these", CLOSE_S)
    return Feed(asked)


async def _speak_socket_io(asked: Asked[Any, Any]) -> web.StreamResponse:
    return await speaking(asked).sessions.serve(asked, lambda: Talking(_begin(asked)))


async def _serve(asked: Asked[Any, Any], socket: web.WebSocketResponse, feed: Feed) -> str | None:
    """Until the client leaves or the feed ends, even while a send is stuck.

    Or until the credential is good no longer: returns why.
    """
    credential = asyncio.create_task(asked.ended(), name="watch the credential")
    tasks: set[asyncio.Task[Any]] = {
        credential,
        asyncio.create_task(_send_all(socket, feed), name="send events of calls"),
        asyncio.create_task(_read_all(socket, feed), name="read the client of events"),
        asyncio.create_task(feed.subscription.wait_closed(), name="watch the subscription"),
    }
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(end, Exception) and not isinstance(end, StoreError):
                logger.error("a socket of events died", exc_info=end)
    if credential.cancelled() or credential.exception() is not None:
        return None
    return credential.result()


async def _send_all(socket: web.WebSocketResponse, feed: Feed) -> None:
    try:
        while (told := await feed.next()) is not None:
            await socket.send_str(_encode(told).decode())
    except ClientConnectionResetError:
        return  # the client is gone
    except StoreError:
        feed.subscription.close("what is stored cannot be read")


async def _read_all(socket: web.WebSocketResponse, feed: Feed) -> None:
    """Reading is also how a close is seen. A client that asks faster than it reads must wait."""
    try:
        async for message in socket:
            text = message.data if message.type is WSMsgType.TEXT else ""
            answer = feed.hear(*wish_of(text))
            await socket.send_str(_encode(answer).decode())
    except ClientConnectionResetError:
        return  # the client is gone


async def _close(
    socket: web.WebSocketResponse, request: web.Request, code: WSCloseCode, reason: str
) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code=code, message=reason.encode()[:120])
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()


def _row(method: str, handler: Callable[..., Any], **more: Any) -> AnyRow:
    return Row(
        method=method,
        path=PATH,
        aliases=(f"{BASE}{PATH}",),
        handler=handler,
        summary="Follow calls (WebSocket, Socket.IO)",
        tag=TAG,
        scope="events:read",
        query=SocketQuery,
        token_in_query=True,
        **more,
    )


ROWS: tuple[AnyRow, ...] = (
    _row("GET", get_calls_socket, status=101, messages=((Wish,), (Message,))),
    _row("POST", post_calls_socket, raw_body="text/plain", documented=False),
)
