"""SHELL: makes the agent's replies: responder -> sentences -> synthesizer -> the lane's gate.

It begins to speak with the first clause and makes no more speech ahead than a few seconds, because
an interrupted reply never needs it. Not here: when a reply is made, heard or dropped (turn.py).
"""

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine

import numpy as np
from msgspec.structs import replace

from ..clock import Clock
from ..errors import ProviderError, ProviderTimedOut
from ..events import PlayoutStarted
from ..ports import LanePort
from ..speech_ports import (
    AnyReplyPart,
    CollectDigits,
    HangUp,
    ReplyDone,
    ReplyRequest,
    ReplyText,
    Responder,
    Sourced,
    SpeechRequest,
    Synthesizer,
    TokensUsed,
    Transfer,
    WordSpoken,
)
from .actions import Phrase
from .announcement import Announcement, sound_chunks
from .phrase_book import PhraseBook, PhraseKey
from .records import ServiceUse
from .reply_speech import ReplySpeech
from .sentences import Sentences
from .settings import AgentSettings
from .turn_events import (
    AnyTurnEvent,
    ReplyFailed,
    ReplyHeard,
    ReplySpeechBegan,
    ReplyTextBegan,
    ReplyVoiced,
    ReplyWritten,
)
from .waiting import each, pause

logger = logging.getLogger(__name__)

MAX_PIECES = 16
"Sentences that wait to be spoken; with more, the responder waits."
MAX_REPLY_CHARS = 20_000
"A responder that does not end is cut here."
MAX_PIECE_S = 120.0
"A synthesizer that does not end has failed."
LEAST_PAUSE_S = 0.1

Pieces = asyncio.Queue[str | None]
Parts = AsyncGenerator[AnyReplyPart, None]


