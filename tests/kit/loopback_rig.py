"""A frame engine on a virtual clock, with real sockets, and speech that is made of tones."""

import asyncio
import random
from collections.abc import AsyncIterator

import numpy as np

from offhook.drivers.rtp.wire import UdpWire
from offhook.media.clock import VirtualClock
from offhook.media.errors import ProviderError
from offhook.media.frames.engine import Engine, EngineSettings
from offhook.media.frames.frame_clock import PHASES, TICK_S
from offhook.media.frames.recorder import Recorder
from offhook.media.frames.vad import VadSettings
from offhook.media.frames.wire import Inbox
from offhook.media.speech_ports import AnySpeechPart, SpeechAudio, SpeechRequest, WordSpoken

SENTENCE_HZ, SENTENCE_S, SENTENCE_PEAK = 500, 1.0, 9000


class UnstampedWire(UdpWire):
    """Packets without the kernel's time, which a virtual clock knows nothing of."""

    def receive(self, cohort: int, inbox: Inbox) -> int:
        count = super().receive(cohort, inbox)
        inbox.arrived_wall[:count] = 0
        return count


class LoopbackRig:
    """`await rig.run(ms)` lets time pass."""

    def __init__(self, max_lanes: int = 1000, vad: VadSettings | None = None) -> None:
        self.clock = VirtualClock()
        self.wire = UnstampedWire()
        settings = EngineSettings(max_lanes=max_lanes, vad=vad)
        self.rng = random.Random(1)
        self.engine = Engine(self.clock, self.wire, Recorder(), self.rng, settings)
        self._ticks = 0

    async def run(self, ms: int) -> None:
        """So much time passes for the engine and for timers; tasks get on in between."""
        for _ in range(ms // 5):
            self.clock.advance(TICK_S)
            self._ticks += 1
            self.engine.tick(self._ticks % PHASES)
            if self._ticks % PHASES == 0:
                await asyncio.sleep(0)


class ToneSpeaker:
    """Implements Synthesizer: every sentence is a second of a tone."""

    name = "tones"

    def __init__(self) -> None:
        self.requests: list[SpeechRequest] = []
        self.gate: asyncio.Event | None = None
        "Speech is made when it is set."
        self.fails: Exception | None = None

    async def synthesize(self, request: SpeechRequest) -> AsyncIterator[AnySpeechPart]:
        self.requests.append(request)
        if self.gate is not None:
            await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        yield WordSpoken("tone", 0, len(request.text))
        at = np.arange(round(SENTENCE_S * request.rate_hz))
        tone = SENTENCE_PEAK * np.sin(2 * np.pi * SENTENCE_HZ * at / request.rate_hz)
        pcm = tone.astype("<i2").tobytes()
        for begin in range(0, len(pcm), 3200):
            yield SpeechAudio(pcm[begin : begin + 3200])


SPEECH_FAILED = ProviderError("tones", "out of order")
