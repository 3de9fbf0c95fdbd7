"""Speaking over an agent, again and again, at seeded places; and what became of its voice.

The agent's greeting (or its answer to a question of ours) is heard undisturbed twice: when both
are the same, it is the reference for every call that follows, and a place in it can be chosen where
the voice is loud. When they are not, places are chosen by time, and only the level is looked at.
Holds no clock: it waits for packets of the lines, real or simulated. Not here: whose agent it is.
"""

import asyncio
import logging
import random
from collections.abc import Callable

import msgspec
import numpy as np

from ..speech.waveform import first_audible, last_audible
from .disturbances import DISTURBANCES
from .line import RATE_HZ, Echo, Line, LineFailed, Pcm
from .overlap_audio import Outcome, outcome, outcome_by_level, places, repeatable
from .turns import FOREIGN, hear_out

WORDS = "words"
ECHO_DB = (-10, -15, -20, -25, -30)
ECHO_DELAY_MS = (50, 120, 200, 300)
ECHO_PIECES = 4
"Of 2.4 s, that each call with an echo is judged in."
BEFORE_MS, AFTER_MS = 100, 350
"Around a barge-in the reference must be loud: then a stop can be timed."
WORDS_SETTLE_S = 1.2
"After the words: neither leak nor resumption later than that."
SETTLE_S = 2.4
"From the begin of a sound on: by then the agent goes on, or it has stopped."
AFTER_SOUND_S = 1.4
"At least, from the end of a long one on."
BETWEEN_SOUNDS_S = 0.8
SHIFT_S = 0.4
"By up to so much is each sound put off, so that no phase is special."
FIRST_S = 1.5
LATEST_S = 10.0
"Nobody waits longer to interrupt."
END_S = 3.0
"Of the agent's speech: no event there, what follows it is no longer the rendering."
LONGEST_S = 30.0
"So much of it is listened to."
OVER_S = 1.5
"Silence after which the agent has finished."
OPENING_LIMIT_S = 15.0
LEAD_S = 0.06
"An event is put into packets that have not left yet."
LOOK_EVERY = RATE_HZ // 10
STOPPED_QUIET_MS = 400
"By level alone: so long a silence after words is a stop,"
FALSE_STOP_QUIET_MS = 1000
"and so long a one after a sound."

Sound = tuple[str, Pcm]
"Its kind, and itself."

logger = logging.getLogger(__name__)

MakeLine = Callable[[random.Random], Line]


class NothingHeard(Exception):
    """The agent does not say anything, or too little to be interrupted."""


class Event(msgspec.Struct, frozen=True):
    """A sound over the agent. Looked at when no call is up: looking would hold up the phones."""

    kind: str
    line: Line
    begin: int
    "Its first sample, of what was said."
    last: int
    end: int
    "Where to stop looking, in what was heard."


class Judged(msgspec.Struct, frozen=True):
    """An event, and what became of the agent's voice; None: it did not speak just before."""

    kind: str
    outcome: Outcome | None
    duck_ms: float | None = None
    silence_ms: float | None = None
    "Both from the caller's first sample at the mouth to the ear."
    event: Event | None = None
    onset: int = 0
    "The first sample heard that may be an answer to it."


class Plan(msgspec.Struct, frozen=True):
    """How much is done."""

    events: int = 24
    "Of each kind."
    concurrent: int = 4
    seed: int = 1


