"""SHELL: rows of the table as aiohttp's handlers: allowed, read, done, answered.

What is around every request (its id, problems, who asks) is in middleware.py.
"""

from collections.abc import Awaitable, Callable, Iterable

import msgspec
from aiohttp import web

from ..auth.principal import Principal
from ..errors import Forbidden
from .decoding import BODY_TIMEOUT_S, check_json, limit_body, parse_body, read_bytes, read_query
from .finishing import READING, Finishing
from .once import answered_once, key_of
from .route import NOTHING, AnyRoute, Asked

ROUTE_KEY = "offhook_route"
"On an aiohttp handler: the row that it serves."
PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal", Principal)
FINISHING = web.AppKey("finishing", Finishing)
BODY_TIMEOUT = web.AppKey("body_timeout", float)

_encode = msgspec.json.Encoder().encode

AiohttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def definitions(routes: Iterable[AnyRoute]) -> list[web.RouteDef]:
    """The table, for `app.add_routes`."""
    return [web.route(route.method, route.path, handler_of(route)) for route in routes]


def handler_of(route: AnyRoute) -> AiohttpHandler:
    """One row as aiohttp calls it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        who = request.get(PRINCIPAL)
        if route.scope is not None:
            check_may(who, route)
        limit_body(request, route.max_body_bytes)
        query = read_query(request, route.query)
        body, data = NOTHING, b""
        if route.takes_body:
            check_json(request)
            timeout_s = request.app.get(BODY_TIMEOUT, BODY_TIMEOUT_S)
            data = await read_bytes(request, route.max_body_bytes, timeout_s)
            body = parse_body(data, route.body)
        key = key_of(request) if route.creates else None
        asked = Asked(request, who, query, body)

        async def work() -> web.StreamResponse:
            return answer_of(await route.handler(asked), route.status)

        if request.method in READING:
            return await work()
        finishing = request.app[FINISHING]
        if key is None:
            return await finishing.run(work())
        service = asked.edge.services.idempotency
        return await finishing.run(answered_once(service, request, asked.who, key, data, work))

    setattr(handle, ROUTE_KEY, route)
    return handle


def route_of(request: web.Request) -> AnyRoute | None:
    """The row that a request has met; None: an address that is not in the table."""
    return getattr(request.match_info.handler, ROUTE_KEY, None)


def check_may(who: Principal | None, route: AnyRoute) -> None:
    """Raises Forbidden when the credential does not cover what the route needs."""
    assert who is not None, "the middleware asks for a credential first"
    assert route.scope is not None, "open routes are not checked"
    if not who.may(route.scope):
        raise Forbidden(f"the credential lacks the scope {route.scope}")
    if route.admin and not who.is_admin:
        raise Forbidden("only for administrators")


def answer_of(
    answer: msgspec.Struct | web.StreamResponse | None, status: int
) -> web.StreamResponse:
    """What a handler returned, as a response."""
    if isinstance(answer, web.StreamResponse):
        return answer
    if answer is None:
        return web.Response(status=204)
    return web.Response(body=_encode(answer), status=status, content_type="application/json")
