"""Session timers: RFC 4028's negotiation table, and the moments of refresh and end."""

import pytest

from offhook.drivers.sip.headers import Headers
from offhook.drivers.sip.message import Request, Response
from offhook.drivers.sip.session_timer import SessionTimer, TimerAction, TimerSettings
from offhook.drivers.sip.uri import Uri


def request(*headers: tuple[str, str]) -> Request:
    return Request("INVITE", Uri.parse("sip:a@h"), Headers(headers))


def timer() -> SessionTimer:
    return SessionTimer(TimerSettings(expires_s=1800, min_se_s=90))


TIMER = ("Supported", "timer")


@pytest.mark.parametrize(
    ("headers", "answer", "we_refresh"),
    [
        # RFC 4028 table 2, and the interval: theirs when it is shorter, never below the minimum.
        ((TIMER, ("Session-Expires", "600;refresher=uac")), "600;refresher=uac", False),
        ((TIMER, ("Session-Expires", "600;refresher=uas")), "600;refresher=uas", True),
        ((TIMER, ("Session-Expires", "600")), "600;refresher=uac", False),
        ((TIMER,), "1800;refresher=uac", False),
        ((), "1800;refresher=uas", True),
        ((("Session-Expires", "600;refresher=uac"),), "600;refresher=uas", True),
        ((TIMER, ("x", "7200")), "1800;refresher=uac", False),
        ((TIMER, ("Min-SE", "3600")), "3600;refresher=uac", False),
        ((("Session-Expires", "30"),), "90;refresher=uas", True),
    ],
)
def test_answers_by_the_table(
    headers: tuple[tuple[str, str], ...], answer: str, we_refresh: bool
) -> None:
    core, written = timer(), Headers()
    core.answer(request(*headers), written, 0.0)
    assert written.get("Session-Expires") == answer
    assert core.we_refresh == we_refresh
    assert (written.get("Require") == "timer") == answer.endswith("uac")


@pytest.mark.parametrize(
    ("value", "interval_s", "we_refresh"),
    [
        ("600;refresher=uac", 600, True),
        ("600;refresher=uas", 600, False),
        ("600; Refresher = UAS", 600, False),
        ("600", 600, True),
        (None, 1800, True),
        ("nonsense", 1800, True),
        ("5;refresher=uac", 90, True),
    ],
)
def test_answer_of_the_far_end_is_obeyed(
    value: str | None, interval_s: int, we_refresh: bool
) -> None:
    core = timer()
    headers = [] if value is None else [("Session-Expires", value)]
    core.receive_2xx(Response(200, headers=headers), 0.0)
    assert (core.interval_s, core.we_refresh) == (interval_s, we_refresh)


def test_refresher_refreshes_at_half_and_ends_32_s_early() -> None:
    core = timer()
    core.receive_2xx(Response(200, headers=[("Session-Expires", "600;refresher=uac")]), 10.0)
    assert core.get_timer() == 310.0
    assert core.handle_timer(309.9) is None
    assert core.handle_timer(310.0) is TimerAction.REFRESH
    assert core.get_timer() == 10.0 + 600 - 32
    assert core.handle_timer(578.0) is TimerAction.EXPIRE
    assert core.get_timer() is None


def test_other_side_only_ends_a_third_early_when_that_is_less() -> None:
    core = timer()
    core.receive_2xx(Response(200, headers=[("Session-Expires", "90;refresher=uas")]), 0.0)
    assert core.get_timer() == 60.0
    assert core.handle_timer(60.0) is TimerAction.EXPIRE


def test_refresh_names_the_refresher_as_it_was_agreed() -> None:
    for role, ours in (("uac", "uac"), ("uas", "uas")):
        core, written = timer(), Headers()
        core.receive_2xx(Response(200, headers=[("Session-Expires", f"600;refresher={role}")]), 0.0)
        core.write_request(written)
        assert written.get("Session-Expires") == f"600;refresher={ours}"


def test_422_raises_the_interval_once_per_minimum() -> None:
    core, written = timer(), Headers()
    assert not core.receive_422(Response(422))
    assert core.receive_422(Response(422, headers=[("Min-SE", "3600")]))
    assert not core.receive_422(Response(422, headers=[("Min-SE", "3600")]))
    core.write_request(written)
    assert (written.get("Session-Expires"), written.get("Min-SE")) == ("3600", "3600")


@pytest.mark.parametrize(
    ("headers", "short"),
    [
        ((TIMER, ("Session-Expires", "89")), True),
        ((TIMER, ("x", "89;refresher=uac")), True),
        ((TIMER, ("Session-Expires", "90")), False),
        ((("Session-Expires", "89"),), False),  # who knows no timers could not obey the 422
        ((TIMER,), False),
    ],
)
def test_short_intervals_are_refused(headers: tuple[tuple[str, str], ...], short: bool) -> None:
    assert timer().is_too_short(request(*headers)) == short
