"""How an API speaks: what it asks of senders, how it reads what they send, how it answers.

The server speaks its own (native.py); older APIs over the same services are control/dialects. All
of them are served by one way (serving.py, middleware.py), which asks here what differs.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from aiohttp import web

from ..errors import Problem
from .rate_limiting import RateLimiter
from .route import AnyRoute


class Speech(Protocol):
    """One API, at its place."""

    @property
    def prefix(self) -> str:
        """Its addresses begin so; empty: what belongs to no other."""
        ...

    @property
    def audience(self) -> str:
        """Whose access tokens it takes: only those that were issued for it; empty: our own."""
        ...

    @property
    def limiter(self) -> RateLimiter | None:
        """How often somebody may ask; None: as often as they like."""
        ...

    @property
    def routes(self) -> Sequence[AnyRoute]:
        """Its table."""
        ...

    def addresses(self, route: AnyRoute) -> Sequence[str]:
        """Where a route is served."""
        ...

    def is_guarded(self, path: str, route: AnyRoute | None) -> bool:
        """Whether a credential is needed; `route` None: there is no such address."""
        ...

    def shown(self, request: web.Request, route: AnyRoute | None) -> str | None:
        """What the sender shows of themselves, as an Authorization header."""
        ...

    def read_query(self, request: web.Request, route: AnyRoute) -> msgspec.Struct:
        """The parameters. Raises BadRequest."""
        ...

    def check_type(self, request: web.Request) -> None:
        """Raises Unsupported for a body that cannot be what is wanted."""
        ...

    def read_body(self, data: bytes, route: AnyRoute) -> msgspec.Struct:
        """The body. Raises BadRequest and Unprocessable."""
        ...

    def answer(self, request: web.Request, route: AnyRoute, answer: Any) -> web.StreamResponse:
        """What a handler returned, as a response."""
        ...

    def refuse(self, request: web.Request, error: Problem) -> web.Response:
        """A refusal of ours."""
        ...

    def refuse_http(self, request: web.Request, error: web.HTTPException) -> web.Response:
        """What aiohttp refuses by itself: no such address, another method."""
        ...

    def fail(self, request: web.Request, title: str, code: str, detail: str) -> web.Response:
        """A fault of ours: 500."""
        ...


SPEECHES: web.AppKey[tuple[Speech, ...]] = web.AppKey("speeches")
"All that an application serves; the one without a prefix is the last."


def speech_of(request: web.Request) -> Speech:
    """How the API speaks that a request is sent to."""
    path = request.path
    speeches = request.app[SPEECHES]
    for speech in speeches:
        prefix = speech.prefix
        if path.startswith(prefix) and path[len(prefix) :][:1] in ("", "/"):
            return speech
    return speeches[-1]
