"""What a scripted agent does when it is interrupted is what is measured, through the whole core."""

import random
from collections.abc import Callable

import numpy as np
import pytest

from offhook.bench.phones import interruptions
from offhook.bench.phones.interruptions import (
    Interruptions,
    Judged,
    NothingHeard,
    Plan,
    shared_out,
    taken_s,
)
from offhook.bench.phones.line import RATE_HZ, Line, LineFailed, Pcm
from offhook.tests.kit.fake_line import Agent, FakeLine, answering, interruptible

WINDOW_MS = 10
FEW_SAMPLES_MS = 0.75
PLAN = Plan(events=4, concurrent=2, seed=3)
WORDS = [np.full(5000, 6000, np.int16)]


def voice(seconds: float, seed: int) -> Pcm:
    """Never repeats itself: noise in syllables."""
    noise = np.random.default_rng(seed).normal(0, 1, int(seconds * RATE_HZ))
    sound = np.convolve(noise, np.ones(3) / 3, "same")
    syllables = 0.7 + 0.3 * np.sin(2 * np.pi * 3.1 * np.arange(len(sound)) / RATE_HZ)
    said: Pcm = np.rint(4000 * sound * syllables).astype(np.int16)
    said[-1] = 4000
    return said


RENDERING = np.concatenate([voice(16, 5), np.zeros(60 * RATE_HZ, np.int16)])


def calls(agent: Agent, phase_s: float = 0.007) -> Callable[[random.Random], Line]:
    return lambda rng: FakeLine(agent, phase_s)


async def heard_after(agent: Agent, plan: Plan = PLAN) -> list[Judged]:
    """What is made of words over it."""
    bench = Interruptions(calls(agent), plan)
    await bench.listen()
    assert not bench.by_level
    assert bench.speech_s == pytest.approx(16, abs=0.01)
    judged = await bench.words(WORDS)
    assert len(judged) == plan.events
    assert all(each.outcome is not None for each in judged)
    return judged


async def test_duck_and_silence_are_timed_from_the_callers_first_sample() -> None:
    for each in await heard_after(interruptible(RENDERING, 55, 235)):
        assert each.outcome is not None
        assert each.duck_ms == pytest.approx(55, abs=FEW_SAMPLES_MS)
        assert each.silence_ms == pytest.approx(235, abs=FEW_SAMPLES_MS)
        assert (each.outcome.leaked_ms, each.outcome.resumed) == (0, False)


async def test_an_agent_that_stops_a_hundred_milliseconds_later_is_reported_so() -> None:
    early = await heard_after(interruptible(RENDERING, 40, 200))
    late = await heard_after(interruptible(RENDERING, 140, 300))
    for first, second in zip(early, late, strict=True):
        assert first.duck_ms is not None
        assert first.silence_ms is not None
        assert second.silence_ms == pytest.approx(first.silence_ms + 100, abs=FEW_SAMPLES_MS)
        assert second.duck_ms == pytest.approx(first.duck_ms + 100, abs=FEW_SAMPLES_MS)


async def test_a_leak_of_eighty_milliseconds_is_reported_so() -> None:
    for each in await heard_after(interruptible(RENDERING, 40, 200, leak=(400, 80))):
        assert each.outcome is not None
        assert each.outcome.leaked_ms == pytest.approx(80, abs=WINDOW_MS)


async def test_an_agent_that_does_not_listen_is_told_from_one_that_does() -> None:
    for each in await heard_after(interruptible(RENDERING)):
        assert each.outcome is not None
        assert (each.outcome.resumed, each.outcome.lost) == (True, 0)
        assert (each.duck_ms, each.silence_ms) == (None, None)


@pytest.mark.parametrize(
    ("stop_after_ms", "skip", "lost"),
    [(200, 0, 0), (200, 480, 480), (200, -800, 0), (None, 480, 480), (None, 0, 0)],
)
async def test_samples_lost_on_resuming_are_counted(
    stop_after_ms: float | None, skip: int, lost: int
) -> None:
    agent = interruptible(RENDERING, 40, stop_after_ms, resume_after_ms=700, skip=skip)
    bench = Interruptions(calls(agent), PLAN)
    await bench.listen()
    judged = await bench.sounds(("cough",))
    assert len(judged) == PLAN.events
    for each in judged:
        assert each.outcome is not None
        assert each.outcome.resumed
        assert each.outcome.lost == pytest.approx(lost, abs=8)
        assert each.outcome.repeated == pytest.approx(max(0, -skip), abs=8)
        assert each.outcome.yielded == (stop_after_ms is not None)
        if not lost:
            assert each.outcome.lost == 0


