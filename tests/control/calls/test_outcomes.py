"""What became of a call, by how its line ended it."""

import pytest

from offhook.control.calls.outcomes import BROKEN, UNANSWERED, outcome_of, reason_of
from offhook.control.domain.calls import Outcome
from offhook.media.ports import HangUpCause
from offhook.tests.kit.call_records import call_record


@pytest.mark.parametrize("cause", HangUpCause)
def test_every_cause_has_an_outcome(cause: HangUpCause) -> None:
    unanswered = call_record(1, cause=cause, answered_wall=None, inbound=False)
    assert outcome_of(unanswered) is UNANSWERED[cause]
    answered = outcome_of(call_record(1, cause=cause))
    assert answered is (Outcome.FAILED if cause in BROKEN else Outcome.COMPLETED)


def test_a_caller_who_did_not_wait_was_not_answered() -> None:
    record = call_record(1, cause=HangUpCause.CANCELLED, answered_wall=None, ended_by_us=False)
    assert outcome_of(record) is Outcome.NO_ANSWER


def test_the_lines_own_words_come_first_and_success_has_none() -> None:
    failed = call_record(1, cause=HangUpCause.NETWORK, answered_wall=None)
    assert reason_of(failed, "no route") == "no route"
    assert reason_of(failed) == "the network failed"
    assert reason_of(call_record(1, cause=HangUpCause.NORMAL), "OK") == ""
