"""What happens when the caller makes a sound while the agent speaks, measured in the waveform.

    offhook bench bargein [--part words sounds echo] [--events 24] [--out file.json]

A bare telephone calls the server (another process, embedded speech recognition and voice) and, in
the middle of a long greeting, at places chosen by a seed, says words that take the floor, or makes
sounds that do not: coughs, hums ("mm-hm"), keys of a keyboard; or sends back what it receives, as
an echo. What the agent does is read off the audio that comes back, compared with an undisturbed
rendering. Times count from the caller's first audible sample at the mouth; the packet that takes
it along leaves up to 20 ms later. Not here: how long the answer takes (latency.py).
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import uvloop
from numpy.typing import NDArray

from .bare_phone import RATE_HZ, BarePhone
from .human_speech import fetch
from .latency import CACHE, LATENESS_LIMIT_MS, Spread, spread
from .overlap_audio import Outcome, cough, keyboard, mm_hm, outcome, places, sharp_begin
from .results_file import Document, origin, write
from .server_process import ServerProcess
from .voice import Voice
from .waveform import last_audible, percentile

Pcm = NDArray[np.int16]

SENTENCES = (
    "Welcome to the service for customers with more than one telephone line in their house.",
    "Every morning our engineers check the switches and replace the parts that wear out.",
    "Visitors are welcome between nine and five, and children come along without a ticket.",
    "Parcels that nobody collects within fourteen days are returned to whoever sent them.",
    "Whenever the weather turns cold the pipes under the old bridge begin to sing at night.",
    "Please have your contract number ready before you ask for changes to your account.",
)
PROMPTS = (
    ("call-waiting", "call waiting"),
    ("call-forwarding", "call forwarding"),
    ("telephone-number", "telephone number"),
)
CONFIG = """\
[[agents]]
name = "bench"

[agents.house]
greeting = "{greeting}"

