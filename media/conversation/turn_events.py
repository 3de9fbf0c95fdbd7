"""What the turn taker is told besides the lane's own events: words, replies, the leg, the line.

Every event carries `at_samples`, the lane's position when it became known.
"""

from ..events import AnyMediaEvent, MediaEvent
from ..speech_ports import CollectDigits, Source
from .announcement import Announcement


class Answered(MediaEvent, frozen=True, tag="answered"):
    """The call is up and the lane runs."""

    greets: bool
    "The agent has first words."


class LegWasHeld(MediaEvent, frozen=True, tag="leg_was_held"):
    """The far end does not hear us."""


class LegWasResumed(MediaEvent, frozen=True, tag="leg_was_resumed"):
    """The far end hears us again."""


class LegWasEnded(MediaEvent, frozen=True, tag="leg_was_ended"):
    """The call is over; nothing can be said any more."""


class TransferFailed(MediaEvent, frozen=True, tag="transfer_failed"):
    """The call could not be handed over and is still ours."""


class WordsHeard(MediaEvent, frozen=True, tag="words_heard"):
    """The transcriber's text of a turn, all its utterances together."""

    turn: int
    text: str
    final: bool = False
    rejected: bool = False
    confidence: float | None = None
    "Of final words, 0 to 1; None: the transcriber does not say."


class HearingFailed(MediaEvent, frozen=True, tag="hearing_failed"):
    """No final words will come for this turn."""

    turn: int


class LineMeasured(MediaEvent, frozen=True, tag="line_measured"):
    """The answer to MeasureLine."""

    echo_score: float | None
    "None: nothing was heard."
    line_loss: float
    packets_received: int


class ReplyTextBegan(MediaEvent, frozen=True, tag="reply_text_began"):
    """The responder's first words have arrived."""

    epoch: int


class ReplySpeechBegan(MediaEvent, frozen=True, tag="reply_speech_began"):
    """The synthesizer's first audio has arrived."""

    epoch: int


class ReplyWritten(MediaEvent, frozen=True, tag="reply_written"):
    """The responder has said all, and what shall follow the reply."""

    epoch: int
    collect: CollectDigits | None = None
    hang_up: bool = False
    transfer_to: str | None = None
    sources: tuple[Source, ...] = ()
    memory: object = None


class ReplyVoiced(MediaEvent, frozen=True, tag="reply_voiced"):
    """All audio of the reply has been made; with 0 samples there was nothing to say."""

    epoch: int
    samples: int


class ReplyFailed(MediaEvent, frozen=True, tag="reply_failed"):
    """The responder or the synthesizer failed; what was made of the reply still plays."""

    epoch: int
    retryable: bool


class ReplyHeard(MediaEvent, frozen=True, tag="reply_heard"):
    """The answer to StopSpeaking and CloseReply: what the caller has heard of the reply."""

    epoch: int
    text: str
    planned: str
    interrupted: bool


# --- what others ask for --------------------------------------------------------------------------


class AnnouncementOrdered(MediaEvent, frozen=True, tag="announcement_ordered"):
    """The agent is to say this: after what it says now, or (`interrupt`) at once, instead of it."""

    announcement: Announcement
    interrupt: bool = False


class ContextGiven(MediaEvent, frozen=True, tag="context_given"):
    """Something that the responder should know; `reply`: the agent is to speak to it."""

    text: str
    reply: bool = False


class MessageTyped(MediaEvent, frozen=True, tag="message_typed"):
    """The caller has written instead of spoken."""

    text: str


class CallerWasMuted(MediaEvent, frozen=True, tag="caller_was_muted"):
    """The agent does not hear the caller from here on."""


class CallerWasUnmuted(MediaEvent, frozen=True, tag="caller_was_unmuted"):
    """The agent hears the caller again."""


class AgentWasPaused(MediaEvent, frozen=True, tag="agent_was_paused"):
    """Somebody else has the caller: the agent neither hears nor speaks."""


class AgentWasResumed(MediaEvent, frozen=True, tag="agent_was_resumed"):
    """The agent has the caller again."""


class MachineAnswered(MediaEvent, frozen=True, tag="machine_answered"):
    """A machine has the line: the agent says and hears nothing until its message is due."""


class MessageDue(MediaEvent, frozen=True, tag="message_due"):
    """The machine records: the message is said to it, and nothing it does interrupts."""

    message: Announcement


class MachineGone(MediaEvent, frozen=True, tag="machine_gone"):
    """It was no such machine: the agent converses again."""


AnyTurnEvent = (
    AnyMediaEvent
    | Answered
    | LegWasHeld
    | LegWasResumed
    | LegWasEnded
    | TransferFailed
    | WordsHeard
    | HearingFailed
    | LineMeasured
    | ReplyTextBegan
    | ReplySpeechBegan
    | ReplyWritten
    | ReplyVoiced
    | ReplyFailed
    | ReplyHeard
    | AnnouncementOrdered
    | ContextGiven
    | MessageTyped
    | CallerWasMuted
    | CallerWasUnmuted
    | AgentWasPaused
    | AgentWasResumed
    | MachineAnswered
    | MessageDue
    | MachineGone
)
