"""Errors as HTTP tells them: problem details (RFC 9457), each with the request's id."""

import math

import msgspec
from aiohttp import web

from ..errors import FieldError, Problem, Unauthorized

CONTENT_TYPE = "application/problem+json"
REALM = 'Bearer realm="offhook"'

_encode = msgspec.json.Encoder().encode


class ProblemDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457 §3.1, with our stable `code`, the request's id, and what is at fault."""

    type: str
    title: str
    status: int
    code: str
    instance: str
    request_id: str
    detail: str = ""
    field: str | None = None
    errors: tuple[FieldError, ...] = ()


def problem_response(
    request: web.BaseRequest, request_id: str, status: int, title: str, code: str, detail: str = ""
) -> web.Response:
    """A problem without an exception of ours."""
    details = ProblemDetails(
        f"urn:offhook:problem:{code}", title, status, code, request.path, request_id, detail
    )
    return web.Response(status=status, body=_encode(details), content_type=CONTENT_TYPE)


def of_error(request: web.Request, request_id: str, error: Problem) -> web.Response:
    """Our own error."""
    details = ProblemDetails(
        f"urn:offhook:problem:{error.code}",
        error.title,
        error.status,
        error.code,
        request.path,
        request_id,
        error.detail,
        error.field,
        error.errors,
    )
    response = web.Response(status=error.status, body=_encode(details), content_type=CONTENT_TYPE)
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = REALM  # RFC 9110 §11.6.1
    if error.retry_after_s is not None:  # whole seconds, and never too early
        response.headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    return response


def of_http(request: web.Request, request_id: str, error: web.HTTPException) -> web.Response:
    """What aiohttp raises by itself: no such route, wrong method, a body over the limit."""
    code = error.reason.lower().replace(" ", "_")
    response = problem_response(request, request_id, error.status, error.reason, code)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response
