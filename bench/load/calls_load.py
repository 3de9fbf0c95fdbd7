"""SHELL: a server with services, and callers in other processes, for as long as a `with` lasts.

The server and its workers have one core; services, callers and whoever measures have the other.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...codecs.catalog import PCMU
from ...control.http.v1.health import ClockView, HealthView
from ...drivers.rtp.wire import UdpWire
from ..speech.human_speech import fetch
from ..speech.voice import Voice
from .cores import SERVER_CORE, on_core
from .load_payloads import encoded, save
from .load_process import LoadProcess
from .scripted_providers import AGENT_CONFIG, Latencies, ProvidersProcess
from .server_process import ServerProcess
from .sip_load import CallsReport
from .switchboard import Tally

LOAD_MODULE = f"{UdpWire.__module__.split('.', maxsplit=1)[0]}.bench.load.sip_load"
CACHE = Path(".cache/speech").resolve()
PROMPTS = (("call-waiting", "call waiting"), ("auth-thankyou", "thank you"), ("hello", "hello"))
RATE_HZ, FRAME = 8000, 160
REALISTIC = Latencies(stt_ms=250, llm_ms=375, tts_ms=100)
CALM_LOOKS, CALM_LOOK_S, CALM_MS = 40, 0.5, 4.0


class Words(msgspec.Struct, frozen=True):
    """What callers say: a file of payloads, whose last is silence, and where utterances are."""

    payloads: Path
    utterances: list[tuple[int, int]]
    seed: int
    "Of who says what when."


async def make_words(folder: Path, seed: int) -> Words:
    """Recorded human words where they can be had, else synthetic ones."""
    voice = Voice(fetch(CACHE), RATE_HZ)
    pieces: list[NDArray[np.int16]] = []
    utterances: list[tuple[int, int]] = []
    for prompt in PROMPTS:
        pcm = await voice.words(*prompt)
        whole = np.zeros(-(-len(pcm) // FRAME) * FRAME, np.int16)
        whole[: len(pcm)] = pcm
        utterances.append((sum(map(len, pieces)) // FRAME, len(whole) // FRAME))
        pieces.append(whole)
    pieces.append(np.zeros(FRAME, np.int16))
    path = folder / "words.npz"
    save(path, encoded(np.concatenate(pieces), PCMU))
    return Words(path, utterances, seed)


@asynccontextmanager
async def conversing_server(folder: Path, **settings: str) -> AsyncIterator[ServerProcess]:
    """A server on its own core, whose agent uses scripted services on the other."""
    async with ProvidersProcess(REALISTIC) as providers:
        config = _configured(folder, providers.base_url)
        with on_core(SERVER_CORE):
            server = ServerProcess(folder / "data", None, CONFIG=str(config), **settings)
            await server.start()
        try:
            await _calm(server)
            yield server
        finally:
            await server.aclose()


class Callers(LoadProcess):
    """Callers as a process: `async with Callers(...) as callers`."""

    def __init__(self, server: str, words: Words, calls: int, *flags: str) -> None:
        """`server`: host:port of its SIP socket. `flags` are more of sip_load's: `--pace 20`."""
        spans = [f"{first}:{length}" for first, length in words.utterances]
        arguments = [
            *("--server", server, "--calls", str(calls), "--seed", str(words.seed)),
            *("--payloads", str(words.payloads), "--utterance", *spans, *flags),
        ]
        super().__init__(LOAD_MODULE, arguments)

    async def placed(self) -> Tally:
        """Wait until each call is answered or refused. Raises ChildProcessError."""
        return msgspec.json.decode(await self.line(b"placed"), type=Tally)

    async def count(self) -> None:
        """Begin counting anew."""
        self.tell("count")

    async def stop(self) -> CallsReport:
        """What was counted; the calls are hung up. Raises ChildProcessError."""
        self.tell("stop")
        report = msgspec.json.decode(await self.line(b"report"), type=CallsReport)
        await self.ended()
        return report


async def _calm(server: ServerProcess) -> None:
    """Until its start is out of the clock's window: before that it refuses calls, rightly."""
    for _ in range(CALM_LOOKS):
        told = await health(server)
        if told.status == "ok" and told.clock.p99_ms <= CALM_MS:
            return
        await asyncio.sleep(CALM_LOOK_S)
    raise TimeoutError(f"the clock is late without calls: {await clock(server)}")


async def clock(server: ServerProcess) -> ClockView:
    """Its frame clock over the last 5 s."""
    return (await health(server)).clock


async def health(server: ServerProcess) -> HealthView:
    """GET /health: 503 tells it too."""
    return await asyncio.to_thread(_health, server.http)


def _configured(folder: Path, base_url: str) -> Path:
    folder.mkdir(exist_ok=True)
    config = folder / "offhook.toml"
    config.write_text(AGENT_CONFIG.format(base_url=base_url))
    return config


def _health(http: str) -> HealthView:
    try:
        with urlopen(f"{http}/health", timeout=10) as answer:
            body = answer.read()
    except HTTPError as exc:
        body = exc.read()
    return msgspec.json.decode(body, type=HealthView)
