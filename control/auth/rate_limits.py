"""How often an account, or an address without one, may ask: token buckets. Pure, on a given `now`.

A bucket holds a window's worth of requests, fills evenly, and every request takes from it. So the
whole limit may come at once after a pause, and no client finds that all of a window's requests
came back at one moment and went to others. Where an older API counts windows, so does its policy:
the window begins with the first request, and holds exactly so many.
"""

import math
from collections import OrderedDict

import msgspec

from ..errors import TooManyRequests

MAX_BUCKETS = 50_000
"More clients than that are not told apart: the ones longest silent get a full bucket."

_ROUNDING = 1e-9
"Of a request: filling adds floats."


class Policy(msgspec.Struct, frozen=True):
    """`limit` requests (or bytes, or whatever is taken) in `window_s`."""

    name: str
    "Buckets of two policies are apart if their names are."
    limit: int
    window_s: float
    burst: int = 0
    "So many may come at once, where that is more than a window's worth: 1 a second, 10 at once."
    at_once: int = 0
    "So many may come at once, where that is less; 0: a window's worth, or `burst`."
    whole_windows: bool = False
    "Nothing comes back before the window is over; then all of it."

    def __post_init__(self) -> None:
        assert self.limit > 0, "a limit of nothing is a route that is not there"
        assert self.window_s > 0, "a window has a length"

    @property
    def size(self) -> int:
        """What a full bucket holds."""
        return self.at_once or max(self.limit, self.burst)

    @property
    def fill_per_s(self) -> float:
        """What a bucket gains in a second."""
        return self.limit / self.window_s


class LimitUsedUp(TooManyRequests):
    """Of how often somebody may ask; other causes of the same status are told as they are."""


class Decision(msgspec.Struct, frozen=True):
    """What to do with a request, and what its response's headers say."""

    allowed: bool
    limit: int
    remaining: int
    "Whole requests that may follow at once."
    reset_wall: int
    "Unix seconds when the bucket will be full again, if nothing more comes."
    retry_after_s: float = 0.0
    "When refused: until this request would be let through."

    def refuse_unless_allowed(self) -> None:
        """Raises LimitUsedUp."""
        if not self.allowed:
            raise LimitUsedUp(f"the limit of {self.limit} is used up", self.retry_after_s)


class RateLimits:
    """The buckets."""

    def __init__(self, max_buckets: int = MAX_BUCKETS) -> None:
        self._max_buckets = max_buckets
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        "What was in it, and when; the ones longest untouched come first."

    def take(
        self, policy: Policy, client: str, now: float, now_wall: float, cost: int = 1
    ) -> Decision:
        """Take `cost` from the client's bucket, if there is so much in it; else take nothing.

        `client` is an account's id, or `client_network(address)`: their forms do not meet.
        """
        held, since = self._held(policy, client, now)
        allowed = held + _ROUNDING >= cost
        if allowed:
            held = max(0.0, held - cost)
        self._keep((policy.name, client), held, since)
        if policy.whole_windows:
            full_s = wait_s = since + policy.window_s - now
        else:
            full_s = (policy.size - held) / policy.fill_per_s
            wait_s = _wait_s(policy, held, cost)
        return Decision(
            allowed=allowed,
            limit=policy.limit,
            remaining=min(policy.limit, math.floor(held + _ROUNDING)),
            reset_wall=math.ceil(now_wall + full_s),
            retry_after_s=0.0 if allowed else wait_s,
        )

    def _held(self, policy: Policy, client: str, now: float) -> tuple[float, float]:
        """What is in the bucket, and since when."""
        held, at = self._buckets.get((policy.name, client), (float(policy.size), now))
        if policy.whole_windows:
            over = now - at >= policy.window_s
            return (float(policy.size), now) if over else (held, at)
        return min(policy.size, held + max(0.0, now - at) * policy.fill_per_s), now

    def _keep(self, key: tuple[str, str], held: float, now: float) -> None:
        self._buckets[key] = (held, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._max_buckets:
            self._buckets.popitem(last=False)


def _wait_s(policy: Policy, held: float, cost: int) -> float:
    """Until `cost` is there; for more than a bucket holds until it is full, which will not help."""
    return (min(cost, policy.size) - held) / policy.fill_per_s
