"""What a credential may be used for: a closed set of `<resource>:<read|write>`, and `*` for all.

Not ownership: that a call belongs to the account that asks is the services' rule.
"""

from collections.abc import Iterable, Set

from ..errors import FieldError, Unprocessable

RESOURCES = (
    "accounts",
    "agents",
    "analytics",
    "billing",
    "calls",
    "campaigns",
    "contacts",
    "events",
    "imports",
    "keys",
    "knowledge",
    "lines",
    "messages",
    "numbers",
    "outbox",
    "providers",
    "schedules",
    "support",
    "webrtc",
)
"What the API is about. `keys` are API keys, `providers` the keys of speech and model services."
ALL = "*"
SCOPES = frozenset(f"{resource}:{verb}" for resource in RESOURCES for verb in ("read", "write"))
EVERYTHING = frozenset({ALL})


def allows(scopes: Set[str], needed: str) -> bool:
    """Whether `scopes` cover `needed`. To write is not to read: who needs both is given both."""
    assert needed in SCOPES, f"a route asks for a scope that nobody can have: {needed}"
    return ALL in scopes or needed in scopes


def parse_scopes(names: Iterable[str]) -> frozenset[str]:
    """The set that a client asks for. Raises Unprocessable for none, and for unknown ones."""
    asked = frozenset(names)
    unknown = sorted(asked - SCOPES - EVERYTHING)
    if unknown:
        # Clients send anything: what is told back stays short.
        errors = [FieldError("scopes", f"unknown scope {name[:64]!r}") for name in unknown[:10]]
        raise Unprocessable("unknown scopes", errors)
    if not asked:
        raise Unprocessable("no scopes", [FieldError("scopes", "at least one is needed")])
    return EVERYTHING if ALL in asked else asked


def written(scopes: Set[str]) -> str:
    """As it is stored and shown (RFC 6749 §3.3): sorted, a space between."""
    return " ".join(sorted(scopes))


def read_written(text: str) -> frozenset[str]:
    """What `written` wrote. Scopes that no longer exist are left out: they open nothing."""
    return frozenset(text.split()) & (SCOPES | EVERYTHING)
