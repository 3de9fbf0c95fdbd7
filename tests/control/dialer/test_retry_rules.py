"""When a call is placed again: by why it failed, how often, and after how long."""

from typing import Any

import msgspec
import pytest

from offhook.control.dialer.retry_rules import (
    DEFAULTS,
    delay_s,
    faults,
    merged,
    next_retry_wall,
    retry_of,
)
from offhook.control.domain.calls import Call, CallStatus, Outcome, Priority
from offhook.control.domain.dialing import RetryPolicy, RetryRule
from offhook.media.ports import HangUpCause
from offhook.tests.kit.call_records import call_of, call_record

END = 1_700_000_100.0


def ended(outcome: Outcome, cause: HangUpCause, attempt: int = 0, **changes: object) -> Call:
    record = call_record(inbound=False, answered_wall=None)
    fields = {
        "status": CallStatus.ENDED,
        "outcome": outcome,
        "cause": cause,
        "ended_wall": END,
        "retry_attempt": attempt,
    }
    return call_of(record, **(fields | changes))


@pytest.mark.parametrize(
    ("outcome", "cause", "waits"),
    [
        (Outcome.NO_ANSWER, HangUpCause.NO_ANSWER, [300.0, 600.0, 1200.0, None]),
        (Outcome.BUSY, HangUpCause.BUSY, [600.0, 900.0, None]),
        (Outcome.FAILED, HangUpCause.NETWORK, [900.0, 1350.0, None]),
    ],
)
def test_by_default_each_reason_waits_longer_every_time(
    outcome: Outcome, cause: HangUpCause, waits: list[float | None]
) -> None:
    for attempt, wait_s in enumerate(waits):
        wanted = None if wait_s is None else END + wait_s
        assert next_retry_wall(None, ended(outcome, cause, attempt)) == wanted


@pytest.mark.parametrize(
    ("outcome", "cause", "changes"),
    [
        (Outcome.COMPLETED, HangUpCause.NORMAL, {"answered_wall": END - 5}),
        (Outcome.CANCELLED, HangUpCause.NORMAL, {}),
        (Outcome.FAILED, HangUpCause.NOT_FOUND, {}),
        (Outcome.FAILED, HangUpCause.CRASH, {}),
        (Outcome.FAILED, HangUpCause.NETWORK, {"answered_wall": END - 5}),
        (Outcome.NO_ANSWER, HangUpCause.CANCELLED, {"inbound": True}),
    ],
)
def test_what_somebody_ended_answered_or_can_never_be_is_left_alone(
    outcome: Outcome, cause: HangUpCause, changes: dict[str, Any]
) -> None:
    assert next_retry_wall(None, ended(outcome, cause, **changes)) is None


def test_delays_grow_to_their_limit_or_stay_as_they_are() -> None:
    rule = RetryRule(max_attempts=6, initial_delay_s=10.0, factor=3.0, max_delay_s=200.0)
    waits = [delay_s(rule, attempt) for attempt in range(1, 8)]
    assert waits == [10.0, 30.0, 90.0, 200.0, 200.0, 200.0, None]
    fixed = msgspec.structs.replace(rule, backoff="fixed")
    assert [delay_s(fixed, attempt) for attempt in (1, 6, 7)] == [10.0, 10.0, None]
    assert delay_s(msgspec.structs.replace(rule, max_attempts=0), 1) is None


def test_attempts_are_counted_in_all_whatever_came_before() -> None:
    # Two calls that nobody took, then a busy one: the third attempt, which busy has not.
    assert next_retry_wall(None, ended(Outcome.BUSY, HangUpCause.BUSY, attempt=2)) is None
    third = ended(Outcome.NO_ANSWER, HangUpCause.NO_ANSWER, attempt=2)
    assert next_retry_wall(None, third) == END + 1200.0


def test_a_retry_asks_for_what_the_first_call_was_asked_for() -> None:
    first = ended(
        Outcome.BUSY,
        HangUpCause.BUSY,
        line="b",
        from_number="+49309",
        wished_line="",
        wished_from="",
        priority=Priority.HIGH,
        priority_rank=0,
        context={"name": "Ann"},
        timezone="Asia/Tokyo",
        campaign_id="campaign-1",
        import_job_id="job-1",
        import_row=7,
        schedule_id="schedule-1",
        occurrence="2026-11-30",
    )
    second = retry_of(first, 1, END + 600, END + 601)
    assert (second.line, second.from_number, second.to_number) == ("", "", first.to_number)
    assert (second.status, second.retry_attempt) == (CallStatus.QUEUED, 1)
    assert (second.original_call_id, second.campaign_id) == (first.id, "campaign-1")
    assert (second.import_row, second.occurrence) == (None, None), "there is one call of each"
    assert (second.context, second.timezone, second.priority_rank) == (
        {"name": "Ann"},
        "Asia/Tokyo",
        0,
    )
    assert (second.record, second.attempts, second.outcome) == (None, (), None)
    third = retry_of(second, 2, END, END)
    assert third.original_call_id == first.id
    undialled = msgspec.structs.replace(first, started_wall=None, line="c")
    assert retry_of(undialled, 1, END, END).line == "c"


def test_a_policy_is_changed_field_by_field() -> None:
    policy = merged(None, {"no_answer": {"max_attempts": 5, "initial_delay_s": 600.0}})
    assert policy.no_answer == RetryRule(max_attempts=5, initial_delay_s=600.0)
    assert (policy.busy, policy.failed) == (DEFAULTS.busy, DEFAULTS.failed)
    again = merged(policy, {"no_answer": {"backoff": "fixed"}, "busy": {"factor": 3.0}})
    assert (again.no_answer.max_attempts, again.no_answer.backoff) == (5, "fixed")
    assert again.busy.factor == 3.0


def test_values_that_make_no_sense_are_named() -> None:
    wrong = RetryPolicy(
        busy=RetryRule(max_attempts=-1, initial_delay_s=-1.0, factor=0.5, max_delay_s=1e9)
    )
    assert [error.field for error in faults(wrong)] == [
        "busy.max_attempts",
        "busy.initial_delay_s",
        "busy.factor",
        "busy.max_delay_s",
    ]
    assert (
        faults(RetryPolicy(busy=RetryRule(max_attempts=0, initial_delay_s=0.0, factor=1.0))) == []
    )
    assert faults(RetryPolicy(busy=RetryRule(max_attempts=1, initial_delay_s=float("nan"))))
