"""A receiver of webhooks on this machine: keeps what comes, answers as it is told to."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer


class Received(msgspec.Struct, frozen=True):
    """One POST."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return msgspec.json.decode(self.body)


class Receiver:
    """`async with Receiver() as receiver`; `status` decides what a request is answered with.

    A status of 0 is no answer at all, until `let_go` is set.
    """

    def __init__(self, status: Callable[[Received], int] = lambda _: 204) -> None:
        self.status = status
        self.received: list[Received] = []
        self.let_go = asyncio.Event()
        self._came = asyncio.Event()
        app = web.Application()
        app.router.add_post("/{path:.*}", self._receive)
        self._server = TestServer(app)

    async def __aenter__(self) -> "Receiver":
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.let_go.set()
        await self._server.close()

    def url(self, path: str = "/hook") -> str:
        """Where to send."""
        return str(self._server.make_url(path))

    async def wait(self, count: int) -> list[Received]:
        """All that came, as soon as there are so many."""
        while len(self.received) < count:
            self._came.clear()
            await self._came.wait()
        return self.received

    async def _receive(self, request: web.Request) -> web.Response:
        received = Received(request.path, dict(request.headers), await request.read())
        self.received.append(received)
        self._came.set()
        status = self.status(received)
        if not status:
            await self.let_go.wait()
        headers = {"Location": "/elsewhere"} if 300 <= status < 400 else {}
        return web.Response(status=status or 204, headers=headers)


def is_signed(received: Received, secret: str) -> bool:
    """What a receiver would write, from the documentation alone."""
    parts = dict(part.split("=", 1) for part in received.headers["Offhook-Signature"].split(","))
    signed = parts["t"].encode() + b"." + received.body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts["v1"])
