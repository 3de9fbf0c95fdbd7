"""SHELL: what simulated far ends sound like: sentences, each made once, and a recorder's beep.

All calls share the audio: it is read-only. Not here: who says what, and when (far_end.py).
"""

import asyncio
import logging
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...codecs.pcm import sine_amplitude
from ...media.errors import ProviderError
from ...media.speech_ports import SpeechAudio, SpeechRequest, Synthesizer

Pcm = NDArray[np.int16]

BEEP_HZ = 1000
BEEP_S = 0.4
BEEP_DBM0 = -13.0
BEEP_EDGE_S = 0.005
"Rise and fall, so that the tone does not click."
MAKE_LIMIT_S = 6.0
"A sentence that is not made in so long is not said: a call lasts 10 s."
MAX_SENTENCE_S = 30
"What a synthesizer makes beyond it is not kept."

logger = logging.getLogger(__name__)


class Sounds:
    """The audio of all calls of a line, int16[samples] at `rate_hz`.

    Bounded by the sentences of behaviour.py: there are no others.
    """

    def __init__(self, synthesizer: Synthesizer, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.beep = _beep(rate_hz)
        self._synthesizer = synthesizer
        self._made: dict[str, Pcm] = {}
        self._making: dict[str, asyncio.Task[None]] = {}
        self._waiting: dict[str, list[Callable[[Pcm], None]]] = {}

    def prepare(self, text: str) -> None:
        """The sentence will be wanted soon."""
        if text and text not in self._made and text not in self._making:
            self._making[text] = asyncio.get_running_loop().create_task(
                self._make(text), name=f"loopback sentence: {text[:20]}"
            )

    def sentence(self, text: str, then: Callable[[Pcm], None]) -> None:
        """Hand the sentence's audio to `then`: at once, or when it is made; empty if it cannot be.

        The next call tries again what could not be made.
        """
        if text in self._made:
            then(self._made[text])
            return
        self._waiting.setdefault(text, []).append(then)
        self.prepare(text)

    async def aclose(self) -> None:
        """Make nothing more; who waits is told nothing."""
        self._waiting.clear()
        tasks = tuple(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, text: str) -> None:
        pcm = np.zeros(0, np.int16)
        try:
            async with asyncio.timeout(MAKE_LIMIT_S):
                pcm = await self._speech(text)
            pcm.flags.writeable = False
            self._made[text] = pcm
        except (ProviderError, TimeoutError) as error:
            logger.error("a simulated far end stays silent: %s", error or "no speech in time")
        finally:
            del self._making[text]
            waiting = self._waiting.pop(text, [])
        for then in waiting:
            then(pcm)

    async def _speech(self, text: str) -> Pcm:
        pieces: list[bytes] = []
        most = left = 2 * MAX_SENTENCE_S * self.rate_hz
        async for part in self._synthesizer.synthesize(SpeechRequest(text, self.rate_hz)):
            if isinstance(part, SpeechAudio) and left > 0:
                pieces.append(part.pcm)
                left -= len(part.pcm)
        return np.frombuffer(b"".join(pieces)[:most], "<i2").astype(np.int16)


def _beep(rate_hz: int) -> Pcm:
    at = np.arange(round(BEEP_S * rate_hz))
    edge = BEEP_EDGE_S * rate_hz
    level = np.minimum(1.0, np.minimum(at + 1, len(at) - at) / edge)
    wave = np.sin(2 * math.pi * BEEP_HZ * at / rate_hz)
    pcm = np.rint(sine_amplitude(BEEP_DBM0) * level * wave).astype(np.int16)
    pcm.flags.writeable = False
    return pcm
