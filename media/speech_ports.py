"""The ports of the conversation's services: who recognises, who answers, who speaks, as protocols.

Drivers implement Transcriber, Responder and Synthesizer, whatever knows documents Knowledge; the
conversation knows nothing else of them.
"""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

import msgspec

from .errors import ProviderError

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
