"""The ports of the media folder: what it needs from lanes, legs and speech, as protocols.

Frames implement LanePort, drivers implement LegPort, Transcriber, Responder and Synthesizer; the
conversation knows nothing else of them.
"""

import enum
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from .errors import ProviderError
from .events import AnyMediaEvent

# --- the lane: a leg's audio ---------------------------------------------------------------------


def _w3c_name(field: str) -> str:
    """`jitter_buffer_delay_s` is `jitterBufferDelay` in webrtc-stats: camel case, no unit."""
    first, *rest = field.removesuffix("_s").split("_")
    return first + "".join(word.capitalize() for word in rest)


class FarEndQuality(msgspec.Struct, frozen=True, kw_only=True, rename=_w3c_name):
    """How our stream arrives at the far end, by its last RTCP report (remote-inbound-rtp)."""

    fraction_lost: float
    "0..1, since its report before."
    packets_lost: int
    "Since the call began; a far end that counts duplicates may report less than none."
    jitter_s: float
    round_trip_time_s: float | None = None
    "None: it has not yet reported on a report of ours. The same as Quality's."


class Quality(msgspec.Struct, frozen=True, kw_only=True, rename=_w3c_name):
    """The line: in JSON by the W3C's names and units (webrtc-stats), and the E-model's MOS."""

    packets_received: int = 0
    packets_sent: int = 0
    packets_lost: int = 0
    packets_discarded: int = 0
    "Late, duplicate, or from a stranger."
    concealed_samples: int = 0
    silent_concealed_samples: int = 0
    concealment_events: int = 0
    inserted_samples_for_deceleration: int = 0
    removed_samples_for_acceleration: int = 0
    total_samples_received: int = 0
    jitter_s: float = 0.0
    "Interarrival jitter (RFC 3550 §6.4.1)."
    jitter_buffer_delay_s: float = 0.0
    "Sum over all samples of their time in the buffer; over jitter_buffer_emitted_count: the mean."
    jitter_buffer_target_delay_s: float = 0.0
    "Sum over all samples of the delay that was aimed at when they were played."
    jitter_buffer_emitted_count: int = 0
    "Samples."
    jitter_buffer_flushes: int = 0
    round_trip_time_s: float | None = None
    "From RTCP."
    remote_inbound_rtp: FarEndQuality | None = None
    "None: the far end has reported nothing."
    mos: float | None = None
    "ITU-T G.107; not a W3C figure."


class LanePort(Protocol):
    """One leg's audio, as its session may use it. Every verb returns at once; no awaiting.

    Agent audio belongs to an *epoch* (a number that grows with every reply). Exactly one epoch is
    open at a time; audio of later epochs waits behind the gate (staged), audio of earlier ones is
    dropped and counted.
    """

    rate_hz: int
    "8000 or 16000."

    @property
    def sink(self) -> Callable[[AnyMediaEvent], None] | None:
        """Gets this lane's events, synchronously, on the tick."""
        ...

    @sink.setter
    def sink(self, sink: Callable[[AnyMediaEvent], None] | None) -> None: ...

    @property
    def missed_samples(self) -> int:
        """Media time that a stall has swallowed, unheard and unsaid; its growth is what counts."""
        ...

    @property
    def position_samples(self) -> int:
        """The lane's media time now."""
        ...

    def play(self, epoch: int, pcm: NDArray[np.int16]) -> None:
        """Append audio (shape [samples], the lane's rate) to an epoch, any length."""
        ...

    def finish(self, epoch: int) -> None:
        """No more audio comes for this epoch: PlayoutFinished follows when it has drained."""
        ...

    def open_gate(self, epoch: int) -> None:
        """Let an epoch play; every earlier epoch's audio is dropped at once, without a fade."""
        ...

    def drop(self, epoch: int) -> None:
        """Forget a staged epoch that will never be opened."""
        ...

    def stop(self, fade_ms: int) -> int:
        """Stop the open epoch with a fade; returns its samples played (fade included)."""
        ...

    def duck(self, gain_db: float, ramp_ms: int) -> None:
        """Ramp the agent's gain to `gain_db` (0 = full). No sample is skipped."""
        ...

    def played_samples(self, epoch: int) -> int:
        """How much of an epoch has left the gate."""
        ...

    def capture(self, from_samples: int) -> None:
        """Emit AudioCaptured every 100 ms from that position on (up to 1 s back)."""
        ...

    def end_capture(self) -> None:
        """Emit what was captured and not yet told, then stop."""
        ...

    def set_alarm(self, at_samples: int | None) -> None:
        """One alarm a lane; setting it again replaces it."""
        ...

    def echo_score(self, window_ms: int) -> float | None:
        """0..1: how much of the caller's last `window_ms` is our own signal coming back.

        None: nothing was heard in it, a pause between words; it tells neither of echo nor caller.
        """
        ...

    def far_delay_samples(self) -> int:
        """One-way delay plus the far end's buffer, estimated from RTCP (0 when unknown)."""
        ...

    def listen_for_tones(self, on: bool) -> None:
        """Tell steady tones from now on (ToneHeard, ToneEnded), or no longer."""
        ...

    def send_digits(self, digits: str) -> None:
        """Send key presses (RFC 4733 where agreed, tones otherwise)."""
        ...

    def mute(self, on: bool) -> None:
        """Send silence in place of the agent, which plays on; keys are sent all the same."""
        ...

    def keep_recording(self, on: bool) -> bool:
        """Record what follows, or leave it out as silence. False: no recording was ever begun."""
        ...

    def quality(self) -> Quality:
        """The line as measured so far."""
        ...


