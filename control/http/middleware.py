"""Around every request: its id, its token, its size, and its errors as problem details."""

import logging
import re
import secrets

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ..auth.operator_token import ApiToken
from ..errors import Problem, StoreError, TooLarge, Unauthorized
from .problems import of_error, of_http, problem_response

MAX_BODY_BYTES = 64 * 1024
"Requests to this API are small."
REQUEST_ID = "X-Request-Id"
GUARDED = "/v1/"
"Below this prefix every request carries the token. /health and /metrics name no caller."

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


@web.middleware
async def limit_body(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a body by its announced length; what comes chunked aiohttp counts itself."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise TooLarge(f"at most {MAX_BODY_BYTES} bytes")
    return await handler(request)


def require_token(token: ApiToken) -> Middleware:
    """The middleware that guards the API."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(GUARDED) and not token.admits(
            request.headers.get("Authorization")
        ):
            raise Unauthorized("send the API token: Authorization: Bearer …")
        return await handler(request)

    return guard
