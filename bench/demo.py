"""`make demo`: a real SIP call with recorded human speech, held with the embedded agent.

Starts the server as its own process, calls it over UDP from this one, prints the conversation as it
happens and each turn's latency, and leaves `demo/` with the stereo WAV, a picture and the JSON.
Exits with 1 if any turn was not answered.
"""

import asyncio
import secrets
import shutil
import time
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from ..control.calls.softphone import PlacedCall, Softphone
from .demonstration.caller import Caller
from .demonstration.demo_report import leave_files, print_latency
from .demonstration.narrator import Narrator, server
from .speech.human_speech import Prompts, fetch
from .speech.voice import Voice

FOLDER = Path("demo")
CACHE = Path(".cache/speech")
ANSWER_LIMIT_S = 20.0
"An answer that takes longer has not come."
CALL_LIMIT_S = 110.0
NUMBER = "4071#"
INTERRUPT_AFTER_MS = 4500


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
        if not await self.caller.wait_until_it_has_spoken(INTERRUPT_AFTER_MS, ANSWER_LIMIT_S):
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
    await caller.say(await voice.words("vm-goodbye", "goodbye"))
    await caller.call.ended()


async def run(prompts: Prompts | None) -> int:
    """The whole demo; returns the exit code."""
    token = secrets.token_urlsafe(16)
    async with server(FOLDER, token) as (http, sip):
        narrator = Narrator(http, token)
        following = asyncio.create_task(narrator.follow(), name="narrator")
        phone = Softphone(host="127.0.0.1", listens=True)
        await phone.start()
        try:
            call = phone.call(f"sip:agent@{sip.removeprefix('sip:')}")
            if not await call.answered():
                print(f"FAILED: the call was not answered: {call.end}")
                return 1
            conversation = Conversation(call, Voice(prompts, call.lane.rate_hz))
            async with asyncio.timeout(CALL_LIMIT_S):
                await talk(conversation)
                await following
            data = await narrator.get(f"/v1/calls/{narrator.call_id}")
            wav = await narrator.get(f"/v1/calls/{narrator.call_id}/recording")
        finally:
            following.cancel()
            await phone.aclose()
    record: dict[str, Any] = msgspec.json.decode(data)
    failures = conversation.failures + print_latency(record)
    leave_files(record, wav, FOLDER)
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


def main() -> int:
    """Run it."""
    began = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    prompts = fetch(CACHE.resolve())
    print(f"caller: {'a recorded human voice' if prompts else 'synthetic speech (no recordings)'}")
    code = uvloop.run(run(prompts))
    print(f"\n{FOLDER}/call.wav (caller left, agent right), timeline.png, call.json")
    print(f"{time.monotonic() - began:.0f} s")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