# --- the leg: one party's signalling and audio ---------------------------------------------------


class HangUpCause(enum.Enum):
    """Why a call ended, in words that SIP, GSM and WebRTC share."""

    NORMAL = "normal"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    NOT_FOUND = "not_found"
    OVERLOADED = "overloaded"
    MEDIA_LOST = "media_lost"
    NETWORK = "network"
    CRASH = "crash"
    ERROR = "error"


class LegRinging(msgspec.Struct, frozen=True, tag=True):
    """The far end rings (180, or early media with 183)."""

    early_media: bool = False


class LegAnswered(msgspec.Struct, frozen=True, tag=True):
    """The call is up: `leg.lane` carries audio."""


class LegHeld(msgspec.Struct, frozen=True, tag=True):
    """The far end put us on hold (sendonly, inactive)."""


class LegResumed(msgspec.Struct, frozen=True, tag=True):
    """The far end took us off hold."""


class LegDigit(msgspec.Struct, frozen=True, tag=True):
    """A key press that came by signalling (SIP INFO)."""

    digit: str


class LegEnded(msgspec.Struct, frozen=True, tag=True):
    """The leg is gone; always the last event."""

    cause: HangUpCause
    by_us: bool
    status: int | None = None
    "The SIP status, where one came."
    reason: str = ""
    "The `Reason` header or status phrase, for the record."
    q850: int | None = None
    "ITU-T Q.850: of a Reason header (RFC 6432), or what a mobile network's cause is called there."
    gsm_cause: int | None = None
    "A mobile network's own (3GPP TS 24.008 §10.5.4.11)."


AnyLegEvent = LegRinging | LegAnswered | LegHeld | LegResumed | LegDigit | LegEnded


class LegPort(Protocol):
    """One party of a call, whatever the line."""

    line: str
    "The name of the line it came by."
    inbound: bool
    from_number: str
    to_number: str
    wire_id: str
    "The line's own id of the call (SIP: Call-ID)."
    sink: Callable[[AnyLegEvent], None] | None

    @property
    def lane(self) -> LanePort | None:
        """The audio, once there is any (early media or answered)."""
        ...

    @property
    def expected_rate_hz(self) -> int | None:
        """The sample rate that the lane will have; None: not known yet."""
        ...

    def ring(self) -> None:
        """Inbound: tell the caller that it rings."""
        ...

    def answer(self) -> None:
        """Inbound: take the call; LegAnswered follows."""
        ...

    def hang_up(self, cause: HangUpCause = HangUpCause.NORMAL) -> None:
        """End it in whatever state it is (reject, cancel, bye); LegEnded follows, once."""
        ...

    def send_digits(self, digits: str) -> None:
        """Send key presses by whatever way the line has: in the audio, or by signalling."""
        ...


# --- speech to text ------------------------------------------------------------------------------


class ListenSettings(msgspec.Struct, frozen=True):
    """What a transcriber should know before the first word."""

    rate_hz: int
    language: str = "en"
    phrases: tuple[str, ...] = ()
    "What callers are expected to say (the agent's intents); empty: anything."


class TranscriptChanged(msgspec.Struct, frozen=True, tag=True):
    """Interim words of a turn; may change."""

    turn: int
    text: str


class TranscriptFinal(msgspec.Struct, frozen=True, tag=True):
    """The words of the turn so far, all its utterances together."""

    turn: int
    text: str
    confidence: float | None = None
    rejected: bool = False
    "Speech was heard, but it fits nothing that was expected (out of grammar, noise, cough)."
    resent_s: float = 0.0
    "Seconds of the turn's earlier utterances that the provider was sent once more for it."


class TranscriberFailed(msgspec.Struct, frozen=True, tag=True):
    """No final will come for this turn."""

    turn: int
    error: ProviderError


AnyTranscriptEvent = TranscriptChanged | TranscriptFinal | TranscriberFailed


class TranscriberStream(Protocol):
    """One call's recognition. A *turn* is made of utterances; the text is always the whole turn's.

    begin(1) push… end(1) → Final(1); begin(1) again (the caller went on) push… end(1) → Final(1)
    with the text of both utterances; begin(2) starts afresh.
    """

    def begin(self, turn: int) -> None:
        """An utterance of `turn` begins; the same number as before continues that turn."""
        ...

    def push(self, pcm: bytes) -> None:
        """Audio of the utterance: int16 LE mono at the settings' rate, chunks of about 100 ms."""
        ...

    def end(self, turn: int) -> None:
        """The utterance is over: exactly one TranscriptFinal (or Failed) is wanted now."""
        ...

    def cancel(self, turn: int) -> None:
        """Forget the turn; nothing is told of it any more."""
        ...

    async def aclose(self) -> None: ...


