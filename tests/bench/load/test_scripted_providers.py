"""Services of fixed latency: what they say, and that they always say it in the same way."""

import aiohttp
import numpy as np

from offhook.bench.load.scripted_providers import (
    HEARD,
    REPLY,
    SPEECH_HZ,
    Latencies,
    reply_pcm,
    running,
)
from offhook.bench.speech.waveform import last_audible


async def said(client: aiohttp.ClientSession, base_url: str, text: str) -> np.ndarray:
    async with client.post(f"{base_url}/audio/speech", json={"input": text}) as answer:
        return np.frombuffer(await answer.read(), np.int16)


async def test_the_reply_is_a_sound_at_full_level_from_its_first_sample() -> None:
    async with running(Latencies()) as base_url, aiohttp.ClientSession() as client:
        assert (await said(client, base_url, REPLY) == reply_pcm()).all()
    assert np.abs(reply_pcm()[:24]).max() > 1000


async def test_everything_else_is_spoken_and_sounds_the_same_each_time() -> None:
    async with running(Latencies()) as base_url, aiohttp.ClientSession() as client:
        first = await said(client, base_url, "Good morning.")
        again = await said(client, base_url, "Good morning.")
        other = await said(client, base_url, "Good evening to all of you.")
    assert (first == again).all()
    assert len(other) > len(first) > SPEECH_HZ // 4
    assert last_audible(first, SPEECH_HZ) is not None


async def test_whatever_is_said_is_understood_in_the_same_way() -> None:
    async with running(Latencies()) as base_url, aiohttp.ClientSession() as client:
        form = aiohttp.FormData({"model": "m"})
        form.add_field("file", b"RIFF", filename="a.wav")
        async with client.post(f"{base_url}/audio/transcriptions", data=form) as answer:
            assert await answer.json() == {"text": HEARD}


def test_latencies_add_up() -> None:
    assert Latencies(250, 375, 100).sum_ms == 725
