"""What the turn taker asks the session to do. Values only, carried out in their order."""

import enum

import msgspec

from ..ports import HangUpCause
from ..speech_ports import ReplyRequest
from .announcement import Announcement
from .records import Turn, TurnLatency


class Phrase(enum.Enum):
    """Words of the agent that no responder is asked for."""

    GREETING = "greeting"
    APOLOGY = "apology"
    FAREWELL = "farewell"


class Action(msgspec.Struct, frozen=True, tag=True):
    pass


class BeginUtterance(Action, frozen=True):
    """Give the transcriber the caller's audio from that position on, as part of `turn`."""

    turn: int
    from_samples: int


class EndUtterance(Action, frozen=True):
    """The utterance is over: final words are wanted."""

    turn: int


class CancelTurn(Action, frozen=True):
    """It was no turn: the transcriber forgets it."""

    turn: int


class Generate(Action, frozen=True):
    """Ask the responder, and stage its speech behind the gate."""

    epoch: int
    request: ReplyRequest


class Say(Action, frozen=True):
    """Stage a phrase behind the gate."""

    epoch: int
    phrase: Phrase


class Announce(Action, frozen=True):
    """Stage an announcement behind the gate."""

    epoch: int
    announcement: Announcement


class CommitReply(Action, frozen=True):
    """Open the gate."""

    epoch: int


class DropReply(Action, frozen=True):
    """Forget a reply of which nothing has been heard, its gate open or not."""

    epoch: int


class Duck(Action, frozen=True):
    """Lower the agent's voice: someone may be interrupting."""

    gain_db: float
    ramp_ms: int


class Dip(Action, frozen=True):
    """Lower the agent's voice a little: there is a sound, and it may be nothing."""

    gain_db: float
    ramp_ms: int


class Unduck(Action, frozen=True):
    """Full level. `resumed`: the agent goes on; otherwise the level is only set right."""

    ramp_ms: int
    resumed: bool


class YieldFloor(Action, frozen=True):
    """Fall silent, but keep what has not been heard, and go on making the rest."""

    epoch: int
    fade_ms: int


class TakeBack(Action, frozen=True):
    """Go on with what was kept, from the beginning of the broken word, as a new epoch."""

    epoch: int
    new_epoch: int


class StopSpeaking(Action, frozen=True):
    """End the reply for good; ReplyHeard is wanted at once."""

    epoch: int
    fade_ms: int
    barged_in: bool = True
    "The caller did it (and not the end of the call)."


class CloseReply(Action, frozen=True):
    """The reply has played to its end; ReplyHeard is wanted at once."""

    epoch: int


class MeasureLine(Action, frozen=True):
    """LineMeasured is wanted at once."""

    window_ms: int


class SetAlarm(Action, frozen=True):
    at_samples: int | None


class ShowSpeech(Action, frozen=True):
    """The caller's speech began."""


class ShowWords(Action, frozen=True):
    text: str
    final: bool = False
    rejected: bool = False


class ShowKey(Action, frozen=True):
    digit: str


class ShowReply(Action, frozen=True):
    """The first sample of a reply has left."""

    epoch: int
    latency: TurnLatency | None


class AddTurn(Action, frozen=True):
    turn: Turn


class HangUpCall(Action, frozen=True):
    cause: HangUpCause


class TransferCall(Action, frozen=True):
    to: str


AnyAction = (
    BeginUtterance
    | EndUtterance
    | CancelTurn
    | Generate
    | Say
    | Announce
    | CommitReply
    | DropReply
    | Duck
    | Dip
    | Unduck
    | YieldFloor
    | TakeBack
    | StopSpeaking
    | CloseReply
    | MeasureLine
    | SetAlarm
    | ShowSpeech
    | ShowWords
    | ShowKey
    | ShowReply
    | AddTurn
    | HangUpCall
    | TransferCall
)
