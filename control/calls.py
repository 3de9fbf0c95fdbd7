"""Calls as the edge sees them: what it asks for (Calls), and what keeps them (CallStore)."""

import pathlib
from collections.abc import Sequence
from typing import Protocol

import msgspec

from ..media.conversation.records import CallRecord, CallStatus
from ..media.ports import HangUpCause


class CallSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A call in a list. Field names are CallRecord's, so that one can be read from its JSON."""

    id: str
    line: str
    wire_id: str
    inbound: bool
    from_number: str
    to_number: str
    agent: str
    status: CallStatus
    started_wall: float
    answered_wall: float | None = None
    ended_wall: float | None = None
    cause: HangUpCause | None = None
    recording: str | None = None


class CallQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls, newest first."""

    status: CallStatus | None = None
    "None: all."
    limit: int = 50
    cursor: str | None = None
    "`next` of the page before."


class CallPage(msgspec.Struct, frozen=True):
    """Some calls, newest first."""

    items: tuple[CallSummary, ...]
    next: str | None
    "Cursor of the page after this one; None: there is none."


def summary(record: CallRecord) -> CallSummary:
    """A call's line in lists."""
    return CallSummary(
        **{name: getattr(record, name) for name in CallSummary.__struct_fields__},
    )


def snapshot(record: CallRecord) -> CallRecord:
    """The record as it is now, unmoved by what its session does next (turns are immutable)."""
    return msgspec.structs.replace(record, turns=list(record.turns))


class CallStore(Protocol):
    """Keeps calls beyond the process. Files now; a database can take its place."""

    async def open(self) -> int:
        """Load, and end what a crash left open; returns how many those were. Raises StoreError."""
        ...

    async def save(self, records: Sequence[CallRecord]) -> None:
        """Keep the state of these calls; when it returns, a crash does not lose it.

        One save at a time. Raises StoreError when some could not be written; the others were.
        """
        ...

    async def read(self, call_id: str) -> CallRecord | None:
        """A call, as saved last. Raises StoreError when it is unreadable."""
        ...

    async def page(self, query: CallQuery) -> CallPage:
        """A page of saved calls. Raises BadRequest for a cursor that is none."""
        ...

    async def forget(self, ended_before_wall: float) -> Sequence[CallSummary]:
        """Delete calls that ended before that moment; returns what was deleted."""
        ...

    async def aclose(self) -> None: ...


class Calls(Protocol):
    """What HTTP needs of calls."""

    def live(self) -> list[CallRecord]:
        """The calls that are in progress (ringing or live), oldest first."""
        ...

    async def get(self, call_id: str) -> CallRecord | None:
        """A call, in progress or ended. Raises StoreError."""
        ...

    async def page(self, query: CallQuery) -> CallPage:
        """A page of calls. Raises BadRequest for a cursor that is none."""
        ...

    def hang_up(self, call_id: str) -> bool:
        """Ask for the end of a call; False when no such call is in progress."""
        ...

    async def recording_path(self, call_id: str) -> pathlib.Path | None:
        """The file of a call's recording; it may be absent from the disk. Raises StoreError."""
        ...
