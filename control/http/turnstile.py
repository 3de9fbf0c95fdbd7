"""Requests that come at once are begun a few at a time, so that the frames' clock is asked between.

The clock's ticks and all requests share one event loop, which asks its sockets and timers again
when everything that is ready has run. Thirty clients that send in the same moment are thirty
handlers in a row: milliseconds in which no frame is sent. Here a few pass, and the rest in later
rounds of the loop. That costs requests nothing but their order; nobody is refused.
"""

import asyncio
import collections

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

A_ROUND = 4
"Requests begun in one round of the loop: of the cheap ones, about half a millisecond."


class Turnstile:
    """Lets so many pass in a round of the event loop."""

    def __init__(self, a_round: int = A_ROUND) -> None:
        self._a_round = a_round
        self._passed = 0
        self._waiting: collections.deque[asyncio.Future[None]] = collections.deque()
        self._turning = False

    def __len__(self) -> int:
        """Who waits."""
        return len(self._waiting)

    async def take_turn(self) -> None:
        """Return at once, or in a later round, in the order of asking."""
        loop = asyncio.get_running_loop()
        if self._passed < self._a_round and not self._waiting:
            self._passed += 1
            self._turn(loop)
            return
        waiter = loop.create_future()
        self._waiting.append(waiter)
        await waiter  # cancelled, it is passed over

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._turning:
            self._turning = True
            loop.call_soon(self._next_round, loop)

    def _next_round(self, loop: asyncio.AbstractEventLoop) -> None:
        self._turning = False
        self._passed = 0
        while self._waiting and self._passed < self._a_round:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                self._passed += 1
        if self._passed:
            self._turn(loop)


def in_turn(turnstile: Turnstile) -> Middleware:
    """The middleware: around all that costs something."""

    @web.middleware
    async def wait_for_turn(request: web.Request, handler: Handler) -> web.StreamResponse:
        await turnstile.take_turn()
        return await handler(request)

    return wait_for_turn
