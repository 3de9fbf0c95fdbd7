"""What the three OpenAI-compatible drivers share: connections, retries, time limits. Shell.

aiohttp and our own Structs, not the `openai` package: its three requests of a turn cost 8.9 ms of a
core (models, transforms, a pool that asks each of its sockets), these 1.2. It also imported modules
and built models with its first requests, while calls were up.

A request is tried again only while nothing of its answer has been used.
"""

import asyncio
import contextlib
import io
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from yarl import URL

from ..media.errors import ProviderError, ProviderRejected, ProviderTimedOut
from .errors import ProviderBusy, ProviderUnreachable
from .openai_limits import RequestLimit, read_limit
from .openai_refusals import read_refusal, refused
from .provider_watch import ProviderRequest, ProviderWatch, nobody_watches
from .public_addresses import PublicResolver

Part = TypeVar("Part")
Sleep = Callable[[float], Awaitable[object]]

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 4.0
CONNECT_TIMEOUT_S = 5.0
IDLE_S = 30.0
"A connection without a request is kept so long: turns of one call are seconds apart."
END_S = 1.0
"So long the last bytes of an answer that says no more may take; then its connection is closed."
MAX_REFUSAL_BYTES = 1 << 16
MAX_WRITE_BYTES = 1 << 20
"A longer body is written in pieces, so that the event loop does not wait for it."
JSON = "application/json"
OWN_KEY = "the settings"
"Where a refused key stands that is in no variable."


