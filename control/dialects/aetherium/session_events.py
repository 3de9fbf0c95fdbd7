"""What a session's socket says, from what happens to its call. No socket.

`{type, session_id, status, data, timestamp}`: some clients read `data`, others `status`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ....media.conversation.records import Turn
from ...domain.calls import CallSummary
from ..moments import Moment, seconds
from .session_views import (
    ENDED,
    ROLES,
    TRANSCRIPT,
    SessionView,
    Status,
    stated,
    status_of,
)

MAX_WORDS = 2000


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is told: session_started, session_ended, transcript_update, …"""

    type: str
    session_id: int
    status: Status
    data: dict[str, Any]
    timestamp: Moment


class UserMessage(msgspec.Struct, frozen=True, tag="user_message", tag_field="type"):
    """A client says something in the caller's place."""

    content: str


class Misunderstood(Exception):
    """What a client sent means nothing; the text says why."""


_decode: Callable[[str], UserMessage] = msgspec.json.Decoder(UserMessage).decode


def read_message(text: str) -> str:
    """The words. Raises Misunderstood."""
    try:
        content = _decode(text).content.strip()
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise Misunderstood(f"not a message that is known here: {exc}") from exc
    if not content:
        raise Misunderstood("content: must not be empty")
    if len(content) > MAX_WORDS:
        raise Misunderstood(f"content: at most {MAX_WORDS} characters")
    return content


class Narrator:
    """Tells each thing once, in the order of the document, whenever it is shown the call."""

    def __init__(self) -> None:
        self.status: Status | None = None
        "As it was told last; None: nothing was told."
        self.last_turn = -1
        "The last one that was told."
        self._stated: Any = None

    def greet(
        self, view: SessionView, call: CallSummary, turns: Sequence[Turn], wall: float
    ) -> list[Frame]:
        """For who has just come: how it stands; of one that has ended, its end as well."""
        status = self.status = status_of(call)
        self._know(call, turns)
        data: dict[str, Any] = {"status": status, "previous_status": None}
        data["started_at"] = view.started_at
        if view.transcript is not None:
            data["transcript"] = view.transcript
        told = [self._frame(view, "status_change", status, data, wall)]
        if status in ENDED:
            told.append(self._end(view, wall))
        return told

    def tell(
        self, view: SessionView, call: CallSummary, turns: Sequence[Turn], wall: float
    ) -> list[Frame]:
        """What has happened since; `turns` are all that have words."""
        status, before = status_of(call), self.status
        told: list[Frame] = []
        if status in ENDED and before == "pending" and call.answered_wall is not None:
            told += self._begin(view, before, wall)  # it was over before anybody looked
            before = "active"
        elif status == "active" and before != "active":
            told += self._begin(view, before, wall)
        elif status != before and status not in ENDED:
            told.append(self._change(view, status, before, wall))
        is_over = status in ENDED and before not in ENDED
        # Who stops at the first frame that says `completed` has heard all words by then.
        shown = before if is_over and before is not None else status
        told += self._words(view, call, turns, shown, wall)
        if is_over:
            told += [self._change(view, status, before, wall), self._end(view, wall)]
        self.status = status
        return told

    def error(self, session_id: int, detail: str, code: str, wall: float) -> Frame:
        """Something cannot be done."""
        data = {"detail": detail, "error_code": code}
        return Frame(
            type="error",
            session_id=session_id,
            status=self.status or "pending",
            data=data,
            timestamp=seconds(wall),
        )

    def _words(
        self,
        view: SessionView,
        call: CallSummary,
        turns: Sequence[Turn],
        status: Status,
        wall: float,
    ) -> list[Frame]:
        said = stated(call).get(TRANSCRIPT)
        is_stated = said is not None and said != self._stated
        new = [turn for turn in turns if turn.index > self.last_turn]
        self._know(call, turns)
        words: list[tuple[str | None, Any]] = [(ROLES[turn.role], turn.text) for turn in new]
        if is_stated:
            words.append((None, said))
        return [
            self._frame(
                view,
                "transcript_update",
                status,
                {"role": role, "content": text, "transcript": view.transcript},
                wall,
            )
            for role, text in words
        ]

    def _begin(self, view: SessionView, before: Status | None, wall: float) -> list[Frame]:
        data = {"status": "active", "started_at": view.started_at}
        return [
            self._frame(view, "session_started", "active", data, wall),
            self._change(view, "active", before, wall),
        ]

    def _change(
        self, view: SessionView, status: Status, before: Status | None, wall: float
    ) -> Frame:
        data = {"status": status, "previous_status": before}
        return self._frame(view, "status_change", status, data, wall)

    def _end(self, view: SessionView, wall: float) -> Frame:
        names = ("status", "started_at", "ended_at", "duration_seconds")
        data = {name: getattr(view, name) for name in (*names, "transcript", "ai_response")}
        return self._frame(view, "session_ended", view.status, data, wall)

    def _frame(
        self, view: SessionView, type_: str, status: Status, data: dict[str, Any], wall: float
    ) -> Frame:
        return Frame(
            type=type_,
            session_id=view.id,
            status=status,
            data={"session_id": view.id, **data},
            timestamp=seconds(wall),
        )

    def _know(self, call: CallSummary, turns: Sequence[Turn]) -> None:
        self.last_turn = max((turn.index for turn in turns), default=self.last_turn)
        self._stated = stated(call).get(TRANSCRIPT)
