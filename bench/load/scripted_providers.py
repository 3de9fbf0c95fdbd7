"""Speech and language services of fixed latency, in a process of their own: what they add is known.

Speaks OpenAI's transcriptions, chat completions and speech. Prints `ready <base url>`. What is said
sounds the same each time, to the sample: a synthesizer's own voice does not (espeak-ng's flutters),
and could not be compared with itself.

    python -m offhook.bench.load.scripted_providers --stt-ms 250 --llm-ms 375 --tts-ms 100
"""

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import msgspec
import numpy as np
import uvloop
from aiohttp import web
from numpy.typing import NDArray

from ...codecs.resample import Resampler
from ...drivers.tts.espeak import EspeakSynthesizer
from ...drivers.worker_process import command
from ...media.speech_ports import SpeechAudio, SpeechRequest

MODULE = f"{__name__.split('.', maxsplit=1)[0]}.bench.load.scripted_providers"
SPEECH_HZ = 24000
HEARD = "yes please"
"Always heard: words that look finished."
REPLY = "That is done."
REPLY_S = 1.0
VOICE, VOICE_HZ = "en-us", 16000
"Of everything else that is to be said."
PITCH_HZ, HARMONICS, LEVEL = 150, 8, 8000
AGENT_CONFIG = """\
[analysis]
provider = "embedded"

[[providers]]
name = "scripted"
base_url = "{base_url}"
models = {{ chat = "m", speech = "m", transcription = "m" }}

[[agents]]
name = "bench"
greeting = ""
stt = "scripted"
llm = "scripted"
tts = "scripted"
"""
"""An agent of ours that listens, thinks and speaks by these services, and does not greet. Of ended
calls it is not asked: that is JSON, which is not in their script."""
START_LIMIT_S = 20.0


class Latencies(msgspec.Struct, frozen=True):
    """From the request to the first byte of the answer, in ms."""

    stt_ms: int = 0
    llm_ms: int = 0
    tts_ms: int = 0

    @property
    def sum_ms(self) -> int:
        """One after the other."""
        return self.stt_ms + self.llm_ms + self.tts_ms


class _SpeechRequested(msgspec.Struct, frozen=True):
    input: str


_SPEECH = msgspec.json.Decoder(_SpeechRequested)

Pcm = NDArray[np.int16]


def reply_pcm(rate_hz: int = SPEECH_HZ) -> Pcm:
    """A voiced sound that is at full level from its first sample to its last, int16[samples]."""
    moments = np.arange(int(REPLY_S * rate_hz)) / rate_hz
    partials = [np.sin(2 * np.pi * PITCH_HZ * n * moments + n) / n for n in range(1, HARMONICS + 1)]
    sound = np.sum(partials, axis=0)
    scaled: Pcm = np.rint(LEVEL * sound / np.abs(sound).max()).astype(np.int16)
    return scaled


class Providers:
    """The three services."""

    def __init__(self, latencies: Latencies) -> None:
        self._latencies = latencies
        self._said = {REPLY: reply_pcm().tobytes()}
        self._speaking = asyncio.Lock()
        self._synthesizer: EspeakSynthesizer | None = None

    def application(self) -> web.Application:
        """Its routes."""
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post("/v1/audio/transcriptions", self._transcribe)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/audio/speech", self._speak)
        app.on_cleanup.append(self._close)
        return app

    async def _transcribe(self, request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(self._latencies.stt_ms / 1000)
        return web.json_response({"text": HEARD})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        await asyncio.sleep(self._latencies.llm_ms / 1000)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        with contextlib.suppress(ConnectionError):  # a reply that is not wanted any more
            await response.prepare(request)
            await response.write(_event({"role": "assistant", "content": REPLY}))
            await response.write(_event({}, "stop") + b"data: [DONE]\n\n")
            await response.write_eof()
        return response

    async def _speak(self, request: web.Request) -> web.Response:
        text = _SPEECH.decode(await request.read()).input.strip()
        if text not in self._said:
            async with self._speaking:
                if text not in self._said:
                    self._said[text] = await self._spoken(text)
        await asyncio.sleep(self._latencies.tts_ms / 1000)
        return web.Response(body=self._said[text], content_type="audio/pcm")

    async def _spoken(self, text: str) -> bytes:
        if self._synthesizer is None:
            self._synthesizer = EspeakSynthesizer()
            await self._synthesizer.start()
        request = SpeechRequest(text, VOICE_HZ, voice=VOICE)
        parts = self._synthesizer.synthesize(request)
        audio = b"".join([part.pcm async for part in parts if isinstance(part, SpeechAudio)])
        resampler = Resampler(VOICE_HZ, SPEECH_HZ)
        wide = [resampler.push(np.frombuffer(audio, np.int16)[None]), resampler.flush()]
        return np.concatenate(wide, axis=1).tobytes()

    async def _close(self, app: web.Application) -> None:
        if self._synthesizer is not None:
            await self._synthesizer.aclose()


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    event = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "scripted",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


class ProvidersProcess:
    """The services as a process: `async with ProvidersProcess(latencies) as base_url`."""

    def __init__(self, latencies: Latencies) -> None:
        self._latencies = latencies
        self._process: asyncio.subprocess.Process | None = None
        self.base_url = ""

    async def __aenter__(self) -> Self:
        each = msgspec.structs.asdict(self._latencies).items()
        flags = [part for name, ms in each for part in (f"--{name.replace('_', '-')}", str(ms))]
        self._process = await asyncio.create_subprocess_exec(
            *command(MODULE, *flags), stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None, "asked for above"
        async with asyncio.timeout(START_LIMIT_S):
            line = await self._process.stdout.readline()
        self.base_url = line.decode().removeprefix("ready ").strip()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None, "entered before"
        self._process.terminate()
        await self._process.wait()


@asynccontextmanager
async def running(latencies: Latencies) -> AsyncIterator[str]:
    """The services in this process; gives their base URL."""
    runner = web.AppRunner(Providers(latencies).application(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/v1"
    finally:
        await runner.cleanup()


async def _serve(latencies: Latencies) -> None:
    async with running(latencies) as base_url:
        print(f"ready {base_url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("stt", "llm", "tts"):
        parser.add_argument(f"--{name}-ms", type=int, default=0)
    uvloop.run(_serve(Latencies(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
