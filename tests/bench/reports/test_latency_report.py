"""From turns to figures: which number lands in which metric."""

import random
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offhook.bench.load.scripted_providers import Latencies, reply_pcm
from offhook.bench.phones.line import RATE_HZ
from offhook.bench.phones.turns import OURS, Missed, Turn, converse
from offhook.bench.reports.latency_report import Case, Conversation, metrics, stages, worst_turn
from offhook.bench.reports.results_file import Metric
from offhook.tests.kit.fake_line import FakeLine, answering

REPLY = reply_pcm(RATE_HZ)
STAGES_MS = {"transcript_ms": 200.0, "decided_ms": 300.0, "first_text_ms": None}


def turn(gap_ms: float, wire_ms: float, holes: int = 0) -> Turn:
    return Turn(1000, 4000, 12_000, gap_ms, wire_ms, holes)


def told(first_sample_ms: float, **more: float | None) -> dict[str, Any]:
    return {
        "latency": {
            **STAGES_MS,
            "first_speech_ms": 310.0,
            "first_sample_ms": first_sample_ms,
            **more,
        }
    }


def by_name(found: list[Metric]) -> dict[str, list[float]]:
    return {metric.name: metric.values for metric in found}


def line() -> FakeLine:
    return FakeLine(answering(REPLY, 300))


def test_added_is_the_wire_less_the_silence_that_ends_a_turn() -> None:
    turns: list[Turn | Missed] = [turn(340, 325), turn(440, 425), Missed.UNANSWERED]
    case = Case("c", [Conversation(line(), turns)], Latencies(), 300, 1.5)
    found = by_name(metrics(case))
    assert found["reply gap"] == [340, 440]
    assert found["added"] == found["added, tail"] == [25, 125]
    assert found["turns without a figure"] == [0, 0, 100]
    assert found["clock lateness p99"] == [1.5]
    assert "beyond the providers" not in found


def test_slow_providers_are_taken_off_the_gap() -> None:
    case = Case("c", [Conversation(line(), [turn(800, 790, 2)])], Latencies(250, 375, 100), 300)
    found = by_name(metrics(case))
    assert found["beyond the providers"] == [75]
    assert found["holes"] == [2]
    assert "added" not in found


def test_of_a_foreign_agent_only_the_gap_is_known() -> None:
    case = Case("sip:x@y", [Conversation(line(), [turn(900, 890)])])
    assert set(by_name(metrics(case))) == {"reply gap", "turns without a figure"}


def test_goals_are_those_of_the_budget() -> None:
    case = Case("c", [Conversation(line(), [turn(340, 325)])], Latencies(), 300)
    goals = {m.name: (m.goal, m.goal_at) for m in metrics(case) if m.goal is not None}
    assert goals["added"] == (25, "p50")
    assert goals["added, tail"] == (45, "p99")


def test_stages_lie_on_the_axis_that_begins_with_the_callers_last_packet() -> None:
    view = {"turns": [{"latency": None}, told(315.0), {"latency": None}, told(305.0)]}
    found = stages([Conversation(line(), [turn(340, 340), turn(340, 330)], view)])
    assert found["end of speech as the server sees it"] == [25, 25]
    assert found["transcript"] == [225, 225]
    assert found["decided"] == [325, 325]
    assert found["first speech"] == [335, 335]
    assert found["first sample"] == [340, 330]
    assert "first text" not in found


def test_stages_of_a_call_whose_turns_do_not_match_are_left_out() -> None:
    view = {"turns": [told(315.0)]}
    assert stages([Conversation(line(), [turn(340, 340), turn(340, 330)], view)]) == {}


async def test_the_clip_of_the_worst_turn_has_its_marks_where_the_sound_is(
    tmp_path: Path,
) -> None:
    held = FakeLine(answering(REPLY, 412.75))
    turns = await converse(held, [REPLY[:3000]], 2, random.Random(1), OURS)
    quicker = FakeLine(answering(REPLY, 300))
    quick = await converse(quicker, [REPLY[:3000]], 2, random.Random(1), OURS)
    cases = [Case("slow", [Conversation(held, turns)]), Case("q", [Conversation(quicker, quick)])]
    (clip,) = worst_turn(cases, tmp_path / "worst.wav")
    assert "413 ms (slow)" in clip.title
    with wave.open(str(tmp_path / clip.file)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE_HZ)
        both = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    last, reply = (round(mark.at_s * RATE_HZ) for mark in clip.marks)
    assert reply - last == pytest.approx(412.75 * 8, abs=1)
    assert (both[last - 3000 : last, 0] != 0).mean() > 0.95
    assert not both[last + 1 :, 0].any()
    assert not both[last:reply, 1].any()
    assert np.abs(both[reply : reply + 8, 1]).max() > 500


def test_without_an_answer_there_is_no_clip(tmp_path: Path) -> None:
    cases = [Case("c", [Conversation(line(), [Missed.UNANSWERED])])]
    assert worst_turn(cases, tmp_path / "x.wav") == []