async def test_false_stops_are_told_and_no_sound_is_left_out_because_of_one() -> None:
    bench = Interruptions(calls(interruptible(RENDERING, 40, 200)), PLAN)
    await bench.listen()
    judged = await bench.sounds(("cough", "music"))
    assert sorted(each.kind for each in judged) == ["cough"] * 4 + ["music"] * 4
    assert all(each.outcome is not None and not each.outcome.resumed for each in judged)
    assert all(each.silence_ms == pytest.approx(200, abs=FEW_SAMPLES_MS) for each in judged)


@pytest.mark.parametrize("limit_db", [-5, -18])
async def test_an_agent_that_its_own_echo_stops_is_reported_so(limit_db: float) -> None:
    """It stops for good when what it hears is louder than the limit below its own voice."""
    limit = 10 ** (limit_db / 20) * float(np.sqrt(np.mean(RENDERING[:80_000].astype(float) ** 2)))

    stopped: set[FakeLine] = set()

    def agent(line: FakeLine, position: int) -> Pcm:
        said = line.said.pcm()[-RATE_HZ:].astype(float)
        if float(np.sqrt(np.mean(said**2))) > limit:
            stopped.add(line)
        packet = RENDERING[position : position + 160]
        return np.zeros(160, np.int16) if line in stopped else packet

    bench = Interruptions(calls(agent), PLAN)
    await bench.listen()
    judged = await bench.echo()
    assert len(judged) == 5 * 4 * interruptions.ECHO_PIECES
    kinds = {j.kind for j in judged if j.outcome is not None and not j.outcome.resumed}
    assert kinds == (set() if limit_db == -5 else {"echo -10 dB", "echo -15 dB"})
    assert all(j.outcome is not None for j in judged if j.kind == "echo -30 dB")


async def test_an_agent_that_never_says_the_same_is_judged_by_its_level() -> None:
    number = 0

    def each_call_another(rng: random.Random) -> Line:
        nonlocal number
        number += 1
        said = np.concatenate([voice(16, 100 + number), np.zeros(60 * RATE_HZ, np.int16)])
        return FakeLine(interruptible(said, None, 300, leak=(800, 50)))

    bench = Interruptions(each_call_another, PLAN)
    await bench.listen()
    assert bench.by_level
    for each in await bench.words(WORDS):
        assert each.outcome is not None
        assert each.duck_ms is None
        assert each.silence_ms == pytest.approx(300, abs=WINDOW_MS)
        assert each.outcome.lost is None
        assert not each.outcome.resumed


async def test_an_agent_whose_greeting_is_short_is_asked_first() -> None:
    question = np.full(4000, 3000, np.int16)
    agent = answering(RENDERING[: 14 * RATE_HZ], 900, RENDERING[60_000:68_000])
    bench = Interruptions(calls(agent), PLAN, question)
    await bench.listen()
    assert bench.speech_s == pytest.approx(14, abs=0.01)
    alone = Interruptions(calls(agent), PLAN)
    with pytest.raises(NothingHeard, match=r"1\.0 s"):
        await alone.listen()


async def test_an_agent_that_says_nothing_is_no_result() -> None:
    bench = Interruptions(calls(lambda line, position: np.zeros(160, np.int16)), PLAN)
    with pytest.raises(NothingHeard):
        await bench.listen()


async def test_calls_that_are_refused_cost_their_own_events_only() -> None:
    class Refused(FakeLine):
        async def call(self) -> None:
            raise LineFailed("503")

    number = 0

    def make_line(rng: random.Random) -> Line:
        nonlocal number
        number += 1
        agent = interruptible(RENDERING, 40, 200)
        return Refused(agent) if number % 4 == 0 else FakeLine(agent)

    bench = Interruptions(make_line, PLAN)
    await bench.listen()
    words = await bench.words(WORDS)
    assert [each.outcome is None for each in words].count(True) == 1  # the fourth of all calls
    echo = await bench.echo()
    assert len(echo) == 5 * 4 * interruptions.ECHO_PIECES
    assert sum(each.outcome is None for each in echo) == 5 * interruptions.ECHO_PIECES


def test_sounds_are_shared_out_so_that_each_call_has_time_for_its_own() -> None:
    todo = [("short", np.zeros(800, np.int16)), ("long", np.zeros(16_000, np.int16))] * 5
    lots = shared_out(todo, 10.0)
    assert [each for lot in lots for each in lot] == todo
    for lot in lots:
        assert sum(taken_s(pcm) for _, pcm in lot) <= 10
    assert len(lots) == 5
    assert len(shared_out(todo, 0.5)) == 10
