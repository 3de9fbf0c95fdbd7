"""`/openapi.json`, `/docs`: this description, for programs and for people; no network needed.

Both are made of the table of routes (openapi.py); the page's own files lie in static/docs.
"""

import functools
import hashlib
import importlib.metadata
import mimetypes
import pathlib

import msgspec
from aiohttp import web

from ..errors import NotFound
from .compression import GOOD, accepts_gzip, add_vary, gzipped
from .openapi import document
from .route import AnyRoute, Asked, Nothing, Route

TAG = "Server"
PACKAGE = "offhook"
FOLDER = pathlib.Path(__file__).parent / "static" / "docs"
PAGE = "index.html"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Unchanging(msgspec.Struct, frozen=True):
    """Bytes that are the same as long as the process lives."""

    content_type: str
    plain: bytes
    packed: bytes
    etag: str


DESCRIBED: web.AppKey[tuple[AnyRoute, ...]] = web.AppKey("described")
"What the document is made of."


async def get_openapi(asked: Asked[Nothing, Nothing]) -> web.Response:
    """This description, as OpenAPI 3.1."""
    return _answer(asked.request, description(asked.request.app[DESCRIBED]))


async def get_docs(asked: Asked[Nothing, Nothing]) -> web.Response:
    """A page to read it, and to try it."""
    return _answer(asked.request, files()[PAGE])


async def get_docs_file(asked: Asked[Nothing, Nothing]) -> web.Response:
    """A part of the page."""
    name = asked.path("file")
    if name not in files():
        raise NotFound(f"no file {name[:64]!r}")
    return _answer(asked.request, files()[name])


@functools.cache
def description(routes: tuple[AnyRoute, ...]) -> Unchanging:
    """The document of these routes. Takes a fraction of a second, once."""
    whole = document(routes, version())
    return _unchanging("application/json", msgspec.json.encode(whole))


@functools.cache
def files() -> dict[str, Unchanging]:
    """The page's files."""
    return {
        path.name: _unchanging(
            mimetypes.guess_type(path.name)[0] or "text/plain", path.read_bytes()
        )
        for path in sorted(FOLDER.iterdir())
    }


def version() -> str:
    """Of this program; `0` where it was not installed."""
    try:
        return importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return "0"


def _unchanging(content_type: str, data: bytes) -> Unchanging:
    # Weak: the same tag stands for the compressed form (RFC 9110 §8.8.1).
    etag = f'W/"{hashlib.sha256(data).hexdigest()[:24]}"'
    return Unchanging(content_type, data, gzipped(data, GOOD), etag)


def _answer(request: web.Request, found: Unchanging) -> web.Response:
    headers = {
        "ETag": found.etag,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": PAGE_POLICY,
    }
    seen = request.headers.get("If-None-Match", "")
    if found.etag in (tag.strip() for tag in seen.split(",")) or seen.strip() == "*":
        return web.Response(status=304, headers=headers)
    packs = accepts_gzip(request.headers.get("Accept-Encoding", ""))
    response = web.Response(
        body=found.packed if packs else found.plain,
        headers=headers,
        content_type=found.content_type,
        charset="utf-8" if found.content_type.startswith("text/") else None,
    )
    if packs:
        response.headers["Content-Encoding"] = "gzip"
    add_vary(response, "Accept-Encoding")
    return response


UNCHANGED = ((304, "It is as you have it (`If-None-Match`)."),)

ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/openapi.json",
        handler=get_openapi,
        summary="The API's description",
        tag=TAG,
        scope=None,
        bare=UNCHANGED,
    ),
    Route(
        method="GET",
        path="/docs",
        handler=get_docs,
        summary="The API's page",
        tag=TAG,
        scope=None,
        content="text/html",
        bare=UNCHANGED,
    ),
    Route(
        method="GET",
        path="/docs/{file}",
        handler=get_docs_file,
        summary="A file of the page",
        tag=TAG,
        scope=None,
        documented=False,
    ),
)