class Transcriber(Protocol):
    """A speech-to-text provider."""

    name: str

    async def open(
        self, settings: ListenSettings, sink: Callable[[AnyTranscriptEvent], None]
    ) -> TranscriberStream:
        """Connect (warm) for one call. Raises ProviderError."""
        ...


# --- the responder -------------------------------------------------------------------------------


class Message(msgspec.Struct, frozen=True):
    """One turn as it was heard."""

    role: str
    "caller | agent | system"
    text: str


class TokensUsed(msgspec.Struct, frozen=True):
    """What one request to a language model took."""

    tokens_in: int
    tokens_out: int
    estimated: bool = False
    "A guess by characters: the provider has not told."


class ReplyRequest(msgspec.Struct, frozen=True):
    """Asks for the agent's next words."""

    history: tuple[Message, ...]
    "Turns before this one, agent turns cut to what was heard."
    text: str
    "What the caller said; empty when `digits` or `silence` speaks for them."
    rejected: bool = False
    "The transcriber could not make sense of it."
    digits: str = ""
    "Keys pressed."
    silence: int = 0
    "How many silence prompts have been due in a row: 1 = the caller has said nothing for a while."
    prompted: bool = False
    "Nobody has said anything: speak to what the history's last system messages tell."
    memory: object = None
    "What the last committed reply's ReplyDone.memory held."
    count: Callable[[TokensUsed], None] | None = None
    "Told what the reply took, once for each request that is answered, to its end or not."


class ReplyText(msgspec.Struct, frozen=True, tag=True):
    """Some words more."""

    text: str


class CollectDigits(msgspec.Struct, frozen=True, tag=True):
    """From the end of this reply on, gather keys into one turn."""

    max_digits: int
    terminator: str = "#"
    timeout_s: float = 4.0
    "After the last key."


class HangUp(msgspec.Struct, frozen=True, tag=True):
    """Hang up when this reply has been heard."""


class Transfer(msgspec.Struct, frozen=True, tag=True):
    """Hand the caller to this number when the reply has been heard."""

    to: str


class ReplyDone(msgspec.Struct, frozen=True, tag=True):
    """The reply is complete. `memory` is kept only if the reply is committed."""

    memory: object = None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where something that the agent says comes from."""

    document_id: str
    document: str
    "Its title."
    index: int
    "The place of the passage in the document."
    page: int | None = None
    score: float
    "0..1: how well the passage fits what the caller said."


class Sourced(msgspec.Struct, frozen=True, tag=True):
    """The reply is made of these passages."""

    sources: tuple[Source, ...]


AnyReplyPart = ReplyText | CollectDigits | HangUp | Transfer | Sourced | ReplyDone


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a document that an agent may answer from."""

    source: Source
    heading: str
    text: str
    answer: str
    "Its sentences that fit best."


class Knowledge(Protocol):
    """What an agent knows besides what it was told."""

    async def find(self, words: str) -> tuple[Passage, ...]:
        """The passages that fit what a caller says, best first.

        Within the time that a reply has for it; none where it cannot be asked now. Never raises.
        """
        ...


class Responder(Protocol):
    """What decides the agent's words: a language model, or the house responder."""

    name: str

    def phrases(self) -> tuple[str, ...]:
        """What callers are expected to say, for the transcriber; empty: anything."""
        ...

    def greeting(self) -> str:
        """The first words; empty: the caller speaks first."""
        ...

    def respond(self, request: ReplyRequest) -> AsyncIterator[AnyReplyPart]:
        """Stream the reply; closing the iterator cancels it. Raises ProviderError."""
        ...


# --- text to speech ------------------------------------------------------------------------------


class SpeechRequest(msgspec.Struct, frozen=True):
    """Asks for speech of one piece of text (a sentence or so)."""

    text: str
    rate_hz: int
    "The lane's rate: the synthesizer resamples."
    voice: str = "en"
    speed: float = 1.0


class SpeechAudio(msgspec.Struct, frozen=True, tag=True):
    """Audio, int16 LE mono at the requested rate."""

    pcm: bytes


class WordSpoken(msgspec.Struct, frozen=True, tag=True):
    """A word's place in the audio of this request; told before or with that audio."""

    word: str
    begin_samples: int
    text_end: int
    "Index just past the word in the request's text."


AnySpeechPart = SpeechAudio | WordSpoken


class Synthesizer(Protocol):
    """A text-to-speech provider."""

    name: str

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[AnySpeechPart]:
        """Stream speech; closing the iterator cancels it. Raises ProviderError."""
        ...
