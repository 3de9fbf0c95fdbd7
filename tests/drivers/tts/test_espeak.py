import asyncio
import os
import signal
from collections.abc import AsyncIterator

import numpy as np
import pytest

from offhook.drivers.errors import WorkerDied
from offhook.drivers.tts.espeak import MAX_TEXT_CHARS, EspeakSettings, EspeakSynthesizer
from offhook.media.errors import ProviderError, ProviderRejected
from offhook.media.speech_ports import AnySpeechPart, SpeechAudio, SpeechRequest, WordSpoken

LIMIT_S = 20.0
"So that a fault ends the test instead of hanging it."


@pytest.fixture
async def synthesizer() -> AsyncIterator[EspeakSynthesizer]:
    made = EspeakSynthesizer(EspeakSettings(timeout_s=LIMIT_S, niceness=0))
    await made.start()
    yield made
    await made.aclose()


async def speak(made: EspeakSynthesizer, request: SpeechRequest) -> list[AnySpeechPart]:
    async with asyncio.timeout(LIMIT_S):
        return [part async for part in made.synthesize(request)]


def audio(parts: list[AnySpeechPart]) -> np.ndarray:
    return np.frombuffer(b"".join(p.pcm for p in parts if isinstance(p, SpeechAudio)), "<i2")


def words(parts: list[AnySpeechPart]) -> list[WordSpoken]:
    return [part for part in parts if isinstance(part, WordSpoken)]


async def test_speaks_at_both_rates_and_tells_each_word_before_its_audio(
    synthesizer: EspeakSynthesizer,
) -> None:
    text = "Your number is 4217. Goodbye."
    seconds = {}
    for rate_hz in (8000, 16000):
        parts = await speak(synthesizer, SpeechRequest(text, rate_hz))
        pcm = audio(parts)
        seconds[rate_hz] = pcm.size / rate_hz
        assert np.abs(pcm).max() > 3000
        told = words(parts)
        assert [text[: word.text_end].split()[-1] for word in told][:3] == ["Your", "number", "is"]
        assert told[-1].text_end == text.index("Goodbye") + len("Goodbye.")
        begins = [word.begin_samples for word in told]
        assert begins == sorted(begins)
        assert begins[-1] < pcm.size
        heard = 0
        for part in parts:
            if isinstance(part, SpeechAudio):
                heard += len(part.pcm) // 2
            else:
                assert heard <= part.begin_samples + rate_hz // 10
    assert abs(seconds[8000] - seconds[16000]) < 0.1
    assert 1.5 < seconds[8000] < 5.0


async def test_numbers_are_read_in_words(synthesizer: EspeakSynthesizer) -> None:
    parts = await speak(synthesizer, SpeechRequest("code 0042", 8000))
    assert [word.word for word in words(parts)] == ["code", "zero", "zero", "four", "two"]


@pytest.mark.parametrize("voice", ["en", "de"])
async def test_mark_up_and_emoji_are_not_said(synthesizer: EspeakSynthesizer, voice: str) -> None:
    text = "**Hallo** <b>du</b> \N{GRINNING FACE} da"
    parts = await speak(synthesizer, SpeechRequest(text, 8000, voice=voice))
    assert [word.word for word in words(parts)] == ["Hallo", "du", "da"]
    assert words(parts)[-1].text_end == len(text)


async def test_speed_changes_the_length(synthesizer: EspeakSynthesizer) -> None:
    text = "The quick brown fox jumps over the lazy dog."
    slow = audio(await speak(synthesizer, SpeechRequest(text, 8000, speed=0.8)))
    fast = audio(await speak(synthesizer, SpeechRequest(text, 8000, speed=1.6)))
    assert slow.size > 1.5 * fast.size


async def test_many_calls_speak_at_once_and_keep_their_words(
    synthesizer: EspeakSynthesizer,
) -> None:
    texts = [f"This is caller number {index}." for index in range(12)]
    alone = [words(await speak(synthesizer, SpeechRequest(text, 8000))) for text in texts]
    together = await asyncio.gather(
        *(speak(synthesizer, SpeechRequest(text, 8000)) for text in texts)
    )
    for before, parts in zip(alone, together, strict=True):
        assert [word.word for word in words(parts)] == [word.word for word in before]


async def test_closing_early_frees_the_worker_for_the_next(synthesizer: EspeakSynthesizer) -> None:
    long_text = "Call forwarding sends your calls to another telephone. " * 60
    for _ in range(5):
        parts = synthesizer.synthesize(SpeechRequest(long_text, 16000))
        await anext(parts)
        await parts.aclose()  # type: ignore[attr-defined]
    heard = audio(await speak(synthesizer, SpeechRequest("Hello.", 16000)))
    assert 0.3 < heard.size / 16000 < 2.0


async def test_silly_texts_end_well(synthesizer: EspeakSynthesizer) -> None:
    for text in ("", " ", "...", "\0", "🤖", "<speak>x</speak>", "[[h@'loU", "é" * 500):
        await speak(synthesizer, SpeechRequest(text, 8000))


async def test_what_cannot_be_done_is_refused(synthesizer: EspeakSynthesizer) -> None:
    for request, what in (
        (SpeechRequest("x", 8000, voice="no-such-voice"), "no-such-voice"),
        (SpeechRequest("x", 44100), "44100"),
        (SpeechRequest("x" * (MAX_TEXT_CHARS + 1), 8000), str(MAX_TEXT_CHARS)),
    ):
        with pytest.raises(ProviderRejected, match=what):
            await speak(synthesizer, request)


async def test_a_worker_that_dies_takes_its_jobs_and_is_replaced(
    synthesizer: EspeakSynthesizer, caplog: pytest.LogCaptureFixture
) -> None:
    process = synthesizer._voices[0].process
    parts = synthesizer.synthesize(SpeechRequest("Hello. " * 500, 16000))
    await anext(parts)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(WorkerDied):
        async for _ in parts:
            pass
    # The next sentence of a call waits for the new worker, and is said.
    again = await speak(synthesizer, SpeechRequest("Hello.", 16000))
    assert audio(again).size > 4000
    assert process.restarts == 1
    assert "restart" in caplog.text


async def test_where_no_worker_was_started_none_is_waited_for() -> None:
    with pytest.raises(WorkerDied):
        await anext(EspeakSynthesizer().synthesize(SpeechRequest("Hello.", 8000)))


async def test_a_worker_that_hangs_is_killed_and_replaced() -> None:
    made = EspeakSynthesizer(EspeakSettings(timeout_s=0.2, niceness=0))
    await made.start()
    try:
        process = made._voices[0].process
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(ProviderError, match="no speech"):
            await speak(made, SpeechRequest("Hello.", 8000))
    finally:
        await made.aclose()
