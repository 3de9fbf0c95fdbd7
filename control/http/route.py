"""A row of the API's table: what is asked, by whom, what is answered. The documentation as well.

A handler gets what was asked, decoded and allowed (Asked), and returns a Struct, None (204), or a
response of its own (a file, a WebSocket). What is refused it raises as a Problem.
"""

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec
from aiohttp import web

from ..auth.principal import Principal
from ..errors import Problem
from .edge import AUTHENTICATOR, EDGE, Edge

MAX_BODY_BYTES = 64 * 1024
"Requests to this API are small."
REQUEST_ID = web.RequestKey("request_id", str)
"On every request: what logs and problems call it."
ADDRESS = web.RequestKey("address", str)
"On every request: where it really came from, behind proxies of ours as well."
SHOWN = web.RequestKey[str | None]("shown")
"Of a request to what is guarded: what its sender has shown of themselves."
AUDIENCE = web.RequestKey("audience", str)
"Of the same: the API that an access token must have been issued for."


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters, or no body."""


NOTHING = Nothing()
QueryT = TypeVar("QueryT", bound=msgspec.Struct)
BodyT = TypeVar("BodyT", bound=msgspec.Struct)


class Asked(Generic[QueryT, BodyT]):
    """A request, decoded; its sender is known and may ask this."""

    __slots__ = ("_who", "body", "query", "request")

    def __init__(
        self, request: web.Request, who: Principal | None, query: QueryT, body: BodyT
    ) -> None:
        self.request = request
        self._who = who
        self.query = query
        self.body = body

    @property
    def who(self) -> Principal:
        """The sender. Only of routes with a scope."""
        assert self._who is not None, "the route is open: nobody was asked for"
        return self._who

    @property
    def edge(self) -> Edge:
        """The server's parts."""
        return self.request.app[EDGE]

    @property
    def address(self) -> str:
        """Where the request came from, behind proxies of ours as well."""
        return self.request[ADDRESS]

    async def ended(self) -> str:
        """Return why, as soon as the sender's credential is good no longer. Raises StoreError."""
        request = self.request
        return await request.app[AUTHENTICATOR].ended(request[SHOWN], self.who, request[AUDIENCE])

    def path(self, name: str) -> str:
        """A part of the path, such as `id`."""
        return self.request.match_info[name]


Handler = Callable[[Asked[QueryT, BodyT]], Awaitable[msgspec.Struct | web.StreamResponse | None]]


@dataclasses.dataclass(frozen=True, slots=True)
class Route(Generic[QueryT, BodyT]):
    """One operation.

    What all rows of a chapter have is said once: `_route = functools.partial(Route, tag=TAG)`.
    """

    method: str
    path: str
    handler: Handler[QueryT, BodyT]
    summary: str
    "One line; the handler's docstring is the description."
    scope: str | None
    "What the credential must cover (auth/scopes.py); None: open to everybody."
    _: dataclasses.KW_ONLY
    tag: str
    "The chapter of the documentation."
    admin: bool = False
    "Only for administrators."
    query: type[QueryT] = Nothing  # type: ignore[assignment] # the default where there is none
    body: type[BodyT] = Nothing  # type: ignore[assignment]
    returns: type[msgspec.Struct] | None = None
    "None: nothing (204), or what `content` says."
    status: int = 200
    also: tuple[tuple[int, type[msgspec.Struct]], ...] = ()
    "Other statuses that are no problems, and what they answer with."
    content: str = "application/json"
    "The answer's media type."
    problems: tuple[type[Problem], ...] = ()
    "What it may refuse with, beside what every route may."
    max_body_bytes: int = MAX_BODY_BYTES
    documented: bool = True
    "False: it is no part of the API."
    bare: tuple[tuple[int, str], ...] = ()
    "Other statuses that have no JSON, and what they mean."
    other_content: tuple[str, ...] = ()
    "Media types that the answer may have instead of `content`."
    raw_body: str | None = None
    "Media type of a body that the handler reads by itself."
    raw_form: bool = False
    "It may come in a form as well, as the field `file`; other fields stand for the query's."
    keyed: bool = False
    "Of a raw body: the handler honours an Idempotency-Key, by what the body contains."
    messages: tuple[tuple[Any, ...], tuple[Any, ...]] | None = None
    "Of a WebSocket: the types of its JSON texts, those of clients first."
    token_in_query: bool = False
    "A browser's WebSocket cannot set headers: `?token=` may stand for the Authorization header."
    rate: str | None = "api"
    "The rate policy that it counts for (rate_limiting.py); None: it is not counted."

    @property
    def operation_id(self) -> str:
        """The handler's name."""
        return getattr(self.handler, "__name__", "operation")

    @property
    def takes_body(self) -> bool:
        """Whether it reads one."""
        return self.body is not Nothing

    @property
    def creates(self) -> bool:
        """Whether it makes something: then an Idempotency-Key is honoured."""
        return self.method == "POST" and self.scope is not None and self.raw_body is None


AnyRoute = Route[Any, Any]
