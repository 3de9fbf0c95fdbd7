"""What the API answers with, field by field as it is documented.

What a newer server says beyond these fields is in `raw`, untouched.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .errors import UnreadableAnswer

Json = dict[str, Any]
ValueT = TypeVar("ValueT")

ENDED = ("completed", "failed")
"Statuses that a session keeps."


@dataclass(frozen=True)
class Session:
    """One communication session: a call."""

    id: int
    workflow_id: int | None
    phone_number: str
    session_type: str
    "`outbound` or `inbound`."
    status: str
    "`pending`, `active`, `completed`, `failed`."
    started_at: str | None = None
    "ISO 8601 in UTC; None: not yet."
    ended_at: str | None = None
    duration_seconds: int | None = None
    transcript: str | None = None
    ai_response: str | None = None
    metadata: Json = field(default_factory=dict)
    raw: Json = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class SessionPage:
    """Some of the sessions that were asked for; iterating goes over them."""

    sessions: list[Session]
    total: int
    "How many there are on all pages."
    limit: int
    offset: int

    def __iter__(self) -> Iterator[Session]:
        return iter(self.sessions)

    def __len__(self) -> int:
        return len(self.sessions)


@dataclass(frozen=True)
class Update:
    """Something that happened in a session."""

    type: str
    "`session_started`, `session_ended`, `transcript_update`, `status_change`, `error`."
    status: str | None
    "The session's, from then on."
    data: Json
    session_id: int | None = None
    timestamp: str | None = None
    raw: Json = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Workflow:
    """What an agent is told and how it speaks; a session follows one."""

    id: int
    name: str
    description: str | None = None
    prompt_template: str | None = None
    voice_settings: Json = field(default_factory=dict)
    is_active: bool = True
    created_at: str | None = None
    raw: Json = field(default_factory=dict, repr=False, compare=False)


def read(kind: type[ValueT], told: object) -> ValueT:
    """One of the above, of a decoded answer. Raises UnreadableAnswer."""
    if not isinstance(told, dict):
        raise UnreadableAnswer(f"no {kind.__name__}: {told!r:.200}")
    names: Iterable[str] = getattr(kind, "__dataclass_fields__")  # noqa: B009 - all are dataclasses
    known = {name: told[name] for name in names if name in told} | {"raw": told}
    try:
        return kind(**known)
    except TypeError:
        raise UnreadableAnswer(f"a {kind.__name__} without its fields: {told!r:.200}") from None


def read_all(kind: type[ValueT], told: object) -> list[ValueT]:
    """Several. Raises UnreadableAnswer."""
    if not isinstance(told, list):
        raise UnreadableAnswer(f"no list of {kind.__name__}: {told!r:.200}")
    return [read(kind, one) for one in told]


def read_update(told: object) -> Update:
    """A frame of the stream; its status may stand in its data. Raises UnreadableAnswer."""
    if not isinstance(told, dict) or not isinstance(told.get("type"), str):
        raise UnreadableAnswer(f"no update: {told!r:.200}")
    data = told.get("data")
    data = data if isinstance(data, dict) else {}
    return Update(
        type=told["type"],
        status=told.get("status", data.get("status")),
        data=data,
        session_id=told.get("session_id"),
        timestamp=told.get("timestamp"),
        raw=told,
    )
