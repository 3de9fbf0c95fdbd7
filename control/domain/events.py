"""All that is told of: what happens in calls (media's events) and around them (those below).

An event says what happened and to what, by ids; the rest is asked for. Who may hear it, its owner,
is not in it but beside it (StoredEvent, PublishedEvent). Not how it is told: events/events.py.
"""

from typing import get_args

import msgspec

from ...media.conversation.records import (
    AgentDucked,
    AgentResumed,
    AgentSpeaking,
    AnyCallEvent,
    BargedIn,
    CallerSaid,
    CallerSpeaking,
)
from .analyses import AnalysisStatus, Sentiment
from .calls import CallStatus, EscalationStatus, Outcome
from .campaigns import CampaignStatus
from .documents import DocumentStatus
from .imports import ImportStatus
from .sms_tasks import TaskStatus


class DomainEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Something that happened outside the media."""

    at_wall: float


class AboutCall(DomainEvent, frozen=True, kw_only=True):
    """It is about a call."""

    call_id: str


class AboutOther(DomainEvent, frozen=True, kw_only=True):
    """It is about something else, which may have to do with a call."""

    call_id: str | None = None


class CallStatusChanged(AboutCall, frozen=True, kw_only=True, tag="call.status"):
    """A call moved on: scheduled, queued, dialing…; `outcome` when it has ended."""

    status: CallStatus
    outcome: Outcome | None = None
    failure_reason: str = ""


class CallUpdated(AboutCall, frozen=True, kw_only=True, tag="call.updated"):
    """Somebody changed a call's data; `fields` are the names of what is different."""

    fields: tuple[str, ...] = ()


class CallSentimentChanged(AboutCall, frozen=True, kw_only=True, tag="call.sentiment"):
    """The caller's words sound different from before; told while the call goes on."""

    label: Sentiment
    previous: Sentiment | None
    "None: these were the first that tell."
    score: float
    "-1 (bad) to 1 (good)."
    at_s: float
    "Seconds since the call's first sample."


class CallAnalysed(AboutCall, frozen=True, kw_only=True, tag="call.analysed"):
    """An ended call was analysed, or that was given up; all of it is at the call's analysis."""

    analysis_id: str
    status: AnalysisStatus
    sentiment: Sentiment | None = None
    sentiment_score: float | None = None
    outcome: str = ""
    qa_score: float | None = None
    error: str = ""


class CallQaScored(AboutCall, frozen=True, kw_only=True, tag="call.qa"):
    """How an ended call has met its agent's checklist."""

    qa_score: float
    "0 to 100."
    passed: int
    told: int
    "Questions that could be answered; `passed` of them were met."
    asked: int


class NoteAdded(AboutCall, frozen=True, kw_only=True, tag="note.added"):
    """Somebody wrote something about a call."""

    note_id: str
    text: str
    category: str = ""
    author_id: str | None = None


class EscalationEvent(AboutCall, frozen=True, kw_only=True):
    """The hand-over of a call to a person moved on."""

    escalation_id: str
    status: EscalationStatus
    human_agent_id: str | None = None
    mode: str = "talk"
    "talk, listen, whisper or barge."


class EscalationOpened(EscalationEvent, frozen=True, kw_only=True, tag="escalation.opened"):
    """A person is wanted."""

    reason: str = ""


class EscalationBridged(EscalationEvent, frozen=True, kw_only=True, tag="escalation.bridged"):
    """The person is in the call."""


class EscalationClosed(EscalationEvent, frozen=True, kw_only=True, tag="escalation.closed"):
    """It is over; `failure_reason` in words when nobody came."""

    failure_reason: str = ""


class NotificationCreated(AboutOther, frozen=True, kw_only=True, tag="notification.created"):
    """An account is told something."""

    notification_id: str
    kind: str
    title: str
    message: str = ""


class SmsEvent(AboutOther, frozen=True, kw_only=True):
    """An SMS came or went."""

    message_id: str
    from_number: str
    to_number: str
    body: str = ""
    contact_id: str | None = None


class SmsReceived(SmsEvent, frozen=True, kw_only=True, tag="sms.received"):
    """It came in."""


