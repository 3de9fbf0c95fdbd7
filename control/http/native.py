"""The server's own API as it speaks: JSON of Structs, problem details, `Bearer`."""

from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from ..errors import Problem
from .decoding import check_json, parse_body, read_query
from .problems import of_error, of_http, problem_response
from .rate_limiting import RateLimiter
from .route import REQUEST_ID, AnyRoute

GUARDED = "/v1/"
"Below this prefix even an address that does not exist is only told to those who may ask."

_encode = msgspec.json.Encoder().encode


class Native:
    """A Speech (speech.py)."""

    prefix = ""
    audience = ""

    def __init__(self, routes: Sequence[AnyRoute], limiter: RateLimiter | None) -> None:
        self.routes = routes
        self.limiter = limiter

    def addresses(self, route: AnyRoute) -> Sequence[str]:
        """Its path and no other."""
        return (route.path,)

    def is_guarded(self, path: str, route: AnyRoute | None) -> bool:
        """What a route says; all of what is below /v1."""
        return path.startswith(GUARDED) if route is None else route.scope is not None

    def shown(self, request: web.Request, route: AnyRoute | None) -> str | None:
        """The header; of a browser's WebSocket, which cannot set one, the parameter."""
        authorization = request.headers.get("Authorization")
        if authorization is None and route is not None and route.token_in_query:
            token = request.query.get("token")
            return None if token is None else f"Bearer {token}"
        return authorization

    def read_query(self, request: web.Request, route: AnyRoute) -> msgspec.Struct:
        """The parameters."""
        found: msgspec.Struct = read_query(request, route.query)
        return found

    def check_type(self, request: web.Request) -> None:
        """JSON alone."""
        check_json(request)

    def read_body(self, data: bytes, route: AnyRoute) -> msgspec.Struct:
        """The body."""
        found: msgspec.Struct = parse_body(data, route.body)
        return found

    def answer(self, request: web.Request, route: AnyRoute, answer: Any) -> web.StreamResponse:
        """As it is; nothing is 204."""
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None:
            return web.Response(status=204)
        body = _encode(answer)
        return web.Response(body=body, status=route.status, content_type="application/json")

    def refuse(self, request: web.Request, error: Problem) -> web.Response:
        """A problem."""
        return of_error(request, request[REQUEST_ID], error)

    def refuse_http(self, request: web.Request, error: web.HTTPException) -> web.Response:
        """A problem."""
        return of_http(request, request[REQUEST_ID], error)

    def fail(self, request: web.Request, title: str, code: str, detail: str) -> web.Response:
        """A problem."""
        return problem_response(request, request[REQUEST_ID], 500, title, code, detail)