class Secret:
    """A key that is nobody's to read: whatever prints it, or what it is in, prints none of it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return "Secret()"


class OpenAISettings(msgspec.Struct, frozen=True):
    """One server, and how patient we are with it."""

    base_url: str = "https://api.openai.com/v1"
    key_env: str = "OPENAI_API_KEY"
    "The variable of the environment that holds the key; a server without keys takes any."
    first_part_s: float = 4.0
    "To the first part of an answer, connecting included."
    stall_s: float = 4.0
    "Between two parts."
    retries: int = 2
    longest_wait_s: float = 3.0
    "A server that asks for more patience than this (Retry-After) is given up at once."
    provider: str = "openai"
    "What it is called where requests are counted."
    key: Secret | None = None
    "The key itself, instead of the variable's."
    public_only: bool = False
    """Somebody else has named the address: neither a private network nor a proxy is asked, and no
    redirect is followed."""


class OpenAIClient:
    """One server: a pool of connections for all calls."""

    def __init__(
        self,
        name: str,
        settings: OpenAISettings,
        rng: random.Random,
        sleep: Sleep = asyncio.sleep,
        watch: ProviderWatch = nobody_watches,
    ) -> None:
        self.name, self.settings = name, settings
        self._rng, self._sleep, self._watch = rng, sleep, watch
        own = settings.key
        self._key = _key(os.environ.get(settings.key_env, "") if own is None else own.text)
        self._url = settings.base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._endings: set[asyncio.Task[None]] = set()
        self._limit: RequestLimit | None = None
        "As the newest answer has it; None: it does not say, or it has been told."

    async def aclose(self) -> None:
        """Close the connections."""
        for ending in tuple(self._endings):
            ending.cancel()
        await asyncio.gather(*self._endings, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    @contextlib.asynccontextmanager
    async def post(
        self, path: str, body: bytes, kind: str = JSON
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to `body`; leaving the block early aborts it.

        Inside an attempt only: what aiohttp raises becomes a ProviderError in `stream`. Raises
        ProviderError for a refusal.
        """
        data = body if len(body) < MAX_WRITE_BYTES else io.BytesIO(body)
        headers = {"Content-Type": kind}
        response = await self._opened().post(
            self._url + path,
            data=data,
            headers=headers,
            allow_redirects=not self.settings.public_only,
        )
        self._limit = read_limit(response.headers)
        try:
            if response.status >= 300:
                raise await self._refusal(response)
            yield response
        except BaseException:
            response.close()  # the connection with it: that is how a request is cancelled
            raise
        self._give_back(response)

    async def stream(self, attempt: Callable[[], AsyncIterator[Part]]) -> AsyncIterator[Part]:
        """The parts of `attempt`, tried again while none has come. Raises ProviderError."""
        for tries_left in range(self.settings.retries, -1, -1):
            parts = attempt()
            begun, failed = False, None
            own_key = self.settings.key is not None
            watched = self._watch(self.settings.provider, self.name, own_key)
            try:
                async for part in self._within_limits(parts):
                    if not begun:
                        watched.first_part()
                        self._tell_limit(watched)
                    begun = True
                    yield part
                return
            except ProviderError as error:
                failed = error
                if begun or not tries_left or not error.retryable:
                    raise
                pause_s = self._pause_s(error, self.settings.retries - tries_left)
                if pause_s is None:
                    raise
            finally:
                self._tell_limit(watched)
                watched.ended(failed)
                # Closing the iterator closes the response: that is how a request is cancelled.
                await _close(parts)
            await self._sleep(pause_s)

    async def call(self, attempt: Callable[[], Awaitable[Part]]) -> Part:
        """One answer in one piece, with the same limits and retries. Raises ProviderError."""

        async def once() -> AsyncIterator[Part]:
            yield await attempt()

        async for part in self.stream(once):
            return part
        raise AssertionError("an attempt gives one answer or raises")

    def boundary(self) -> str:
        """A boundary for a multipart body, too long to occur in it by chance."""
        return f"{self._rng.getrandbits(128):032x}"

    async def _within_limits(self, parts: AsyncIterator[Part]) -> AsyncIterator[Part]:
        limit_s, waiting_for = self.settings.first_part_s, "an answer"
        while True:
            try:
                async with asyncio.timeout(limit_s):
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            except aiohttp.ClientError as exc:
                raise self._translated(exc) from exc
            except TimeoutError as exc:
                raise ProviderTimedOut(
                    self.name, f"{self.settings.base_url}: {limit_s:g} s without {waiting_for}"
                ) from exc
            yield part
            limit_s, waiting_for = self.settings.stall_s, "more of it"

    def _tell_limit(self, watched: ProviderRequest) -> None:
        """Once of each answer that says something, whichever request it belongs to."""
        if self._limit is not None:
            watched.allowed(self._limit)
            self._limit = None

    def _translated(self, exc: aiohttp.ClientError) -> ProviderError:
        """The package's exceptions as ours."""
        what = f"{self.settings.base_url}: {type(exc).__name__} {exc}".rstrip()
        if isinstance(exc, aiohttp.ServerTimeoutError):
            return ProviderTimedOut(self.name, what)
        if isinstance(exc, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError):
            return ProviderUnreachable(self.name, what)
        if isinstance(exc, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
            return ProviderRejected(self.name, what)
        return ProviderError(self.name, what)

    async def _refusal(self, response: aiohttp.ClientResponse) -> ProviderError:
        body = b""
        async for data in response.content.iter_any():
            body += data
            if len(body) > MAX_REFUSAL_BYTES:
                break
        said = read_refusal(
            body.replace(self._key.encode(), b"(the key)") if self._secret else body
        )
        named = self.settings.key_env if self.settings.key is None else OWN_KEY
        where = self.settings.base_url, named
        return refused(self.name, *where, response.status, said, response.headers)

    @property
    def _secret(self) -> bool:
        """Some servers quote the key in their refusal; a word of four letters is no key."""
        return len(self._key) > 4

    def _give_back(self, response: aiohttp.ClientResponse) -> None:
        """Keep the connection, also where the last bytes of its answer are still on their way."""
        if response.content.is_eof():
            response.release()
            return
        ending = asyncio.create_task(_end(response), name=f"{self.name} end of an answer")
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        # Not in the task itself, which may be cancelled before it has begun. What is incomplete
        # is closed by this, too.
        ending.add_done_callback(lambda _: response.release())

    def _opened(self) -> aiohttp.ClientSession:
        """The pool; made with the first request, because it belongs to the event loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # As many connections as there are requests: the engine's lanes are the limit.
                connector=aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=IDLE_S, resolver=self._resolver()
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={
                    "Authorization": f"Bearer {self._key}",
                    "Accept-Encoding": "identity",  # a compressed stream comes later
                    "User-Agent": "offhook",
                },
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
                # Nobody has asked for what is packed, and little of it can hold the event loop.
                auto_decompress=not self.settings.public_only,
                proxy=None if self.settings.public_only else proxy_of(self._url),
            )
        return self._session

    def _resolver(self) -> AbstractResolver | None:
        """None: any name may lead anywhere."""
        if not self.settings.public_only:
            return None
        return PublicResolver(aiohttp.DefaultResolver())

    def _pause_s(self, error: ProviderError, tried: int) -> float | None:
        """Twice as long each time, with jitter, unless the server says; None: too long."""
        if isinstance(error, ProviderBusy) and error.retry_after_s is not None:
            wanted = error.retry_after_s
            return wanted if wanted <= self.settings.longest_wait_s else None
        pause_s: float = min(FIRST_PAUSE_S * 2**tried, LONGEST_PAUSE_S)
        return pause_s * (1.0 - 0.25 * self._rng.random())


def proxy_of(url: str) -> URL | None:
    """The proxy that the environment names for `url` (https_proxy, all_proxy, no_proxy).

    Asked once: aiohttp's own `trust_env` looks through the environment with every request.
    """
    asked, proxies = URL(url), getproxies()
    named = URL(proxies.get(asked.scheme) or proxies.get("all") or "")
    if named.scheme not in ("http", "https") or proxy_bypass(asked.host or ""):
        return None
    return named


def _key(given: str) -> str:
    """The key; what cannot stand in a header is no key and goes nowhere."""
    key = given.strip()
    return key if key and key.isascii() and key.isprintable() else "not-set"


async def _end(response: aiohttp.ClientResponse) -> None:
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(END_S):
            async for _ in response.content.iter_any():
                pass  # what follows the end of a reply says nothing


async def _close(parts: AsyncIterator[object]) -> None:
    close = getattr(parts, "aclose", None)
    if close is not None:
        await close()
