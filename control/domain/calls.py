"""A call as business sees it, and what people add to it. The running one is a CallRecord."""

import enum
from typing import Any

import msgspec

from ...media.conversation.records import CallRecord
from ...media.ports import HangUpCause
from .analyses import Sentiment
from .costs import CallCost, CallUsage
from .entity import Owned


class CallStatus(enum.Enum):
    """Where a call stands."""

    SCHEDULED = "scheduled"
    "It is to be placed at `scheduled_wall`."
    QUEUED = "queued"
    "It is to be placed as soon as there is room."
    DIALING = "dialing"
    "Claimed: stored before the line is told, so that no crash dials it twice."
    RINGING = "ringing"
    LIVE = "live"
    ENDED = "ended"


PENDING = (CallStatus.SCHEDULED, CallStatus.QUEUED)
IN_PROGRESS = (CallStatus.DIALING, CallStatus.RINGING, CallStatus.LIVE)


class Outcome(enum.Enum):
    """What became of an ended call."""

    COMPLETED = "completed"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Priority(enum.Enum):
    """Who goes first when there is not room for all."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class LineAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was tried for a call and could not carry it; nobody's telephone rang."""

    line: str
    at_wall: float
    cause: HangUpCause
    sip_status: int | None = None
    q850: int | None = None
    gsm_cause: int | None = None
    reason: str = ""


class CallSummary(Owned, frozen=True, kw_only=True):
    """A call, from its wish to its end, as lists have it."""

    inbound: bool
    from_number: str
    to_number: str
    line: str = ""
    "The line that carries it; of a pending call the one that is asked for, empty: any."
    agent_id: str | None = None
    agent_name: str = ""
    human_agent_id: str | None = None
    status: CallStatus
    outcome: Outcome | None = None
    cause: HangUpCause | None = None
    "Why it ended, as the line tells it."
    sip_status: int | None = None
    q850: int | None = None
    "ITU-T Q.850: of SIP's Reason header (RFC 6432), or what the next one is called there."
    gsm_cause: int | None = None
    "A mobile network's own (3GPP TS 24.008 §10.5.4.11)."
    failure_reason: str = ""
    "In words; empty when it did not fail."
    priority: Priority = Priority.NORMAL
    priority_rank: int = 1
    "0 high, 1 normal, 2 low: for the order in which they are placed."
    context: dict[str, Any] = {}
    "What the agent is told about this call."
    metadata: dict[str, Any] = {}
    "Whatever its owner keeps with it."
    scheduled_wall: float | None = None
    "Of a scheduled call None means that it is held: whoever holds it gives it its moment."
    timezone: str = "UTC"
    wished_line: str = ""
    "Of a call that was dialled: `line` as it was asked for, which its retries ask for as well."
    wished_from: str = ""
    "The same of `from_number`."
    retry_attempt: int = 0
    "0: the original; the others are numbered in their order."
    next_retry_wall: float | None = None
    "It is over, and is to be tried again then, by another call."
    retried: bool = False
    "It is over, and another call was placed for it: what became of that one counts."
    original_call_id: str | None = None
    "Of a retry: the call that was the first of all."
    ring_limit_s: float = 30.0
    "It is not let ring for longer."
    attempts: tuple[LineAttempt, ...] = ()
    "Lines that were tried before `line`."
    substitutions: tuple[str, ...] = ()
    "Providers that the agent asks for and that the embedded ones stood in for."
    wire_id: str = ""
    "The line's own id of the call (SIP: Call-ID)."
    started_wall: float | None = None
    "It rang, or was dialled."
    answered_wall: float | None = None
    ended_wall: float | None = None
    duration_s: float | None = None
    "From answer to end."
    voicemail: bool | None = None
    "A machine answered; None: nobody has found out who did."
    recording: str | None = None
    "File name in the recordings folder."
    recording_deleted_wall: float | None = None
    "Since then it is to be gone; None: it was never, or is there."
    sentiment: Sentiment | None = None
    "Of the caller: as the call goes on, then of its analysis; None: nothing tells it."
    qa_score: float | None = None
    "Of its analysis: 0 to 100."
    schedule_id: str | None = None
    occurrence: str | None = None
    "Which of the schedule's moments it is for (control/dialer/recurrence.py)."
    campaign_id: str | None = None
    import_job_id: str | None = None
    import_row: int | None = None
    usage: CallUsage | None = None
    "None until it has ended."
    cost: CallCost | None = None
    "By the rates of the configuration at its end."


class Call(CallSummary, frozen=True, kw_only=True):
    """A call with what the media saw of it."""

    node: str = ""
    "The server that carries it, or did; empty: none has begun to."
    record: CallRecord | None = None
    "All that the media saw, without turns; None until it is dialled."


class Note(Owned, frozen=True, kw_only=True):
    """What somebody wrote about a call."""

    call_id: str
    text: str
    category: str = ""
    tags: tuple[str, ...] = ()
    author_id: str | None = None


class Recording(Owned, frozen=True, kw_only=True):
    """A file with a call's voices: caller left, agent right."""

    call_id: str
    file: str
    format: str = "wav"
    size_bytes: int = 0
    rate_hz: int = 0
    length_s: float = 0.0
    deleted_wall: float | None = None
    "Since then nobody gets it; its files go next, then this."


class EscalationStatus(enum.Enum):
    """Where a hand-over to a person stands."""

    OPEN = "open"
    "A person is wanted."
    RINGING = "ringing"
    BRIDGED = "bridged"
    CLOSED = "closed"
    FAILED = "failed"


ESCALATIONS_OVER = (EscalationStatus.CLOSED, EscalationStatus.FAILED)


class Escalation(Owned, frozen=True, kw_only=True):
    """A call that a person is asked to take."""

    call_id: str
    human_agent_id: str | None = None
    status: EscalationStatus = EscalationStatus.OPEN
    mode: str = "talk"
    "talk, listen, whisper or barge."
    reason: str = ""
    target: str = ""
    "Where the person is called."
    return_to_agent: bool = False
    "When the person leaves, the agent has the caller again; else the call is over."
    tried: tuple[str, ...] = ()
    "Who was rung in vain, and why they did not come."
    bridged_wall: float | None = None
    closed_wall: float | None = None
    failure_reason: str = ""
