"""What is kept of a call: its states, turns, latencies, and the events that tell of them.

Plain values, no behaviour. Media positions are samples at the record's `rate_hz`; `*_wall` is
seconds since 1970.
"""

import enum

import msgspec

from ..ports import HangUpCause, Quality
from ..speech_ports import Source


class CallStatus(enum.Enum):
    """Where a call stands."""

    RINGING = "ringing"
    LIVE = "live"
    ENDED = "ended"


class Role(enum.Enum):
    """Who spoke."""

    CALLER = "caller"
    AGENT = "agent"


class AnsweredBy(enum.Enum):
    """Who or what took a call that we placed."""

    HUMAN = "human"
    MACHINE = "machine"
    "Voicemail: a greeting, and mostly a beep after which a message may be left."
    IVR = "ivr"
    "A menu, or a queue."
    FAX = "fax"
    SILENCE = "silence"
    "Nobody has said anything."
    NETWORK = "network"
    "An announcement of the network: no such number, switched off, all circuits busy."
    UNKNOWN = "unknown"
    "The call was over before it could be told."


class TurnLatency(msgspec.Struct, frozen=True, kw_only=True):
    """The moments of one answered turn, on the call's sample axis; absent: did not happen."""

    speech_ended_samples: int
    "The caller's last sample of speech, as the VAD estimates it (or of the last key)."
    transcript_samples: int | None = None
    "The final transcript had arrived."
    decided_samples: int | None = None
    "The turn was declared over."
    first_text_samples: int | None = None
    "The responder's first words had arrived."
    first_speech_samples: int | None = None
    "The synthesizer's first audio had arrived."
    first_sample_samples: int | None = None
    "The reply's first sample left the gate: what the caller waits for."
    speculative: bool = False
    "The reply was already staged when the turn was decided."


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One utterance of one side, as it was heard."""

    index: int
    role: Role
    text: str
    "What was heard. An interrupted agent turn is cut to the words that were played."
    begin_samples: int
    end_samples: int
    planned_text: str = ""
    "Agent: what it meant to say in full."
    interrupted: bool = False
    digits: str = ""
    rejected: bool = False
    "Caller: speech that fitted nothing expected."
    typed: bool = False
    "Caller: written, or a part of it, instead of spoken."
    confidence: float | None = None
    "Caller: 0 to 1, how sure recognition is of the words; None: it does not say."
    sources: tuple[Source, ...] = ()
    "Agent: the passages that it was made of."
    latency: TurnLatency | None = None
    "Agent: how this reply came about."


class OtherLeg(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody else who was called into the call."""

    leg: str
    "Its number in the call."
    to: str
    mode: str
    "talk, listen, whisper or barge: the last one."
    joined_samples: int | None = None
    "None: they never answered."
    ended_samples: int | None = None


class ServiceUse(msgspec.Struct, kw_only=True):
    """What a call has used of services so far; providers by name. Counted as it is used."""

    stt_provider: str = ""
    stt_s: float = 0.0
    "Audio that recognition was given, in seconds."
    llm_provider: str = ""
    llm_tokens_in: int = 0
    llm_tokens_out: int = 0
    llm_estimated: bool = False
    "Some of the tokens are guessed by characters: the provider did not tell them."
    tts_provider: str = ""
    tts_chars: int = 0


class CallRecord(msgspec.Struct, kw_only=True):
    """A call as the API shows it. Owned by its session until it has ended."""

    id: str
    line: str
    wire_id: str
    "The line's own id of the call (SIP: Call-ID)."
    inbound: bool
    from_number: str
    to_number: str
    agent: str
    status: CallStatus
    started_wall: float
    answered_wall: float | None = None
    ended_wall: float | None = None
    cause: HangUpCause | None = None
    ended_by_us: bool | None = None
    sip_status: int | None = None
    codec: str | None = None
    rate_hz: int | None = None
    length_samples: int = 0
    digits: str = ""
    "Every key the caller pressed, in order."
    turns: list[Turn] = msgspec.field(default_factory=list)
    barge_ins: int = 0
    false_barge_ins: int = 0
    speculations: int = 0
    speculations_dropped: int = 0
    dead_epoch_chunks: int = 0
    "Audio chunks of cancelled replies that the gate threw away."
    quality: Quality | None = None
    recording: str | None = None
    "File name in the recordings folder."
    transferred_to: str | None = None
    answered_by: AnsweredBy | None = None
    "Calls that we placed: the newest verdict; None: none yet, or nobody is judged."
    answered_by_after_s: float | None = None
    "From the answer to that verdict; None: it was given before the answer."
    legs: list[OtherLeg] = msgspec.field(default_factory=list)
    "Others in the call, in the order in which they were called."
    use: ServiceUse = msgspec.field(default_factory=ServiceUse)


