"""`make demo`: a real SIP call with recorded human speech, held with the embedded agent.

Starts the server as its own process, calls it over UDP from this one, prints the conversation as it
happens and each turn's latency, and leaves `demo/` with the stereo WAV, a picture and the JSON.
Exits with 1 if any turn was not answered.
"""

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import numpy as np
import uvloop
from numpy.typing import NDArray

from ..codecs.resample import Resampler
from ..codecs.wav import WavReader
from ..control.softphone import PlacedCall, Softphone
from ..drivers.tts.espeak import EspeakSynthesizer
from ..media.ports import SpeechAudio, SpeechRequest
from .caller import Caller
from .human_speech import Prompts, fetch
from .timeline import DrawnTurn, draw

FOLDER = Path("demo")
CACHE = Path(".cache/speech")
ANSWER_LIMIT_S = 20.0
"An answer that takes longer has not come."
START_LIMIT_S = 30.0
READY = re.compile(r"ready http=(\S+) sip=(\S+)")
NUMBER = "4071#"
CALLER_LEVEL = 0.5
"Of the prompts' own: people on the phone are not studio recordings."
FADE_S = 0.01

Step = Callable[["Conversation"], Coroutine[Any, Any, None]]


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
        return np.rint(pcm * CALLER_LEVEL).astype(np.int16)


def _trimmed(pcm: NDArray[np.int16]) -> NDArray[np.int16]:
    """Without the silence around the words, so that latency is counted from the words."""
    loud = np.flatnonzero(np.abs(pcm) > 200)
    words: NDArray[np.int16] = pcm[max(0, int(loud[0]) - 800) : int(loud[-1]) + 800]
    return words


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


class Conversation:
    """The scripted call."""

    def __init__(self, call: PlacedCall, voice: Voice) -> None:
        self.caller = Caller(call)
        self.voice = voice
        self.failures: list[str] = []

    async def ask(self, prompt: str, text: str) -> None:
        """Say something and hear the answer to its end."""
        await self.caller.say(await self.voice.words(prompt, text))
        await self.expect(f"an answer to “{text}”")

    async def expect(self, what: str) -> None:
        """Hear the agent out."""
        if not await self.caller.listen(ANSWER_LIMIT_S):
            self.failures.append(f"{what} did not come")

    async def interrupt(self, prompt: str, text: str) -> None:
        """Cut the agent off in the middle of a long answer."""
        if not await self.caller.wait_until_it_has_spoken(2500, ANSWER_LIMIT_S):
            self.failures.append("there was nothing to interrupt")
        await self.ask(prompt, text)


async def talk(conversation: Conversation) -> None:
    """The script: greeting, services by name, a number by keypad, one interruption, goodbye."""
    await conversation.expect("the greeting")
    await conversation.ask("hello", "hello")
    await conversation.ask("call-waiting", "call waiting")
    caller, voice = conversation.caller, conversation.voice
    await caller.say(await voice.words("call-forwarding", "call forwarding"))
    await conversation.interrupt("telephone-number", "telephone number")
    caller.press(NUMBER)
    await conversation.expect("the number read back")
    await conversation.ask("auth-thankyou", "thank you")
    await caller.say(await voice.words("goodbye", "goodbye"))
    await caller.call.ended()


# --- the server, and what it tells ----------------------------------------------------------------


