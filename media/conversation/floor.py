"""The state of the floor: the caller's running turn, the agent's reply, and the time in between.

Values and what follows from them; turn.py, overlap.py and replies.py change them.
"""

import copy
import enum

import msgspec

from ..ports import HangUpCause
from ..speech_ports import CollectDigits, Message, ReplyRequest, Source
from .actions import AnyAction, Phrase
from .announcement import Announcement
from .keypad import Keys
from .latency import ReplyMoments
from .records import TurnLatency
from .settings import TurnSettings

MAX_HISTORY = 200
"Turns that a responder is told of; the oldest are forgotten."


class Phase(enum.Enum):
    """Where the conversation stands."""

    WAITING = "waiting"
    "Not answered yet."
    LIVE = "live"
    CLOSING = "closing"
    "The last words have been said; what the caller does changes nothing any more."
    OVER = "over"


class Stage(enum.Enum):
    """How far a reply is."""

    STAGED = "staged"
    "Made behind the gate, for a turn that may not be over."
    COMMITTED = "committed"
    "The gate is open; nothing has been heard yet."
    AUDIBLE = "audible"
    YIELDED = "yielded"
    "Silent because the caller may be interrupting; the rest is kept."
    CLOSING = "closing"
    "Over; what was heard of it is being found out."


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's running turn, from its first sound until its reply is audible."""

    number: int
    "The transcriber's turn number."
    began_samples: int
    talking: bool = False
    spurt_samples: int = 0
    "First sample of the newest talkspurt."
    spoken_samples: int = 0
    "Speech in the talkspurts before it."
    ended_samples: int | None = None
    "Last sample of speech; None: only keys so far, or still in the first talkspurt."
    asked_samples: int = 0
    "When final words were asked for."
    finals_due: int = 0
    text: str = ""
    carried: str = ""
    "Words of the turn before, whose reply was cut before a word of it was heard."
    typed: str = ""
    "Words that were written instead of spoken."
    rejected: bool = False
    confidence: float | None = None
    "Of the text, 0 to 1; None: the transcriber does not say."
    failed: bool = False
    "The transcriber gave up."
    transcript_samples: int | None = None
    keys: Keys | None = None
    overlapping: bool = False
    "Over the agent's voice, and not yet known to be a turn."
    echo: bool = False
    "What is heard is the agent itself."
    doubts: int = 0
    "Measurements in a row that say otherwise."
    speculations: int = 0
    decided_samples: int | None = None
    told: bool = False
    "It was decided once: it will be answered, whatever its words turn out to be."
    noted: bool = False
    "It is in the transcript already: an announcement came before its answer."
    noted_digits: int = 0
    "So many of its keys are, too."

    @property
    def words(self) -> str:
        """All words that want an answer; what a cough was taken for does not, beside real ones."""
        spoken = "" if self.rejected and (self.carried or self.typed) else self.text
        return joined(self.carried, spoken, self.typed)

    @property
    def said(self) -> str:
        """The words that are this turn's own."""
        return joined(self.text, self.typed)

    @property
    def digits(self) -> str:
        return self.keys.digits if self.keys else ""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The agent's reply that is being made or heard."""

    epoch: int
    stage: Stage
    request: ReplyRequest | None = None
    "What the responder was asked; None: a phrase or an announcement."
    phrase: Phrase | None = None
    announcement: Announcement | None = None
    owed: Caller | None = None
    "The turn that is still to be answered when the announcement is over."
    informed: bool = False
    "It is the reply that was wanted to what the responder was told."
    speculative: bool = False
    attempt: int = 0
    moments: ReplyMoments = ReplyMoments()
    latency: TurnLatency | None = None
    written: bool = False
    voiced_samples: int | None = None
    failed: bool = False
    yielded_samples: int | None = None
    "Since when it is silent, and may go on."
    collect: CollectDigits | None = None
    hang_up: HangUpCause | None = None
    transfer_to: str | None = None
    sources: tuple[Source, ...] = ()
    memory: object = None

    @property
    def holds_floor(self) -> bool:
        """Something of it has been heard and it is not over."""
        return self.stage in (Stage.AUDIBLE, Stage.YIELDED, Stage.CLOSING)


