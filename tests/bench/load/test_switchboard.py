"""Many calls at once: answered, refused, ended, each counted as what it was."""

import random

import pytest

from offhook.bench.load.switchboard import Down, Switchboard, Up
from offhook.bench.phones.bare_sip import header

SDP = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio {port} RTP/AVP 0\r\n"


def board(rows: int) -> Switchboard:
    ports = list(range(4000, 4000 + 2 * rows, 2))
    return Switchboard("127.0.0.1:5060", "agent", ("127.0.0.1", 6000), ports, random.Random(1))


def invites(switchboard: Switchboard) -> list[str]:
    return [d.decode() for d in switchboard.datagrams_to_send() if d.startswith(b"INVITE")]


def response(request: str, status: str, sdp: str = "") -> bytes:
    names = ("Via", "From", "Call-ID", "CSeq")
    lines = [f"{name}: {header(request, name.lower())}" for name in names]
    to = f"To: {header(request, 'to')};tag=server"
    contact = "Contact: <sip:agent@127.0.0.1:5060>"
    return "\r\n".join([f"SIP/2.0 {status}", *lines, to, contact, "", sdp]).encode()


def events(switchboard: Switchboard) -> list[Up | Down]:
    found: list[Up | Down] = []
    while (event := switchboard.next_event()) is not None:
        found.append(event)
    return found


def test_calls_are_answered_each_with_its_own_media_and_setup_time() -> None:
    calls = board(2)
    calls.dial(0, 10.0)
    calls.dial(1, 10.1)
    first, second = invites(calls)
    assert ("m=audio 4000 " in first, "m=audio 4002 " in second) == (True, True)
    calls.receive_datagram(response(second, "200 OK", SDP.format(port=7002)), 10.35)
    calls.receive_datagram(response(first, "200 OK", SDP.format(port=7000)), 10.5)
    assert events(calls) == [Up(1, ("127.0.0.1", 7002)), Up(0, ("127.0.0.1", 7000))]
    assert calls.tally.setup_ms == pytest.approx([250.0, 500.0])
    assert (calls.live, calls.tally.answered, calls.tally.refusals) == (2, 2, 0)
    acks = [d for d in calls.datagrams_to_send() if d.startswith(b"ACK")]
    assert len(acks) == 2


def test_a_refusal_is_counted_by_what_was_said() -> None:
    calls = board(3)
    for row in range(3):
        calls.dial(row, 0.0)
    for request, status in zip(
        invites(calls),
        ("503 Service Unavailable", "503 Service Unavailable", "486 Busy Here"),
        strict=True,
    ):
        calls.receive_datagram(response(request, status), 0.1)
    assert calls.tally.refused == {"503 Service Unavailable": 2, "486 Busy Here": 1}
    assert (calls.tally.placed, calls.tally.refusals, calls.live, calls.open) == (3, 3, 0, 0)
    assert events(calls) == [Down(row, by_far_end=True, refused=True) for row in range(3)]


def test_an_invite_nobody_answers_is_repeated_and_then_refused() -> None:
    calls = board(1)
    calls.dial(0, 0.0)
    assert len(invites(calls)) == 1
    calls.handle_timers(0.4)
    assert invites(calls) == []
    calls.handle_timers(0.5)
    assert len(invites(calls)) == 1
    calls.handle_timers(40.0)
    calls.handle_timers(80.0)
    assert calls.tally.refusals == 1


def test_who_hung_up_is_told() -> None:
    calls = board(2)
    for row in range(2):
        calls.dial(row, 0.0)
    first, second = invites(calls)
    for request in (first, second):
        calls.receive_datagram(response(request, "200 OK", SDP.format(port=7000)), 0.1)
    calls.hang_up(0, 1.0)
    (bye,) = [d.decode() for d in calls.datagrams_to_send() if d.startswith(b"BYE")]
    calls.receive_datagram(response(bye, "200 OK"), 1.1)
    other = header(second, "call-id")
    theirs = f"BYE sip:bench@127.0.0.1 SIP/2.0\r\nCall-ID: {other}\r\nCSeq: 1 BYE\r\n\r\n"
    calls.receive_datagram(theirs.encode(), 1.2)
    assert [e for e in events(calls) if isinstance(e, Down)] == [Down(0, False), Down(1, True)]
    assert (calls.tally.ended_by_far_end, calls.live) == (1, 0)
