"""SHELL: waiting on the call's clock, with a limit: for whoever must not hang on a provider.

asyncio's own timeouts count the loop's time; these count the clock's, so that a test's virtual
clock moves them as well.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

from ..clock import Clock
from ..errors import ProviderTimedOut

T = TypeVar("T")


@contextlib.asynccontextmanager
async def within(clock: Clock, seconds: float, provider: str, what: str) -> AsyncIterator[None]:
    """Cancel the body after `seconds`. Raises ProviderTimedOut in its place."""
    task = asyncio.current_task()
    assert task is not None, "only a task can be cancelled"
    expired = False

    def expire() -> None:
        nonlocal expired
        expired = True
        task.cancel()

    timer = clock.call_at(clock.now() + seconds, expire)
    try:
        yield
    except asyncio.CancelledError:
        if expired and task.uncancel() == 0:
            raise ProviderTimedOut(provider, f"{what}: nothing for {seconds:g} s") from None
        raise
    finally:
        timer.cancel()


async def pause(clock: Clock, seconds: float) -> None:
    """Wait for `seconds` of the clock."""
    done = asyncio.get_running_loop().create_future()
    timer = clock.call_at(
        clock.now() + seconds, lambda: None if done.done() else done.set_result(None)
    )
    try:
        await done
    finally:
        timer.cancel()


async def each(
    parts: AsyncIterator[T], clock: Clock, first_s: float, next_s: float, provider: str, what: str
) -> AsyncGenerator[T, None]:
    """The parts of a provider's stream, each within its limit; the stream is closed at the end."""
    limit = first_s
    try:
        while True:
            try:
                async with within(clock, limit, provider, what):
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            yield part
            limit = next_s
    finally:
        # Closing cancels; the port says iterator, and what has nothing to close need not.
        if (aclose := getattr(parts, "aclose", None)) is not None:
            await aclose()
