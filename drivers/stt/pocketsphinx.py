"""Transcriber by pocketsphinx in worker processes, shared by all calls. Shell; embedded default.

A stream stays with its worker; when that dies, its open turn fails and the stream moves to a
worker that lives. A worker that falls behind refuses audio, and the turn fails: a late answer is
worth nothing on the telephone.
"""

import asyncio
import logging
import os
from collections.abc import Callable

import msgspec

from ...media.errors import ProviderError, ProviderTimedOut
from ...media.speech_ports import (
    AnyTranscriptEvent,
    ListenSettings,
    TranscriberFailed,
    TranscriptChanged,
    TranscriptFinal,
)
from ..errors import WordsUnknown, WorkerDied, WorkerOverloaded
from ..worker_process import WorkerProcess
from .pocketsphinx_messages import (
    AnyOrder,
    Begin,
    Cancel,
    Close,
    End,
    Final,
    Interim,
    Open,
    Opened,
    Push,
    Ready,
    Refused,
    decode_report,
    encode,
)
from .rejection import DEFAULT_MIN_CONFIDENCE

NAME = "pocketsphinx"
MODULE = f"{__package__}.pocketsphinx_worker"
OPEN_TIMEOUT_S = 10.0
"Making a grammar takes milliseconds, the work that waits before it perhaps seconds."

ENGLISH = "en"
"The language of the model in the wheel."

logger = logging.getLogger(__name__)

Sink = Callable[[AnyTranscriptEvent], None]


