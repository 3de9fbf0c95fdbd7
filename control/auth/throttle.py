"""Wrong passwords make the next try wait: by account name, and by address. Pure, on a given `now`.

Five failures within 15 minutes are free. Each further one doubles the wait for the next: 1, 2, 4 …
900 s, until 15 minutes pass in which a try was allowed and did not fail. The count is of names, not
of accounts: one that does not exist is throttled as well, and so tells nothing.

A try counts as a failure when it begins, and is taken back when it turns out otherwise, because any
number may begin before the first of them has been judged.

An address bears more, as many people may share it, and a success takes back only its own try:
else whoever has one account could guess at others for ever. The price of counting names: who keeps
guessing at a name keeps its owner waiting too, for 15 minutes at most.
"""

from collections import OrderedDict, deque

import msgspec

from .client_network import client_network

MAX_NAME_CHARS = 320


class ThrottleSettings(msgspec.Struct, frozen=True):
    """How much is borne."""

    name_failures: int = 5
    "Free within the window, of one name."
    address_failures: int = 20
    "Of one address."
    window_s: float = 900.0
    first_delay_s: float = 1.0
    longest_delay_s: float = 900.0
    max_keys: int = 10_000
    "Of each kind that are remembered; the ones longest untouched are forgotten first."


class LoginThrottle:
    """Who has to wait."""

    def __init__(self, settings: ThrottleSettings | None = None) -> None:
        settings = settings or ThrottleSettings()
        self._names = _Counted(settings, settings.name_failures)
        self._addresses = _Counted(settings, settings.address_failures)

    def begin(self, name: str, address: str, now: float) -> float:
        """0.0 to go on and check the password, else the seconds to wait (Retry-After).

        To go on is to be counted: `succeeded` or `withdraw` takes it back, a failure stands.
        """
        name, address = _keys(name, address)
        wait_s = max(self._names.wait_s(name, now), self._addresses.wait_s(address, now))
        if wait_s > 0:
            return wait_s
        self._names.count(name, now)
        self._addresses.count(address, now)
        return 0.0

    def succeeded(self, name: str, address: str, now: float) -> None:
        """The password was right: the name is clear."""
        name, address = _keys(name, address)
        self._names.clear(name)
        self._addresses.uncount(address, now)

    def withdraw(self, name: str, address: str, now: float) -> None:
        """The password was not judged (the server was busy, the client went away)."""
        name, address = _keys(name, address)
        self._names.uncount(name, now)
        self._addresses.uncount(address, now)


class _Tries:
    __slots__ = ("free", "free_again_at", "level")

    def __init__(self) -> None:
        self.free: deque[float] = deque()
        "When the free failures were, oldest first; full while the level is above 0."
        self.level = 0
        "How often the wait has grown; 0 while failures are free."
        self.free_again_at = float("-inf")


class _Counted:
    """Failures by key, at most so many keys."""

    def __init__(self, settings: ThrottleSettings, free: int) -> None:
        self._settings = settings
        self._free = free
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def wait_s(self, key: str, now: float) -> float:
        tries = self._tries.get(key)
        return 0.0 if tries is None else max(0.0, tries.free_again_at - now)

    def count(self, key: str, now: float) -> None:
        window_s = self._settings.window_s
        tries = self._tries.setdefault(key, _Tries())
        self._tries.move_to_end(key)
        if len(self._tries) > self._settings.max_keys:
            self._tries.popitem(last=False)
        if tries.level and now >= tries.free_again_at + window_s:
            tries.level = 0
        if tries.level == 0:
            tries.free.append(now)
            while tries.free[0] <= now - window_s:
                tries.free.popleft()
            if len(tries.free) < self._free:
                return
        tries.level += 1
        tries.free_again_at = now + self._delay_s(tries.level)

    def uncount(self, key: str, now: float) -> None:
        tries = self._tries.get(key)
        if tries is None:
            return
        if tries.level:
            tries.level -= 1
            tries.free_again_at = now  # the wait before this try was over when it began
        if tries.level == 0 and tries.free:
            tries.free.pop()

    def clear(self, key: str) -> None:
        self._tries.pop(key, None)

    def _delay_s(self, level: int) -> float:
        settings = self._settings
        doublings = min(level - 1, 64)  # floats end where attackers do not
        return min(settings.first_delay_s * 2.0**doublings, settings.longest_delay_s)


def _keys(name: str, address: str) -> tuple[str, str]:
    return name.strip().casefold()[:MAX_NAME_CHARS], client_network(address)