@contextlib.asynccontextmanager
async def server(folder: Path, token: str) -> AsyncIterator[tuple[str, str]]:
    """The server as its own process; gives its HTTP and SIP addresses."""
    environment = os.environ | {
        "OFFHOOK_DATA": str(folder / "data"),
        "OFFHOOK_API_TOKEN": token,
        "OFFHOOK_HTTP_PORT": "0",
        "OFFHOOK_SIP_HOST": "127.0.0.1",
        "OFFHOOK_SIP_PORT": "0",
        "OFFHOOK_RTP_PORTS": "0",
        "OFFHOOK_SIP_OPEN": "loopback",
        "OFFHOOK_LOG_LEVEL": "warning",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "offhook", "serve", env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None, "asked for above"
    try:
        async with asyncio.timeout(START_LIMIT_S):
            addresses = await _ready(process.stdout)
        yield addresses
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(output: asyncio.StreamReader) -> tuple[str, str]:
    """The addresses that the server prints when it takes calls."""
    async for line in output:
        if ready := READY.search(line.decode()):
            return ready[1], ready[2]
    raise SystemExit("the server did not start")


class Narrator:
    """Prints the conversation as the server tells of it."""

    def __init__(self, http: str, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}
        self._began_wall: float | None = None
        self.call_id: str | None = None

    async def follow(self) -> None:
        """Until the call has ended."""
        async with (
            aiohttp.ClientSession(headers=self._headers) as client,
            client.ws_connect(f"{self._http}/v1/events") as events,
        ):
            async for message in events:
                event = msgspec.json.decode(message.data).get("event")
                if event is not None and self._tell(event):
                    return

    async def get(self, path: str) -> bytes:
        """Read something of the API."""
        async with (
            aiohttp.ClientSession(headers=self._headers, raise_for_status=True) as client,
            client.get(f"{self._http}{path}") as answer,
        ):
            return await answer.read()

    def _tell(self, event: dict[str, Any]) -> bool:
        kind = event["type"]
        self.call_id = event["call_id"]
        if kind == "call.answered":
            self._began_wall = event["at_wall"]
            self._say(event, "", f"answered, {event['codec']} at {event['rate_hz']} Hz")
        elif kind == "caller.said" and event["final"]:
            heard = event["text"] or "(not understood)"
            self._say(event, "caller", heard)
        elif kind == "caller.pressed":
            self._say(event, "caller", f"[{event['digit']}]")
        elif kind == "agent.speaking":
            self._say(event, "agent", event["text"])
        elif kind == "agent.interrupted":
            self._say(event, "", f"barge-in; heard: {event['heard']}")
        elif kind == "call.ended":
            self._say(event, "", f"ended ({event['cause']})")
            return True
        return False

    def _say(self, event: dict[str, Any], who: str, what: str) -> None:
        began = self._began_wall if self._began_wall is not None else event["at_wall"]
        print(f"{event['at_wall'] - began:7.2f}  {who:7} {what}", flush=True)


# --- afterwards -----------------------------------------------------------------------------------

STAGES = ("transcript_ms", "decided_ms", "first_text_ms", "first_speech_ms", "first_sample_ms")


def print_latency(call: dict[str, Any]) -> list[str]:
    """The table; returns what was not answered."""
    print("\nHow long the caller waited, in ms from the end of speech:\n")
    header = ("answer", "words", "decided", "reply text", "speech", "FIRST AUDIO")
    print(f"{header[0]:44}" + "".join(f"{name:>12}" for name in header[1:]))
    missing: list[str] = []
    turns = call["turns"]
    for index, turn in enumerate(turns):
        if turn["role"] == "caller":
            answered = index + 1 < len(turns) and turns[index + 1]["role"] == "agent"
            if not answered:
                missing.append(f"“{turn['text'] or turn['digits']}” was not answered")
            continue
        latency = turn["latency"]
        if latency is None:
            continue
        cells = ["-" if latency[s] is None else f"{latency[s]:.0f}" for s in STAGES]
        mark = " *" if latency["speculative"] else ""
        text = turn["planned_text"] or turn["text"]
        print(f"{text[:41]:41}{mark:3}" + "".join(f"{cell:>12}" for cell in cells))
    print("\n* the reply was ready behind the gate before the turn was declared over")
    return missing


def leave_files(call: dict[str, Any], wav: bytes, folder: Path) -> None:
    """The recording, the picture, the JSON."""
    (folder / "call.wav").write_bytes(wav)
    (folder / "call.json").write_bytes(msgspec.json.format(msgspec.json.encode(call), indent=2))
    with (folder / "call.wav").open("rb") as file:
        reader = WavReader(file)
        stereo = reader.read(3600 * reader.rate_hz)
    turns = [
        DrawnTurn(
            turn["role"],
            turn["text"] or turn["digits"],
            turn["begin_s"],
            turn["end_s"],
            turn["interrupted"],
            turn["latency"]["first_sample_ms"] if turn["latency"] else None,
        )
        for turn in call["turns"]
    ]
    title = f"{call['codec']}, {call['rate_hz']} Hz, {len(turns)} turns"
    draw(stereo, reader.rate_hz, turns, title, folder / "timeline.png")


async def run() -> int:
    """The whole demo; returns the exit code."""
    began = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    prompts = fetch(CACHE.resolve())
    print(f"caller: {'a recorded human voice' if prompts else 'synthetic speech (no recordings)'}")
    token = secrets.token_urlsafe(16)
    async with server(FOLDER, token) as (http, sip):
        narrator = Narrator(http, token)
        following = asyncio.create_task(narrator.follow(), name="narrator")
        phone = Softphone(host="127.0.0.1", listens=True)
        await phone.start()
        failures: list[str] = []
        try:
            address = sip.removeprefix("sip:")
            call = phone.call(f"sip:agent@{address}")
            if not await call.answered():
                print(f"the call was not answered: {call.end}")
                return 1
            conversation = Conversation(call, Voice(prompts, call.lane.rate_hz))
            await talk(conversation)
            failures = conversation.failures
            await following
            data = await narrator.get(f"/v1/calls/{narrator.call_id}")
            wav = await narrator.get(f"/v1/calls/{narrator.call_id}/recording")
        finally:
            following.cancel()
            await phone.aclose()
    call_view: dict[str, Any] = msgspec.json.decode(data)
    failures += print_latency(call_view)
    leave_files(call_view, wav, FOLDER)
    print(f"\n{FOLDER}/call.wav (caller left, agent right), timeline.png, call.json")
    print(f"{time.monotonic() - began:.0f} s")
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


def main() -> int:
    """Run it."""
    return uvloop.run(run())


if __name__ == "__main__":
    raise SystemExit(main())