{answers}
"""
ANSWER = """\
[[agents.house.answers]]
name = "{name}"
say = "You asked for {phrase}."
phrases = ["{phrase}"]
"""
SOUNDS: dict[str, Callable[[random.Random], Pcm]] = {
    "cough": cough,
    "mm-hm": mm_hm,
    "keyboard": keyboard,
}
ECHO_DB = (-10, -15, -20, -25, -30)
ECHO_DELAY_MS = (50, 120, 200, 300)
ECHO_PIECES = 4
"Of 2.4 s, that each call with an echo is judged in."
BEFORE_MS, AFTER_MS = 100, 350
"Around a barge-in the reference must be loud: then a stop can be timed."
WORDS_SETTLE_S = 1.2
"After the words: neither leak nor resumption later than that."
SOUND_EVERY_S = 3.2
SETTLE_S = 2.4
"After a sound: by then the agent goes on, or it has stopped."
FIRST_S = 1.5
LATEST_S = 10.0
"Nobody waits longer to interrupt."
END_S = 3.0
"Of the greeting: no event there, what follows it is no longer the rendering."
GREETING_S = 30.0
"So much of it is listened to."
LEAD_S = 0.06
"An event is put into packets that have not left yet."


class Words(msgspec.Struct, frozen=True):
    """Barge-ins that are meant."""

    trials: int
    stopped: int
    duck_ms: Spread
    duck_p95_ms: float | None
    silence_ms: Spread
    silence_p95_ms: float | None
    leaked_ms_max: int
    "Agent's voice heard between its first silence and the end of the caller's words."


class Sounds(msgspec.Struct, frozen=True):
    """Sounds that should not stop the agent."""

    kind: str
    trials: int
    not_measured: int
    stopped: int
    "False stops."
    ducked: int
    paused: int
    "Of those that went on: it fell silent in between."
    lost_samples: int
    repeated_ms: Spread
    "Said again after a pause."


class Report(msgspec.Struct, frozen=True):
    """All parts that were asked for."""

    words: Words | None
    sounds: list[Sounds]


class Event(msgspec.Struct, frozen=True):
    """A sound over the agent. Looked at when no call is up: looking would hold up the phones."""

    kind: str
    phone: BarePhone
    begin: int
    "Its first sample, of what was said."
    last: int
    end: int
    "Where to stop looking, in what was heard."


Timed = tuple[Outcome, float | None, float | None]
"What became of the agent's voice, and the times of duck and silence, ms."


class Bench:
    """A server with a long greeting, and what it sounds like undisturbed."""

    def __init__(self, server: ServerProcess, arguments: argparse.Namespace) -> None:
        self._server = server
        self._seed: int = arguments.seed
        self._events: int = arguments.events
        self._limit = asyncio.Semaphore(arguments.concurrent)
        self._reference = np.zeros(0, np.int16)
        self._calls = 0

    async def hear_undisturbed(self) -> None:
        """One call in which the caller says nothing: the reference."""
        phone, _ = await self._dial()
        try:
            await phone.wait_until(int(GREETING_S * RATE_HZ))
            heard = phone.heard.pcm().copy()
        finally:
            await phone.hang_up()
        end = last_audible(heard, RATE_HZ)
        assert end is not None, "the greeting was not heard"
        self._reference = heard[:end]

    @property
    def greeting_s(self) -> float:
        """Its length."""
        return len(self._reference) / RATE_HZ

    # --- words -----------------------------------------------------------------------------------

    async def words(self, words: list[Pcm]) -> Words:
        """One call for each: begin to speak in the middle of the agent's."""
        events = await asyncio.gather(*(self._interrupt(words) for _ in range(self._events)))
        results = [self._timed(event) for event in events if event is not None]
        found = [each for each in results if each is not None]
        stopped = [(o, d, s) for o, d, s in found if not o.resumed and o.silent is not None]
        ducks = [duck for _, duck, _ in found if duck is not None]
        silences = [silence for _, _, silence in stopped if silence is not None]
        return Words(
            trials=len(found),
            stopped=len(stopped),
            duck_ms=spread(ducks),
            duck_p95_ms=percentile(ducks, 0.95),
            silence_ms=spread(silences),
            silence_p95_ms=percentile(silences, 0.95),
            leaked_ms_max=max((o.leaked_ms for o, _, _ in stopped), default=0),
        )

    async def _interrupt(self, words: list[Pcm]) -> Event | None:
        async with self._limit:
            phone, rng = await self._dial()
            try:
                # The greeting begins with the call: a place in it is a place in what is heard.
                last = int(LATEST_S * RATE_HZ)
                choice = places(self._reference[:last], BEFORE_MS, AFTER_MS)
                place = rng.choice([p for p in choice if p > FIRST_S * RATE_HZ])
                pcm = rng.choice(words)
                return await self._say_at("words", phone, place, pcm, WORDS_SETTLE_S)
            finally:
                await phone.hang_up()

    async def _say_at(
        self, kind: str, phone: BarePhone, place: int, pcm: Pcm, settle_s: float
    ) -> Event | None:
        """Make a sound when `place` of what is heard is due; None: the call ended before."""
        lead = int(LEAD_S * RATE_HZ)
        while phone.heard.end < place - lead:
            if not await phone.wait_until(phone.position + 160):
                return None
        begin = phone.say(pcm, phone.position + max(0, place - phone.heard.end))
        if not await phone.wait_until(begin + len(pcm) + int(settle_s * RATE_HZ)):
            return None
        return Event(kind, phone, begin, begin + len(pcm) - 1, phone.heard.end)

    def _timed(self, event: Event) -> Timed | None:
        """What became of it, timed at the ear; None: the agent did not speak before it."""
        phone = event.phone
        spoken_at = phone.said.spoken_at(event.begin)
        onset = phone.heard.position_at(spoken_at)
        quiet_until = phone.heard.position_at(phone.said.left_at(event.last))
        found = outcome(phone.heard.pcm(), self._reference, onset, event.end, quiet_until)
        if found is None:
            return None

        def since(samples: int | None) -> float | None:
            if samples is None:
                return None
            return (phone.heard.heard_at(onset + samples) - spoken_at) * 1000

        return found, since(found.duck), since(found.silent)

    # --- sounds and echo -------------------------------------------------------------------------

    async def sounds(self) -> list[Sounds]:
        """Calls with a sound every few seconds; after a stop the rest is not measured."""
        kinds = [kind for kind in SOUNDS for _ in range(self._events)]
        random.Random(self._seed).shuffle(kinds)
        a_call = max(1, int((self.greeting_s - FIRST_S - END_S) / SOUND_EVERY_S))
        lots = [kinds[at : at + a_call] for at in range(0, len(kinds), a_call)]
        results = await asyncio.gather(*(self._disturb(lot) for lot in lots))
        events = [event for each in results for event in each]
        told = [(event.kind, self._timed(event)) for event in events]
        return [_told(kind, [each and each[0] for k, each in told if k == kind]) for kind in SOUNDS]

    async def _disturb(self, kinds: list[str]) -> list[Event]:
        events: list[Event] = []
        async with self._limit:
            phone, rng = await self._dial()
            try:
                place = int(FIRST_S * RATE_HZ)
                for kind in kinds:
                    pcm = SOUNDS[kind](rng)
                    shift = int(rng.uniform(0, 0.4) * RATE_HZ)
                    settle_s = SETTLE_S - len(pcm) / RATE_HZ
                    event = await self._say_at(kind, phone, place + shift, pcm, settle_s)
                    if event is None:
                        break
                    events.append(event)
                    place = phone.heard.end + int((SOUND_EVERY_S - SETTLE_S) * RATE_HZ)
            finally:
                await phone.hang_up()
        return events

    async def echo(self) -> list[Sounds]:
        """A call for each level and delay; looked at piece by piece, told by level."""
        lines = [(db, ms) for db in ECHO_DB for ms in ECHO_DELAY_MS]
        phones = await asyncio.gather(*(self._echo(db, ms) for db, ms in lines))
        step = int(SETTLE_S * RATE_HZ)
        pieces = [int(FIRST_S * RATE_HZ) + step * n for n in range(ECHO_PIECES)]
        told = [
            (level_db, outcome(phone.heard.pcm(), self._reference, at, at + step))
            for (level_db, _), phone in zip(lines, phones, strict=True)
            for at in pieces
        ]
        return [_told(f"echo {db} dB", [each for k, each in told if k == db]) for db in ECHO_DB]

    async def _echo(self, level_db: float, delay_ms: int) -> BarePhone:
        """What the agent says comes back all the time, so much weaker, so much later."""
        level, delay = 10 ** (level_db / 20), delay_ms * RATE_HZ // 1000

        def returned(pcm: Pcm, end: int) -> Pcm:
            packet = np.zeros(160, np.int16)
            if end >= delay + 160:
                packet += np.rint(pcm[end - delay - 160 : end - delay] * level).astype(np.int16)
            return packet

        async with self._limit:
            phone, _ = await self._dial()
            phone.echo = returned
            try:
                length_s = FIRST_S + ECHO_PIECES * SETTLE_S + 0.5
                await phone.wait_until(int(length_s * RATE_HZ))
            finally:
                await phone.hang_up()
        return phone

    # --- calls -----------------------------------------------------------------------------------

    async def _dial(self) -> tuple[BarePhone, random.Random]:
        self._calls += 1
        rng = random.Random(self._seed * 10_000 + self._calls)
        phone = BarePhone(self._server.sip, "agent", rng)
        await phone.call()
        return phone, rng


