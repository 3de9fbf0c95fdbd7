"""How many requests a server that speaks OpenAI's protocol still takes, as its answers say. Core.

    x-ratelimit-limit-requests: 60
    x-ratelimit-remaining-requests: 59
    x-ratelimit-reset-requests: 1m0.5s

(https://platform.openai.com/docs/guides/rate-limits, "Rate limits in headers"). Not every server
has them.
"""

import re
from collections.abc import Mapping

import msgspec

MAX_DIGITS = 12
"Of a count; what is longer is none."
UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}

_COUNT = re.compile(rf"[0-9]{{1,{MAX_DIGITS}}}\Z", re.ASCII)
_STEP = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|us|µs|ns|h|m|s)")


class RequestLimit(msgspec.Struct, frozen=True):
    """What one answer has said."""

    remaining: int
    limit: int | None = None
    "How many there are when none is used."
    reset_s: float | None = None
    "After that none is used any more, if nothing is asked meanwhile."

    def after(self, seconds: float) -> int:
        """How many are left so long after the answer, if nothing was asked since."""
        if self.limit is not None and self.reset_s is not None and seconds >= self.reset_s:
            return self.limit
        return self.remaining


def read_limit(headers: Mapping[str, str]) -> RequestLimit | None:
    """None: it does not say."""
    remaining = _count(headers.get("x-ratelimit-remaining-requests", ""))
    if remaining is None:
        return None
    limit = _count(headers.get("x-ratelimit-limit-requests", ""))
    return RequestLimit(remaining, limit, _span_s(headers.get("x-ratelimit-reset-requests", "")))


def _count(text: str) -> int | None:
    return int(text) if _COUNT.match(text) else None


def _span_s(text: str) -> float | None:
    """A span as Go writes it: `1s`, `6m0s`, `120ms`; bare seconds as well."""
    steps = _STEP.findall(text[:64])
    if steps and "".join(number + unit for number, unit in steps) == text:
        return sum(float(number) * UNITS_S[unit] for number, unit in steps)
    return float(text) if _COUNT.match(text) else None
