"""`/v1/events`: the event bus as a WebSocket of JSON texts, one PublishedEvent each.

What is stored of it in pages, for those who would rather ask: event_log.py.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated

import msgspec
from aiohttp import ClientConnectionResetError, WSCloseCode, WSMsgType, web

from ...auth.principal import Principal
from ...errors import BadRequest, Forbidden, StoreError, TooManyRequests
from ...events.event_filter import EventFilter, check_patterns
from ...events.events import PublishedEvent, Subscription
from ...services.event_log import visible
from ..decoding import field_error
from ..route import AnyRoute, Asked, Nothing, Route

TAG = "Events"
HEARTBEAT_S = 20.0
MAX_MESSAGE_BYTES = 4096
"Clients have little to say here; a longer text closes the WebSocket with 1009."
MAX_SOCKETS = 100
"Of one account at once."
CLOSE_S = 2.0
"How long a client may take to say goodbye."

Id = Annotated[str, msgspec.Meta(max_length=64)]
Types = Annotated[str, msgspec.Meta(max_length=2000)]

_encode = msgspec.json.Encoder().encode


class EventsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events."""

    types: Types = ""
    "Names such as `call.ended` or prefixes such as `call.*`, commas between; empty: all."
    call: Id | None = None
    "Only of this call."
    account: Id | None = None
    "Administrators: only of this account."
    cursor: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    "The last one that was seen: what came after it is told first."
    token: str | None = None
    "Instead of the Authorization header, which browsers cannot set here."


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe", forbid_unknown_fields=True):
    """A client wants to hear of other events from now on."""

    types: Annotated[tuple[str, ...], msgspec.Meta(max_length=50)] = ()
    call: Id | None = None


class Ping(msgspec.Struct, frozen=True, tag="ping", forbid_unknown_fields=True):
    """A client asks whether somebody is there."""


AnyClientMessage = Subscribe | Ping
_decode: Callable[[str], AnyClientMessage] = msgspec.json.Decoder(AnyClientMessage).decode


class Subscribed(msgspec.Struct, frozen=True, tag="subscribed"):
    """What is told from now on; what was under way comes all the same."""

    types: tuple[str, ...]
    call: str | None


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """Somebody is there."""


class Misunderstood(msgspec.Struct, frozen=True, tag="error"):
    """What the client sent has no meaning; all goes on as before."""

    detail: str


AnyReply = Subscribed | Pong | Misunderstood


async def get_events(asked: Asked[EventsQuery, Nothing]) -> web.StreamResponse:
    """A WebSocket: the first text has the cursor to begin with, then come events.

    A client may send `{"type": "subscribe", "types": […], "call": …}` to hear of other events, and
    `{"type": "ping"}`. One that falls behind is closed with 1013 and the reason; it may come back
    with the last cursor that it saw. Events of passing interest (somebody speaks, words that are
    still being recognised) are told once and have the cursor of the one before.

    It is closed with 1008 and the reason when the credential that it was opened with is good no
    longer: its time is over, it was revoked, its sign-in ended, its account was switched off. An
    account has at most a hundred of them at once.
    """
    query = asked.query
    types = check_patterns(query.types.split(","), "types") if query.types else ()
    wanted = wanted_by(asked.who, types, query.call, query.account)
    if asked.edge.bus.held_by(asked.who.account_id) >= MAX_SOCKETS:
        raise TooManyRequests(f"an account has at most {MAX_SOCKETS} of these", CLOSE_S)
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, max_msg_size=MAX_MESSAGE_BYTES, timeout=CLOSE_S
    )
    request = asked.request
    await socket.prepare(request)
    subscription = asked.edge.services.events.follow(wanted, query.cursor)
    subscription.whose = asked.who.account_id
    code = WSCloseCode.TRY_AGAIN_LATER
    try:
        ended = await _serve(socket, subscription, asked.ended())
        if ended is not None:
            code = WSCloseCode.POLICY_VIOLATION
            subscription.close(ended)
    finally:
        subscription.close("the client left")
        await _close(socket, request, code, subscription.closed_because or "")
    return socket


def wanted_by(
    who: Principal, types: tuple[str, ...], call: str | None, account: str | None
) -> EventFilter:
    """What a request asks for, as far as it is theirs. Raises Forbidden for another account."""
    if account is not None and account != who.account_id and not who.is_admin:
        raise Forbidden("events of another account are for administrators")
    return visible(who, EventFilter(owner_id=account, call_id=call, types=types))


def answer(text: str, subscription: Subscription) -> AnyReply:
    """Do what a client's text asks for."""
    try:
        message = _decode(text)
    except msgspec.ValidationError as exc:
        error = field_error(exc)
        return Misunderstood(f"{error.field}: {error.message}" if error.field else error.message)
    except msgspec.DecodeError:
        return Misunderstood("no JSON")
    if isinstance(message, Ping):
        return Pong()
    try:
        types = check_patterns(message.types, "types")
    except BadRequest as exc:
        return Misunderstood(f"types: {exc.detail}")
    subscription.wanted = msgspec.structs.replace(
        subscription.wanted, types=types, call_id=message.call
    )
    return Subscribed(types, message.call)


async def _serve(
    socket: web.WebSocketResponse, subscription: Subscription, ended: Coroutine[None, None, str]
) -> str | None:
    """Until the client leaves, or the subscription is closed, even while a send is stuck.

    Or until its credential is good no longer: returns why.
    """
    begun = asyncio.Event()
    credential = asyncio.create_task(_why(ended, subscription), name="watch the credential")
    tasks: set[asyncio.Task[str | None] | asyncio.Task[None]] = {
        credential,
        asyncio.create_task(_send_all(socket, subscription, begun), name="send events"),
        asyncio.create_task(_read_all(socket, subscription, begun), name="read the event client"),
        asyncio.create_task(subscription.wait_closed(), name="watch the subscription"),
    }
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return None if credential.cancelled() else credential.result()


async def _why(ended: Coroutine[None, None, str], subscription: Subscription) -> str | None:
    try:
        return await ended
    except StoreError:
        subscription.close("what is stored cannot be read")
        return None


async def _send_all(
    socket: web.WebSocketResponse, subscription: Subscription, begun: asyncio.Event
) -> None:
    try:
        async for published in subscription:
            await socket.send_str(_encode(published).decode())
            begun.set()
    except ClientConnectionResetError:
        return  # the client is gone
    except StoreError:
        subscription.close("what is stored cannot be read")


async def _read_all(
    socket: web.WebSocketResponse, subscription: Subscription, begun: asyncio.Event
) -> None:
    """Reading is also how a close is seen. A client that asks faster than it reads must wait."""
    await begun.wait()  # the first text is the cursor, whatever a client says before
    try:
        async for message in socket:
            text = message.data if message.type is WSMsgType.TEXT else ""
            await socket.send_str(_encode(answer(text, subscription)).decode())
    except ClientConnectionResetError:
        return  # the client is gone


async def _close(
    socket: web.WebSocketResponse, request: web.Request, code: WSCloseCode, reason: str
) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code=code, message=reason.encode())
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
        problems=(BadRequest, Forbidden, TooManyRequests),
        token_in_query=True,
        messages=((AnyClientMessage,), (PublishedEvent, AnyReply)),
    ),
)
