"""Cross-origin requests (Fetch §3.2): which pages of others may ask, and what they may see. Pure.

Nothing here protects the API: it asks for a token, and browsers send none by themselves.
"""

from collections.abc import Iterable

import msgspec

ALLOWED_HEADERS = (
    *("Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Range"),
    "X-Request-Id",
)
EXPOSED_HEADERS = (
    *("Accept-Ranges", "Content-Range", "ETag", "Idempotency-Replayed", "Location", "Retry-After"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-Id"),
)
MAX_AGE_S = 600
"Browsers remember a preflight so long."
EVERYBODY = "*"


class Cors(msgspec.Struct, frozen=True):
    """Origins that may ask; none: no page but our own."""

    origins: frozenset[str] = frozenset()

    def headers(self, origin: str | None) -> dict[str, str]:
        """For every answer to a request with this `Origin`."""
        if not self.origins:
            return {}
        if EVERYBODY in self.origins:
            allowed = {"Access-Control-Allow-Origin": EVERYBODY}
        else:
            # A cache must not give the answer for one origin to another.
            allowed = {"Vary": "Origin"}
            if origin not in self.origins or origin is None:
                return allowed
            allowed["Access-Control-Allow-Origin"] = origin
            allowed["Access-Control-Allow-Credentials"] = "true"
        if origin is not None:
            allowed["Access-Control-Expose-Headers"] = ", ".join(EXPOSED_HEADERS)
        return allowed

    def preflight(self, origin: str | None, methods: Iterable[str]) -> dict[str, str]:
        """More for the answer to a preflight: what may be asked for by `methods`."""
        if "Access-Control-Allow-Origin" not in self.headers(origin):
            return {}
        return {
            "Access-Control-Allow-Methods": ", ".join(sorted(methods)),
            "Access-Control-Allow-Headers": ", ".join(ALLOWED_HEADERS),
            "Access-Control-Max-Age": str(MAX_AGE_S),
        }
