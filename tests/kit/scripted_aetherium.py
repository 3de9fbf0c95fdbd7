"""A server of Aetherium's sessions that answers as a test tells it to, for clients of that API."""

import asyncio
from collections import deque
from typing import Any, Self

import msgspec
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

KEY = "key-1"
SESSION: dict[str, Any] = {
    "id": 7,
    "workflow_id": 1,
    "phone_number": "+1555123456",
    "session_type": "outbound",
    "status": "pending",
    "started_at": None,
    "ended_at": None,
    "duration_seconds": None,
    "transcript": None,
    "ai_response": None,
    "metadata": {},
}
ABORT = "abort"
"A step: the connection is cut."

Step = dict[str, Any] | str | int


def update(kind: str, status: str, **data: Any) -> dict[str, Any]:
    """A frame, as the server sends it."""
    return {"type": kind, "session_id": 7, "status": status, "data": data | {"status": status}}


class Asked(msgspec.Struct):
    """A request that came."""

    method: str
    path: str
    "With its query."
    body: Any
    key: str | None
    "From the header."


class ScriptedAetherium:
    """`async with ScriptedAetherium() as server`, mounted at `server.url`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: deque[tuple[int, Any, dict[str, str]]] = deque()
        "Status, JSON and headers of the next requests; none left: SESSION."
        self.connections: deque[list[Step]] = deque()
        """What is done in each of the next streams: a frame is sent, a text is sent as it is, a
        close code closes, ABORT cuts. None left: it is refused with 503."""
        self.said: asyncio.Queue[str] = asyncio.Queue()
        "What clients sent in streams."
        self.streamed = 0
        "Streams that were asked for."
        app = web.Application()
        app.router.add_get("/mounted/ws/session/{id}", self._stream)
        app.router.add_route("*", "/mounted/{rest:.*}", self._answer)
        self._server = TestServer(app)

    @property
    def url(self) -> str:
        """What a client calls its base URL."""
        return str(self._server.make_url("/mounted"))

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    def refuse(self, status: int, code: str, **headers: str) -> None:
        """The next request, in the API's form."""
        body = {"detail": f"no: {code}", "error_code": code, "request_id": "req_1"}
        self.answers.append((status, body, headers))

    async def _answer(self, request: web.Request) -> web.Response:
        text = await request.text()
        body = msgspec.json.decode(text) if text else None
        key = request.headers.get("Authorization")
        self.asked.append(Asked(request.method, request.path_qs, body, key))
        status, told, headers = self.answers.popleft() if self.answers else (200, SESSION, {})
        data = told if isinstance(told, bytes) else msgspec.json.encode(told)
        return web.Response(body=data, status=status, headers=headers)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.streamed += 1
        if not self.connections:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        key = request.headers.get("Authorization") or request.query.get("token")
        self.asked.append(Asked("GET", request.path, None, key))
        for step in self.connections.popleft():
            if isinstance(step, int):
                await socket.close(code=step)
            elif step == ABORT:
                assert request.transport is not None, "the request is being answered"
                request.transport.abort()
            elif isinstance(step, str):
                await socket.send_str(step)
            else:
                await socket.send_json(step)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                self.said.put_nowait(message.data)
        return socket
