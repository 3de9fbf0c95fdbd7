"""Speech and language providers without either: they work on scripts and a clock.

The caller's words are found by the audio that arrives (frames hold their own number); the agent's
words can be read from the audio that leaves (each word's samples hold its own number).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

import msgspec
import numpy as np

from offhook.media.clock import Clock
from offhook.media.conversation.waiting import pause
from offhook.media.errors import ProviderError
from offhook.media.speech_ports import (
    AnyReplyPart,
    AnySpeechPart,
    AnyTranscriptEvent,
    ListenSettings,
    ReplyRequest,
    SpeechAudio,
    SpeechRequest,
    TranscriberFailed,
    TranscriberStream,
    TranscriptChanged,
    TranscriptFinal,
    WordSpoken,
)

CHAR_MS = 60
"How long the fake synthesizer takes to say a character."


class Spoken(msgspec.Struct, frozen=True):
    """Words that the caller says between two frames, evenly."""

    begin_frame: int
    end_frame: int
    words: tuple[str, ...]
    rejected: bool = False


class FakeTranscriber:
    """Implements Transcriber for one scripted caller."""

    def __init__(self, clock: Clock, delay_s: float = 0.1, *, interim: bool = True) -> None:
        self.name = "fake-stt"
        self.clock = clock
        self.delay_s = delay_s
        self.interim = interim
        self.script: list[Spoken] = []
        self.fails = ""
        "open, raise, fail or hang."
        self.opened = 0
        self.closed = 0
        self.cancelled: list[int] = []

    async def open(
        self, settings: ListenSettings, sink: Callable[[AnyTranscriptEvent], None]
    ) -> TranscriberStream:
        if self.fails == "open":
            raise ProviderError(self.name, "no connection")
        if self.fails == "hang":
            await asyncio.Event().wait()
        self.opened += 1
        return FakeStream(self, sink)


class FakeStream:
    def __init__(
        self, transcriber: FakeTranscriber, sink: Callable[[AnyTranscriptEvent], None]
    ) -> None:
        self._transcriber = transcriber
        self._sink = sink
        self._turn = 0
        self._frames: set[int] = set()

    def begin(self, turn: int) -> None:
        if turn != self._turn:
            self._turn, self._frames = turn, set()

    def push(self, pcm: bytes) -> None:
        if self._transcriber.fails == "raise":
            raise ValueError("broken stream")
        self._frames |= set(np.frombuffer(pcm, "<i2").tolist())
        if self._transcriber.interim and (text := self._text()):
            self._later(TranscriptChanged(self._turn, text))

    def end(self, turn: int) -> None:
        if self._transcriber.fails == "never":
            return
        if self._transcriber.fails == "fail":
            error = ProviderError(self._transcriber.name, "lost it")
            self._later(TranscriberFailed(turn, error))
            return
        text, rejected = self._text(), any(said.rejected for said in self._heard())
        self._later(TranscriptFinal(turn, "" if rejected else text, rejected=rejected))

    def cancel(self, turn: int) -> None:
        self._transcriber.cancelled.append(turn)

    async def aclose(self) -> None:
        self._transcriber.closed += 1

    def _heard(self) -> list[Spoken]:
        return [
            said
            for said in self._transcriber.script
            if self._frames & set(range(said.begin_frame, said.end_frame))
        ]

    def _text(self) -> str:
        words: list[str] = []
        for said in self._transcriber.script:
            each = (said.end_frame - said.begin_frame) / max(1, len(said.words))
            for index, word in enumerate(said.words):
                if round(said.begin_frame + (index + 0.5) * each) in self._frames:
                    words.append(word)
        return " ".join(words)

    def _later(self, event: AnyTranscriptEvent) -> None:
        clock = self._transcriber.clock
        clock.call_at(clock.now() + self._transcriber.delay_s, lambda: self._sink(event))


Answers = Callable[[ReplyRequest], Iterable[AnyReplyPart | Exception | float]]


class FakeResponder:
    """Implements Responder: parts, pauses (seconds) and failures as a function tells."""

    def __init__(
        self, clock: Clock, answers: Answers, greeting: str = "", delay_s: float = 0.1
    ) -> None:
        self.name = "fake-llm"
        self.requests: list[ReplyRequest] = []
        self.running = 0
        self.delay_s = delay_s
        self.expected: tuple[str, ...] = ()
        self._clock = clock
        self._answers = answers
        self._greeting = greeting

    def phrases(self) -> tuple[str, ...]:
        return self.expected

    def greeting(self) -> str:
        return self._greeting

    async def respond(self, request: ReplyRequest) -> AsyncIterator[AnyReplyPart]:
        self.requests.append(request)
        self.running += 1
        try:
            await pause(self._clock, self.delay_s)
            for part in self._answers(request):
                if isinstance(part, Exception):
                    raise part
                if isinstance(part, int | float):
                    await pause(self._clock, part)
                else:
                    yield part
        finally:
            self.running -= 1


class FakeSynthesizer:
    """Implements Synthesizer: the n-th word spoken is audio of the value n."""

    def __init__(self, clock: Clock, delay_s: float = 0.05, *, timing: bool = True) -> None:
        self.name = "fake-tts"
        self.delay_s = delay_s
        self.timing = timing
        self.words: list[str] = [""]
        self.failures: list[Exception] = []
        "Taken one by one, before any audio."
        self.running = 0
        self._clock = clock

    async def synthesize(self, request: SpeechRequest) -> AsyncIterator[AnySpeechPart]:
        self.running += 1
        try:
            await pause(self._clock, self.delay_s)
            if self.failures:
                raise self.failures.pop(0)
            at = end = 0
            for word in request.text.split():
                end = request.text.index(word, end) + len(word)
                if self.timing:
                    yield WordSpoken(word, at, end)
                samples = len(word) * CHAR_MS * request.rate_hz // 1000
                self.words.append(word)
                at += samples
                pcm = np.full(samples, len(self.words) - 1, "<i2").tobytes()
                yield SpeechAudio(pcm[:7])  # half a sample too many: chunks need not be whole
                yield SpeechAudio(pcm[7:])
        finally:
            self.running -= 1
