"""The gap that a scripted agent leaves is the gap that is measured, to the sample."""

import random

import numpy as np
import pytest

from offhook.bench.load.scripted_providers import reply_pcm
from offhook.bench.phones.line import RATE_HZ, Echo
from offhook.bench.phones.turns import FOREIGN, OURS, Missed, Pace, Turn, converse, sharp_end
from offhook.tests.kit.fake_line import Agent, FakeLine, answering

REPLY = reply_pcm(RATE_HZ)
WORDS = [REPLY[:4321], REPLY[:2777]]
A_SAMPLE_MS = 1000 / RATE_HZ


async def turns_with(
    agent: Agent, turns: int = 5, pace: Pace = OURS, phase_s: float = 0.007, seed: int = 1
) -> tuple[list[Turn | Missed], FakeLine]:
    line = FakeLine(agent, phase_s)
    return await converse(line, WORDS, turns, random.Random(seed), pace), line


def gaps_of(results: list[Turn | Missed]) -> list[float]:
    assert all(isinstance(each, Turn) for each in results)
    return [each.gap_ms for each in results if isinstance(each, Turn)]


@pytest.mark.parametrize("after_ms", [45, 100, 337.5, 338, 1234, 4000])
@pytest.mark.parametrize("phase_s", [0.0, 0.0031, 0.019])
async def test_an_answer_after_so_long_is_measured_as_so_long(
    after_ms: float, phase_s: float
) -> None:
    results, _ = await turns_with(answering(REPLY, after_ms), phase_s=phase_s)
    assert gaps_of(results) == pytest.approx([after_ms] * 5, abs=A_SAMPLE_MS)


async def test_a_hundred_milliseconds_later_is_exactly_a_hundred_more() -> None:
    early, _ = await turns_with(answering(REPLY, 312.5))
    late, _ = await turns_with(answering(REPLY, 412.5))
    more = np.subtract(gaps_of(late), gaps_of(early))
    assert more == pytest.approx([100.0] * 5, abs=1e-6)


async def test_the_wire_time_counts_whole_packets() -> None:
    results, line = await turns_with(answering(REPLY, 400))
    for turn in results:
        assert isinstance(turn, Turn)
        packets = turn.reply // 160 - turn.last // 160
        assert turn.wire_ms == pytest.approx(20 * packets + 7)
    assert [t.last for t in results if isinstance(t, Turn)] == [last for _, last in line.words]


async def test_noise_and_echo_on_the_callers_side_change_nothing() -> None:
    line = FakeLine(answering(REPLY, 333))
    line.mouth.background = np.random.default_rng(3).normal(0, 500, 16_000).astype(np.int16)
    line.mouth.echo = Echo(-12, 120)
    results = await converse(line, WORDS, 4, random.Random(2), OURS)
    assert gaps_of(results) == pytest.approx([333] * 4, abs=A_SAMPLE_MS)


async def test_comfort_noise_before_the_reply_is_not_the_reply() -> None:
    noise = np.random.default_rng(4)
    inner = answering(REPLY, 500)

    def agent(line: FakeLine, position: int) -> np.ndarray:
        said = inner(line, position)
        assert said is not None
        return said + np.rint(noise.normal(0, 40, 160)).astype(np.int16)

    results, _ = await turns_with(agent)
    # A single sample of the noise may pass for the edge, up to 10 ms before it.
    assert gaps_of(results) == pytest.approx([500] * 5, abs=10)


async def test_the_greeting_is_heard_out_before_anything_is_said() -> None:
    greeting = np.concatenate([REPLY, np.zeros(9000, np.int16), REPLY])  # a pause of 1.1 s in it
    results, line = await turns_with(answering(REPLY, 700, greeting), 2, FOREIGN)
    assert gaps_of(results) == pytest.approx([700, 700], abs=A_SAMPLE_MS)
    assert line.words[0][0] > len(greeting)


async def test_an_answer_that_does_not_come_is_told_and_the_next_turn_is_taken() -> None:
    silent, _ = await turns_with(lambda line, position: np.zeros(160, np.int16), 2)
    assert silent == [Missed.UNANSWERED] * 2


async def test_who_sends_no_packets_while_silent_is_measured_all_the_same() -> None:
    inner = answering(REPLY, 600)

    def agent(line: FakeLine, position: int) -> np.ndarray | None:
        said = inner(line, position)
        return said if said is not None and said.any() else None

    results, _ = await turns_with(agent, 3, FOREIGN)
    # Of the packet that the reply begins in, nothing is sent before: the packet is silent there.
    assert gaps_of(results) == pytest.approx([600] * 3, abs=A_SAMPLE_MS)


async def test_an_agent_that_talks_over_the_caller_gives_no_figure() -> None:
    results, _ = await turns_with(answering(REPLY, -150), 2)
    assert results == [Missed.OVERLAPPED] * 2


async def test_a_call_that_ends_gives_no_more_figures() -> None:
    line = FakeLine(answering(REPLY, 300), ends_at=4 * RATE_HZ)
    results = await converse(line, WORDS, 4, random.Random(1), OURS)
    assert isinstance(results[0], Turn)
    assert results[1:] == [Missed.ENDED] * 3


async def test_a_hole_in_a_reply_is_counted() -> None:
    torn = REPLY.copy()
    torn[3000:3400] = 0  # 50 ms
    results, _ = await turns_with(answering(torn, 300), 2)
    assert [each.holes for each in results if isinstance(each, Turn)] == [1, 1]
    whole, _ = await turns_with(answering(REPLY, 300), 2)
    assert [each.holes for each in whole if isinstance(each, Turn)] == [0, 0]


def test_words_end_where_they_are_loud() -> None:
    fading = np.concatenate([np.full(4000, 8000), np.full(4000, 300)]).astype(np.int16)
    assert len(sharp_end(fading, RATE_HZ)) == 4000
