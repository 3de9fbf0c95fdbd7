"""Callers ask aloud, by SIP, what only a document tells; a provider on this machine hears them."""

import asyncio
import contextlib
import io
import json
import pathlib
import wave
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from numpy.typing import NDArray

from offhook.bench.load.server_process import TOKEN, ServerProcess
from offhook.bench.speech.voice import Voice
from offhook.control.calls.softphone import Softphone
from offhook.tests.kit.openai_server import chat

QUESTION = "Within how many days may I return a bicycle?"
ANSWER = "You may return a bicycle within thirty days."
DOCUMENT = f"# Returns\n\n{ANSWER} Bring the receipt.\n\n# Hours\n\nWe open at nine.\n".encode()
HOUSE, MODEL = "+15550101", "+15550102"
LIMIT_S = 60.0
SPOKEN_S = 1.0
"What is heard of the question is longer."
REPLY_LIMIT_MS = 3000.0
"Far more than it takes: a test machine is busy."
EPOCH = 1
RATE_HZ = 16_000


class Provider:
    """Hears the question in whatever is loud and long enough; answers from what it is given."""

    def __init__(self) -> None:
        self.heard_s: list[float] = []
        self.base_url = ""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Provider"]:
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post("/v1/audio/transcriptions", self._transcribe)
        app.router.add_post("/v1/chat/completions", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _transcribe(self, request: web.Request) -> web.Response:
        file = (await request.post())["file"]
        assert isinstance(file, web.FileField)
        with wave.open(io.BytesIO(file.file.read())) as heard:
            samples = np.frombuffer(heard.readframes(heard.getnframes()), np.int16)
            heard_s = len(samples) / heard.getframerate()
        file.file.close()
        self.heard_s.append(heard_s)
        loud = heard_s > SPOKEN_S and np.abs(samples).max() > 1000
        return web.json_response({"text": QUESTION if loud else ""})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        messages = (await request.json())["messages"]
        given = "".join(each["content"] for each in messages if each["role"] == "system")
        asked = messages[-1]["content"] == QUESTION
        said = ANSWER if asked and ANSWER in given else "I do not know."
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(chat(said))
        await response.write_eof()
        return response


class Shop:
    """A server with a document and two agents that know it."""

    def __init__(self, server: ServerProcess, client: aiohttp.ClientSession) -> None:
        self._server = server
        self._client = client

    async def ask(self, method: str, path: str, body: Any = None, data: bytes | None = None) -> Any:
        async with self._client.request(method, path, json=body, data=data) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def open(self) -> None:
        """Make them."""
        document = await self.ask("POST", "/v1/documents?title=Terms", data=DOCUMENT)
        plain = {"greeting": "", "stt_provider": "cloud"}
        house = {"name": "House", "house": {"greeting": "", "answers": []}}
        model = {"name": "Model", "llm": {"provider": "cloud"}}
        for number, agent in ((HOUSE, house), (MODEL, model)):
            made = await self.ask("POST", "/v1/agents", plain | agent)
            await self.ask("POST", "/v1/numbers", {"number": number, "agent_id": made["id"]})
        while (await self.ask("GET", f"/v1/documents/{document['id']}"))["status"] != "ready":
            pass

    async def call(self, phone: Softphone, number: str, question: NDArray[np.int16]) -> None:
        """Ask aloud, and stay until somebody hangs up."""
        call = phone.call(f"sip:{number}@{self._server.sip}")
        assert await call.answered(), call.end
        assert call.lane.rate_hz == RATE_HZ, "the codec that is preferred is wide-band"
        call.lane.play(EPOCH, question)
        call.lane.finish(EPOCH)
        call.lane.open_gate(EPOCH)
        await call.ended()

    async def told(self, calls: int) -> dict[str, dict[str, Any]]:
        """The agents' turns that were made of a passage, by agent; each call is hung up then."""
        turns: dict[str, dict[str, Any]] = {}
        async with self._client.ws_connect("/v1/events?types=turn.added") as events:
            while len(turns) < calls:
                message = await events.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, message
                event = json.loads(message.data).get("event")
                if event is None or event["turn"]["role"] != "agent":
                    continue
                call = await self.ask("GET", f"/v1/calls/{event['call_id']}")
                turns[call["agent"]] = call["turns"][event["turn"]["index"]]
                await self.ask("POST", f"/v1/calls/{event['call_id']}/hangup")
        return turns


@pytest.fixture
async def shop(tmp_path: pathlib.Path) -> AsyncIterator[Shop]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with asyncio.timeout(LIMIT_S), Provider().running() as provider:
        models = 'models = { chat = "m", transcription = "t" }'
        toml = f'[[providers]]\nkind = "openai"\nname = "cloud"\n{models}\n'
        config = tmp_path / "offhook.toml"
        config.write_text(f'{toml}base_url = "{provider.base_url}"\n')
        lenient = {"LIMITS_MAX_LATENESS_MS": "100000", "CONFIG": str(config)}
        async with (
            ServerProcess(tmp_path / "data", tmp_path / "log", **lenient) as server,
            aiohttp.ClientSession(server.http, headers=headers) as client,
        ):
            shop = Shop(server, client)
            await shop.open()
            yield shop


async def test_a_question_that_is_asked_aloud_is_answered_from_the_document(shop: Shop) -> None:
    question = await Voice(None, RATE_HZ).words("", QUESTION)
    async with contextlib.AsyncExitStack() as stack:
        phone = Softphone(host="127.0.0.1")
        await phone.start()
        stack.push_async_callback(phone.aclose)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        told = tasks.create_task(shop.told(2))
        for number in (HOUSE, MODEL):
            tasks.create_task(shop.call(phone, number, question))
    for name in ("House", "Model"):
        turn = told.result()[name]
        assert turn["text"] == ANSWER
        assert [source["document"] for source in turn["sources"]] == ["Terms"]
        assert 0 < turn["latency"]["first_sample_ms"] < REPLY_LIMIT_MS
