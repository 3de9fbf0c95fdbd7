import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from offhook.drivers.errors import KeyRejected
from offhook.drivers.openai_client import OpenAISettings
from offhook.drivers.stt.openai_transcriptions import (
    MAX_TURN_S,
    OpenAITranscriber,
    TranscriptionSettings,
)
from offhook.media.speech_ports import (
    AnyTranscriptEvent,
    ListenSettings,
    TranscriberFailed,
    TranscriptFinal,
)
from offhook.tests.kit.openai_server import KEY, STALL, Behaviour, OpenAIServer

RATE_HZ = 8000
CHUNK = bytes(1600)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIServer]:
    monkeypatch.setenv("OFFHOOK_TEST_KEY", KEY)
    async with OpenAIServer().running() as running:
        yield running


@pytest.fixture
async def transcriber(server: OpenAIServer) -> AsyncIterator[OpenAITranscriber]:
    settings = OpenAISettings(server.base_url, "OFFHOOK_TEST_KEY")
    made = OpenAITranscriber(TranscriptionSettings("w", settings), random.Random(1))
    yield made
    await made.aclose()


def answer(text: bytes) -> Behaviour:
    body = b'{"text":"' + text + b'","usage":{"type":"duration","seconds":1}}'
    return Behaviour(pieces=(body,), headers={"Content-Type": "application/json"})


async def test_a_turn_that_goes_on_is_sent_whole(
    server: OpenAIServer, transcriber: OpenAITranscriber
) -> None:
    server.script += [answer(b" call "), answer(b"call forwarding"), answer(b"")]
    told: asyncio.Queue[AnyTranscriptEvent] = asyncio.Queue()
    listen = ListenSettings(RATE_HZ, phrases=("call forwarding", "hello"))
    stream = await transcriber.open(listen, told.put_nowait)
    heard = []
    for turn in (1, 1, 2):
        stream.begin(turn)
        stream.push(CHUNK)
        stream.push(CHUNK[:-1])
        stream.end(turn)
        heard.append(await told.get())
    await stream.aclose()
    assert heard == [
        TranscriptFinal(1, "call"),
        TranscriptFinal(1, "call forwarding", resent_s=(2 * len(CHUNK) - 2) / 16_000),
        TranscriptFinal(2, "", rejected=True),
    ]
    samples = [request.wav_samples for request in server.requests]
    assert samples == [1599, 3198, 1599]
    assert server.requests[0].wav_hz == RATE_HZ
    assert server.requests[0].body["prompt"] == "call forwarding, hello"


async def test_a_turn_is_bounded(server: OpenAIServer, transcriber: OpenAITranscriber) -> None:
    server.script.append(answer(b"x"))
    told: asyncio.Queue[AnyTranscriptEvent] = asyncio.Queue()
    stream = await transcriber.open(ListenSettings(RATE_HZ), told.put_nowait)
    stream.begin(1)
    for _ in range(MAX_TURN_S + 5):
        stream.push(bytes(2 * RATE_HZ))
    stream.end(1)
    await told.get()
    await stream.aclose()
    assert server.requests[0].wav_samples == MAX_TURN_S * RATE_HZ


async def test_cancel_aborts_the_request_and_nothing_is_told(
    server: OpenAIServer, transcriber: OpenAITranscriber
) -> None:
    server.script += [Behaviour(pieces=(b'{"text":', STALL)), answer(b"two")]
    told: asyncio.Queue[AnyTranscriptEvent] = asyncio.Queue()
    stream = await transcriber.open(ListenSettings(RATE_HZ), told.put_nowait)
    stream.begin(1)
    stream.push(CHUNK)
    stream.end(1)
    await server.asked.wait()
    stream.cancel(1)
    await server.client_left.wait()
    stream.begin(2)
    stream.end(2)
    assert await told.get() == TranscriptFinal(2, "two")
    await stream.aclose()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"<html>Welcome</html>", "text/html"),
        (b'{"txt":"x"}', "application/json"),
        (b'{"text":null}', "application/json"),
        (b'{"text":5}', "application/json"),
        (b"[1]", "application/json"),
        (b'{"text":', "application/json"),
    ],
)
async def test_what_is_no_transcript_fails_the_turn(
    server: OpenAIServer, body: bytes, kind: str
) -> None:
    async def nobody_waits(seconds: float) -> None:
        """The pause before another attempt."""

    server.script += [Behaviour(pieces=(body,), headers={"Content-Type": kind})] * 3
    settings = OpenAISettings(server.base_url, "OFFHOOK_TEST_KEY")
    made = OpenAITranscriber(TranscriptionSettings("w", settings), random.Random(1), nobody_waits)
    told: asyncio.Queue[AnyTranscriptEvent] = asyncio.Queue()
    stream = await made.open(ListenSettings(RATE_HZ), told.put_nowait)
    stream.begin(1)
    stream.end(1)
    event = await told.get()
    assert isinstance(event, TranscriberFailed)
    assert server.base_url in str(event.error)
    await stream.aclose()
    await made.aclose()


async def test_a_region_is_no_part_of_the_language(
    server: OpenAIServer, transcriber: OpenAITranscriber
) -> None:
    server.script.append(answer(b"ja"))
    told: asyncio.Queue[AnyTranscriptEvent] = asyncio.Queue()
    stream = await transcriber.open(ListenSettings(RATE_HZ, "de-AT"), told.put_nowait)
    stream.begin(1)
    stream.end(1)
    await told.get()
    assert server.requests[0].body["language"] == "de"
    await stream.aclose()


async def test_a_refused_key_fails_the_turn(
    server: OpenAIServer, transcriber: OpenAITranscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFHOOK_TEST_KEY", "sk-wrong")
    settings = OpenAISettings(server.base_url, "OFFHOOK_TEST_KEY")
    wrong = OpenAITranscriber(TranscriptionSettings("w", settings), random.Random(1))
    told: asyncio.Queue[AnyTranscriptEvent] = asyncio.Queue()
    stream = await wrong.open(ListenSettings(RATE_HZ), told.put_nowait)
    stream.begin(1)
    stream.end(1)
    event = await told.get()
    assert isinstance(event, TranscriberFailed)
    assert isinstance(event.error, KeyRejected)
    await stream.aclose()
    await wrong.aclose()
