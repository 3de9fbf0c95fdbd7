import random
from collections.abc import AsyncIterator

import numpy as np
import pytest

from offhook.drivers.errors import KeyRejected, ProviderUnreachable
from offhook.drivers.openai_client import OpenAISettings
from offhook.drivers.tts.openai_speech import (
    MAX_TEXT_CHARS,
    OpenAISpeechSynthesizer,
    SpeechSettings,
)
from offhook.media.errors import ProviderError, ProviderRejected, ProviderTimedOut
from offhook.media.speech_ports import SpeechAudio, SpeechRequest
from offhook.tests.kit.openai_server import CUT, KEY, STALL, Behaviour, OpenAIServer, refusal, split

TONE_HZ = 440


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIServer]:
    monkeypatch.setenv("OFFHOOK_TEST_KEY", KEY)
    async with OpenAIServer().running() as running:
        yield running


@pytest.fixture
async def synthesizer(server: OpenAIServer) -> AsyncIterator[OpenAISpeechSynthesizer]:
    settings = SpeechSettings("tts", "alloy", OpenAISettings(server.base_url, "OFFHOOK_TEST_KEY"))
    made = OpenAISpeechSynthesizer(settings, random.Random(1))
    yield made
    await made.aclose()


def tone(rate_hz: int, seconds: float = 1.0) -> np.ndarray:
    samples = np.arange(int(rate_hz * seconds))
    return (8000 * np.sin(2 * np.pi * TONE_HZ * samples / rate_hz)).astype("<i2")


@pytest.mark.parametrize("rate_hz", [8000, 16000])
async def test_resamples_to_the_lane_although_samples_are_split(
    server: OpenAIServer, synthesizer: OpenAISpeechSynthesizer, rate_hz: int
) -> None:
    server.script.append(Behaviour(pieces=split(tone(24000).tobytes() + b"x", 4801)))
    parts = [part async for part in synthesizer.synthesize(SpeechRequest("Hello.", rate_hz))]
    pcm = b"".join(part.pcm for part in parts if isinstance(part, SpeechAudio))
    heard = np.frombuffer(pcm, "<i2").astype(float)
    assert abs(heard.size - rate_hz) <= 2
    middle = slice(rate_hz // 10, rate_hz * 9 // 10)
    assert np.abs(heard[middle] - tone(rate_hz)[middle]).max() < 80
    assert server.requests[0].body["response_format"] == "pcm"
    assert server.requests[0].body["voice"] == "alloy"
    assert server.requests[0].body["input"] == "Hello."


async def test_closing_the_iterator_aborts_the_request(
    server: OpenAIServer, synthesizer: OpenAISpeechSynthesizer
) -> None:
    server.script.append(Behaviour(pieces=(tone(24000).tobytes(), STALL)))
    parts = synthesizer.synthesize(SpeechRequest("Hello.", 8000, voice="nova"))
    assert isinstance(await anext(parts), SpeechAudio)
    await parts.aclose()  # type: ignore[attr-defined]
    await server.client_left.wait()
    assert server.requests[0].body["voice"] == "nova"


async def test_a_disconnect_in_mid_sentence_is_told(
    server: OpenAIServer, synthesizer: OpenAISpeechSynthesizer
) -> None:
    server.script.append(Behaviour(pieces=(tone(24000).tobytes(), CUT)))
    with pytest.raises(ProviderUnreachable):
        async for _ in synthesizer.synthesize(SpeechRequest("Hello.", 8000)):
            pass


async def nobody_waits(seconds: float) -> None:
    """The pause before another attempt."""


def patient(server: OpenAIServer, seconds: float) -> OpenAISpeechSynthesizer:
    limits = OpenAISettings(server.base_url, "OFFHOOK_TEST_KEY", 4.0, seconds)
    return OpenAISpeechSynthesizer(
        SpeechSettings("tts", "alloy", limits), random.Random(1), nobody_waits
    )


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json", "audio/mpeg"])
async def test_what_is_no_pcm_is_told_and_never_played(server: OpenAIServer, kind: str) -> None:
    page = Behaviour(pieces=(b"<html>Welcome</html>",), headers={"Content-Type": kind})
    server.script += [page] * 3
    made = patient(server, 4.0)
    with pytest.raises(ProviderError, match=kind.partition(";")[0]):
        await anext(made.synthesize(SpeechRequest("Hello.", 8000)))
    await made.aclose()


async def test_no_audio_for_words_is_told_and_for_none_is_none(server: OpenAIServer) -> None:
    server.script += [Behaviour()] * 4
    made = patient(server, 4.0)
    with pytest.raises(ProviderError, match="no audio"):
        await anext(made.synthesize(SpeechRequest("Hello.", 8000)))
    assert [
        part async for part in made.synthesize(SpeechRequest("\N{WAVING HAND SIGN}", 8000))
    ] == []
    await made.aclose()


async def test_a_stall_after_the_first_audio_is_told_and_not_retried(server: OpenAIServer) -> None:
    server.script.append(Behaviour(pieces=(tone(24000).tobytes(), STALL)))
    made = patient(server, 0.05)
    with pytest.raises(ProviderTimedOut, match="without more"):
        async for _ in made.synthesize(SpeechRequest("Hello.", 8000)):
            pass
    assert len(server.requests) == 1
    await made.aclose()


async def test_a_broken_server_is_asked_again_and_a_wrong_key_is_named(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = patient(server, 4.0)
    server.script += [refusal(500, "server_error"), Behaviour(pieces=(tone(24000).tobytes(),))]
    assert [part async for part in made.synthesize(SpeechRequest("Hello.", 8000))]
    await made.aclose()
    monkeypatch.setenv("OFFHOOK_TEST_KEY", "sk-wrong")
    wrong = patient(server, 4.0)
    with pytest.raises(KeyRejected, match="OFFHOOK_TEST_KEY"):
        await anext(wrong.synthesize(SpeechRequest("Hello.", 8000)))
    await wrong.aclose()


async def test_a_text_beyond_the_limit_is_refused(
    server: OpenAIServer, synthesizer: OpenAISpeechSynthesizer
) -> None:
    with pytest.raises(ProviderRejected, match="4097"):
        await anext(synthesizer.synthesize(SpeechRequest("x" * (MAX_TEXT_CHARS + 1), 8000)))
    assert server.requests == []