# --- what happens to a call, as it happens (the API's event stream) -------------------------------


class CallEvent(msgspec.Struct, frozen=True, tag_field="type", tag=True):
    call_id: str
    at_wall: float
    at_samples: int


class CallStarted(CallEvent, frozen=True, tag="call.started"):
    from_number: str
    to_number: str
    line: str
    inbound: bool


class CallAnswered(CallEvent, frozen=True, tag="call.answered"):
    codec: str
    rate_hz: int


class CallAnsweredBy(CallEvent, frozen=True, tag="call.answered_by"):
    """It is known, or known better, who or what has taken the call."""

    answered_by: AnsweredBy
    reason: str
    "What gave it away, such as `beep` or `short_utterance`."
    after_s: float | None
    "Since the answer; None: before it."


class CallerSpeaking(CallEvent, frozen=True, tag="caller.speaking"):
    """Speech began."""


class CallerSaid(CallEvent, frozen=True, tag="caller.said"):
    """Words of the running caller turn; `final` when the turn is committed."""

    text: str
    final: bool
    rejected: bool = False


class CallerPressed(CallEvent, frozen=True, tag="caller.pressed"):
    digit: str


class AgentSpeaking(CallEvent, frozen=True, tag="agent.speaking"):
    """The first sample of a reply left; `text` is what is known of it so far."""

    text: str
    latency: TurnLatency | None = None


class AgentDucked(CallEvent, frozen=True, tag="agent.ducked"):
    """Someone may be interrupting."""


class AgentResumed(CallEvent, frozen=True, tag="agent.resumed"):
    """It was nothing: full level again, no sample lost."""


class BargedIn(CallEvent, frozen=True, tag="agent.interrupted"):
    """The caller took the floor; `heard` is what they heard of the reply."""

    heard: str


class AgentPressed(CallEvent, frozen=True, tag="agent.pressed"):
    """Keys were pressed towards the caller; a comma is a pause."""

    digits: str


class AgentLeft(CallEvent, frozen=True, tag="agent.left"):
    """Somebody else has the caller: the agent neither hears nor speaks."""


class AgentReturned(CallEvent, frozen=True, tag="agent.returned"):
    """The agent has the caller again."""


class MuteChanged(CallEvent, frozen=True, tag="call.muted"):
    """Who is muted now: an agent who is not heard, a caller whom the agent does not hear."""

    agent: bool
    caller: bool


class RecordingSwitched(CallEvent, frozen=True, tag="call.recording"):
    """What follows is in the recording, or is not."""

    on: bool


class LegState(enum.Enum):
    """Where another leg of a call stands."""

    DIALLED = "dialled"
    JOINED = "joined"
    FAILED = "failed"
    "It was never joined."
    ENDED = "ended"


class LegChanged(CallEvent, frozen=True, tag="call.leg"):
    """Another leg of the call was dialled, joined, has another mode now, or is gone."""

    leg: str
    "Its number in the call."
    to: str
    mode: str
    "talk, listen, whisper or barge."
    state: LegState
    reason: str = ""
    "Why it failed or ended."


class TurnAdded(CallEvent, frozen=True, tag="turn.added"):
    """A finished turn of either side."""

    turn: Turn


class CallEnded(CallEvent, frozen=True, tag="call.ended"):
    cause: HangUpCause
    by_us: bool
    sip_status: int | None = None


AnyCallEvent = (
    CallStarted
    | CallAnswered
    | CallAnsweredBy
    | CallerSpeaking
    | CallerSaid
    | CallerPressed
    | AgentSpeaking
    | AgentDucked
    | AgentResumed
    | BargedIn
    | AgentPressed
    | AgentLeft
    | AgentReturned
    | MuteChanged
    | RecordingSwitched
    | LegChanged
    | TurnAdded
    | CallEnded
)
