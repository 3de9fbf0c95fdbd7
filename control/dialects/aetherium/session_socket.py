"""SHELL: `/ws/session/{id}`: a session as it goes on, and words into it.

Who connects may show a token, which then has to be good and to own the session; clients of old show
none, and are let into what was made as a session, unless `dialects.session_token` is `required`.
"""

import asyncio
import collections

import msgspec
from aiohttp import ClientConnectionResetError, WSCloseCode, WSMsgType, web

from ...auth.principal import OPERATOR, Principal
from ...domain.calls import Call, CallStatus
from ...errors import Problem, StoreError, TooManyRequests, Unauthorized
from ...events.event_filter import EventFilter
from ...events.events import Subscription
from ...http.route import Asked, Nothing
from ...http.serving import route_of
from ..dialect import AnyRow, Row
from ..speaking import speaking
from .session_events import Frame, Misunderstood, Narrator, UserMessage, read_message
from .session_views import ENDED, is_made_here
from .sessions import said_in, views

TAG = "Real-time Session Updates"
HEARTBEAT_S = 20.0
MAX_MESSAGE_BYTES = 16 * 1024
MAX_SOCKETS = 100
"Of one account, or of one address without a token, at once."
MAX_WAITING = 16
"Words for a session that nobody has answered yet."
CLOSE_S = 2.0
BAD_TOKEN, NO_SESSION = 4401, 4404
MAX_DIGITS = 19
BEARER = "bearer"
"The name of a subprotocol; the token is the next one (browsers cannot set headers)."
TYPES = ("call.status", "call.answered", "turn.added", "call.ended", "call.updated")

_encode = msgspec.json.Encoder().encode


class SessionSocketQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Who it is."""

    token: str | None = None
    "Instead of the Authorization header."


async def follow_session(asked: Asked[SessionSocketQuery, Nothing]) -> web.StreamResponse:
    """A WebSocket: how the session stands, then what happens, each a JSON text with its `type`.

    `session_started`, `status_change`, `transcript_update`, `session_ended`, `error`; it is closed
    after the end. A client may send `{"type": "user_message", "content": …}`: as if the caller had
    said it. Words that come before somebody has answered wait for that.
    """
    shown, protocols = _shown(asked)
    bus = asked.edge.bus
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S,
        max_msg_size=MAX_MESSAGE_BYTES,
        timeout=CLOSE_S,
        protocols=protocols,
    )
    await socket.prepare(asked.request)
    narrator = Narrator()
    try:
        who = await _who(asked, shown)
        whose = asked.address if who is None else who.account_id
        if bus.held_by(whose) >= MAX_SOCKETS:
            raise TooManyRequests(f"at most {MAX_SOCKETS} of these at once", CLOSE_S)
        found = await _found(asked, who)
    except Problem as exc:
        code = BAD_TOKEN if isinstance(exc, Unauthorized) else WSCloseCode.TRY_AGAIN_LATER
        said = "AUTHENTICATION_REQUIRED" if code == BAD_TOKEN else "RATE_LIMIT_EXCEEDED"
        return await _refuse(asked, socket, narrator, exc.detail, said, code)
    if found is None:
        said = "RESOURCE_NOT_FOUND"
        return await _refuse(asked, socket, narrator, "no such session", said, NO_SESSION)
    # Followed before it is looked at: nothing can happen unseen in between.
    subscription = bus.subscribe(EventFilter(call_id=found, types=TYPES))
    subscription.whose = whose
    here = _Socket(asked, socket, subscription, narrator, who, found)
    try:
        await here.serve(shown)
    finally:
        subscription.close("the client left")
        await _close(asked, socket, here.code, here.reason)
    return socket


class _Socket:
    """One client."""

    def __init__(
        self,
        asked: Asked[SessionSocketQuery, Nothing],
        socket: web.WebSocketResponse,
        subscription: Subscription,
        narrator: Narrator,
        who: Principal | None,
        call_id: str,
    ) -> None:
        self._asked = asked
        self._services = asked.edge.services
        self._socket = socket
        self._subscription = subscription
        self._narrator = narrator
        self._who = who
        self._may = OPERATOR if who is None else who
        self._call_id = call_id
        self._waiting: collections.deque[str] = collections.deque()
        self._greeted = asyncio.Event()
        self._number = 0
        self.code: int = WSCloseCode.OK
        self.reason = ""

    async def serve(self, shown: str | None) -> None:
        """Until the session or the client's credential has ended, or the client leaves."""
        tasks: set[asyncio.Task[None]] = {
            asyncio.create_task(self._tell(), name="tell of a session"),
            asyncio.create_task(self._read(), name="read a session's client"),
        }
        if self._who is not None:
            work = self._watch(shown, self._who)
            tasks.add(asyncio.create_task(work, name="watch the credential"))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except ClientConnectionResetError:
            return  # the client is gone
        except StoreError:
            self.code, self.reason = WSCloseCode.TRY_AGAIN_LATER, "what is stored cannot be read"
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self) -> None:
        events = aiter(self._subscription)
        await anext(events)  # the first has only the cursor
        call = await self._look(greet=True)
        while self._narrator.status not in ENDED:
            try:
                await anext(events)
            except StopAsyncIteration:
                self.code = WSCloseCode.TRY_AGAIN_LATER
                self.reason = self._subscription.closed_because or ""
                return
            call = await self._look()
            if call.status is CallStatus.LIVE:
                while self._waiting and call.status is CallStatus.LIVE:
                    await self._say(self._waiting.popleft())

    async def _look(self, *, greet: bool = False) -> Call:
        """Tell what is new."""
        call = await self._services.calls.get(self._may, self._call_id)
        turns = await said_in(self._asked, self._may, call)
        (view,) = await views(self._asked, [call], self._may)
        self._number = view.id
        wall = self._services.stated_calls.now_wall()
        tell = self._narrator.greet if greet else self._narrator.tell
        for frame in tell(view, call, turns, wall):
            await self._send(frame)
        self._greeted.set()
        return call

    async def _read(self) -> None:
        await self._greeted.wait()
        async for message in self._socket:
            text = message.data if message.type is WSMsgType.TEXT else ""
            try:
                await self._take(read_message(text))
            except Misunderstood as exc:
                await self._fail(str(exc))

    async def _take(self, words: str) -> None:
        if self._narrator.status != "pending":
            await self._say(words)
        elif len(self._waiting) < MAX_WAITING:
            self._waiting.append(words)
        else:
            await self._fail("too many messages wait for somebody to answer")

    async def _say(self, words: str) -> None:
        try:
            await self._services.control.type(self._may, self._call_id, words)
        except Problem as exc:
            await self._fail(exc.detail)

    async def _watch(self, shown: str | None, who: Principal) -> None:
        audience = speaking(self._asked).audience
        self.reason = await self._services.authentication.ended(shown, who, audience)
        self.code = BAD_TOKEN

    async def _fail(self, detail: str) -> None:
        wall = self._services.stated_calls.now_wall()
        await self._send(self._narrator.error(self._number, detail, "VALIDATION_ERROR", wall))

    async def _send(self, frame: Frame) -> None:
        await self._socket.send_str(_encode(frame).decode())


