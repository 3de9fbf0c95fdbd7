"""The recogniser with a synthetic voice: that it works at all. How well: bench/recognition.py."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import numpy as np
import pytest

from offhook.drivers.errors import WordsUnknown, WorkerDied
from offhook.drivers.stt.pocketsphinx import (
    PocketsphinxSettings,
    PocketsphinxStream,
    PocketsphinxTranscriber,
)
from offhook.drivers.tts.espeak import EspeakSettings, EspeakSynthesizer
from offhook.media.errors import ProviderError
from offhook.media.speech_ports import (
    AnyTranscriptEvent,
    ListenSettings,
    SpeechAudio,
    SpeechRequest,
    TranscriberFailed,
    TranscriptChanged,
    TranscriptFinal,
)

LIMIT_S = 20.0
RATE_HZ = 16000
PHRASES = ("call forwarding", "call waiting", "do not disturb", "telephone number", "goodbye")


@pytest.fixture(scope="module")
def voice() -> dict[str, bytes]:
    """What callers say here, at 16 kHz, from the synthesizer."""

    async def say() -> dict[str, bytes]:
        synthesizer = EspeakSynthesizer(EspeakSettings(niceness=0))
        await synthesizer.start()
        said = {}
        texts = (*PHRASES, "the weather in the mountains is wonderful today")
        for text in texts:
            request = SpeechRequest(text, RATE_HZ, speed=0.9)
            parts = [part async for part in synthesizer.synthesize(request)]
            said[text] = b"".join(part.pcm for part in parts if isinstance(part, SpeechAudio))
        await synthesizer.aclose()
        return said

    return asyncio.run(say())


@pytest.fixture
async def transcriber() -> AsyncIterator[PocketsphinxTranscriber]:
    made = PocketsphinxTranscriber(PocketsphinxSettings(workers=1, niceness=0))
    await made.start()
    yield made
    await made.aclose()


class Caller:
    """One call's stream and what is told of it."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[AnyTranscriptEvent] = asyncio.Queue()
        self.stream: PocketsphinxStream

    @classmethod
    async def opened(
        cls, transcriber: PocketsphinxTranscriber, phrases: tuple[str, ...] = PHRASES
    ) -> "Caller":
        caller = cls()
        listen = ListenSettings(RATE_HZ, phrases=phrases)
        caller.stream = await transcriber.open(listen, caller.told.put_nowait)
        return caller

    def push(self, pcm: bytes) -> None:
        for at in range(0, len(pcm), RATE_HZ // 5):
            self.stream.push(pcm[at : at + RATE_HZ // 5])

    def utter(self, turn: int, pcm: bytes) -> None:
        self.stream.begin(turn)
        self.push(pcm)
        self.stream.end(turn)

    async def final(self) -> TranscriptFinal | TranscriberFailed:
        async with asyncio.timeout(LIMIT_S):
            while isinstance(event := await self.told.get(), TranscriptChanged):
                pass
        return event

    async def text(self) -> str:
        event = await self.final()
        assert isinstance(event, TranscriptFinal)
        return event.text


async def test_understands_phrases_and_rejects_other_speech_and_noise(
    transcriber: PocketsphinxTranscriber, voice: dict[str, bytes]
) -> None:
    caller = await Caller.opened(transcriber)
    right = 0
    for turn, phrase in enumerate(PHRASES):
        caller.utter(turn, voice[phrase])
        right += await caller.text() == phrase
    assert right >= len(PHRASES) - 1
    noise = np.random.default_rng(1).normal(0, 2000, RATE_HZ).astype("<i2").tobytes()
    weather = voice["the weather in the mountains is wonderful today"]
    for turn, pcm in enumerate((weather, noise, bytes(RATE_HZ), b"", b"\0"), 100):
        caller.utter(turn, pcm)
        event = await caller.final()
        assert isinstance(event, TranscriptFinal)
        assert (event.turn, event.text, event.rejected) == (turn, "", True)


async def test_a_turn_that_goes_on_has_the_words_of_all_its_utterances(
    transcriber: PocketsphinxTranscriber, voice: dict[str, bytes]
) -> None:
    caller = await Caller.opened(transcriber)
    first, second = voice["call forwarding"], voice["do not disturb"]
    caller.utter(1, first)
    assert await caller.text() == "call forwarding"
    caller.utter(1, second)
    assert await caller.text() == "call forwarding do not disturb"
    caller.utter(2, second)
    assert await caller.text() == "do not disturb"


async def test_half_a_phrase_is_completed_by_the_next_utterance(
    transcriber: PocketsphinxTranscriber, voice: dict[str, bytes]
) -> None:
    caller = await Caller.opened(transcriber)
    pcm = voice["do not disturb"]
    middle = len(pcm) // 5 * 2
    caller.utter(1, pcm[:middle])
    await caller.final()
    caller.utter(1, pcm[middle:])
    assert await caller.text() == "do not disturb"


async def test_words_are_told_while_the_caller_speaks(
    transcriber: PocketsphinxTranscriber, voice: dict[str, bytes]
) -> None:
    caller = await Caller.opened(transcriber)
    caller.stream.begin(1)
    caller.stream.push(voice["call forwarding"])  # nothing waits behind it: time for an interim
    async with asyncio.timeout(LIMIT_S):
        assert await caller.told.get() == TranscriptChanged(1, "call forwarding")
    caller.stream.end(1)
    assert await caller.text() == "call forwarding"


async def test_calls_share_a_worker_and_keep_their_words(
    transcriber: PocketsphinxTranscriber, voice: dict[str, bytes]
) -> None:
    said = ("call forwarding", "do not disturb", "call waiting")
    callers = [await Caller.opened(transcriber) for _ in said]
    for caller in callers:
        caller.stream.begin(1)
    pieces = max(len(voice[phrase]) for phrase in said) // 3200 + 1
    for piece in range(pieces):
        for caller, phrase in zip(callers, said, strict=True):
            caller.stream.push(voice[phrase][piece * 3200 : (piece + 1) * 3200])
    for caller in callers:
        caller.stream.end(1)
    assert [await caller.text() for caller in callers] == list(said)


async def test_nothing_is_told_of_a_cancelled_turn(
    transcriber: PocketsphinxTranscriber, voice: dict[str, bytes]
) -> None:
    caller = await Caller.opened(transcriber)
    caller.utter(1, voice["call forwarding"])
    caller.stream.cancel(1)
    caller.utter(2, voice["do not disturb"])
    event = await caller.final()
    assert isinstance(event, TranscriptFinal)
    assert (event.turn, event.text) == (2, "do not disturb")


async def test_a_worker_that_dies_fails_open_turns_and_streams_go_on(
    transcriber: PocketsphinxTranscriber, voice: dict[str, bytes]
) -> None:
    caller, idle = await Caller.opened(transcriber), await Caller.opened(transcriber)
    caller.stream.begin(1)
    process = transcriber._ears[0].process
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    event = await caller.final()
    assert isinstance(event, TranscriberFailed)
    assert isinstance(event.error, WorkerDied)
    caller.stream.end(1)
    caller.stream.begin(2)
    again = await caller.final()
    assert isinstance(again, TranscriberFailed)
    assert again.turn == 2
    with pytest.raises(WorkerDied):
        await Caller.opened(transcriber)
    await process.start()
    caller.utter(3, voice["do not disturb"])
    assert await caller.text() == "do not disturb"
    assert idle.told.empty(), "a call that was silent notices nothing"


async def test_words_that_nobody_can_say_are_named(
    transcriber: PocketsphinxTranscriber,
) -> None:
    with pytest.raises(WordsUnknown, match="Łódź"):
        await Caller.opened(transcriber, ("call waiting", "Łódź"))
    made_up = await Caller.opened(transcriber, ("offhook zyxoflam",))
    await made_up.stream.aclose()


async def test_a_language_that_the_model_does_not_know_is_warned_of_once(
    transcriber: PocketsphinxTranscriber, caplog: pytest.LogCaptureFixture
) -> None:
    for language in ("en-GB", "de", "de"):
        settings = ListenSettings(RATE_HZ, language, PHRASES)
        stream = await transcriber.open(settings, lambda event: None)
        await stream.aclose()
    assert (
        [record.message for record in caplog.records].count(
            "pocketsphinx hears everything as English, also what is said in 'de'"
        )
        == len(caplog.records)
        == 1
    )


async def test_dictation_without_phrases(
    transcriber: PocketsphinxTranscriber, voice: dict[str, bytes]
) -> None:
    caller = await Caller.opened(transcriber, ())
    caller.utter(1, voice["do not disturb"])
    event = await caller.final()
    assert isinstance(event, TranscriptFinal)
    assert event.text
    caller.utter(2, b"")
    event = await caller.final()
    assert isinstance(event, TranscriptFinal)
    assert event.rejected


async def test_a_worker_far_behind_fails_the_turn(transcriber: PocketsphinxTranscriber) -> None:
    caller = await Caller.opened(transcriber)
    process = transcriber._ears[0].process
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    try:
        caller.stream.begin(1)
        for _ in range(100):
            caller.stream.push(bytes(100_000))
        event = await caller.final()
        assert isinstance(event, TranscriberFailed)
        assert isinstance(event.error, ProviderError)
        assert caller.told.empty(), "told once"
    finally:
        os.kill(process.pid, signal.SIGCONT)
