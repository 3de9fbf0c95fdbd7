"""Lines by name: what state each is in, how full it is, and calls by it."""

import msgspec
import pytest

from offhook.control.configuration.config import (
    LineSettings,
    ModemSettings,
    Settings,
    SipSettings,
    TrunkSettings,
)
from offhook.control.dialer.call_limits import CallLimits, Counted
from offhook.control.domain.lines import LineKind, LineState
from offhook.control.lines.lines import LineBusy, LineFailed, Lines
from offhook.drivers.sip.errors import LocalError
from offhook.drivers.sip.registration import Registered, RegistrationFailed, Unregistered
from offhook.media.errors import Refused
from offhook.media.ports import AnyLegEvent, HangUpCause, LegEnded
from offhook.tests.kit.fake_calls import FakeLoopbackCalls, FakeSipCalls

SETTINGS = Settings(
    lines=(LineSettings("office", "sip:pbx.example:5070", "1001", "secret", max_calls=2),),
    trunks=(
        TrunkSettings("carrier", host="carrier.example", username="us", password="word"),
        TrunkSettings("inward", addresses=("127.0.0.1",)),
    ),
    modems=(ModemSettings("sim", "+15550100"), ModemSettings("real", simulated=False)),
)


OWN, NOBODYS = ("us", "us", "word"), (None, None, None)
MADDR = "sip:x@carrier.example;maddr=there"


