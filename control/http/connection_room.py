"""How many may be connected, and how long without asking anything. A core: no socket, no clock.

A connection costs a file and some 15 kB, whatever its client does with it, and calls need files,
too. So there are so many and no more; of one address, a part of these. Whoever has connected has
to ask in time, and whoever waits between two requests does not wait for ever. When there is no
room, the one that has asked nothing for longest makes it; who is being answered stays.
"""

import collections
from collections.abc import Sequence
from typing import Protocol

import msgspec

from ..auth.client_network import Network, client_network, is_proxy

HEAD_S = 20.0
"So long the head of a request may take: the first one since the client has connected."
IDLE_S = 150.0
"Between two requests. Proxies keep their connections for a minute, some for two."


class Guest(Protocol):
    """A connection, as seen from here."""

    def is_waiting(self) -> bool:
        """Nothing has been asked that is not answered."""
        ...

    def is_asking(self) -> bool:
        """A part of a request has come, or nothing yet: the rest is to come in time."""
        ...

    def drop(self) -> None:
        """End it now; it leaves."""
        ...


class Limits(msgspec.Struct, frozen=True):
    """Of all connections."""

    total: int
    per_address: int
    "Or network (client_network.py)."
    head_s: float = HEAD_S
    idle_s: float = IDLE_S


class ConnectionRoom:
    """Who is connected."""

    def __init__(self, limits: Limits, trusted: Sequence[Network] = ()) -> None:
        """`trusted`: proxies, which stand for many."""
        self._limits = limits
        self._trusted = trusted
        self._guests: dict[Guest, str] = {}
        self._of_network: collections.Counter[str] = collections.Counter()
        self._since: dict[Guest, tuple[bool, float]] = {}
        "Of those that wait: whether the rest of a request is to come, and since when."
        self._oldest: collections.deque[Guest] = collections.deque()
        "Of those that waited at the last look, the ones longest at it first."
        self.refused = 0
        "Connections that there was no room for."

    def __len__(self) -> int:
        """Who is here."""
        return len(self._guests)

    def admit(self, guest: Guest, address: str, now: float) -> bool:
        """Let it in, if need be for another; False: it may not stay."""
        network = "" if is_proxy(address, self._trusted) else client_network(address)
        if network and self._of_network[network] >= self._limits.per_address:
            self.refused += 1
            return False
        if len(self._guests) >= self._limits.total and not self._make_room():
            self.refused += 1
            return False
        self._guests[guest] = network
        self._of_network[network] += 1
        self._since[guest] = (True, now)
        return True

    def leave(self, guest: Guest) -> None:
        """It has gone, or was never let in."""
        network = self._guests.pop(guest, None)
        self._since.pop(guest, None)
        if network is not None:
            self._of_network[network] -= 1
            if not self._of_network[network]:
                del self._of_network[network]

    def look(self, now: float) -> None:
        """Drop who has waited too long. To be called every few seconds."""
        limits, waiting = self._limits, []
        for guest in tuple(self._guests):
            if not guest.is_waiting():
                self._since.pop(guest, None)
                continue
            asking = guest.is_asking()
            was_asking, since = self._since.get(guest, (asking, now))
            if was_asking != asking:
                since = now
            if now - since >= (limits.head_s if asking else limits.idle_s):
                self._drop(guest)
                continue
            self._since[guest] = (asking, since)
            waiting.append((since, guest))
        waiting.sort(key=lambda entry: entry[0])
        self._oldest = collections.deque(guest for _, guest in waiting)

    def _make_room(self) -> bool:
        while self._oldest:
            guest = self._oldest.popleft()
            if guest in self._guests and guest.is_waiting():
                self._drop(guest)
                return True
        return False

    def _drop(self, guest: Guest) -> None:
        self.leave(guest)
        guest.drop()
