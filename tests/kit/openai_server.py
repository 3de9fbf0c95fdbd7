"""A local server that speaks OpenAI's chat completions, speech and transcriptions over HTTP.

Answers are scripted: `server.script` holds one Behaviour for each request to come, the default
afterwards. What arrived is kept in `server.requests`.
"""

import asyncio
import io
import wave
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

KEY = "sk-test-0123456789"
STALL = b"<stall>"
"A piece of a body: nothing more comes until the client goes away."
CUT = b"<cut>"
"A piece of a body: the connection is cut here."


class Behaviour(msgspec.Struct, frozen=True):
    """How one request is answered."""

    status: int = 200
    pieces: tuple[bytes, ...] = ()
    "The body, each piece written by itself."
    headers: dict[str, str] = {}
    error: dict[str, Any] | None = None
    "The `error` object of a refusal."


class Request(msgspec.Struct):
    """What the client sent."""

    path: str
    body: dict[str, Any]
    wav_hz: int = 0
    wav_samples: int = 0


def chunk(**delta: Any) -> bytes:
    """One event of a chat stream."""
    event = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1694268190,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
        "usage": None,
    }
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


def chat(*texts: str) -> bytes:
    """A whole chat stream, as servers send it: a comment, words, usage, the end."""
    usage = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m",'
    usage += b'"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}\n\n'
    opening = b": keep-alive\n\n" + chunk(role="assistant", content="")
    words = b"".join(chunk(content=text) for text in texts)
    return opening + words + chunk() + usage + b"data: [DONE]\n\n"


def completion(
    content: str | None = None, refusal: str | None = None, finish_reason: str = "stop"
) -> bytes:
    """An answer in one piece, as servers give it to whoever does not want a stream."""
    answer = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1694268190,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": refusal},
                "finish_reason": finish_reason,
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    return msgspec.json.encode(answer)


def split(body: bytes, size: int) -> tuple[bytes, ...]:
    """A body in pieces of `size` bytes: through lines, characters and samples."""
    return tuple(body[at : at + size] for at in range(0, len(body), size))


def refusal(status: int, code: str, message: str = "no", **headers: str) -> Behaviour:
    """An error as the API words it."""
    error = {"message": message, "type": "error", "param": None, "code": code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Behaviour(status=status, error=error, headers=named)


class OpenAIServer:
    """The server; `base_url` is set while it runs."""

    def __init__(self) -> None:
        self.base_url = ""
        self.script: deque[Behaviour] = deque()
        self.requests: list[Request] = []
        self.asked = asyncio.Event()
        "A request arrived."
        self.models_asked = 0
        "How often somebody wanted to know which models there are."
        self.client_left = asyncio.Event()
        "A client closed its connection before the answer was complete."

    @asynccontextmanager
    async def running(self) -> AsyncIterator["OpenAIServer"]:
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_post("/v1/audio/speech", self._answer)
        app.router.add_post("/v1/audio/transcriptions", self._answer)
        app.router.add_get("/v1/models", self._models)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _models(self, request: web.Request) -> web.Response:
        self.models_asked += 1
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return _refuse(refusal(401, "invalid_api_key"))
        return web.json_response({"object": "list", "data": [{"id": "m", "object": "model"}]})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await _read(request))
        self.asked.set()
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            said = f"Incorrect API key provided: {request.headers.get('Authorization', '')[7:]}."
            return _refuse(refusal(401, "invalid_api_key", said))
        behaviour = self.script.popleft() if self.script else Behaviour()
        if behaviour.error is not None:
            return _refuse(behaviour)
        response = web.StreamResponse(status=behaviour.status, headers=behaviour.headers)
        await response.prepare(request)
        try:
            for piece in behaviour.pieces:
                if piece == STALL:
                    await asyncio.Event().wait()
                if piece == CUT:
                    assert request.transport is not None
                    request.transport.abort()
                    return response
                await response.write(piece)
                await asyncio.sleep(0)  # so that the pieces are packets of their own
        except (asyncio.CancelledError, ConnectionResetError):
            self.client_left.set()
            raise
        await response.write_eof()
        return response


def _refuse(behaviour: Behaviour) -> web.Response:
    return web.json_response(
        {"error": behaviour.error}, status=behaviour.status, headers=behaviour.headers
    )


async def _read(request: web.Request) -> Request:
    if request.content_type == "application/json":
        return Request(request.path, await request.json())
    form = await request.post()
    file = form["file"]
    assert isinstance(file, web.FileField)
    with wave.open(io.BytesIO(file.file.read())) as wav:
        rate_hz, samples = wav.getframerate(), wav.getnframes()
    file.file.close()
    fields = {name: value for name, value in form.items() if name != "file"}
    return Request(request.path, fields, rate_hz, samples)