class TurnState(msgspec.Struct, kw_only=True):
    """All that turn taking knows of a call. `step` never changes the one it was given."""

    settings: TurnSettings
    rate_hz: int
    expected: frozenset[str] = frozenset()
    "Normalised phrases that callers are expected to say."
    english: bool = True
    "What is known of English words may be used."

    phase: Phase = Phase.WAITING
    held: bool = False
    muted: bool = False
    "The agent is not to hear the caller."
    paused: bool = False
    "Somebody else has the caller; the agent neither hears nor speaks."
    awaits_beep: bool = False
    "A machine has the line; the agent neither hears nor speaks until it records."
    voice: bool = False
    "The caller's voice is there, whether the agent may hear it or not."
    announcements: tuple[Announcement, ...] = ()
    "What is to be said when the floor is free, in this order."
    reply_wanted: bool = False
    "The agent is to speak to what the responder was told."
    caller: Caller | None = None
    reply: Reply | None = None
    turn: int = 0
    "The newest caller turn's number."
    epoch: int = 0
    "The newest reply's."
    suspected_samples: int | None = None
    "Since when speech is suspected."
    dipped: bool = False
    "A little lower, for a sound that may be nothing; never together with `ducked`."
    ducked: bool = False
    judge_samples: int | None = None
    "When speech over the agent is judged next."
    captured_samples: int = 0
    "To where the transcriber has been given audio."
    collect: CollectDigits | None = None
    "How the last reply wants keys gathered."
    idle_samples: int = 0
    "Since when nobody has the floor."
    lost_samples: int | None = None
    "When the call is given up if nothing arrives."
    lost_packets: int | None = None
    "Packets received when the media was lost."
    closing_samples: int | None = None
    closing_cause: HangUpCause = HangUpCause.NORMAL
    silences: int = 0
    failures: int = 0
    alarm_samples: int | None = None

    history: tuple[Message, ...] = ()
    memory: object = None
    turns: int = 0
    "Turns told so far, of both sides."
    barge_ins: int = 0
    false_barge_ins: int = 0
    speculations: int = 0
    speculations_dropped: int = 0

    @property
    def hears(self) -> bool:
        """What the caller's line carries is meant for the agent."""
        return not (self.held or self.muted or self.absent)

    @property
    def absent(self) -> bool:
        """The agent has no part in the call now."""
        return self.paused or self.awaits_beep

    def samples(self, ms: float) -> int:
        """Milliseconds as samples."""
        return round(ms * self.rate_hz / 1000)

    def ms(self, samples: int) -> int:
        """Samples as milliseconds."""
        return samples * 1000 // self.rate_hz


def joined(*parts: str) -> str:
    """The parts that are not empty, with a space between."""
    return " ".join(part for part in parts if part)


class Draft:
    """One step in the making: a copy of the state, the position, and the actions so far."""

    def __init__(self, state: TurnState, now: int) -> None:
        self.state = copy.copy(state)
        self.now = now
        self.actions: list[AnyAction] = []

    def do(self, action: AnyAction) -> None:
        self.actions.append(action)

    def caller(self, **changes: object) -> Caller:
        """Change the running caller turn."""
        assert self.state.caller is not None, "there is no caller turn to change"
        self.state.caller = msgspec.structs.replace(self.state.caller, **changes)
        return self.state.caller

    def reply(self, **changes: object) -> Reply:
        """Change the running reply."""
        assert self.state.reply is not None, "there is no reply to change"
        self.state.reply = msgspec.structs.replace(self.state.reply, **changes)
        return self.state.reply

    def remember(self, message: Message) -> None:
        self.state.history = (*self.state.history, message)[-MAX_HISTORY:]
