"""Around every request: its sender, how often they ask, and its errors as problems."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ..auth.client_network import Network, client_address
from ..auth.principal import Principal
from ..auth.rate_limits import Decision
from ..errors import Problem, StoreError, TooSlow, Unauthorized
from ..telemetry.log_context import ACCOUNT
from .compression import add_vary
from .cors import Cors
from .edge import Authenticator
from .rate_limiting import rate_headers
from .route import ADDRESS, AUDIENCE, REQUEST_ID, SHOWN, AnyRoute
from .serving import PRINCIPAL, route_of
from .speech import speech_of

ID_HEADER = "X-Request-Id"
FORWARDED = "X-Forwarded-For"
SERVER = "Offhook"
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Answers are data: whatever a browser takes them for, nothing in them runs or is framed.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

logger = logging.getLogger(__name__)

_DECISION = web.RequestKey("rate_decision", Decision)

Signal = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def add_headers(cors: Cors) -> Signal:
    """What every response has, put on it before the headers go: problems and files as well."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        headers["Server"] = SERVER  # what it is made of is nobody's business
        headers[ID_HEADER] = request.get(REQUEST_ID, "")
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        if decision := request.get(_DECISION):
            headers.update(rate_headers(decision))
        for name, value in cors.headers(request.headers.get("Origin")).items():
            if name == "Vary":
                add_vary(response, value)
            else:
                headers[name] = value

    return add


@web.middleware
async def tell_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tells every error as the API does. The request has its id (watching.py)."""
    speech = speech_of(request)
    try:
        response = await handler(request)
    except Problem as exc:
        response = speech.refuse(request, exc)
        if isinstance(exc, TooSlow):
            response.force_close()  # what may still come is no next request
    except web.HTTPException as exc:
        response = speech.refuse_http(request, exc)
    except StoreError as exc:
        logger.error("%s", exc)
        detail = "what is stored cannot be read"
        response = speech.fail(request, "Store failed", exc.code, detail)
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        response = speech.fail(request, "Internal error", "internal_error", "")
    return response


def answer_options(cors: Cors) -> Middleware:
    """The middleware that says by which methods an address can be asked; to anybody."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method != "OPTIONS":
            return await handler(request)
        wrong = request.match_info.http_exception
        if not isinstance(wrong, web.HTTPMethodNotAllowed):
            return await handler(request)
        methods = {*wrong.allowed_methods, "OPTIONS"}
        headers = {"Allow": ", ".join(sorted(methods))}
        headers |= cors.preflight(request.headers.get("Origin"), methods)
        return web.Response(status=204, headers=headers)

    return answer


def admit(authenticator: Authenticator, trusted: Sequence[Network]) -> Middleware:
    """The middleware that finds out who asks, and whether it is too often.

    What they may ask the routes say (serving.py).
    """

    def count(request: web.Request, route: AnyRoute | None, who: Principal | None) -> None:
        """Raises TooManyRequests."""
        limiter = speech_of(request).limiter
        if limiter is None:
            return
        if decision := limiter.count(request, route, who, request[ADDRESS]):
            request[_DECISION] = decision
            decision.refuse_unless_allowed()

    @web.middleware
    async def find_sender(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = route_of(request)
        forwarded = request.headers.getall(FORWARDED, [])
        request[ADDRESS] = client_address(request.remote or "", forwarded, trusted)
        speech = speech_of(request)
        who = None
        try:
            if speech.is_guarded(request.path, route):
                shown = request[SHOWN] = speech.shown(request, route)
                audience = request[AUDIENCE] = speech.audience
                who = request[PRINCIPAL] = await authenticator.principal(shown, audience)
                ACCOUNT.set(who.account_id)
        except Unauthorized:
            count(request, route, None)  # a guess counts for the address it comes from
            raise
        count(request, route, who)
        return await handler(request)

    return find_sender
