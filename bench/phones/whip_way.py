"""A bad network between a WebRTC call's encryption and its socket: audio leaves late, or never.

Datagrams of audio are counted from 0 as they are made; `Way` (line.py) says what becomes of each.
What else there is (connectivity checks, the handshake, reports) passes. Not here: what the network
does (../networks/netem.py), the call (whip_call.py).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from .line import Way

Leave = Callable[[bytes], Awaitable[None]]


def is_rtp(datagram: bytes) -> bool:
    """Audio and not DTLS, STUN (RFC 7983 §7) or RTCP (RFC 5761 §4)."""
    return len(datagram) > 1 and 128 <= datagram[0] < 192 and not 192 <= datagram[1] < 224


class BadWay:
    """`send` in place of `leave`; `close` when the call is over."""

    def __init__(self, way: Way, leave: Leave) -> None:
        self._way, self._leave = way, leave
        self._number = 0
        self._held: set[asyncio.Task[None]] = set()

    async def send(self, datagram: bytes) -> None:
        """Now, later, more than once or never."""
        if not is_rtp(datagram):
            await self._leave(datagram)
            return
        self._number += 1
        for late_s in self._way(self._number - 1):
            if late_s <= 0:
                await self._leave(datagram)
                continue
            task = asyncio.create_task(self._later(late_s, datagram))
            self._held.add(task)
            task.add_done_callback(self._held.discard)

    def close(self) -> None:
        """What is still held up does not leave."""
        for task in self._held:
            task.cancel()

    async def _later(self, late_s: float, datagram: bytes) -> None:
        await asyncio.sleep(late_s)
        with contextlib.suppress(ConnectionError):  # the call is over; so is the packet
            await self._leave(datagram)
