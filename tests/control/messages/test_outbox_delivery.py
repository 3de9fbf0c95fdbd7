"""What follows from one try to send a message."""

import random

import pytest

from offhook.control.domain.messages import OutboxMessage, OutboxStatus
from offhook.control.messages.outbox_delivery import (
    JITTER,
    MAX_ERROR_CHARS,
    RETRY_DELAYS_S,
    Answer,
    NotTaken,
    Taken,
    judge,
)

NOW = 1_700_000_000.0


def waiting(attempts: int = 0) -> OutboxMessage:
    return OutboxMessage(
        channel="email",
        to="anna@example.org",
        body="x",
        status=OutboxStatus.WAITING,
        next_try_wall=NOW,
        attempts=attempts,
    )


def test_what_was_taken_is_sent() -> None:
    sent = judge(waiting(), Taken("250 ok"), NOW, random.Random(1))
    assert (sent.status, sent.sent_wall, sent.attempts) == (OutboxStatus.SENT, NOW, 1)
    assert (sent.next_try_wall, sent.error) == (None, "")


def test_what_is_refused_for_good_has_failed_at_once() -> None:
    failed = judge(waiting(), NotTaken("550 no such mailbox", True), NOW, random.Random(1))
    assert (failed.status, failed.attempts) == (OutboxStatus.FAILED, 1)
    assert (failed.next_try_wall, failed.sent_wall) == (None, None)
    assert failed.error == "550 no such mailbox"


@pytest.mark.parametrize("attempts", range(len(RETRY_DELAYS_S)))
def test_it_is_tried_again_after_growing_delays(attempts: int) -> None:
    tried = judge(waiting(attempts=attempts), NotTaken("busy"), NOW, random.Random(1))
    assert tried.status is OutboxStatus.WAITING
    assert tried.next_try_wall is not None
    assert tried.next_try_wall - NOW == pytest.approx(RETRY_DELAYS_S[attempts], rel=JITTER)


def test_after_the_last_delay_it_has_failed() -> None:
    last = waiting(attempts=len(RETRY_DELAYS_S))
    assert judge(last, NotTaken("busy"), NOW, random.Random(1)).status is OutboxStatus.FAILED
    assert judge(last, Taken(), NOW, random.Random(1)).status is OutboxStatus.SENT


@pytest.mark.parametrize("answer", [NotTaken(""), NotTaken("e" * 10_000)])
def test_the_reason_is_never_empty_and_never_long(answer: Answer) -> None:
    assert 0 < len(judge(waiting(), answer, NOW, random.Random(1)).error) <= MAX_ERROR_CHARS
