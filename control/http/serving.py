"""SHELL: rows of the table as aiohttp's handlers: allowed, read, done, answered.

What is around every request (its id, problems, who asks) is in middleware.py.
"""

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from ..auth.principal import Principal
from ..errors import Forbidden
from .decoding import BODY_TIMEOUT_S, limit_body, read_bytes, refuse_packed
from .finishing import READING, Finishing
from .null_characters import refuse_in_path
from .once import answered_once, key_of
from .route import NOTHING, AnyRoute, Asked
from .speech import Speech, speech_of

ROUTE_KEY = "offhook_route"
"On an aiohttp handler: the row that it serves."
PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal", Principal)
FINISHING = web.AppKey("finishing", Finishing)
BODY_TIMEOUT = web.AppKey("body_timeout", float)

AiohttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def definitions(speech: Speech) -> list[web.RouteDef]:
    """An API's table, for `app.add_routes`."""
    return [
        web.route(route.method, address, handler)
        for route in speech.routes
        for handler in [handler_of(route)]
        for address in speech.addresses(route)
    ]


def handler_of(route: AnyRoute) -> AiohttpHandler:
    """One row as aiohttp calls it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        who = request.get(PRINCIPAL)
        if route.scope is not None:
            check_may(who, route)
        refuse_in_path(request.match_info)
        limit_body(request, route.max_body_bytes)
        refuse_packed(request)
        speech = speech_of(request)
        query = speech.read_query(request, route)
        body: msgspec.Struct = NOTHING
        data = b""
        if route.takes_body:
            speech.check_type(request)
            timeout_s = request.app.get(BODY_TIMEOUT, BODY_TIMEOUT_S)
            data = await read_bytes(request, route.max_body_bytes, timeout_s)
            body = speech.read_body(data, route)
        key = key_of(request) if route.creates else None
        asked = Asked(request, who, query, body)

        async def work() -> web.StreamResponse:
            return speech.answer(request, route, await route.handler(asked))

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
