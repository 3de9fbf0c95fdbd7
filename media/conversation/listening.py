"""SHELL: the transcriber's stream in one call. What goes wrong with it becomes an event.

Not here: when an utterance begins and ends (turn.py).
"""

import asyncio
import contextvars
import logging
from collections.abc import Callable

from ..clock import Clock
from ..errors import MediaError
from ..speech_ports import (
    AnyTranscriptEvent,
    ListenSettings,
    Transcriber,
    TranscriberFailed,
    TranscriberStream,
    TranscriptFinal,
)
from .records import ServiceUse
from .turn_events import AnyTurnEvent, HearingFailed, WordsHeard
from .waiting import within

SAMPLE_BYTES = 2

logger = logging.getLogger(__name__)


class Listener:
    """The agent's ear in one call. Without a stream every turn fails, and a new one is tried."""

    def __init__(
        self,
        transcriber: Transcriber,
        clock: Clock,
        open_limit_s: float,
        position: Callable[[], int],
        report: Callable[[AnyTurnEvent], None],
        use: ServiceUse | None = None,
    ) -> None:
        """`use` counts the audio that recognition is given."""
        self._use = ServiceUse() if use is None else use
        self._transcriber = transcriber
        self._clock = clock
        self._open_limit_s = open_limit_s
        self._position = position
        self._report = report
        self._settings = ListenSettings(8000)
        self._stream: TranscriberStream | None = None
        self._opening: asyncio.Task[None] | None = None
        self._context = contextvars.copy_context()
        "The call's own: it connects again within the engine's work, which is no call's."
        self._turn: int | None = None
        "Whose audio the stream gets now."

    async def open(self, settings: ListenSettings) -> None:
        """Connect for audio of this kind, instead of a connection for another kind."""
        await self._disconnect()
        self._settings = settings
        self._opening = self._connecting()
        await asyncio.wait([self._opening])

    def reopen(self, settings: ListenSettings) -> None:
        """The same, without waiting."""
        self._settings = settings
        if self._opening is not None:
            self._opening.cancel()
        self._opening = self._connecting()

    def begin(self, turn: int) -> None:
        """Audio of this turn follows."""
        self._turn = turn
        if self._stream is None and (self._opening is None or self._opening.done()):
            self.reopen(self._settings)
        self._try(turn, lambda stream: stream.begin(turn))

    def push(self, pcm: bytes) -> None:
        """Audio; outside an utterance nobody wants it."""
        if self._turn is not None:
            if self._stream is not None:
                self._use.stt_s += len(pcm) / (SAMPLE_BYTES * self._settings.rate_hz)
            self._try(self._turn, lambda stream: stream.push(pcm))

    def end(self, turn: int) -> None:
        """Final words are wanted."""
        self._turn = None
        if self._stream is None:
            self._report(HearingFailed(self._position(), turn))
        self._try(turn, lambda stream: stream.end(turn))

    def cancel(self, turn: int) -> None:
        """Nothing is wanted of this turn any more."""
        if self._turn == turn:
            self._turn = None
        self._try(turn, lambda stream: stream.cancel(turn))

    async def aclose(self) -> None:
        """Disconnect, and let the session go: nothing is told any more."""
        await self._disconnect()
        self._report = _tell_nobody
        self._position = _nowhere

    def _connecting(self) -> asyncio.Task[None]:
        work = self._open()
        return asyncio.create_task(work, name="open transcriber", context=self._context)

    async def _disconnect(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
            self._opening = None
        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                await stream.aclose()
            except Exception:
                logger.exception("%s: closing failed", self._transcriber.name)

    async def _open(self) -> None:
        name = self._transcriber.name
        old, self._stream = self._stream, None
        try:
            if old is not None:
                await old.aclose()
            async with within(self._clock, self._open_limit_s, name, "open"):
                self._stream = await self._transcriber.open(self._settings, self._hear)
        except MediaError as error:
            logger.warning("no transcriber: %s", error)
        except Exception:
            logger.exception("no transcriber: %s", name)

    def _hear(self, event: AnyTranscriptEvent) -> None:
        at = self._position()
        if isinstance(event, TranscriberFailed):
            self._warn("turn %d: %s", event.turn, event.error)
            self._report(HearingFailed(at, event.turn))
        elif isinstance(event, TranscriptFinal):
            self._use.stt_s += event.resent_s
            heard = WordsHeard(at, event.turn, event.text, True, event.rejected, event.confidence)
            self._report(heard)
        else:
            self._report(WordsHeard(at, event.turn, event.text))

    def _try(self, turn: int, verb: Callable[[TranscriberStream], None]) -> None:
        """A stream that raises is a stream that failed; the tick that called must not."""
        if self._stream is None:
            return
        try:
            verb(self._stream)
        except Exception as error:
            self._warn("%s: turn %d: %r", self._transcriber.name, turn, error)
            self._report(HearingFailed(self._position(), turn))

    def _warn(self, text: str, *values: object) -> None:
        """As the call's own, whoever has called. A copy: a context is entered once at a time."""
        self._context.copy().run(logger.warning, text, *values)


def _tell_nobody(event: AnyTurnEvent) -> None:
    """What a listener tells whose call is over."""


def _nowhere() -> int:
    return 0
