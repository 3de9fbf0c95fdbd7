"""`/v1/events`: the event bus as a WebSocket of JSON texts, one PublishedEvent each."""

import asyncio

import msgspec
from aiohttp import ClientConnectionResetError, WSCloseCode, web

from ..events import Subscription
from .route import AnyRoute, Asked, Nothing, Route

TAG = "Events"
HEARTBEAT_S = 20.0
MAX_MESSAGE_BYTES = 4096
"Clients have nothing to say here."
CLOSE_S = 2.0
"How long a client may take to say goodbye."

_encode = msgspec.json.Encoder().encode


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which events."""

    call: str | None = None
    "Only of this call."
    cursor: str | None = None
    "The last one that was seen: what came after it is told first."


async def get_events(asked: Asked[EventsQuery, Nothing]) -> web.StreamResponse:
    """A WebSocket: the first text has the cursor to begin with, then come events.

    A client that falls behind is closed with 1013 and the reason; it may come back with the last
    cursor that it saw.
    """
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, max_msg_size=MAX_MESSAGE_BYTES, timeout=CLOSE_S
    )
    request = asked.request
    await socket.prepare(request)
    subscription = asked.edge.bus.subscribe(asked.query.cursor, asked.query.call)
    try:
        await _serve(socket, subscription)
    finally:
        subscription.close("the client left")
        await _close(socket, request, subscription.closed_because or "")
    return socket


async def _serve(socket: web.WebSocketResponse, subscription: Subscription) -> None:
    """Until the client leaves or the subscription is closed, even while a send is stuck."""
    tasks = {
        asyncio.create_task(_send_all(socket, subscription), name="send events"),
        asyncio.create_task(_read_all(socket), name="read the event client"),
        asyncio.create_task(subscription.wait_closed(), name="watch the subscription"),
    }
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send_all(socket: web.WebSocketResponse, subscription: Subscription) -> None:
    try:
        async for published in subscription:
            await socket.send_str(_encode(published).decode())
    except ClientConnectionResetError:
        return  # the client is gone


async def _read_all(socket: web.WebSocketResponse) -> None:
    """Reading is how a close is seen; what the client says is ignored."""
    async for _ in socket:
        pass


async def _close(socket: web.WebSocketResponse, request: web.Request, reason: str) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=reason.encode())
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/v1/events",
        handler=get_events,
        summary="Follow what happens (WebSocket)",
        tag=TAG,
        scope="events:read",
        query=EventsQuery,
        status=101,
    ),
)
