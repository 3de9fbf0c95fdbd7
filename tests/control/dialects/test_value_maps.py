"""Value maps have all that there is, and lead back to it."""

import enum
from typing import Any, get_args

import pytest

from offhook.control.dialects.aicaller import call_views
from offhook.control.dialects.callingplatform import bulk, calls, exotel
from offhook.control.dialects.quality import quality_of
from offhook.control.dialects.voicera import call_logs
from offhook.control.domain.calls import CallStatus, EscalationStatus, Outcome
from offhook.control.domain.imports import ImportStatus
from offhook.media.conversation.records import Role
from offhook.media.ports import Quality

MAPS: list[tuple[str, dict[Any, Any], type[enum.Enum]]] = [
    ("aicaller status", call_views.STATUS, CallStatus),
    ("aicaller outcome", call_views.OUTCOME, Outcome),
    ("aicaller speaker", call_views.SPEAKER, Role),
    ("aicaller escalation", call_views.ESCALATION, EscalationStatus),
    ("callingplatform status", calls.STATUS, CallStatus),
    ("callingplatform outcome", calls.OUTCOME, Outcome),
    ("callingplatform role", calls.ROLE, Role),
    ("callingplatform import", bulk.STATUS, ImportStatus),
    ("voicera status", call_logs.STATUS, CallStatus),
    ("voicera outcome", call_logs.OUTCOME, Outcome),
    ("voicera role", call_logs.LABELS, Role),
]


@pytest.mark.parametrize(("name", "table", "whole"), MAPS, ids=[name for name, *_ in MAPS])
def test_a_map_has_all_of_them(name: str, table: dict[Any, Any], whole: type[enum.Enum]) -> None:
    assert set(table) == set(whole)


@pytest.mark.parametrize("status", ["scheduled", "in-progress", "completed", "failed", "cancelled"])
def test_a_filter_means_what_is_shown_so(status: calls.Status) -> None:
    statuses, outcomes = calls.statuses_of(status)
    assert statuses
    for each in statuses:
        shown = {calls.OUTCOME[one] for one in outcomes} if outcomes else {calls.STATUS[each]}
        assert shown == {status}


@pytest.mark.parametrize("status", get_args(call_views.Status))
def test_aicallers_filter_means_what_is_shown_so(status: call_views.Status) -> None:
    statuses, outcomes, escalated = call_views.meant_by(status)
    assert statuses
    if escalated:
        assert (status, statuses) == (call_views.ESCALATED, (CallStatus.LIVE,))
        return
    assert escalated is False or CallStatus.LIVE not in statuses
    for each in statuses:
        shown = {call_views.OUTCOME[one] for one in outcomes} if outcomes else set()
        assert (shown or {call_views.STATUS[each]}) == {status}


def test_voiceras_failed_means_every_reason() -> None:
    shown = {status for status in call_logs.OUTCOME.values() if status != "completed"}
    _, outcomes = call_logs.MEANT["failed"]
    assert outcomes is not None
    assert {call_logs.OUTCOME[outcome] for outcome in outcomes} == shown
    assert set(call_logs.MEANT) == {*call_logs.STATUS.values(), *call_logs.OUTCOME.values()}


def test_a_carriers_end_has_an_outcome_and_nothing_else_has() -> None:
    for status, outcome in exotel.STATUS.values():
        assert (status is CallStatus.ENDED) == (outcome is not None)


@pytest.mark.parametrize(
    ("quality", "word"),
    [
        (None, None),
        (Quality(), None),
        (Quality(mos=4.2), "good"),
        (Quality(mos=3.3), "fair"),
        (Quality(mos=2.0), "poor"),
        (Quality(packets_received=99, packets_lost=1), "good"),
        (Quality(packets_received=90, packets_lost=10), "poor"),
    ],
)
def test_a_lines_quality_is_a_word(quality: Quality | None, word: str | None) -> None:
    assert quality_of(quality) == word
