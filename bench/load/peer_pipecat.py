"""The same work on pipecat. Runs in a virtual environment of its own, without Offhook.

    python -P peer_pipecat.py frames --pipelines 20
    python -P peer_pipecat.py bargein --words words.npz

`frames`: 20 ms of 16 kHz audio through a pipeline of 6 processors that pass it on: no codec, no
network, no voice activity. `bargein`: words come in at their pace while the bot speaks, through the
base transports, Silero and the turn strategies that are its defaults. Prints one line of JSON.
"""

import argparse
import asyncio
import json
import os
import time
from typing import Any

os.environ.setdefault("LOGURU_LEVEL", "ERROR")

import numpy as np
import uvloop
from loguru import logger  # pyright: ignore[reportMissingImports]
from pipecat.audio.vad.silero import SileroVADAnalyzer  # pyright: ignore[reportMissingImports]
from pipecat.frames.frames import (  # pyright: ignore[reportMissingImports]
    InputAudioRawFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    StartFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline  # pyright: ignore[reportMissingImports]
from pipecat.pipeline.worker import (  # pyright: ignore[reportMissingImports]
    PipelineParams,
    PipelineWorker,
)
from pipecat.processors.aggregators.llm_context import (  # pyright: ignore[reportMissingImports]
    LLMContext,
)
from pipecat.processors.aggregators.llm_response_universal import (  # pyright: ignore[reportMissingImports]
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameProcessor  # pyright: ignore[reportMissingImports]
from pipecat.transports.base_input import BaseInputTransport  # pyright: ignore[reportMissingImports]
from pipecat.transports.base_output import BaseOutputTransport  # pyright: ignore[reportMissingImports]
from pipecat.transports.base_transport import TransportParams  # pyright: ignore[reportMissingImports]
from pipecat.workers.runner import WorkerRunner  # pyright: ignore[reportMissingImports]

SERVER_CORE = 1
RATE_HZ, FRAME, FRAME_S = 16000, 320, 0.02
PASSES = 6
BEFORE_S, SETTLED_S = 1.0, 1.5
"The bot speaks alone for so long; after an interruption so long is waited for stragglers."
LEAN = {
    "enable_rtvi": False,
    "enable_turn_tracking": False,
    "idle_timeout_secs": None,
}
"Observers that a server without their dashboard does not need; the defaults cost more."


class Pass(FrameProcessor):  # type: ignore[misc, unused-ignore]
    """Passes everything on."""

    async def process_frame(self, frame: Any, direction: Any) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class Counter(FrameProcessor):  # type: ignore[misc, unused-ignore]
    """The end of a pipeline: counts audio."""

    def __init__(self, tally: "Tally") -> None:
        super().__init__()
        self.tally = tally

    async def process_frame(self, frame: Any, direction: Any) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self.tally.started += 1
        if isinstance(frame, (InputAudioRawFrame, OutputAudioRawFrame)):
            self.tally.frame()
            return
        await self.push_frame(frame, direction)


class Tally:
    """Frames that have come through all pipelines."""

    def __init__(self) -> None:
        self.started = self.count = self.goal = 0
        self.reached = asyncio.Event()

    def frame(self) -> None:
        self.count += 1
        if self.count == self.goal:
            self.reached.set()


async def frames(options: argparse.Namespace) -> dict[str, object]:
    """CPU of one frame in one direction."""
    pipelines, tally = options.pipelines, Tally()
    sources: list[Any] = []
    kind = OutputAudioRawFrame if options.output else InputAudioRawFrame
    settings = {"idle_timeout_secs": None} if options.defaults else LEAN
    runner = WorkerRunner(handle_sigint=False)
    for _ in range(pipelines):
        chain = [Pass() for _ in range(PASSES)]
        sources.append(chain[0])
        worker = PipelineWorker(
            Pipeline([*chain, Counter(tally)]), params=PipelineParams(), **settings
        )
        await runner.add_workers(worker)
    running = asyncio.ensure_future(runner.run())
    while tally.started < pipelines:  # noqa: ASYNC110 - a processor's start is no event
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    audio, costs = bytes(2 * FRAME), []
    for _ in range(options.ticks):
        tally.reached.clear()
        tally.goal = tally.count + pipelines
        began_s = time.process_time()
        for source in sources:
            await source.queue_frame(kind(audio=audio, sample_rate=RATE_HZ, num_channels=1))
        await tally.reached.wait()
        costs.append(1e6 * (time.process_time() - began_s) / pipelines)
    assert not running.done(), "the pipelines run as long as frames are pushed"
    return {"us_a_frame": costs[len(costs) // 10 :], "pipelines": pipelines}


class Ears(BaseInputTransport):  # type: ignore[misc, unused-ignore]
    """A transport whose network is a list."""

    async def start(self, frame: Any) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)


class Mouth(BaseOutputTransport):  # type: ignore[misc, unused-ignore]
    """A transport that plays at the pace of time and notes when."""

    def __init__(self, params: Any) -> None:
        super().__init__(params)
        self.written: list[float] = []
        self.interrupted: list[float] = []
        self.ready = asyncio.Event()
        self._next_at = 0.0

    async def start(self, frame: Any) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self.ready.set()

    async def process_frame(self, frame: Any, direction: Any) -> None:
        if isinstance(frame, InterruptionFrame):
            self.interrupted.append(time.monotonic())
        await super().process_frame(frame, direction)

    async def write_audio_frame(self, frame: Any) -> bool:
        now = time.monotonic()
        self._next_at = max(self._next_at, now)
        await asyncio.sleep(self._next_at - now)
        self.written.append(time.monotonic())
        self._next_at += len(frame.audio) / 2 / frame.sample_rate
        return True


async def interruption(words: np.ndarray, onset: int, phase_s: float) -> dict[str, float | None]:
    """The bot speaks, somebody speaks over it: ms from the first sample of speech."""
    params = TransportParams(audio_in_enabled=True, audio_out_enabled=True)
    ears, mouth = Ears(params), Mouth(params)
    pair = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    pipeline = Pipeline([ears, pair.user(), mouth, pair.assistant()])
    rates = PipelineParams(audio_in_sample_rate=RATE_HZ, audio_out_sample_rate=RATE_HZ)
    worker = PipelineWorker(pipeline, params=rates, **LEAN)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.ensure_future(runner.run())
    await asyncio.wait_for(mouth.ready.wait(), 20)
    voice = (4000 * np.sin(np.arange(20 * RATE_HZ) * 0.06)).astype(np.int16).tobytes()
    bot = TTSAudioRawFrame(audio=voice, sample_rate=RATE_HZ, num_channels=1)
    await worker.queue_frame(bot)
    quiet = np.zeros(int(BEFORE_S / FRAME_S) * FRAME + int(phase_s * RATE_HZ), np.int16)
    stream = np.concatenate([quiet, words, np.zeros(int(SETTLED_S * RATE_HZ), np.int16)])
    first = len(quiet) + onset
    origin = time.monotonic()
    for number in range(len(stream) // FRAME):
        # A packet leaves when its last sample has been spoken.
        due = origin + (number + 1) * FRAME_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        audio = stream[number * FRAME : (number + 1) * FRAME].tobytes()
        await ears.push_audio_frame(
            InputAudioRawFrame(audio=audio, sample_rate=RATE_HZ, num_channels=1)
        )
    spoke_at = origin + first / RATE_HZ
    silent = not mouth.interrupted or mouth.written[-1] > mouth.interrupted[0] + 1.0
    running.cancel()
    await asyncio.wait([running], timeout=2)
    chunk_s = mouth.audio_chunk_size / 2 / RATE_HZ
    return {
        "frame_ms": 1000 * (mouth.interrupted[0] - spoke_at) if mouth.interrupted else None,
        # The last chunk that was handed to the network plays to its end.
        "silence_ms": None if silent else 1000 * (mouth.written[-1] + chunk_s - spoke_at),
    }


async def bargein(path: str, seed: int) -> dict[str, object]:
    """Each of the words once, at a phase of its own."""
    rng = np.random.default_rng(seed)
    results: list[dict[str, float | None]] = []
    with np.load(path) as file:
        for name in sorted(file.files):
            words = file[name]
            onset = int(np.flatnonzero(np.abs(words) > 300)[0])
            results.append(await interruption(words, onset, float(rng.uniform(0, FRAME_S))))
    return {"trials": results}


async def work(options: argparse.Namespace) -> None:
    """Do it, tell it, and end at once: its tasks do not all end when they are cancelled."""
    if options.work == "frames":
        result = await frames(options)
    else:
        result = await bargein(options.words, options.seed)
    print(json.dumps(result), flush=True)
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=("frames", "bargein"))
    parser.add_argument("--pipelines", type=int, default=20)
    parser.add_argument("--ticks", type=int, default=60)
    parser.add_argument("--output", action="store_true", help="frames of the other direction")
    parser.add_argument("--defaults", action="store_true", help="with all observers")
    parser.add_argument("--words")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logger.remove()
    os.sched_setaffinity(0, {SERVER_CORE})
    uvloop.run(work(options))


if __name__ == "__main__":
    main()
