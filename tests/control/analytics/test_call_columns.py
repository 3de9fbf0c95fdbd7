"""Calls as columns: what is put, changed and forgotten is what is counted."""

import random
from typing import Any

import numpy as np
import pytest

from offhook.control.analytics.call_columns import CallColumns, CallRow
from offhook.control.analytics.questions import answer, chosen_rows
from offhook.control.domain.analytics import Agents, Outcomes, Phrases, Summary
from offhook.control.domain.analytics_questions import Period, Report, Wanted

PERIOD = Period(from_wall=0.0, to_wall=1e9)


def row(seq: int, **changes: Any) -> CallRow:
    fields: dict[str, Any] = {
        "call_seq": seq,
        "owner_id": "ann",
        "created_wall": 1000.0 + seq,
        "begun_wall": 1000.0 + seq,
        "inbound": True,
        "line": "office",
        "agent_id": "anna",
        "agent_name": "Anna",
        "campaign_id": None,
        "status": "completed",
    }
    return CallRow(**(fields | changes))


def seqs(table: CallColumns, **wanted: Any) -> list[int]:
    return sorted(int(seq) for seq in table["seq"][chosen_rows(table, Wanted(**wanted), PERIOD)])


def test_a_call_that_changes_is_counted_once_and_as_it_is_now() -> None:
    table = CallColumns()
    table.put([row(1), row(2, gaps="5 7", phrases="hello\nbye")])
    table.put([row(2, status="busy", gaps="9"), row(3)])
    assert (seqs(table), table.alive_count) == ([1, 2, 3], 3)
    figures = answer(table, Report.OUTCOMES, Wanted(), PERIOD)
    assert isinstance(figures, Outcomes)
    assert (figures.counts.completed, figures.counts.busy) == (2, 1)
    summary = answer(table, Report.SUMMARY, Wanted(), PERIOD)
    assert isinstance(summary, Summary)
    assert (summary.latency.replies, summary.latency.p50_ms) == (1, 90)
    phrases = answer(table, Report.PHRASES, Wanted(), PERIOD)
    assert isinstance(phrases, Phrases)
    assert phrases.phrases == ()


def test_calls_that_are_gone_are_forgotten_and_so_are_their_lists() -> None:
    table = CallColumns()
    table.put([row(seq, phrases=f"word {seq}", analysed=True) for seq in range(1, 9)])
    table.keep_only(np.array([2, 3, 99]))
    assert (seqs(table), table.alive_count, len(table.alive)) == ([2, 3], 2, 2)
    phrases = answer(table, Report.PHRASES, Wanted(), PERIOD)
    assert isinstance(phrases, Phrases)
    assert {phrase.phrase for phrase in phrases.phrases} == {"word 2", "word 3"}


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_changes_comes_to_the_same_as_putting_the_end_at_once(seed: int) -> None:
    rng = random.Random(seed)
    now: dict[int, CallRow] = {}
    table = CallColumns()
    for _ in range(60):
        batch = {
            seq: row(
                seq,
                owner_id=rng.choice(("ann", "bob")),
                status=rng.choice(("completed", "busy", "live")),
                agent_id=rng.choice(("anna", "carl", None)),
                agent_name="",
                gaps=" ".join(str(rng.randint(0, 300)) for _ in range(rng.randint(0, 4))),
                phrases="\n".join(rng.sample(("a", "b", "c"), rng.randint(0, 3))),
                duration_s=rng.choice((None, 12.5)),
            )
            for seq in rng.sample(range(1, 40), rng.randint(1, 8))
        }
        table.put(list(batch.values()))
        now |= batch
        if rng.random() < 0.2:
            gone = set(rng.sample(sorted(now), min(3, len(now))))
            now = {seq: each for seq, each in now.items() if seq not in gone}
            table.keep_only(np.array(sorted(now)))
    fresh = CallColumns()
    fresh.put(list(now.values()))
    assert table.alive_count == len(now)
    for wanted in (Wanted(), Wanted(owner_id="bob"), Wanted(agent_id="carl")):
        for report in (Report.SUMMARY, Report.HOURS, Report.PHRASES, Report.RETRIES):
            assert answer(table, report, wanted, PERIOD) == answer(fresh, report, wanted, PERIOD)


def test_questions_about_no_calls_have_answers() -> None:
    for report in Report:
        answer(CallColumns(), report, Wanted(agent_id="nobody"), Period(from_wall=0, to_wall=1e6))


def test_a_wait_of_minutes_is_counted_as_others_are() -> None:
    table = CallColumns()
    table.put([row(seq, agent_id=f"agent {seq}", gaps="5 65535") for seq in range(1, 100)])
    figures = answer(table, Report.AGENTS, Wanted(), PERIOD)
    assert isinstance(figures, Agents)
    assert {(agent.latency.replies, agent.latency.max_ms) for agent in figures.agents} == {
        (2, 655_350)
    }
