"""Around every request: its id, its sender, and its errors as problem details."""

import logging
import re
import secrets

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ..errors import Problem, StoreError
from .edge import Authenticator
from .problems import of_error, of_http, problem_response
from .serving import PRINCIPAL, route_of

REQUEST_ID = "X-Request-Id"
GUARDED = "/v1/"
"Below this prefix even an address that does not exist is only told to those who may ask."

logger = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_ID_KEY = web.RequestKey("request_id", str)


async def name_response(request: web.Request, response: web.StreamResponse) -> None:
    """Put the request's id on its response, before the headers go."""
    response.headers[REQUEST_ID] = request.get(_ID_KEY, "")


@web.middleware
async def tell_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost: gives the request its id and turns every error into a problem."""
    given = request.headers.get(REQUEST_ID, "")
    request_id = given if _REQUEST_ID.match(given) else secrets.token_hex(8)
    request[_ID_KEY] = request_id
    try:
        response = await handler(request)
    except Problem as exc:
        response = of_error(request, request_id, exc)
    except web.HTTPException as exc:
        response = of_http(request, request_id, exc)
    except StoreError as exc:
        logger.error("request %s: %s", request_id, exc)
        detail = "what is stored cannot be read"
        response = problem_response(request, request_id, 500, "Store failed", exc.code, detail)
    except Exception:
        logger.exception("request %s failed: %s %s", request_id, request.method, request.path)
        response = problem_response(request, request_id, 500, "Internal error", "internal_error")
    logger.debug("%s %s %s %s", request_id, request.method, request.path, response.status)
    return response


def authenticate(authenticator: Authenticator) -> Middleware:
    """The middleware that finds out who asks; the routes say what they may (serving.py)."""

    @web.middleware
    async def find_sender(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = route_of(request)
        guarded = request.path.startswith(GUARDED) if route is None else route.scope is not None
        if guarded:
            authorization = request.headers.get("Authorization")
            if authorization is None and route is not None and route.token_in_query:
                token = request.query.get("token")
                authorization = None if token is None else f"Bearer {token}"
            request[PRINCIPAL] = await authenticator.principal(authorization)
        return await handler(request)

    return find_sender
