"""What became of a call, from how its line ended it. A table and a rule, no state."""

from ...media.conversation.records import CallRecord
from ...media.ports import HangUpCause
from ..domain.calls import Outcome

UNANSWERED: dict[HangUpCause, Outcome] = {
    HangUpCause.NORMAL: Outcome.CANCELLED,
    HangUpCause.BUSY: Outcome.BUSY,
    HangUpCause.NO_ANSWER: Outcome.NO_ANSWER,
    # Somebody was there and did not want the call now, which is what busy means to the caller.
    HangUpCause.DECLINED: Outcome.BUSY,
    HangUpCause.CANCELLED: Outcome.CANCELLED,
    HangUpCause.NOT_FOUND: Outcome.FAILED,
    HangUpCause.OVERLOADED: Outcome.FAILED,
    HangUpCause.MEDIA_LOST: Outcome.FAILED,
    HangUpCause.NETWORK: Outcome.FAILED,
    HangUpCause.CRASH: Outcome.FAILED,
    HangUpCause.ERROR: Outcome.FAILED,
}
BROKEN = frozenset({HangUpCause.NETWORK, HangUpCause.CRASH, HangUpCause.ERROR})
"An answered call that ends so has failed. A far end that only fell silent has left."

REASONS: dict[HangUpCause, str] = {
    HangUpCause.BUSY: "the far end is busy",
    HangUpCause.NO_ANSWER: "nobody answered",
    HangUpCause.DECLINED: "the far end declined",
    HangUpCause.NOT_FOUND: "there is no such number",
    HangUpCause.OVERLOADED: "the line has no room",
    HangUpCause.MEDIA_LOST: "the audio was lost",
    HangUpCause.NETWORK: "the network failed",
    HangUpCause.CRASH: "the server was cut off",
    HangUpCause.ERROR: "an error of the server or the line",
}
"In words, where the line itself gave none."


def outcome_of(record: CallRecord) -> Outcome:
    """The outcome of an ended call."""
    cause = record.cause or HangUpCause.ERROR
    if record.answered_wall is not None:
        return Outcome.FAILED if cause in BROKEN else Outcome.COMPLETED
    if record.inbound and not record.ended_by_us and cause is HangUpCause.CANCELLED:
        return Outcome.NO_ANSWER  # the caller did not wait: a missed call
    return UNANSWERED[cause]


def reason_of(record: CallRecord, said: str = "") -> str:
    """Why a call did not come about, in words; empty for one that did. `said`: by the line."""
    outcome = outcome_of(record)
    if outcome in (Outcome.COMPLETED, Outcome.CANCELLED):
        return ""
    return said or REASONS.get(record.cause or HangUpCause.ERROR, "")
