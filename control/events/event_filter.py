"""Which events somebody wants to hear of, and may. No store, no socket."""

from collections.abc import Iterable

import msgspec

from ..domain.events import EVENT_TYPES, AnyEvent, type_of
from ..errors import BadRequest

ANY = "*"
MAX_PATTERNS = 50


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The default lets everything through."""

    owner_id: str | None = None
    "Only events of this account; None: all, also those of no account."
    call_id: str | None = None
    types: tuple[str, ...] = ()
    "Names such as `call.ended`, or prefixes such as `call.*`; empty: all."

    def wants(self, owner_id: str | None, event: AnyEvent) -> bool:
        """Whether an event of `owner_id` passes."""
        if self.owner_id is not None and owner_id != self.owner_id:
            return False
        if self.call_id is not None and event.call_id != self.call_id:
            return False
        return matches(self.types, type_of(event))


def matches(patterns: Iterable[str], type_: str) -> bool:
    """Whether one of the patterns fits; none at all fit everything."""
    patterns = tuple(patterns)
    return not patterns or any(_fits(pattern, type_) for pattern in patterns)


def check_patterns(patterns: Iterable[str], field: str) -> tuple[str, ...]:
    """The patterns, each once. Raises BadRequest for one that no event has, and for too many."""
    found = tuple(dict.fromkeys(pattern.strip() for pattern in patterns))
    if len(found) > MAX_PATTERNS:
        raise BadRequest(f"at most {MAX_PATTERNS} types", field=field)
    for pattern in found:
        if not any(_fits(pattern, type_) for type_ in EVENT_TYPES):
            raise BadRequest(f"no event is of the type {pattern[:64]!r}", field=field)
    return found


def _fits(pattern: str, type_: str) -> bool:
    if pattern.endswith(ANY):
        return type_.startswith(pattern.removesuffix(ANY))
    return pattern == type_
