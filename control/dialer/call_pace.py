"""How many calls a line may begin in a second: token buckets, one a line. Pure, on a given `now`.

A bucket holds a tenth of a second's worth, one call at least: carriers count in short windows, and
what has not been used is not saved up. In any T seconds a line begins at most rate × T calls and
what its bucket holds.
"""

from collections.abc import Mapping

BURST_S = 0.1
_ROUNDING = 1e-9
"Of a call: filling adds floats."


class CallPace:
    """The buckets. Lines without a rate begin as many as they want."""

    def __init__(self, rates: Mapping[str, float]) -> None:
        """`rates`: calls a second, by line."""
        assert all(rate > 0 for rate in rates.values()), "a line that may not call is no line"
        self.rates = dict(rates)
        self._buckets: dict[str, tuple[float, float]] = {}
        "What was in it, which may be less than nothing, and when."

    def wait_s(self, line: str, now: float) -> float:
        """Seconds until the line may begin a call; 0: now."""
        rate = self.rates.get(line)
        if rate is None:
            return 0.0
        held = self._held(line, rate, now)
        return 0.0 if held + _ROUNDING >= 1.0 else (1.0 - held) / rate

    def spend(self, line: str, now: float) -> float:
        """A call is begun, now or as soon as it may be; returns in how many seconds that is.

        It is counted at once: those that come after it wait for longer.
        """
        wait_s = self.wait_s(line, now)
        rate = self.rates.get(line)
        if rate is not None:
            self._buckets[line] = (self._held(line, rate, now) - 1.0, now)
        return wait_s

    def _held(self, line: str, rate: float, now: float) -> float:
        size = max(1.0, rate * BURST_S)
        held, at = self._buckets.get(line, (size, now))
        return min(size, held + max(0.0, now - at) * rate)