def _shown(asked: Asked[SessionSocketQuery, Nothing]) -> tuple[str | None, tuple[str, ...]]:
    """What was shown, as an Authorization header; the subprotocol that is spoken."""
    request = asked.request
    found = speaking(asked).shown(request, route_of(request))
    if found is not None:
        return found, ()
    offered = [
        each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    ]
    if len(offered) > 1 and offered[0].lower() == BEARER:
        return f"Bearer {offered[1]}", (offered[0],)
    return None, ()


async def _who(asked: Asked[SessionSocketQuery, Nothing], shown: str | None) -> Principal | None:
    """None: nobody has said, and nobody has to. Raises Unauthorized."""
    here = speaking(asked)
    if shown is None and here.open_sessions:
        return None
    principal = await asked.edge.services.authentication.principal(shown, here.audience)
    if not principal.may("calls:read"):
        raise Unauthorized("the key is not for sessions")
    return principal


def _number(asked: Asked[SessionSocketQuery, Nothing]) -> int:
    text = asked.path("call")
    return int(text) if text.isascii() and text.isdigit() and len(text) < MAX_DIGITS else 0


async def _found(asked: Asked[SessionSocketQuery, Nothing], who: Principal | None) -> str | None:
    """The call's id. Without a token nobody learns of calls of other APIs, whatever they guess."""
    services = asked.edge.services
    found = await services.numbered.id_of(who or OPERATOR, "call", _number(asked))
    if found is None or who is not None:
        return found
    return found if is_made_here(await services.calls.get(OPERATOR, found)) else None


async def _refuse(
    asked: Asked[SessionSocketQuery, Nothing],
    socket: web.WebSocketResponse,
    narrator: Narrator,
    detail: str,
    said: str,
    code: int,
) -> web.WebSocketResponse:
    wall = asked.edge.services.stated_calls.now_wall()
    try:
        frame = narrator.error(_number(asked), detail, said, wall)
        await socket.send_str(_encode(frame).decode())
    except ClientConnectionResetError:
        return socket  # the client is gone
    await _close(asked, socket, code, detail)
    return socket


async def _close(
    asked: Asked[SessionSocketQuery, Nothing],
    socket: web.WebSocketResponse,
    code: int,
    reason: str,
) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code=code, message=reason.encode()[:120])
    except TimeoutError:
        if asked.request.transport is not None:
            asked.request.transport.abort()


ROWS: tuple[AnyRow, ...] = (
    Row(
        method="GET",
        path="/ws/session/{call}",
        handler=follow_session,
        summary="Follow a session (WebSocket)",
        tag=TAG,
        scope=None,
        query=SessionSocketQuery,
        status=101,
        token_in_query=True,
        messages=((UserMessage,), (Frame,)),
    ),
)
