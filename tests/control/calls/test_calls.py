"""What business knows of a call in progress: whether a machine took it."""

import pytest

from offhook.control.calls.calls import LiveCall
from offhook.control.http.v1.views import call_view
from offhook.media.conversation.records import AnsweredBy
from offhook.tests.kit.call_records import call_of, call_record


@pytest.mark.parametrize(
    ("answered_by", "voicemail"),
    [
        (None, None),
        (AnsweredBy.HUMAN, False),
        (AnsweredBy.MACHINE, True),
        (AnsweredBy.IVR, False),
        (AnsweredBy.UNKNOWN, False),
    ],
)
def test_machine_that_answered_is_a_voicemail(
    answered_by: AnsweredBy | None, voicemail: bool | None
) -> None:
    record = call_record(1, inbound=False)
    live = LiveCall(call_of(record), record, lambda: None, is_new=False)
    record.answered_by, record.answered_by_after_s = answered_by, 6.5
    call = live.as_now(1_700_000_100.0)
    assert call.voicemail is voicemail
    view = call_view(call)
    assert (view.answered_by, view.answered_by_after_s) == (answered_by, 6.5)
