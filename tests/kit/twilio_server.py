"""A local server that speaks Twilio's Messages and Balance: keeps what comes, answers as told."""

import asyncio
import collections
from typing import Any

import msgspec
from aiohttp import encode_basic_auth, web
from aiohttp.test_utils import TestServer

from offhook.control.configuration.config_messaging import TwilioSettings

SID, SECRET = "AC0123456789abcdef", "a secret of tests"
FROM = "+15550009999"


class Refusal(msgspec.Struct, frozen=True):
    """How one request is refused."""

    status: int
    code: int
    message: str


class TwilioServer:
    """`async with TwilioServer() as server`. `refusals` are told before messages are taken."""

    def __init__(self) -> None:
        app = web.Application()
        app.router.add_post("/2010-04-01/Accounts/{sid}/Messages.json", self._create)
        app.router.add_get("/2010-04-01/Accounts/{sid}/Balance.json", self._tell_balance)
        self._server = TestServer(app, host="127.0.0.1")
        self.refusals: collections.deque[Refusal] = collections.deque()
        self.taken: list[dict[str, str]] = []
        "The forms of messages that were taken, and their `sid`."
        self.asked = 0
        "Requests for texts that came."
        self.balance, self.currency = "45.67", "USD"
        self.balance_asked = 0
        self.hold: asyncio.Event | None = None
        "No balance is told before it is set."

    async def __aenter__(self) -> "TwilioServer":
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    def settings(self, **more: Any) -> TwilioSettings:
        """Those that lead here."""
        given = {
            "account_sid": SID,
            "auth_token": SECRET,
            "from_number": FROM,
            "base_url": str(self._server.make_url("/")).rstrip("/"),
        }
        return TwilioSettings(**(given | more))

    async def _create(self, request: web.Request) -> web.Response:
        self.asked += 1
        if not _is_ours(request):
            return _refused(Refusal(401, 20003, "Authenticate"))
        form = {name: str(value) for name, value in (await request.post()).items()}
        if self.refusals:
            return _refused(self.refusals.popleft())
        missing = [name for name in ("To", "From", "Body") if not form.get(name)]
        if missing:
            return _refused(Refusal(400, 21604, f"A '{missing[0]}' is required."))
        form["sid"] = f"SM{len(self.taken):032x}"
        self.taken.append(form)
        answer = {"sid": form["sid"], "status": "queued", "error_code": None}
        return web.json_response(answer, status=201)

    async def _tell_balance(self, request: web.Request) -> web.Response:
        self.balance_asked += 1
        if self.hold is not None:
            await self.hold.wait()
        if not _is_ours(request):
            return _refused(Refusal(401, 20003, "Authenticate"))
        told = {"account_sid": SID, "balance": self.balance, "currency": self.currency}
        return web.json_response(told)


def _is_ours(request: web.Request) -> bool:
    shown = request.headers.get("Authorization", "")
    return shown == encode_basic_auth(SID, SECRET) and request.match_info["sid"] == SID


def _refused(refusal: Refusal) -> web.Response:
    body = {"code": refusal.code, "message": refusal.message, "status": refusal.status}
    return web.json_response(body, status=refusal.status)
