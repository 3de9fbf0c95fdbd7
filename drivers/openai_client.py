"""What the three OpenAI-compatible drivers share: settings, errors, retries, time limits. Shell.

The package's own retries are off: a live call needs its own limits, and to know. A request is
tried again only while nothing of its answer has been used.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

import httpx2
import msgspec
import openai

from ..media.errors import ProviderError, ProviderRejected, ProviderTimedOut
from .errors import KeyRejected, ProviderBusy, ProviderUnreachable

Part = TypeVar("Part")
Sleep = Callable[[float], Awaitable[object]]

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 4.0
CONNECT_TIMEOUT_S = 5.0
QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"429 with one of these is not cured by waiting."
KEY_STATUSES = frozenset({401, 403})


class OpenAISettings(msgspec.Struct, frozen=True):
    """One server, and how patient we are with it. The key itself stands in the environment."""

    base_url: str = "https://api.openai.com/v1"
    key_env: str = "OPENAI_API_KEY"
    "The variable that holds the key; a server without keys takes any."
    first_part_s: float = 4.0
    "To the first part of an answer, connecting included."
    stall_s: float = 4.0
    "Between two parts."
    retries: int = 2
    longest_wait_s: float = 3.0
    "A server that asks for more patience than this (Retry-After) is given up at once."


class OpenAIClient:
    """One server: a pool of connections for all calls."""

    def __init__(
        self,
        name: str,
        settings: OpenAISettings,
        rng: random.Random,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name, self.settings = name, settings
        self._rng, self._sleep = rng, sleep
        self.api = openai.AsyncOpenAI(
            api_key=_key(settings.key_env),
            base_url=settings.base_url,
            max_retries=0,
            timeout=openai.Timeout(None, connect=CONNECT_TIMEOUT_S),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self.api.close()

    async def stream(self, attempt: Callable[[], AsyncIterator[Part]]) -> AsyncIterator[Part]:
        """The parts of `attempt`, tried again while none has come. Raises ProviderError."""
        for tries_left in range(self.settings.retries, -1, -1):
            parts = attempt()
            begun = False
            try:
                async for part in self._within_limits(parts):
                    begun = True
                    yield part
                return
            except ProviderError as error:
                if begun or not tries_left or not error.retryable:
                    raise
                pause_s = self._pause_s(error, self.settings.retries - tries_left)
                if pause_s is None:
                    raise
            finally:
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

    async def _within_limits(self, parts: AsyncIterator[Part]) -> AsyncIterator[Part]:
        limit_s, waiting_for = self.settings.first_part_s, "an answer"
        while True:
            try:
                async with asyncio.timeout(limit_s), self._translated():
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            except TimeoutError as exc:
                raise ProviderTimedOut(
                    self.name, f"{self.settings.base_url}: {limit_s:g} s without {waiting_for}"
                ) from exc
            yield part
            limit_s, waiting_for = self.settings.stall_s, "more of it"

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        """The package's exceptions as ours."""
        try:
            yield
        except openai.APIStatusError as exc:
            raise self._status_error(exc) from exc
        except openai.APITimeoutError as exc:
            raise ProviderTimedOut(self.name, f"{self.settings.base_url}: {exc}") from exc
        except openai.APIConnectionError as exc:
            cause = exc.__cause__ or exc
            raise ProviderUnreachable(self.name, f"{self.settings.base_url}: {cause}") from exc
        except openai.APIError as exc:
            raise ProviderError(self.name, f"{self.settings.base_url}: {exc.message}") from exc
        except openai.OpenAIError as exc:
            raise ProviderRejected(self.name, f"{self.settings.base_url}: {exc}") from exc
        except TRANSPORT_ERRORS as exc:  # met while a body is read: the package lets them through
            raise ProviderUnreachable(
                self.name, f"{self.settings.base_url}: {type(exc).__name__} {exc}".rstrip()
            ) from exc
        except (ValueError, UnicodeDecodeError) as exc:  # a stream that is no JSON
            raise ProviderError(
                self.name, f"{self.settings.base_url} sent nonsense: {exc}"
            ) from exc

    def _status_error(self, exc: openai.APIStatusError) -> ProviderError:
        said = _without_key(exc.message, self.api.api_key)
        if exc.status_code in KEY_STATUSES:
            return KeyRejected(self.name, self.settings.base_url, self.settings.key_env, said)
        what = f"{self.settings.base_url}: HTTP {exc.status_code}: {said}"
        if exc.status_code == 429 and exc.code in QUOTA_CODES:
            return ProviderRejected(self.name, what)
        if exc.status_code in (429, 503):
            return ProviderBusy(self.name, what, _retry_after_s(exc))
        if exc.status_code in (408, 409) or exc.status_code >= 500:
            return ProviderError(self.name, what)
        return ProviderRejected(self.name, what)

    def _pause_s(self, error: ProviderError, tried: int) -> float | None:
        """Twice as long each time, with jitter, unless the server says; None: too long."""
        if isinstance(error, ProviderBusy) and error.retry_after_s is not None:
            wanted = error.retry_after_s
            return wanted if wanted <= self.settings.longest_wait_s else None
        pause_s: float = min(FIRST_PAUSE_S * 2**tried, LONGEST_PAUSE_S)
        return pause_s * (1.0 - 0.25 * self._rng.random())


TRANSPORT_ERRORS = (httpx2.TransportError, httpx2.StreamError)
"What the HTTP package under `openai` raises while a body is read."


def _retry_after_s(exc: openai.APIStatusError) -> float | None:
    """The Retry-After header's seconds; dates and nonsense count as absent."""
    header = exc.response.headers
    try:
        if (milliseconds := header.get("retry-after-ms")) is not None:
            return timedelta(milliseconds=float(milliseconds)).total_seconds()
        return max(0.0, float(header["retry-after"]))
    except (KeyError, ValueError, OverflowError):
        return None


def _key(variable: str) -> str:
    """The key in the environment; what cannot stand in a header is no key and goes nowhere."""
    key = os.environ.get(variable, "").strip()
    return key if key and key.isascii() and key.isprintable() else "not-set"


def _without_key(said: str, key: str) -> str:
    """Some servers quote the key in their refusal."""
    return said.replace(key, "(the key)") if len(key) > 4 else said


async def _close(parts: AsyncIterator[object]) -> None:
    close = getattr(parts, "aclose", None)
    if close is not None:
        await close()