class Board:
    """Lines with drivers that note what they are asked."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.limits = CallLimits()
        self.lines = Lines(settings, self.limits)
        self.sip, self.loopback = FakeSipCalls(), FakeLoopbackCalls()
        self.lines.sip, self.lines.loopback = self.sip, self.loopback


def test_all_lines_are_there_with_what_they_can() -> None:
    board = Board()
    shown = [(line.name, line.kind, line.state, line.can_call_out) for line in board.lines.all()]
    assert shown == [
        ("carrier", LineKind.SIP_TRUNK, LineState.READY, True),
        ("inward", LineKind.SIP_TRUNK, LineState.READY, False),
        ("office", LineKind.SIP_ACCOUNT, LineState.UNREGISTERED, True),
        ("sim", LineKind.MODEM, LineState.READY, True),
        ("real", LineKind.MODEM, LineState.FAILED, False),
        ("loopback", LineKind.LOOPBACK, LineState.READY, True),
    ]
    assert board.lines.get("nothing") is None


def test_before_the_drivers_have_started_nothing_calls_out() -> None:
    lines = Lines(SETTINGS, CallLimits())
    assert [line.name for line in lines.all() if line.can_call_out] == []


def test_without_configuration_there_are_a_modem_and_the_loopback_line() -> None:
    assert [line.name for line in Board(Settings()).lines.all()] == ["simulated-1", "loopback"]
    without = Lines(Settings(loopback=False), CallLimits())
    assert [(line.name, line.state) for line in without.all()] == [
        ("simulated-1", LineState.FAILED)
    ]


def test_a_line_tells_what_its_registrar_says() -> None:
    board = Board()
    for event, state, reason in (
        (Registered("office", 300), LineState.REGISTERED, ""),
        (RegistrationFailed("office", 403, "Forbidden", 2.0), LineState.FAILED, "403 Forbidden"),
        (RegistrationFailed("office", None, "no answer", 2.0), LineState.FAILED, "no answer"),
        (Unregistered("office"), LineState.UNREGISTERED, "it has not registered yet"),
    ):
        board.lines.tell_registration(event)
        line = board.lines.get("office")
        assert line is not None
        assert (line.state, line.reason) == (state, reason)


@pytest.mark.parametrize(
    ("line", "to", "from_", "asked"),
    [
        ("carrier", "+49 30/1", "+4989", ("sip:+49301@carrier.example", "+4989", "us", "word")),
        ("carrier", "*21#", "", ("sip:*21%23@carrier.example", "us", "us", "word")),
        ("carrier", "sip:x@Carrier.Example:5060", "", ("sip:x@Carrier.Example:5060", *OWN)),
        # Whoever is called elsewhere could ask for our password's digest.
        ("carrier", "sip:x@there", "", ("sip:x@there", None, None, None)),
        ("carrier", "sip:x@carrier.example:5061", "", ("sip:x@carrier.example:5061", *NOBODYS)),
        ("carrier", "sip:x@carrier.example;maddr=there", "1", (MADDR, "1", None, None)),
        ("office", "100", "", ("100", None, None, None)),
        ("office", "100", "1001", ("100", "1001", None, None)),
    ],
)
def test_a_number_becomes_an_address_of_the_line(
    line: str, to: str, from_: str, asked: tuple[str | None, ...]
) -> None:
    board = Board()
    leg = board.lines.call(line, to, from_)
    assert leg.line == line
    (got,) = board.sip.asked
    assert (got["to"], got["from"], got["by"], got["with"]) == asked
    assert got["line"] == line


@pytest.mark.parametrize(
    ("line", "to", "anywhere"),
    [
        ("carrier", "+49301", True),
        ("carrier", "sip:x@Carrier.Example:5060", True),
        ("carrier", "sip:x@carrier.example:161", False),
        ("carrier", "sip:x@carrier.example;maddr=10.0.0.1", False),
        ("carrier", "sip:x@192.168.1.1", False),
        ("office", "100", True),
        ("office", "sip:100@pbx.example:5070", True),
        ("office", "sip:100@pbx.example", False),
        ("office", "tel:+49301", False),
    ],
)
def test_only_a_lines_own_host_may_be_of_a_private_network(
    line: str, to: str, anywhere: bool
) -> None:
    board = Board()
    board.lines.call(line, to)
    assert board.sip.public_only == [not anywhere]
    board = Board(msgspec.structs.replace(SETTINGS, sip=SipSettings(allow_private=True)))
    board.lines.call(line, to)
    assert board.sip.public_only == [False]


def test_a_simulated_modem_calls_over_the_loopback_line() -> None:
    board = Board()
    leg = board.lines.call("sim", "+1 555-0010", "+15550100")
    assert board.loopback.asked == [("+15550010", "+15550100")]
    assert leg.line == "sim"
    board.lines.call("loopback", "100")
    assert board.loopback.asked[1:] == [("100", "")]


@pytest.mark.parametrize(
    ("line", "to", "why"),
    [
        ("nothing", "1", "there is no such line"),
        ("inward", "1", "calls only come in by it"),
        ("real", "1", "it is not connected"),
        ("office", "alice", "is no number"),
        ("sim", "sip:bob@127.0.0.1", "reaches numbers"),
    ],
)
def test_a_call_that_cannot_be_placed_says_why(line: str, to: str, why: str) -> None:
    board = Board()
    with pytest.raises(LineFailed, match=why):
        board.lines.call(line, to)
    assert not board.sip.asked
    assert not board.loopback.asked


def test_a_full_line_is_busy_until_a_call_has_ended() -> None:
    board = Board()
    first = board.lines.call("office", "1")
    board.lines.call("office", "2")
    with pytest.raises(LineBusy, match="line office: all 2 calls"):
        board.lines.call("office", "3")
    heard: list[AnyLegEvent] = []
    first.sink = heard.append
    board.sip.legs[0].end(HangUpCause.BUSY)
    assert heard == [LegEnded(HangUpCause.BUSY, by_us=False)]
    board.lines.call("office", "3")
    line = board.lines.get("office")
    assert line is not None
    assert line.in_use == 2


def test_calls_that_came_in_count_for_the_line() -> None:
    board = Board()
    seats = [board.limits.acquire(board.lines.claim("office")) for _ in range(2)]
    with pytest.raises(LineBusy):
        board.lines.call("office", "1")
    seats[0].release()
    board.lines.call("office", "1")


def test_a_line_that_is_not_ours_has_no_limit() -> None:
    assert Board().lines.claim("local").limit is None


@pytest.mark.parametrize(
    ("error", "raised"),
    [(LocalError("CR in a header", "From"), LineFailed), (Refused("no ports"), Refused)],
)
def test_a_call_that_was_not_placed_takes_no_room(
    error: Exception, raised: type[Exception]
) -> None:
    board = Board()
    board.sip.error = error
    with pytest.raises(raised):
        board.lines.call("office", "1")
    assert board.limits.in_use(Counted.LINE, "office") == 0


def test_a_call_hands_on_what_its_owner_does() -> None:
    board = Board()
    leg = board.lines.call("office", "1")
    inner = board.sip.legs[0]
    assert (leg.lane, leg.inbound, leg.expected_rate_hz) == (None, False, 8000)
    inner.answer()
    assert leg.lane is inner.lane
    leg.hang_up(HangUpCause.NORMAL)
    assert inner.ended is not None
    assert inner.sink is None, "they do not keep each other"