class PocketsphinxSettings(msgspec.Struct, frozen=True):
    """How many processes listen, and how sure they must be."""

    workers: int = max(1, (os.cpu_count() or 1) // 2)
    min_confidence: float = DEFAULT_MIN_CONFIDENCE
    "0..1: speech that fits its phrase worse is rejected."
    niceness: int = 5
    "Frames come first: the frame clock runs at 0."


class _Ear:
    """One worker process and its streams."""

    def __init__(self, pool: "PocketsphinxTranscriber", index: int, settings: PocketsphinxSettings):
        self.streams: set[PocketsphinxStream] = set()
        self._pool = pool
        self.process = WorkerProcess(
            f"{NAME}-{index}",
            MODULE,
            pool.hear,
            pool.settle,
            self._fail,
            (str(settings.niceness), str(settings.min_confidence)),
        )

    def _fail(self, error: ProviderError) -> None:
        orphans, self.streams = self.streams, set()
        for stream in orphans:
            stream.lost(error)
        self._pool.adopt(orphans)


class PocketsphinxStream:
    """One call's recognition (TranscriberStream)."""

    def __init__(
        self, number: int, settings: ListenSettings, sink: Sink, pool: "PocketsphinxTranscriber"
    ) -> None:
        self.number, self.settings = number, settings
        self.ear: _Ear | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sink, self._pool = sink, pool
        self._turn: int | None = None
        self._finals_due = 0
        self._failed = False

    def begin(self, turn: int) -> None:
        """An utterance begins."""
        if turn != self._turn:
            self._turn, self._finals_due, self._failed = turn, 0, False
        self._send(Begin(self.number, turn))

    def push(self, pcm: bytes) -> None:
        """Audio of the utterance."""
        if self._turn is not None and not self._failed:
            self._send(Push(self.number, pcm))

    def end(self, turn: int) -> None:
        """The utterance is over; its final, or its failure, follows."""
        if turn != self._turn or self._failed:
            return
        self._finals_due += 1
        self._send(End(self.number, turn))

    def cancel(self, turn: int) -> None:
        """Forget the turn."""
        if turn == self._turn:
            self._turn = None
            if self.ear is not None:
                self.ear.process.send(encode(Cancel(self.number, turn)))

    async def aclose(self) -> None:
        """Leave the worker."""
        self._turn = None
        self._pool.leave(self)

    def hear(self, report: Interim | Final) -> None:
        """What the worker says of this stream; old turns' words are dropped."""
        if report.turn != self._turn or self._failed:
            return
        if isinstance(report, Interim):
            self._sink(TranscriptChanged(report.turn, report.text))
        elif self._finals_due:
            self._finals_due -= 1
            self._sink(
                TranscriptFinal(report.turn, report.text, report.confidence, report.rejected)
            )

    def lost(self, error: ProviderError) -> None:
        """The worker died: the turn, if one is open or unanswered, has failed."""
        self.ear = None
        self._fail(error)

    def _send(self, order: AnyOrder) -> None:
        if self.ear is None:
            self._fail(WorkerDied(NAME, "no worker process is ready"))
        elif not self.ear.process.send(encode(order)):
            self._fail(WorkerOverloaded(NAME, "the worker process is too far behind"))

    def _fail(self, error: ProviderError) -> None:
        if self._turn is None or self._failed:
            return
        self._failed = True
        self._sink(TranscriberFailed(self._turn, error))


class PocketsphinxTranscriber:
    """The Transcriber port. `start` before the first call, `aclose` at the end."""

    name = NAME

    def __init__(self, settings: PocketsphinxSettings | None = None) -> None:
        settings = settings or PocketsphinxSettings()
        self._ears = [_Ear(self, index, settings) for index in range(settings.workers)]
        self._streams: dict[int, PocketsphinxStream] = {}
        self._homeless: set[PocketsphinxStream] = set()
        self._opened = 0
        self._foreign: set[str] = set()
        "Languages that have been warned of."

    @property
    def workers(self) -> list[WorkerProcess]:
        """The processes, to be read."""
        return [ear.process for ear in self._ears]

    async def start(self) -> None:
        """Start the workers. Raises WorkerDied when one does not become ready."""
        try:
            async with asyncio.TaskGroup() as group:
                for ear in self._ears:
                    group.create_task(ear.process.start())
        except* ProviderError as errors:
            await self.aclose()
            raise errors.exceptions[0] from None

    async def aclose(self) -> None:
        """End the workers; streams that are still open fail."""
        await asyncio.gather(*(ear.process.aclose() for ear in self._ears))

    async def open(self, settings: ListenSettings, sink: Sink) -> PocketsphinxStream:
        """Give a call a worker and make its grammar there. Raises WordsUnknown, ProviderError."""
        if not any(ear.process.ready for ear in self._ears):
            raise WorkerDied(NAME, "no worker process is ready")
        self._warn_of(settings.language)
        self._opened += 1
        stream = PocketsphinxStream(self._opened, settings, sink, self)
        self._streams[stream.number] = stream
        self.adopt({stream})
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await stream.opened
        except TimeoutError as exc:
            raise ProviderTimedOut(NAME, f"no stream after {OPEN_TIMEOUT_S:g} s") from exc
        finally:
            if not stream.opened.done() or stream.opened.cancelled() or stream.opened.exception():
                self.leave(stream)
        return stream

    def _warn_of(self, language: str) -> None:
        """Said once: an agent of another language can still be served by its keys."""
        if language.partition("-")[0].lower() != ENGLISH and language not in self._foreign:
            self._foreign.add(language)
            logger.warning(
                "%s hears everything as English, also what is said in %r", NAME, language
            )

    def adopt(self, streams: set[PocketsphinxStream]) -> None:
        """Give streams a worker: the one with the fewest."""
        for stream in streams:
            settings = stream.settings
            order = encode(Open(stream.number, settings.rate_hz, settings.phrases))
            for ear in sorted(self._ears, key=lambda ear: len(ear.streams)):
                if ear.process.send(order):
                    stream.ear = ear
                    ear.streams.add(stream)
                    self._homeless.discard(stream)
                    break
            else:
                self._homeless.add(stream)

    def settle(self) -> None:
        """A worker became ready: streams without one go there."""
        self.adopt(set(self._homeless))

    def leave(self, stream: PocketsphinxStream) -> None:
        """Forget a stream."""
        self._streams.pop(stream.number, None)
        self._homeless.discard(stream)
        if stream.ear is not None:
            stream.ear.process.send(encode(Close(stream.number)))
            stream.ear.streams.discard(stream)
            stream.ear = None

    def hear(self, message: bytes) -> None:
        """A worker's message, to the stream it is about."""
        report = decode_report(message)
        if isinstance(report, Ready) or (stream := self._streams.get(report.stream)) is None:
            return
        if isinstance(report, Interim | Final):
            stream.hear(report)
        elif not stream.opened.done():
            if isinstance(report, Opened):
                stream.opened.set_result(None)
            elif isinstance(report, Refused):
                stream.opened.set_exception(WordsUnknown(NAME, report.words))
