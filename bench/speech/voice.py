"""The demo caller's voice: recorded human prompts, or synthetic speech where there are none."""

import numpy as np
from numpy.typing import NDArray

from ...codecs.resample import Resampler
from ...drivers.tts.espeak import EspeakSynthesizer
from ...media.speech_ports import SpeechAudio, SpeechRequest
from .human_speech import Prompts

CALLER_LEVEL = 0.5
"Of the prompts' own: people on the phone are no studio recordings."
LOUD = 200
"Samples above it belong to the words."
MARGIN_S = 0.05


class Voice:
    """The caller's voice: recorded prompts, or synthetic speech where there are none."""

    def __init__(self, prompts: Prompts | None, rate_hz: int) -> None:
        self._prompts = prompts
        self._rate_hz = rate_hz

    async def words(self, prompt: str, text: str) -> NDArray[np.int16]:
        """The prompt of that name, or `text` spoken."""
        if self._prompts is None:
            return await _synthetic(text, self._rate_hz)
        pcm = _trimmed(self._prompts.pcm(prompt))
        if self._rate_hz != self._prompts.rate_hz:
            resampler = Resampler(self._prompts.rate_hz, self._rate_hz)
            pcm = np.concatenate([resampler.push(pcm[None]), resampler.flush()], axis=1)[0]
        quieter: NDArray[np.int16] = np.rint(pcm * CALLER_LEVEL).astype(np.int16)
        return quieter


def _trimmed(pcm: NDArray[np.int16]) -> NDArray[np.int16]:
    """Without the silence around the words, so that latency is counted from the words."""
    loud = np.flatnonzero(np.abs(pcm) > LOUD)
    margin = int(MARGIN_S * Prompts.rate_hz)
    return np.asarray(pcm[max(0, int(loud[0]) - margin) : int(loud[-1]) + margin])


async def _synthetic(text: str, rate_hz: int) -> NDArray[np.int16]:
    synthesizer = EspeakSynthesizer()
    await synthesizer.start()
    try:
        request = SpeechRequest(text, rate_hz, voice="en-us+f3")
        parts = [
            np.frombuffer(part.pcm, np.int16)
            async for part in synthesizer.synthesize(request)
            if isinstance(part, SpeechAudio)
        ]
    finally:
        await synthesizer.aclose()
    return np.concatenate(parts)
