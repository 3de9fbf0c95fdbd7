"""Speech to load the server with: talkspurts and pauses, about half and half, always the same."""

import asyncio

import numpy as np
from numpy.typing import NDArray

from ...drivers.tts.espeak import EspeakSynthesizer
from ...media.speech_ports import SpeechAudio, SpeechRequest

SENTENCES = (
    "I would like to change the number that my calls are forwarded to.",
    "Yes, that is right.",
    "Could you tell me when you are open on Saturdays, please?",
    "Thank you, that was all I wanted to know.",
)
PAUSE_S = 2.2


def bench_speech(rate_hz: int) -> NDArray[np.int16]:
    """int16[samples], about 18 s."""
    return asyncio.run(_speak(rate_hz))


async def _speak(rate_hz: int) -> NDArray[np.int16]:
    synthesizer = EspeakSynthesizer()
    await synthesizer.start()
    pause = np.zeros(int(PAUSE_S * rate_hz), np.int16)
    parts: list[NDArray[np.int16]] = []
    try:
        for text in SENTENCES:
            async for part in synthesizer.synthesize(SpeechRequest(text, rate_hz)):
                if isinstance(part, SpeechAudio):
                    parts.append(np.frombuffer(part.pcm, np.int16))
            parts.append(pause)
    finally:
        await synthesizer.aclose()
    return np.concatenate(parts)
