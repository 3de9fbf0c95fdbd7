"""A local server that speaks the Bot API's sendMessage: keeps what comes, answers as told."""

import asyncio
import collections
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from offhook.control.configuration.config_messaging import TelegramSettings

SECRET = "123456:a-token-of-tests"


class TelegramServer:
    """`async with TelegramServer() as server`. `refusals` are told before messages are taken."""

    def __init__(self) -> None:
        app = web.Application()
        app.router.add_post("/bot{token}/sendMessage", self._send)
        self._server = TestServer(app, host="127.0.0.1")
        self.refusals: collections.deque[tuple[int, dict[str, Any]]] = collections.deque()
        "Status, and what else is said."
        self.taken: list[dict[str, Any]] = []
        self.took = asyncio.Event()
        "A message was taken."
        self.asked = 0
        "Requests that came."

    async def __aenter__(self) -> "TelegramServer":
        await self._server.start_server(access_log=None)  # it would name the token
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    def settings(self, **more: Any) -> TelegramSettings:
        """Those that lead here."""
        given = {"token": SECRET, "base_url": str(self._server.make_url("/")).rstrip("/")}
        return TelegramSettings(**(given | more))

    async def _send(self, request: web.Request) -> web.Response:
        self.asked += 1
        if request.match_info["token"] != SECRET:
            return _refused(401, {"description": "Unauthorized"})
        if self.refusals:
            return _refused(*self.refusals.popleft())
        body = await request.json()
        if not body.get("chat_id") or not body.get("text"):
            return _refused(400, {"description": "Bad Request: message text is empty"})
        self.taken.append(body)
        self.took.set()
        return web.json_response({"ok": True, "result": {"message_id": len(self.taken)}})


def _refused(status: int, said: dict[str, Any]) -> web.Response:
    return web.json_response({"ok": False, "error_code": status, **said}, status=status)
