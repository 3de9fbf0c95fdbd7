"""The Reason header, and what statuses and causes mean."""

import pytest

from offhook.drivers.sip.reason import (
    Q850_OF_CAUSE,
    STATUS_OF_CAUSE,
    Reason,
    cause_of_reasons,
    cause_of_status,
    parse_reasons,
    reason_for,
)
from offhook.media.ports import HangUpCause


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Q.850;cause=16", [Reason("Q.850", 16)]),
        ('SIP ;cause=200 ;text="Call completed elsewhere"',
         [Reason("SIP", 200, "Call completed elsewhere")]),
        ('Q.850;text="a, b; c";cause=17, SIP;cause=486',
         [Reason("Q.850", 17, "a, b; c"), Reason("SIP", 486)]),
        ("SIP", [Reason("SIP")]),
        ("Q.850;Cause=016", [Reason("Q.850", 16)]),
        ("Q.850;cause=x", [Reason("Q.850")]),
        ("Q.850;cause=99999999999999", [Reason("Q.850")]),
        ("", []),
        (";cause=16", []),
        ('Q.850;text="unbalanced', []),
        ("Q.850;cause=16, ,", [Reason("Q.850", 16)]),
    ],
)  # fmt: skip
def test_parses_what_trunks_send(text: str, expected: list[Reason]) -> None:
    assert parse_reasons([text]) == expected


def test_writes_what_it_parses() -> None:
    for cause in HangUpCause:
        reason = reason_for(cause)
        assert parse_reasons([str(reason)]) == [reason]


def test_hostile_values_are_read_in_linear_time() -> None:
    for text in ('"' * 20_000, ";" * 20_000, "a;b" * 7_000, ";a=" * 7_000, ',"' * 10_000):
        assert parse_reasons([f"SIP{text}"]) == []


def test_q850_is_believed_before_the_sip_status() -> None:
    reasons = [Reason("SIP", 503), Reason("Q.850", 17)]
    assert cause_of_reasons(reasons, HangUpCause.ERROR) is HangUpCause.BUSY
    assert cause_of_reasons([Reason("SIP", 503)], HangUpCause.ERROR) is HangUpCause.OVERLOADED
    assert cause_of_reasons([Reason("SIP", 200)], HangUpCause.NORMAL) is HangUpCause.NORMAL
    assert cause_of_reasons([Reason("X")], HangUpCause.NORMAL) is HangUpCause.NORMAL


def test_every_cause_has_a_status_and_a_reason() -> None:
    assert set(STATUS_OF_CAUSE) == set(HangUpCause) == set(Q850_OF_CAUSE)
    assert all(400 <= status <= 699 for status in STATUS_OF_CAUSE.values())


@pytest.mark.parametrize("cause", [HangUpCause.BUSY, HangUpCause.NOT_FOUND, HangUpCause.DECLINED])
def test_refusal_is_understood_as_it_was_meant(cause: HangUpCause) -> None:
    assert cause_of_status(STATUS_OF_CAUSE[cause]) is cause