class Speaker:
    """The agent's mouth in one call."""

    def __init__(
        self,
        responder: Responder,
        synthesizer: Synthesizer,
        agent: AgentSettings,
        clock: Clock,
        report: Callable[[AnyTurnEvent], None],
        book: PhraseBook,
        use: ServiceUse | None = None,
    ) -> None:
        """`use` counts what responder and synthesizer are given; the book's phrases are free."""
        self._use = ServiceUse() if use is None else use
        self._book = book
        self._responder = responder
        self._synthesizer = synthesizer
        self._agent = agent
        self._clock = clock
        self._report = report
        self._lane: LanePort | None = None
        self._rate_hz = 8000
        self._phrases: dict[Phrase, ReplySpeech] = {}
        self._reply: ReplySpeech | None = None
        self._tasks: dict[ReplySpeech, asyncio.Task[None]] = {}
        self._muted = False
        # Replies begin within the engine's work, which is no call's: their tasks are of the call.
        self._context = contextvars.copy_context()
        self._greeting_ready = asyncio.Event()
        greeting = responder.greeting() if agent.greeting is None else agent.greeting
        self._texts = {
            Phrase.GREETING: greeting.strip(),
            Phrase.APOLOGY: agent.apology,
            Phrase.FAREWELL: agent.farewell,
        }

    @property
    def greets(self) -> bool:
        """The agent has first words."""
        return bool(self._texts[Phrase.GREETING])

    @property
    def text(self) -> str:
        """What is known of the running reply's text."""
        return self._reply.spoken.text.strip() if self._reply is not None else ""

    def prepare(self, rate_hz: int) -> None:
        """Begin to make the phrases, so that they are there when they are wanted."""
        self._rate_hz = rate_hz
        for phrase in (Phrase.GREETING, Phrase.APOLOGY, Phrase.FAREWELL):
            if self._texts[phrase]:
                self._make_phrase(phrase)

    async def prepared(self) -> None:
        """Wait until the greeting can be heard without a gap: its first sentence (or it failed)."""
        if self._texts[Phrase.GREETING]:
            await self._greeting_ready.wait()

    def attach(self, lane: LanePort) -> None:
        """The call is up: what is made from now on goes to the lane."""
        self._lane = lane
        if lane.rate_hz != self._rate_hz:
            for speech in self._phrases.values():
                self._abandon(speech)
            self.prepare(lane.rate_hz)

    # --- the turn taker's requests ---------------------------------------------------------------

    def generate(self, epoch: int, request: ReplyRequest) -> None:
        """Ask the responder; its speech waits behind the gate."""
        speech = ReplySpeech(self._rate_hz)
        self._begin(speech, epoch)
        self._start(speech, self._make(speech, self._write(speech, request)), f"reply {epoch}")

    def announce(self, epoch: int, announcement: Announcement) -> None:
        """Words or a recording that somebody else wants said wait behind the gate."""
        speech = ReplySpeech(self._rate_hz)
        self._begin(speech, epoch)
        if announcement.sound is None:
            work = self._make(speech, _phrase_parts(announcement.text))
        else:
            work = self._replay(speech, announcement)
        self._start(speech, work, f"announcement {epoch}")

    def say(self, epoch: int, phrase: Phrase) -> None:
        """A phrase waits behind the gate: at once, if it was made before."""
        speech = self._phrases.get(phrase)
        if speech is None or speech.failed is not None:
            speech = self._make_phrase(phrase)
        left = self._begin(speech, epoch)
        self._report(ReplyTextBegan(self._now, epoch))
        if left:
            self._report(ReplySpeechBegan(self._now, epoch))
        if speech.written is not None:
            self._report(ReplyWritten(self._now, epoch))
        if speech.voiced:
            self._report(ReplyVoiced(self._now, epoch, left))

    def commit(self) -> None:
        """Open the gate for the reply."""
        if self._reply is not None:
            self._reply.open_gate()

    def mute(self, on: bool) -> None:
        """What is said from here on is not heard, or is again."""
        self._muted = on
        if self._lane is not None:
            self._lane.mute(on)
        if self._reply is not None:
            self._reply.mute(on)

    def drop(self) -> None:
        """Forget the reply, of which nothing has been heard."""
        if self._reply is not None:
            self._reply.drop()
            self._release(self._reply)

    def receive_started(self, event: PlayoutStarted) -> None:
        """An epoch's first sample has left."""
        if self._reply is not None and self._reply.epoch == event.epoch:
            self._reply.begin(event.at_samples)

    def yield_floor(self, fade_ms: int) -> None:
        """Fall silent and keep the rest."""
        if self._reply is not None:
            self._reply.halt(fade_ms)

    def take_back(self, epoch: int) -> None:
        """Go on with the rest, as this epoch."""
        if self._reply is not None:
            left = self._reply.go_on(epoch)
            if self._reply.voiced:
                self._report(ReplyVoiced(self._now, epoch, left))

    def stop(self, epoch: int, fade_ms: int) -> ReplyHeard:
        """End the reply for good; what was heard of it."""
        return self._over(epoch, fade_ms, interrupted=True)

    def close(self, epoch: int) -> ReplyHeard:
        """The reply has played to its end; what was heard of it."""
        return self._over(epoch, 0, interrupted=False)

    async def aclose(self) -> None:
        """End everything that is being made, and let the session go: nothing is told any more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._reply = None
        self._phrases.clear()
        self._report = _tell_nobody

    # --- the making ------------------------------------------------------------------------------

    @property
    def _now(self) -> int:
        return self._lane.position_samples if self._lane is not None else 0

    def _begin(self, speech: ReplySpeech, epoch: int) -> int:
        assert self._lane is not None, "a reply needs a lane"
        self._reply = speech
        speech.begin_anew(muted=self._muted)
        return speech.attach(self._lane, epoch)

    def _make_phrase(self, phrase: Phrase) -> ReplySpeech:
        made = self._book.find(self._key(phrase))
        speech = ReplySpeech(self._rate_hz, keep=True, made=made)
        self._phrases[phrase] = speech
        if made is None:
            parts = _phrase_parts(self._texts[phrase])
            self._start(speech, self._make(speech, parts), phrase.value)
        elif phrase is Phrase.GREETING:
            self._greeting_ready.set()
        return speech

    def _key(self, phrase: Phrase) -> PhraseKey:
        agent = self._agent
        name, text = self._synthesizer.name, self._texts[phrase]
        return PhraseKey(text, name, agent.voice, agent.speed, self._rate_hz)

    def _start(self, speech: ReplySpeech, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name, context=self._context)
        self._tasks[speech] = task
        task.add_done_callback(lambda _: self._made(speech))

    def _made(self, speech: ReplySpeech) -> None:
        self._tasks.pop(speech, None)
        for phrase, made in self._phrases.items():
            if made is speech and speech.voiced and speech.failed is None:
                self._book.keep(self._key(phrase), speech.as_phrase())
        if speech is self._phrases.get(Phrase.GREETING):
            self._greeting_ready.set()

    def _write(self, speech: ReplySpeech, request: ReplyRequest) -> Parts:
        limits = self._agent.limits
        return each(
            self._responder.respond(replace(request, count=self._count)),
            self._clock,
            limits.first_text_s,
            limits.next_text_s,
            self._responder.name,
            "text",
        )

    def _count(self, tokens: TokensUsed) -> None:
        self._use.llm_tokens_in += tokens.tokens_in
        self._use.llm_tokens_out += tokens.tokens_out
        self._use.llm_estimated |= tokens.estimated

    async def _make(self, speech: ReplySpeech, parts: Parts) -> None:
        """A task's root: what goes wrong here is told and goes no further."""
        # A TaskGroup's frame and the error that it raises keep each other (until Python 3.13), and
        # the reply's audio with them, until the collector comes, which is rare: hence no traceback.
        try:
            await self._read_and_voice(speech, parts)
        except ExceptionGroup as failures:
            failures.__traceback__ = None
            self._fail(speech, _first(failures))
        except asyncio.CancelledError as cancelled:
            cancelled.__traceback__ = None
            raise

    async def _read_and_voice(self, speech: ReplySpeech, parts: Parts) -> None:
        pieces: Pieces = asyncio.Queue(MAX_PIECES)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(speech, parts, pieces))
            group.create_task(self._voice(speech, pieces))

    def _fail(self, speech: ReplySpeech, error: Exception) -> None:
        known = isinstance(error, ProviderError)
        logger.warning("reply failed: %s", error, exc_info=None if known else error)
        speech.failed = error.with_traceback(None)  # whose frames would keep the speech
        if speech.epoch is not None:
            # After a time-out the caller has waited long enough: no second try in silence.
            timed_out = isinstance(error, ProviderTimedOut)
            retryable = isinstance(error, ProviderError) and error.retryable and not timed_out
            self._report(ReplyFailed(self._now, speech.epoch, retryable))
        speech.end()

    async def _read(self, speech: ReplySpeech, parts: Parts, pieces: Pieces) -> None:
        """The responder's parts become sentences, and what is to follow the reply."""
        sentences = Sentences()
        written = ReplyWritten(0, 0)
        length = 0
        async with contextlib.aclosing(parts):
            async for part in parts:
                if isinstance(part, ReplyText):
                    if not length and part.text and speech.epoch is not None:
                        self._report(ReplyTextBegan(self._now, speech.epoch))
                    text = part.text[: MAX_REPLY_CHARS + 1 - length]
                    length += len(text)
                    await self._put(speech, pieces, sentences.push(text))
                else:
                    written = _with(written, part)
                if length > MAX_REPLY_CHARS:
                    logger.warning("reply cut after %d characters", length)
                    break
        speech.written = written
        if speech.epoch is not None:
            self._report(replace(written, at_samples=self._now, epoch=speech.epoch))
        await self._put(speech, pieces, sentences.flush())
        await pieces.put(None)

    async def _put(self, speech: ReplySpeech, pieces: Pieces, texts: list[str]) -> None:
        for text in texts:
            speech.spoken.write(text)
            await pieces.put(text)

    async def _voice(self, speech: ReplySpeech, pieces: Pieces) -> None:
        """Sentences become audio."""
        while (text := await pieces.get()) is not None:
            await self._wait_for_playout(speech)
            speech.spoken.begin_piece(len(text))
            await self._voice_piece(speech, text.strip())
            speech.spoken.end_piece()
            if speech is self._phrases.get(Phrase.GREETING):
                self._greeting_ready.set()
        speech.end()
        if speech.epoch is not None:
            self._report(ReplyVoiced(self._now, speech.epoch, speech.spoken.samples))

    async def _replay(self, speech: ReplySpeech, announcement: Announcement) -> None:
        """A task's root: a recording that cannot be played is told as failed."""
        try:
            await self._play_again(speech, announcement)
        except Exception as error:
            self._fail(speech, error)

    async def _play_again(self, speech: ReplySpeech, announcement: Announcement) -> None:
        """A recording becomes the reply's audio, a second at a time."""
        epoch, text, sound = speech.epoch, announcement.text, announcement.sound
        assert sound is not None, "only a recording is played again"
        assert epoch is not None, "an announcement is staged when it is made"
        speech.spoken.write(text)
        speech.spoken.begin_piece(len(text), sound=True)
        speech.written = ReplyWritten(self._now, epoch)
        self._report(ReplyTextBegan(self._now, epoch))
        self._report(speech.written)
        for chunk in sound_chunks(sound, self._rate_hz):
            await self._wait_for_playout(speech)
            self._add(speech, chunk.astype("<i2").tobytes())
            await asyncio.sleep(0)  # resampling takes its time: frames come first
        speech.spoken.end_piece()
        speech.end()
        self._report(ReplyVoiced(self._now, speech.epoch or epoch, speech.spoken.samples))

    async def _wait_for_playout(self, speech: ReplySpeech) -> None:
        """No more is made ahead than a few seconds: an interrupted reply never needs it."""
        while (ahead := speech.unplayed_s - self._agent.limits.speech_ahead_s) > 0:
            await pause(self._clock, max(LEAST_PAUSE_S, ahead))

    async def _voice_piece(self, speech: ReplySpeech, text: str) -> None:
        limits = self._agent.limits
        self._use.tts_chars += len(text)
        request = SpeechRequest(text, self._rate_hz, self._agent.voice, self._agent.speed)
        name = self._synthesizer.name
        parts = each(
            self._synthesizer.synthesize(request),
            self._clock,
            limits.first_speech_s,
            limits.next_speech_s,
            name,
            "speech",
        )
        most = speech.spoken.samples + round(MAX_PIECE_S * self._rate_hz)
        odd = b""
        async with contextlib.aclosing(parts):
            async for part in parts:
                if isinstance(part, WordSpoken):
                    speech.spoken.add_word(part.begin_samples, part.text_end)
                else:
                    odd = self._add(speech, odd + part.pcm)
                if speech.spoken.samples > most:
                    raise ProviderError(name, f"more than {MAX_PIECE_S:g} s for one sentence")

    def _add(self, speech: ReplySpeech, pcm: bytes) -> bytes:
        """Whole samples go to the lane; half a sample waits for its other half."""
        whole = len(pcm) // 2 * 2
        if whole:
            first = not speech.spoken.samples
            speech.add_audio(np.frombuffer(pcm, "<i2", whole // 2))
            if first and speech.epoch is not None:
                self._report(ReplySpeechBegan(self._now, speech.epoch))
        return pcm[whole:]

    def _over(self, epoch: int, fade_ms: int, *, interrupted: bool) -> ReplyHeard:
        speech = self._reply
        assert speech is not None, "only a reply can be over"
        if interrupted:
            speech.halt(fade_ms)
        heard = speech.heard() if interrupted else speech.heard_to_its_end()
        self._release(speech)
        planned = speech.spoken.text.strip()
        return ReplyHeard(self._now, epoch, heard, planned, interrupted)

    def _release(self, speech: ReplySpeech) -> None:
        self._reply = None
        speech.detach()
        if speech not in self._phrases.values():
            self._abandon(speech)

    def _abandon(self, speech: ReplySpeech) -> None:
        if (task := self._tasks.get(speech)) is not None:
            task.cancel()


def _tell_nobody(event: AnyTurnEvent) -> None:
    """What a speaker tells whose call is over."""


async def _phrase_parts(text: str) -> Parts:
    yield ReplyText(text)


def _with(written: ReplyWritten, part: AnyReplyPart) -> ReplyWritten:
    """What shall follow the reply, with one part more."""
    match part:
        case CollectDigits():
            return replace(written, collect=part)
        case HangUp():
            return replace(written, hang_up=True)
        case Transfer():
            return replace(written, transfer_to=part.to)
        case Sourced():
            return replace(written, sources=part.sources)
        case ReplyDone():
            return replace(written, memory=part.memory)
        case ReplyText():
            return written


def _first(failures: BaseExceptionGroup[Exception]) -> Exception:
    """What went wrong first."""
    first: BaseException = failures
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, Exception), "a group of Exceptions holds nothing else"
    return first
