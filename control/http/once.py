"""Idempotency-Key: what a POST creates is created once, however often the request is sent.

After draft-ietf-httpapi-idempotency-key-header. What is kept: services/idempotency.py.
"""

import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from ..auth.principal import Principal
from ..errors import BadRequest, Conflict, Problem, TooManyRequests
from ..services.idempotency import Claim, IdempotencyService, KeptAnswer
from .speech import speech_of

IDEMPOTENCY_KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
MAX_KEY_CHARS = 255
KEY_PATTERN = rf"^[!-~]{{1,{MAX_KEY_CHARS}}}\Z"
"Visible ASCII."
KEPT_HEADERS = ("Content-Type", "Location", "Retry-After")

_KEY = re.compile(KEY_PATTERN)

Work = Callable[[], Awaitable[web.StreamResponse]]


def key_of(request: web.Request) -> str | None:
    """The request's key. Raises BadRequest."""
    keys = request.headers.getall(IDEMPOTENCY_KEY, [])
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.match(keys[0]):
        expected = f"one key of 1 to {MAX_KEY_CHARS} visible ASCII characters"
        raise BadRequest(expected, field=IDEMPOTENCY_KEY)
    return keys[0]


async def answered_once(
    service: IdempotencyService,
    request: web.Request,
    who: Principal,
    key: str,
    body: bytes,
    work: Work,
) -> web.StreamResponse:
    """What `work` answers, or what it has answered to this key before."""
    asked = f"{request.method} {request.path_qs}\n".encode() + body
    claim = await service.claim(who.account_id, key, asked)
    if isinstance(claim, KeptAnswer):
        return _replayed(claim)
    try:
        response = await _answer(request, work)
    except BaseException:
        await service.release(claim)
        raise
    await _keep(service, claim, response)
    return response


async def _answer(request: web.Request, work: Work) -> web.StreamResponse:
    """The client's own faults are answers as well: sent again, they would be faults again."""
    try:
        return await work()
    except TooManyRequests:
        raise
    except Problem as exc:
        if exc.status >= 500:
            raise
        return speech_of(request).refuse(request, exc)


async def _keep(service: IdempotencyService, claim: Claim, response: web.StreamResponse) -> None:
    if response.status >= 500:
        await service.release(claim)
        return
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    # Bytes that are no text are not kept, nor is what is streamed.
    body = b"\xff"
    if isinstance(response, web.Response):
        body = response.body if isinstance(response.body, bytes) else b""
    await service.keep(claim, response.status, headers, body)


def _replayed(kept: KeptAnswer) -> web.Response:
    if kept.body is None:
        raise Conflict("this has been done; its answer could not be kept")
    headers = {**kept.headers, REPLAYED: "true"}
    return web.Response(status=kept.status, headers=headers, body=kept.body.encode() or None)
