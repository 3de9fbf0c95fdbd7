"""Synthesizer by espeak-ng in worker processes. Shell; the embedded default.

A robot's voice that needs no key and no network. Jobs go to the worker with the fewest; a worker
that dies takes its jobs with it (WorkerDied) and is replaced.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from ...media.errors import ProviderError, ProviderRejected, ProviderTimedOut
from ...media.speech_ports import AnySpeechPart, SpeechAudio, SpeechRequest, WordSpoken
from ..errors import WorkerDied, WorkerOverloaded
from ..worker_process import WorkerProcess
from .espeak_messages import (
    Audio,
    Cancel,
    Ready,
    Refused,
    Speak,
    Spoken,
    Word,
    decode_report,
    encode,
)

NAME = "espeak"
MODULE = f"{__package__}.espeak_worker"
MAX_TEXT_CHARS = 4000
"About 5 minutes of speech: bounds what one job can queue (8 MB at 16 kHz)."
MAX_JOBS_A_WORKER = 64
"Beyond it a new job is refused: it would begin late, and a sentence takes only milliseconds."
RESTART_S = 2.0
"A sentence waits so long for a worker that is being restarted: better late than an apology."
RATES_HZ = (8000, 16000)


class EspeakSettings(msgspec.Struct, frozen=True):
    """How many processes speak, and how long one may be silent."""

    workers: int = 1
    timeout_s: float = 5.0
    "Without a piece of a running job for so long, the worker is taken for hung and killed."
    niceness: int = 5


_Queue = asyncio.Queue[AnySpeechPart | Spoken | ProviderError]


class _Voice:
    """One worker process and the jobs it has."""

    def __init__(self, index: int, settings: EspeakSettings) -> None:
        self.jobs: dict[int, _Queue] = {}
        self.process = WorkerProcess(
            f"{NAME}-{index}",
            MODULE,
            self._hear,
            lambda: None,
            self._fail,
            (str(settings.niceness),),
        )

    def _hear(self, message: bytes) -> None:
        report = decode_report(message)
        if isinstance(report, Ready) or (queue := self.jobs.get(report.job)) is None:
            return
        match report:
            case Audio(_, pcm):
                queue.put_nowait(SpeechAudio(pcm))
            case Word(_, word, begin_samples, text_end):
                queue.put_nowait(WordSpoken(word, begin_samples, text_end))
            case Refused(_, what):
                queue.put_nowait(ProviderRejected(NAME, what))
            case Spoken():
                queue.put_nowait(report)

    def _fail(self, error: ProviderError) -> None:
        for queue in self.jobs.values():
            queue.put_nowait(error)


class EspeakSynthesizer:
    """The Synthesizer port. `start` before the first request, `aclose` at the end."""

    name = NAME

    def __init__(self, settings: EspeakSettings | None = None) -> None:
        self._settings = settings or EspeakSettings()
        self._voices = [_Voice(index, self._settings) for index in range(self._settings.workers)]
        self._jobs = 0

    @property
    def workers(self) -> list[WorkerProcess]:
        """The processes, to be read."""
        return [voice.process for voice in self._voices]

    async def start(self) -> None:
        """Start the workers. Raises WorkerDied when one does not become ready."""
        try:
            async with asyncio.TaskGroup() as group:
                for voice in self._voices:
                    group.create_task(voice.process.start())
        except* ProviderError as errors:
            await self.aclose()
            raise errors.exceptions[0] from None

    async def aclose(self) -> None:
        """End the workers."""
        await asyncio.gather(*(voice.process.aclose() for voice in self._voices))

    async def synthesize(self, request: SpeechRequest) -> AsyncIterator[AnySpeechPart]:
        """Stream speech; closing the iterator stops the worker's job. Raises ProviderError."""
        if request.rate_hz not in RATES_HZ:
            raise ProviderRejected(NAME, f"speaks at 8000 or 16000 Hz, not {request.rate_hz}")
        if len(request.text) > MAX_TEXT_CHARS:
            raise ProviderRejected(NAME, f"{len(request.text)} characters, {MAX_TEXT_CHARS} most")
        voice = min(self._voices, key=lambda voice: (not voice.process.ready, len(voice.jobs)))
        if len(voice.jobs) >= MAX_JOBS_A_WORKER:
            raise WorkerOverloaded(NAME, f"{len(voice.jobs)} texts wait")
        self._jobs += 1
        job, queue = self._jobs, _Queue()
        order = Speak(job, request.text, request.rate_hz, request.voice, request.speed)
        if not (await voice.process.is_back(RESTART_S) and voice.process.send(encode(order))):
            raise WorkerDied(NAME, "no worker process is ready")
        voice.jobs[job] = queue
        complete = False
        try:
            while not isinstance(part := await self._next(voice, queue), Spoken):
                yield part
            complete = True
        finally:
            del voice.jobs[job]
            if not complete:
                voice.process.send(encode(Cancel(job)))

    async def _next(self, voice: _Voice, queue: _Queue) -> AnySpeechPart | Spoken:
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                part = await queue.get()
        except TimeoutError as exc:
            voice.process.kill()
            raise ProviderTimedOut(
                NAME, f"no speech for {self._settings.timeout_s:g} s, worker restarted"
            ) from exc
        if isinstance(part, ProviderError):
            raise part
        return part