class SmsSent(SmsEvent, frozen=True, kw_only=True, tag="sms.sent"):
    """A provider took it."""


class SmsFailed(SmsEvent, frozen=True, kw_only=True, tag="sms.failed"):
    """It was given up."""

    error: str


class SmsTaskEnded(AboutOther, frozen=True, kw_only=True, tag="sms.task"):
    """An agent has answered a text, or that was given up."""

    task_id: str
    "The text that it is about."
    status: TaskStatus
    phone_number: str
    category: str
    contact_id: str | None = None
    error: str = ""


class BroadcastEnded(AboutOther, frozen=True, kw_only=True, tag="broadcast.ended"):
    """Of every recipient of a broadcast it is known whether the text has left."""

    broadcast_id: str
    "The broadcast that it is about."
    recipients: int
    "Contacts that it was for."
    sent: int
    "Texts that have left."
    failed: int


class OutboxKept(AboutOther, frozen=True, kw_only=True, tag="outbox.kept"):
    """Something could not leave, because nothing is configured to send it by."""

    outbox_id: str
    channel: str


class LineStateChanged(AboutOther, frozen=True, kw_only=True, tag="line.state"):
    """A line can carry calls now, or no longer; `reason` in words."""

    line: str
    state: str
    reason: str = ""


class AgentChanged(AboutOther, frozen=True, kw_only=True, tag="agent.changed"):
    """An agent was made, changed or deleted; `change` says which."""

    agent_id: str
    change: str


class ModemStateChanged(AboutOther, frozen=True, kw_only=True, tag="modem.state"):
    """A modem does something else now."""

    modem_id: str
    state: str


class CampaignStatusChanged(AboutOther, frozen=True, kw_only=True, tag="campaign.status"):
    """A campaign is active, paused or completed now."""

    campaign_id: str
    status: CampaignStatus


class ImportEnded(AboutOther, frozen=True, kw_only=True, tag="import.ended"):
    """All rows of an upload were looked at, or it was given up."""

    import_job_id: str
    status: ImportStatus
    rows_ok: int
    rows_failed: int


class DocumentProcessed(AboutOther, frozen=True, kw_only=True, tag="document.processed"):
    """An uploaded document can be searched now, or cannot be read."""

    document_id: str
    agent_id: str | None
    status: DocumentStatus
    chunks: int
    error: str = ""


class WebhookTested(AboutOther, frozen=True, kw_only=True, tag="webhook.test"):
    """Somebody tries whether a webhook arrives; only that webhook is told."""

    webhook_id: str


class WebhookDisabled(AboutOther, frozen=True, kw_only=True, tag="webhook.disabled"):
    """A webhook is told nothing any more; `reason` in words."""

    webhook_id: str
    reason: str


AnyDomainEvent = (
    CallStatusChanged
    | CallUpdated
    | CallSentimentChanged
    | CallAnalysed
    | CallQaScored
    | NoteAdded
    | EscalationOpened
    | EscalationBridged
    | EscalationClosed
    | NotificationCreated
    | SmsReceived
    | SmsSent
    | SmsFailed
    | SmsTaskEnded
    | BroadcastEnded
    | OutboxKept
    | LineStateChanged
    | AgentChanged
    | ModemStateChanged
    | CampaignStatusChanged
    | ImportEnded
    | DocumentProcessed
    | WebhookTested
    | WebhookDisabled
)
AnyEvent = AnyCallEvent | AnyDomainEvent

ONLY_TOLD: frozenset[type[msgspec.Struct]] = frozenset(
    (CallerSpeaking, CallerSaid, AgentSpeaking, AgentDucked, AgentResumed, BargedIn)
)
"""What passes: it is told to who listens now. All other events change something that is kept: they
are stored, and can be replayed."""


def is_stored(event: AnyEvent) -> bool:
    """Whether it is kept and can be replayed."""
    return type(event) not in ONLY_TOLD


def type_of(event: AnyEvent) -> str:
    """Its name, such as `call.started`."""
    return str(event.__struct_config__.tag)


EVENT_TYPES = frozenset(str(kind.__struct_config__.tag) for kind in get_args(AnyEvent))
"The names of all events."
