"""The bare phone's signalling against a far end that is written down, over a virtual clock."""

import random
import re

import pytest

from offhook.bench.phones.bare_digest import Credentials
from offhook.bench.phones.bare_sip import (
    Answered,
    BareCall,
    Ended,
    MediaMoved,
    Refused,
    State,
    header,
    headers,
)

LOCAL = ("192.0.2.1", 5070)
SDP = "v=0\r\nm=audio 4000 RTP/AVP 0\r\n"
OFFER = "v=0\r\nm=audio 9000 RTP/AVP 0\r\n"
CONTACT = "Contact: <sip:agent@198.51.100.7:5099>"
CHALLENGE = 'Digest realm="pbx", nonce="abc", algorithm={}, qop="auth,auth-int", opaque="x1"'


def call_to(credentials: Credentials | None = None) -> BareCall:
    call = BareCall("sip:agent@pbx.example", LOCAL, random.Random(1), OFFER, credentials)
    call.invite(0.0)
    return call


def sent(call: BareCall) -> list[str]:
    return [data.decode() for data in call.datagrams_to_send()]


def answer(request: str, status: str, *extra: str, body: str = "") -> bytes:
    copied = [line for line in request.split("\r\n") if re.match("(Via|From|Call-ID|CSeq):", line)]
    to = header(request, "to")
    to = to if "tag=" in to or status.startswith("100") else f"{to};tag=far"
    lines = [f"SIP/2.0 {status}", *copied, f"To: {to}", *extra]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def request_of(call: BareCall, method: str, body: str = "", number: int = 1) -> bytes:
    lines = [
        f"{method} sip:bench@{LOCAL[0]} SIP/2.0",
        f"Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKfar{number}",
        "From: <sip:agent@pbx.example>;tag=far",
        "To: <sip:bench@192.0.2.1>;tag=near",
        f"Call-ID: {call.call_id}",
        f"CSeq: {number} {method}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def up(credentials: Credentials | None = None) -> BareCall:
    call = call_to(credentials)
    (invite,) = sent(call)
    call.receive_datagram(answer(invite, "200 OK", CONTACT, body=SDP), 1.0)
    assert call.next_event() == Answered(SDP)
    sent(call)
    return call


def timers(call: BareCall) -> list[tuple[float, int]]:
    """When its timer came, and what was sent then, until it is quiet."""
    seen: list[tuple[float, int]] = []
    while (at := call.get_timer()) is not None:
        call.handle_timer(at)
        seen.append((at, len(sent(call))))
    return seen


def test_an_invite_is_repeated_until_nobody_answers() -> None:
    call = call_to()
    assert len(sent(call)) == 1
    repeated = [(0.5, 1), (1.5, 1), (3.5, 1), (7.5, 1), (15.5, 1), (31.5, 1), (32.0, 0)]
    assert timers(call) == repeated
    assert call.next_event() == Refused("no answer to INVITE")
    assert call.state is State.OVER


def test_a_provisional_response_ends_the_repetition_and_is_no_answer() -> None:
    call = call_to()
    (invite,) = sent(call)
    for status in ("100 Trying", "180 Ringing", "183 Session Progress"):
        call.receive_datagram(answer(invite, status), 0.1)
    assert (call.get_timer(), call.next_event(), sent(call)) == (None, None, [])


def test_an_answer_is_acknowledged_at_its_contact_and_again_when_it_is_repeated() -> None:
    call = call_to()
    (invite,) = sent(call)
    routes = ["Record-Route: <sip:198.51.100.1;lr>", "Record-Route: <sip:198.51.100.2;lr>"]
    ok = answer(invite, "200 OK", CONTACT, *routes, body=SDP)
    call.receive_datagram(ok, 1.0)
    assert call.next_event() == Answered(SDP)
    (ack,) = sent(call)
    assert ack.startswith("ACK sip:agent@198.51.100.7:5099 SIP/2.0\r\n")
    assert headers(ack, "route") == ["<sip:198.51.100.2;lr>", "<sip:198.51.100.1;lr>"]
    assert call.next_hop == ("198.51.100.2", 5060)
    assert header(ack, "to").endswith(";tag=far")
    assert header(ack, "cseq") == "1 ACK"
    assert header(ack, "via") != header(invite, "via")
    call.receive_datagram(ok, 1.5)
    assert len(sent(call)) == 1
    assert call.next_event() is None


@pytest.mark.parametrize("status", ["404 Not Found", "486 Busy Here", "302 Moved", "603 Decline"])
def test_a_refusal_is_acknowledged_in_its_own_transaction(status: str) -> None:
    call = call_to()
    (invite,) = sent(call)
    call.receive_datagram(answer(invite, status), 1.0)
    (ack,) = sent(call)
    assert header(ack, "via") == header(invite, "via")
    assert header(ack, "to").endswith(";tag=far")
    assert call.next_event() == Refused(status)
    assert call.get_timer() is None


@pytest.mark.parametrize(
    ("status", "asked", "given"),
    [
        ("401 Unauthorized", "WWW-Authenticate", "authorization"),
        ("407 Proxy Authentication Required", "Proxy-Authenticate", "proxy-authorization"),
    ],
)
def test_a_challenge_is_answered_once(status: str, asked: str, given: str) -> None:
    call = call_to(Credentials("alice", "secret"))
    (invite,) = sent(call)
    call.receive_datagram(answer(invite, "100 Trying"), 0.1)
    challenge = f"{asked}: {CHALLENGE.format('MD5')}"
    call.receive_datagram(answer(invite, status, challenge), 0.2)
    ack, again = sent(call)
    assert header(ack, "cseq") == "1 ACK"
    assert header(again, "cseq") == "2 INVITE"
    assert again.endswith(OFFER)
    assert 'username="alice"' in header(again, given)
    assert call.get_timer() == 0.7
    call.receive_datagram(answer(again, "200 OK", CONTACT, body=SDP), 1.0)
    (acked,) = sent(call)
    assert header(acked, given) == header(again, given)  # §22.1

    wrong = call_to(Credentials("alice", "secret"))
    (invite,) = sent(wrong)
    wrong.receive_datagram(answer(invite, status, challenge), 0.2)
    again = sent(wrong)[1]
    wrong.receive_datagram(answer(again, status, challenge), 0.4)
    assert wrong.next_event() == Refused(status)
    assert len(sent(wrong)) == 1


def test_a_challenge_without_credentials_is_a_refusal() -> None:
    call = call_to()
    (invite,) = sent(call)
    challenge = f"WWW-Authenticate: {CHALLENGE.format('MD5')}"
    call.receive_datagram(answer(invite, "401 Unauthorized", challenge), 0.2)
    assert call.next_event() == Refused("401 Unauthorized")


def test_hanging_up_is_repeated_until_it_is_answered() -> None:
    call = up()
    call.hang_up(10.0)
    (bye,) = sent(call)
    assert bye.startswith("BYE sip:agent@198.51.100.7:5099 SIP/2.0\r\n")
    assert header(bye, "cseq") == "2 BYE"
    assert call.get_timer() == 10.5
    call.handle_timer(10.5)
    assert sent(call) == [bye]
    call.receive_datagram(answer(bye, "200 OK"), 10.6)
    assert (call.next_event(), call.get_timer()) == (Ended(), None)


def test_who_does_not_answer_a_bye_is_given_up() -> None:
    call = up()
    call.hang_up(10.0)
    sent(call)
    assert [at for at, _ in timers(call)][-3:] == [37.5, 41.5, 42.0]
    assert call.next_event() == Ended()


def test_a_call_that_is_not_up_is_cancelled_and_a_late_answer_is_ended() -> None:
    call = call_to()
    (invite,) = sent(call)
    call.receive_datagram(answer(invite, "180 Ringing"), 0.5)
    call.hang_up(1.0)
    (cancel,) = sent(call)
    assert cancel.startswith("CANCEL sip:agent@pbx.example SIP/2.0\r\n")
    assert header(cancel, "via") == header(invite, "via")
    assert header(cancel, "cseq") == "1 CANCEL"
    call.receive_datagram(answer(invite, "200 OK", CONTACT, body=SDP), 1.1)
    ack, bye = sent(call)
    assert (header(ack, "cseq"), header(bye, "cseq")) == ("1 ACK", "2 BYE")
    assert call.next_event() is None


def test_the_far_end_hangs_up() -> None:
    call = up()
    bye = request_of(call, "BYE")
    call.receive_datagram(bye, 5.0)
    (ok,) = sent(call)
    assert ok.startswith("SIP/2.0 200 OK\r\n")
    assert header(ok, "via") == header(bye.decode(), "via")
    assert call.next_event() == Ended()
    call.hang_up(6.0)
    call.receive_datagram(bye, 6.0)  # our answer was lost
    assert len(sent(call)) == 1
    assert call.next_event() is None


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_the_far_end_moves_its_audio(method: str) -> None:
    call = up()
    moved = "v=0\r\nm=audio 4444 RTP/AVP 0\r\n"
    call.receive_datagram(request_of(call, method, moved, 7), 5.0)
    (ok,) = sent(call)
    assert ok.startswith("SIP/2.0 200 OK\r\n")
    assert ok.endswith(OFFER)
    assert call.next_event() == MediaMoved(moved)
    call.receive_datagram(request_of(call, "ACK", number=7), 5.1)
    assert (sent(call), call.next_event()) == ([], None)


@pytest.mark.parametrize(
    ("method", "status"), [("OPTIONS", 200), ("INFO", 200), ("UPDATE", 200), ("REFER", 405)]
)
def test_other_requests_have_an_answer_without_a_body(method: str, status: int) -> None:
    call = up()
    call.receive_datagram(request_of(call, method), 5.0)
    (given,) = sent(call)
    assert given.startswith(f"SIP/2.0 {status} ")
    assert given.endswith("Content-Length: 0\r\n\r\n")
    assert call.next_event() is None


@pytest.mark.parametrize(
    "data", [b"", b"\r\n\r\n", b"\x00\xff\xfe", b"SIP/2.0 200 OK\r\n\r\n", b"BYE sip:x SIP/2.0\r\n"]
)
def test_what_is_not_of_the_call_is_ignored(data: bytes) -> None:
    call = up()
    call.receive_datagram(data, 5.0)
    assert (sent(call), call.next_event(), call.state) == ([], None, State.UP)
