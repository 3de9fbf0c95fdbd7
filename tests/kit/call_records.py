"""Call records and events for tests of the edge."""

from typing import Any

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.domain.calls import Call, CallStatus as BusinessStatus
from offhook.media.conversation.records import (
    CallRecord,
    CallStarted,
    CallStatus,
    Role,
    Turn,
    TurnAdded,
    TurnLatency,
)


def call_record(number: int = 1, **changes: Any) -> CallRecord:
    """Inbound call `number`, which is up and began in second `number`; `changes` are fields."""
    fields: dict[str, Any] = {
        "id": f"call-{number}",
        "line": "office",
        "wire_id": f"{number}@192.0.2.7",
        "inbound": True,
        "from_number": "+4930123456",
        "to_number": "100",
        "agent": "desk",
        "status": CallStatus.LIVE,
        "started_wall": 1_700_000_000.0 + number,
        "answered_wall": 1_700_000_002.0 + number,
        "codec": "PCMA",
        "rate_hz": 8000,
    }
    return CallRecord(**(fields | changes))


def call_of(record: CallRecord, /, **changes: Any) -> Call:
    """What business knows of that call: the operator's."""
    fields: dict[str, Any] = {
        "id": record.id,
        "owner_id": OPERATOR_ID,
        "inbound": record.inbound,
        "from_number": record.from_number,
        "to_number": record.to_number,
        "line": record.line,
        "agent_name": record.agent,
        "status": BusinessStatus(record.status.value),
        "started_wall": record.started_wall,
        "created_wall": record.started_wall,
        "updated_wall": record.started_wall,
    }
    return Call(**(fields | changes))


def started(record: CallRecord) -> CallStarted:
    return CallStarted(
        record.id,
        record.started_wall,
        0,
        record.from_number,
        record.to_number,
        record.line,
        record.inbound,
    )


def agent_turn(index: int, text: str = "Good morning.") -> Turn:
    """A reply at 8 kHz whose first sample came 700 ms after the caller's last."""
    latency = TurnLatency(
        speech_ended_samples=8000,
        transcript_samples=12000,
        decided_samples=12800,
        first_sample_samples=13600,
        speculative=True,
    )
    return Turn(
        index=index,
        role=Role.AGENT,
        text=text,
        begin_samples=13600,
        end_samples=24000,
        latency=latency,
    )


def turn_added(record: CallRecord, turn: Turn) -> TurnAdded:
    return TurnAdded(record.id, record.started_wall + 5, turn.end_samples, turn)