class Interruptions:
    """An agent and what it sounds like undisturbed: `listen` comes first."""

    def __init__(self, make_line: MakeLine, plan: Plan, question: Pcm | None = None) -> None:
        """`question` is said first, after the greeting, where that is too short to interrupt."""
        self._make_line = make_line
        self._plan = plan
        self._question = question
        self._limit = asyncio.Semaphore(plan.concurrent)
        self._reference = np.zeros(0, np.int16)
        self._calls = 0
        self.by_level = False
        "It never says the same thing twice: there is no reference."

    async def listen(self) -> None:
        """Two calls in which the caller does not interrupt. Raises LineFailed, NothingHeard."""
        first, second = await asyncio.gather(self._undisturbed(), self._undisturbed())
        self._reference = first
        self.by_level = not repeatable(first, second)
        if self.speech_s < FIRST_S + END_S:
            raise NothingHeard(
                f"the agent spoke for {self.speech_s:.1f} s: too short to interrupt"
                " (--ask makes it say more)"
            )

    @property
    def speech_s(self) -> float:
        """How long the agent speaks when nobody interrupts."""
        return len(self._reference) / RATE_HZ

    # --- what is done ----------------------------------------------------------------------------

    async def words(self, words: list[Pcm]) -> list[Judged]:
        """One call for each event: begin to speak in the middle of the agent's."""
        events = await asyncio.gather(*(self._interrupt(words) for _ in range(self._plan.events)))
        return [self._judged(WORDS, event) for event in events]

    async def sounds(self, kinds: tuple[str, ...] = tuple(DISTURBANCES)) -> list[Judged]:
        """Calls with a sound every few seconds; what came after a stop has a call of its own."""
        rng = random.Random(self._plan.seed)
        todo = [(kind, DISTURBANCES[kind](rng)) for kind in kinds for _ in range(self._plan.events)]
        rng.shuffle(todo)
        room_s = min(self.speech_s, LONGEST_S) - FIRST_S - END_S
        judged = await self._disturbed(shared_out(todo, room_s))
        missed = [n for n, each in enumerate(judged) if each.outcome is None]
        again = await self._disturbed([[todo[n]] for n in missed])
        for n, each in zip(missed, again, strict=True):
            judged[n] = each
        return judged

    async def echo(self) -> list[Judged]:
        """A call for each level and delay, looked at piece by piece."""
        lines = [(db, ms) for db in ECHO_DB for ms in ECHO_DELAY_MS]
        calls = await asyncio.gather(*(self._echo(db, ms) for db, ms in lines))
        step = int(SETTLE_S * RATE_HZ)
        return [
            Judged(f"echo {db} dB", self._outcome(line, at, at + step, FALSE_STOP_QUIET_MS, None))
            for (db, _), (line, start) in zip(lines, calls, strict=True)
            for at in range(start + int(FIRST_S * RATE_HZ), start + self._echo_end(), step)
        ]

    # --- calls -----------------------------------------------------------------------------------

    async def _interrupt(self, words: list[Pcm]) -> Event | None:
        async with self._limit:
            line, rng = self._line()
            try:
                start = await self._opened(line)
                place = start + rng.choice(self._places())
                return await self._say_at(WORDS, line, place, rng.choice(words), WORDS_SETTLE_S)
            except (LineFailed, NothingHeard) as exc:
                self._failed(exc)
                return None
            finally:
                await line.hang_up()

    async def _disturbed(self, lots: list[list[Sound]]) -> list[Judged]:
        results = await asyncio.gather(*(self._disturb(lot) for lot in lots))
        return [
            self._judged(kind, event)
            for lot, events in zip(lots, results, strict=True)
            for (kind, _), event in zip(lot, events, strict=True)
        ]

    async def _disturb(self, lot: list[Sound]) -> list[Event | None]:
        events: list[Event | None] = []
        async with self._limit:
            line, rng = self._line()
            try:
                place = await self._opened(line) + int(FIRST_S * RATE_HZ)
                for kind, pcm in lot:
                    shift = int(rng.uniform(0, SHIFT_S) * RATE_HZ)
                    settle_s = taken_s(pcm) - len(pcm) / RATE_HZ
                    events.append(await self._say_at(kind, line, place + shift, pcm, settle_s))
                    place = line.heard.end + int(BETWEEN_SOUNDS_S * RATE_HZ)
            except (LineFailed, NothingHeard) as exc:
                self._failed(exc)
            finally:
                await line.hang_up()
        return events + [None] * (len(lot) - len(events))

    async def _echo(self, level_db: float, delay_ms: int) -> tuple[Line, int]:
        """From the first piece on, what the agent says comes back, so much weaker and later."""
        async with self._limit:
            line, _ = self._line()
            start = 0
            try:
                start = await self._opened(line)
                while line.heard.end < start + int(FIRST_S * RATE_HZ):
                    if not await line.wait_until(line.position + line.said.packet):
                        return line, start
                line.mouth.echo = Echo(level_db, delay_ms)
                length = self._echo_end() - int(FIRST_S * RATE_HZ)
                await line.wait_until(line.position + length + RATE_HZ // 2)
            except (LineFailed, NothingHeard) as exc:
                self._failed(exc)
            finally:
                await line.hang_up()
        return line, start

    async def _undisturbed(self) -> Pcm:
        async with self._limit:
            line, _ = self._line()
            try:
                start = await self._opened(line)
                begun, length = line.position, 0
                while await line.wait_until(line.position + LOOK_EVERY):
                    length = last_audible(line.heard.pcm()[start:], RATE_HZ) or 0
                    silent = line.heard.ear_at(line.said.sent_at[-1]) - start - length
                    if silent >= OVER_S * RATE_HZ or line.position - begun >= LONGEST_S * RATE_HZ:
                        break
                return line.heard.pcm()[start : start + length].copy()
            finally:
                await line.hang_up()

    def _failed(self, reason: Exception) -> None:
        """One call in many that does not come about costs its own events, and not the others'."""
        logger.warning("not measured: %s", reason)

    def _line(self) -> tuple[Line, random.Random]:
        self._calls += 1
        rng = random.Random(self._plan.seed * 10_000 + self._calls)
        return self._make_line(rng), rng

    async def _opened(self, line: Line) -> int:
        """Dial; where the speech that is interrupted begins, in what is heard."""
        await line.call()
        begin = 0
        if self._question is not None:
            await hear_out(line, 0, FOREIGN.greeting_limit_s, FOREIGN.quiet_s)
            last = line.say(self._question) + len(self._question) - 1
            await line.wait_until(last + 1)
            begin = line.heard.position_at(line.said.left_at(last))
        asked = line.position
        while await line.wait_until(line.position + LOOK_EVERY):
            if (start := first_audible(line.heard.pcm(), RATE_HZ, begin)) is not None:
                return start
            if line.position - asked > OPENING_LIMIT_S * RATE_HZ:
                break
        raise NothingHeard("the agent says nothing" + (": --ask it something" if not begin else ""))

    async def _say_at(
        self, kind: str, line: Line, place: int, pcm: Pcm, settle_s: float
    ) -> Event | None:
        """Make a sound when `place` of what is heard is due; None: the call ended before."""
        lead = int(LEAD_S * RATE_HZ)
        while line.heard.end < place - lead:
            if not await line.wait_until(line.position + line.said.packet):
                return None
        begin = line.say(pcm, line.position + max(0, place - line.heard.end))
        if not await line.wait_until(begin + len(pcm) + int(settle_s * RATE_HZ)):
            return None
        return Event(kind, line, begin, begin + len(pcm) - 1, line.heard.end)

    # --- what it is worth ------------------------------------------------------------------------

    def _places(self) -> list[int]:
        """Where words may begin, in the agent's speech."""
        first = int(FIRST_S * RATE_HZ)
        last = min(int(LATEST_S * RATE_HZ), len(self._reference) - int(END_S * RATE_HZ))
        if self.by_level:
            return list(range(first, last))
        loud = [p for p in places(self._reference[:last], BEFORE_MS, AFTER_MS) if p >= first]
        return loud or list(range(first, last))

    def _echo_end(self) -> int:
        pieces = min(ECHO_PIECES, int((self.speech_s - FIRST_S) / SETTLE_S))
        return int((FIRST_S + max(1, pieces) * SETTLE_S) * RATE_HZ)

    def _judged(self, kind: str, event: Event | None) -> Judged:
        if event is None:
            return Judged(kind, None)
        said, heard = event.line.said, event.line.heard
        spoken_at = said.spoken_at(event.begin)
        onset = heard.position_at(spoken_at)
        over = heard.position_at(said.left_at(event.last))
        is_words = kind == WORDS
        quiet_ms = STOPPED_QUIET_MS if is_words else FALSE_STOP_QUIET_MS
        until = over if is_words else None
        found = self._outcome(event.line, onset, event.end, quiet_ms, until)

        def since(samples: int | None) -> float | None:
            if samples is None:
                return None
            return (heard.heard_at(onset + samples) - spoken_at) * 1000

        if found is None:
            return Judged(kind, None, event=event, onset=onset)
        return Judged(kind, found, since(found.duck), since(found.silent), event, onset)

    def _outcome(
        self, line: Line, onset: int, end: int, quiet_ms: int, quiet_until: int | None
    ) -> Outcome | None:
        heard = line.heard.pcm()
        if self.by_level:
            return outcome_by_level(heard, onset, end, quiet_ms, quiet_until)
        return outcome(heard, self._reference, onset, end, quiet_until)


def taken_s(pcm: Pcm) -> float:
    """From the begin of a sound until what became of the agent's voice is known."""
    return max(SETTLE_S, len(pcm) / RATE_HZ + AFTER_SOUND_S)


def shared_out(todo: list[Sound], room_s: float) -> list[list[Sound]]:
    """The sounds in calls, as many in each as there is time for; at least one."""
    lots: list[list[Sound]] = []
    left_s = 0.0
    for kind, pcm in todo:
        needed_s = taken_s(pcm) + SHIFT_S + BETWEEN_SOUNDS_S + LEAD_S
        if not lots or needed_s > left_s:
            lots.append([])
            left_s = room_s
        lots[-1].append((kind, pcm))
        left_s -= needed_s
    return lots
