"""A dialect at its place: its tables as the server asks them (http/speech.py)."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from ...media.clock import Clock
from ..auth.rate_limits import Policy
from ..errors import BadRequest, Problem, TooLarge
from ..http.rate_limiting import RateLimiter
from ..http.route import REQUEST_ID, AnyRoute, Asked, Nothing
from ..http.serving import route_of
from ..http.speech import speech_of
from .described import described
from .dialect import AnyRow, Dialect, Row
from .engine_sessions import Sessions
from .postman import collection
from .reading import read_body, read_query
from .refusing import Broken, NoRoute, WrongMethod, refused

JSON = "application/json"
ABOUT_ITSELF = "This API"

_encode = msgspec.json.Encoder().encode


class Speaking:
    """A Speech (http/speech.py)."""

    def __init__(
        self,
        dialect: Dialect,
        clock: Clock,
        limiter: RateLimiter | None,
        *,
        prefix: str | None = None,
        open_registration: bool = False,
        open_sessions: bool = True,
    ) -> None:
        """`prefix`: None: `/` and its name."""
        self.dialect = dialect
        self.prefix = f"/{dialect.name}" if prefix is None else prefix
        self.audience = dialect.name
        self.limiter = limiter
        self.open_registration = open_registration
        "Whether its clients may make accounts for themselves."
        self.routes: Sequence[AnyRoute] = (*dialect.rows, *ABOUT)
        self.open_sessions = open_sessions
        "Whether aetherium's sessions may be followed without a token."
        self._clock = clock
        self.sessions = Sessions(clock)
        "Connections of Engine.IO that its clients have."

    def wall(self) -> float:
        """Now, in seconds since 1970."""
        return self._clock.wall()

    def addresses(self, route: AnyRoute) -> Sequence[str]:
        """With and without a slash at the end: older clients have both, and follow no redirect."""
        aliases = route.aliases if isinstance(route, Row) else ()
        found: list[str] = []
        for path in (route.path, *aliases):
            bare = self.prefix + path.rstrip("/")
            found += [bare, f"{bare}/"] if bare else ["/"]
        return found

    def is_guarded(self, path: str, route: AnyRoute | None) -> bool:
        """What its row says; that there is no such address may be told to anybody."""
        return route is not None and route.scope is not None

    def shown(self, request: web.Request, route: AnyRoute | None) -> str | None:
        """The header, or a key in one of its own, or a WebSocket's parameter."""
        authorization = request.headers.get("Authorization")
        if authorization is not None:
            return authorization
        key = request.headers.get(self.dialect.key_header) if self.dialect.key_header else None
        if key is None and route is not None and route.token_in_query:
            key = request.query.get("token")
        return None if key is None else f"Bearer {key}"

    def read_query(self, request: web.Request, route: AnyRoute) -> msgspec.Struct:
        """The parameters."""
        if route.query is Nothing:
            return Nothing()
        found: msgspec.Struct = read_query(request, route.query)
        return found

    def check_type(self, request: web.Request) -> None:
        """Any: what is sent is read as JSON, and clients forget to say so."""

    def read_body(self, data: bytes, route: AnyRoute) -> msgspec.Struct:
        """The body."""
        found: msgspec.Struct = read_body(data, route.body)
        return found

    def answer(self, request: web.Request, route: AnyRoute, answer: Any) -> web.StreamResponse:
        """In the success form."""
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None and route.status == web.HTTPNoContent.status_code:
            return web.Response(status=route.status)
        assert isinstance(route, Row), "the others answer by themselves"
        body = _encode(self.dialect.success(route, answer, self._clock.wall()))
        return web.Response(body=body, status=route.status, content_type=JSON)

    def refuse(self, request: web.Request, error: Problem) -> web.Response:
        """In the error form."""
        route = route_of(request)
        row = route if isinstance(route, Row) else None
        told = refused(self.dialect, row, error, self._clock.wall(), request[REQUEST_ID])
        body = _encode(self.dialect.error(told))
        response = web.Response(body=body, status=told.status, content_type=JSON)
        if told.status == web.HTTPUnauthorized.status_code:
            response.headers["WWW-Authenticate"] = self.dialect.scheme  # RFC 9110 §11.6.1
        if told.retry_after_s is not None:
            response.headers["Retry-After"] = str(math.ceil(told.retry_after_s))
        return response

    def refuse_http(self, request: web.Request, error: web.HTTPException) -> web.Response:
        """In the error form."""
        if isinstance(error, web.HTTPNotFound):
            return self.refuse(request, NoRoute("there is no such address"))
        if isinstance(error, web.HTTPRequestEntityTooLarge):
            return self.refuse(request, TooLarge("the body is too large"))
        if isinstance(
            error, web.HTTPBadRequest
        ):  # a WebSocket that is asked for as if it were none
            return self.refuse(request, BadRequest(error.text or error.reason))
        if isinstance(error, web.HTTPMethodNotAllowed):
            allowed = ", ".join(sorted(error.allowed_methods))
            response = self.refuse(request, WrongMethod(f"ask this address by {allowed}"))
            response.headers["Allow"] = allowed
            return response
        return self.refuse(request, Broken(error.reason))

    def fail(self, request: web.Request, title: str, code: str, detail: str) -> web.Response:
        """In the error form."""
        return self.refuse(request, Broken(detail or title))


def speaking(asked: Asked[Any, Any]) -> Speaking:
    """The place that a request came to."""
    speech = speech_of(asked.request)
    assert isinstance(speech, Speaking), "a dialect's handler is served by a dialect"
    return speech


def link(asked: Asked[Any, Any], path: str) -> str:
    """An absolute address below the prefix that this request came by."""
    return f"{asked.request.url.origin()}{speaking(asked).prefix}{path}"


def limiter_of(dialect: Dialect, clock: Clock, *, refuses: bool) -> RateLimiter | None:
    """The dialect's limits; `refuses` False: they are told, and nobody is refused."""
    if not dialect.rates:
        return None
    policies = {
        name: Policy(name, rate.limit, rate.window_s, whole_windows=True)
        for name, rate in dialect.rates.items()
    }
    return RateLimiter(
        clock,
        policies,
        by_address=(),
        by_bytes=tuple(name for name, rate in dialect.rates.items() if rate.in_bytes),
        counts_all=True,
        refuses=refuses,
    )


async def get_openapi(asked: Asked[Nothing, Nothing]) -> web.Response:
    """The description as OpenAPI 3.1."""
    here = speaking(asked)
    return web.Response(body=described(here.dialect, here.prefix), content_type=JSON)


async def get_postman(asked: Asked[Nothing, Nothing]) -> web.Response:
    """The requests as a Postman collection, version 2.1."""
    here = speaking(asked)
    base = link(asked, here.dialect.base)
    return web.Response(body=collection(here.dialect, base), content_type=JSON)


ABOUT: tuple[AnyRow, ...] = tuple(
    Row(
        method="GET",
        path=path,
        handler=handler,
        summary=summary,
        tag=ABOUT_ITSELF,
        scope=None,
        documented=False,
    )
    for path, handler, summary in (
        ("/openapi.json", get_openapi, "The description"),
        ("/postman.json", get_postman, "The collection of requests"),
    )
)