def _told(kind: str, outcomes: list[Outcome | None]) -> Sounds:
    found = [each for each in outcomes if each is not None]
    on = [each for each in found if each.resumed]
    return Sounds(
        kind=kind,
        trials=len(found),
        not_measured=len(outcomes) - len(found),
        stopped=len(found) - len(on),
        ducked=sum(each.duck is not None for each in found),
        paused=sum(each.yielded for each in on),
        lost_samples=sum(each.lost for each in on),
        repeated_ms=spread([each.repeated * 1000 / RATE_HZ for each in on if each.yielded]),
    )


# --- what is shown --------------------------------------------------------------------------------


def show(report: Report) -> str:
    """The figures as lines of the terminal."""
    lines: list[str] = []
    if report.words is not None:
        w = report.words
        lines += [
            f"words over the agent: {w.trials}, of which {w.stopped} stopped it",
            f"  duck     p50 {_ms(w.duck_ms.p50)}  p95 {_ms(w.duck_p95_ms)}",
            f"  silence  p50 {_ms(w.silence_ms.p50)}  p95 {_ms(w.silence_p95_ms)}",
            f"  leaked afterwards, at most: {w.leaked_ms_max} ms",
        ]
    if report.sounds:
        lines.append(
            f"{'sound':12}{'trials':>8}{'stopped':>9}{'ducked':>8}{'paused':>8}"
            f"{'lost':>6}{'unmeasured':>12}"
        )
    for each in report.sounds:
        lines.append(
            f"{each.kind:12}{each.trials:8}{each.stopped:9}{each.ducked:8}{each.paused:8}"
            f"{each.lost_samples:6}{each.not_measured:12}"
        )
    return "\n".join(lines)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"


async def measure(arguments: argparse.Namespace) -> Report:
    """The parts that are asked for, with one server."""
    voice = Voice(fetch(CACHE), RATE_HZ)
    words = [sharp_begin(await voice.words(*prompt)) for prompt in PROMPTS]
    answers = "\n".join(ANSWER.format(name=name, phrase=phrase) for name, phrase in PROMPTS)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "offhook.toml"
        config.write_text(CONFIG.format(greeting=" ".join(SENTENCES), answers=answers))
        async with ServerProcess(
            Path(folder) / "data", CONFIG=str(config), LIMITS_MAX_LATENESS_MS=LATENESS_LIMIT_MS
        ) as server:
            bench = Bench(server, arguments)
            await bench.hear_undisturbed()
            taken = await bench.words(words) if "words" in arguments.part else None
            sounds = await bench.sounds() if "sounds" in arguments.part else []
            if "echo" in arguments.part:
                sounds += await bench.echo()
    return Report(taken, sounds)


def main(argv: list[str] | None = None) -> int:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = ("words", "sounds", "echo")
    parser.add_argument("--part", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--events", type=int, default=24, help="of each kind")
    parser.add_argument("--concurrent", type=int, default=4, help="calls at a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args(argv)
    report = uvloop.run(measure(arguments))
    print(show(report))
    if arguments.out is not None:
        flags = sys.argv[1:] if argv is None else argv
        where = origin(" ".join(["offhook bench bargein", *flags]))
        write(arguments.out, Document(where, "bargein", [], detail=report))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
