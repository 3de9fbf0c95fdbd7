"""Calls in progress as the edge sees them (Calls), and one of them (LiveCall)."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from ...media.conversation.records import AnsweredBy, CallRecord, CallStatus as MediaStatus
from ...media.conversation.session import Session
from ...media.frames.lane import Lane
from ...media.frames.recorder import RecordingEnded
from ...media.ports import LegEnded
from ..configuration.config_costs import CostSettings
from ..dialer.retry_rules import next_retry_wall
from ..domain.calls import Call, CallStatus, CallSummary, LineAttempt, Recording
from ..domain.dialing import RetryPolicy
from ..domain.events import CallStatusChanged
from ..recordings.finished import as_closed, recording_of
from ..store.calls import CallChange, without_turns
from .bridging import Bridging
from .costing import cost_of, usage_of
from .outcomes import outcome_of, reason_of

NO_COSTS = CostSettings()


class LiveCall:
    """A call in progress: what business knows of it, what the media see, and how to reach it."""

    __slots__ = (
        "_base",
        "_costs",
        "_is_new",
        "_recording",
        "_told",
        "_turns",
        "bridging",
        "gsm_cause",
        "hang_up",
        "lane",
        "language",
        "q850",
        "rang",
        "reason",
        "record",
        "recorded",
        "retry",
        "session",
        "wanted_end",
    )

    def __init__(
        self,
        call: Call,
        record: CallRecord,
        hang_up: Callable[[], None],
        *,
        is_new: bool,
        costs: CostSettings = NO_COSTS,
    ) -> None:
        """`record` is its session's, and changes; `is_new`: the store has no row of it.

        `costs`: the prices that its end is charged by.
        """
        self._base = call
        self.record = record
        self.hang_up = hang_up
        "Ask for its end."
        self._is_new = is_new
        self._costs = costs
        self.language: str | None = None
        "Its agent's, once there is one."
        self.session: Session | None = None
        "The conversation, once there is one: what an agent is told by others goes there."
        self.bridging: Bridging | None = None
        "The other legs of the call."
        self.rang = call.inbound
        "The far end rings, or ours does."
        self.reason = ""
        "Why the line says that it ended."
        self.q850: int | None = None
        "The same as a number (ITU-T Q.850)."
        self.gsm_cause: int | None = None
        "The same as a mobile network has it (3GPP TS 24.008)."
        self.retry: RetryPolicy | None = None
        "When it is tried again if nobody answers; None: as by default."
        self.wanted_end: dict[str, Any] = {}
        "What somebody has said the end is to be; it overrules what the line says."
        self.lane: Lane | None = None
        "What is recorded of it; the leg forgets its lane when it has ended."
        self.recorded: RecordingEnded | None = None
        "What became of the recording, once its file is closed."
        self._recording: Recording | None = None
        "Its row, once the call has ended."
        self._turns = 0
        "How many turns are stored or on their way."
        self._told = self.status

    @property
    def id(self) -> str:
        """Of the call."""
        return self._base.id

    @property
    def owner_id(self) -> str:
        """Whose call it is."""
        return self._base.owner_id

    @property
    def status(self) -> CallStatus:
        """Now."""
        if self.record.status is MediaStatus.RINGING and not self.rang:
            return CallStatus.DIALING
        return CallStatus(self.record.status.value)

    @property
    def context(self) -> dict[str, Any]:
        """What the agent is to know of it."""
        return self._base.context

    @property
    def attempts(self) -> tuple[LineAttempt, ...]:
        """Lines that were tried in vain."""
        return self._base.attempts

    def heard_end(self, end: LegEnded) -> None:
        """Its line has told why it ended."""
        self.reason, self.q850, self.gsm_cause = end.reason, end.q850, end.gsm_cause

    def learn(self, **fields: Any) -> None:
        """Business knows more of it."""
        self._base = msgspec.structs.replace(self._base, **fields)

    def change(self, wall: float) -> CallChange:
        """What has changed since this was asked last."""
        turns = tuple(self.record.turns[self._turns :])
        self._turns += len(turns)
        is_new, self._is_new = self._is_new, False
        call = self.as_now(wall)
        if call.status is not CallStatus.ENDED:
            return CallChange(call, turns, is_new)
        ends = self._recording is None
        self._recording = self._recording or recording_of(call)
        if self._recording is not None and self.recorded is not None:
            self._recording = as_closed(self._recording, self.recorded.samples)
        return CallChange(call, turns, is_new, self._recording, ends)

    def has_moved(self) -> bool:
        """Whether its status is another one than when this was asked last."""
        told, self._told = self._told, self.status
        return told is not self._told

    def let_go(self) -> None:
        """It is over: its session is not kept."""
        self.session = self.bridging = None
        self.hang_up = _nothing

    def as_now(self, wall: float) -> Call:
        """The call as it is stored; its record without turns."""
        record = self.record
        ended = record.status is MediaStatus.ENDED
        answered = record.answered_wall
        call = msgspec.structs.replace(
            self._base,
            status=self.status,
            outcome=outcome_of(record) if ended else None,
            failure_reason=reason_of(record, self.reason) if ended else "",
            cause=record.cause,
            sip_status=record.sip_status,
            q850=self.q850 if ended else None,
            gsm_cause=self.gsm_cause if ended else None,
            from_number=record.from_number,
            line=record.line,
            agent_name=record.agent,
            wire_id=record.wire_id,
            started_wall=record.started_wall,
            answered_wall=answered,
            ended_wall=record.ended_wall,
            duration_s=None
            if answered is None or record.ended_wall is None
            else round(max(0.0, record.ended_wall - answered), 3),
            voicemail=None
            if record.answered_by is None
            else record.answered_by is AnsweredBy.MACHINE,
            recording=record.recording,
            record=without_turns(record),
            updated_wall=wall,
        )
        if not ended:
            return call
        usage, cost = usage_of(record, self._costs), cost_of(record, self._costs)
        call = msgspec.structs.replace(call, usage=usage, cost=cost)
        if self.wanted_end:  # somebody has decided what becomes of it
            return msgspec.structs.replace(call, **self.wanted_end)
        retry_wall = next_retry_wall(self.retry, call)
        return msgspec.structs.replace(call, next_retry_wall=retry_wall)

    def with_turns(self, wall: float) -> Call:
        """The call with all of its turns, unmoved by what happens next."""
        call = self.as_now(wall)
        assert call.record is not None, "a call in progress has one"
        call.record.turns = list(self.record.turns)
        return call


class Calls(Protocol):
    """The calls in progress, for services and for health."""

    def live(self) -> list[LiveCall]:
        """All of them, oldest first."""
        ...

    def find(self, call_id: str) -> LiveCall | None:
        """One of them, or one whose end is not stored yet."""
        ...

    def is_live(self, call_id: str) -> bool:
        """Whether it has not ended."""
        ...

    def changed(self, call_id: str, **fields: Any) -> None:
        """Business knows more of a call; one that is not in progress is left alone."""
        ...


def status_event(call: CallSummary) -> CallStatusChanged:
    """The event that tells a call's status."""
    return CallStatusChanged(
        at_wall=call.updated_wall,
        call_id=call.id,
        status=call.status,
        outcome=call.outcome,
        failure_reason=call.failure_reason,
    )


def _nothing() -> None:
    """What is left to be hung up of a call that is over."""
