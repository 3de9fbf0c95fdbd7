"""RFC 3261 §8.2, check by check; the torture messages are in test_torture.py."""

import pytest

from offhook.drivers.sip.message import Request
from offhook.drivers.sip.screening import Screen, screen
from offhook.drivers.sip.uri import Uri


def request(
    method: str = "INVITE",
    uri: str = "sip:b@h",
    *,
    version: str = "SIP/2.0",
    cseq: str = "",
    body: bytes = b"",
    **headers: str,
) -> Request:
    fields = [
        ("Via", "SIP/2.0/UDP h;branch=z9hG4bK1"),
        ("From", "<sip:a@h>;tag=1"),
        ("To", "<sip:b@h>"),
        ("Call-ID", "c"),
        ("CSeq", f"1 {cseq or method}"),
        *((name.replace("_", "-"), value) for name, value in headers.items()),
    ]
    return Request(method, Uri.parse(uri), fields, body, version)


def status(message: Request) -> int | None:
    refusal = screen(message)
    return None if refusal is None else refusal.status


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (request(), None),
        (request("OPTIONS"), None),
        (request(uri="tel:+15551234"), None),
        (request(version="SIP/3.0"), 505),
        (request("NOTIFY"), 405),
        (request("FETCH"), 501),
        (request(cseq="BYE"), 400),
        (request(uri="http://h"), 416),
        (request(uri="sip:h;method=BYE"), 400),
        (request(uri="sip:h?Route=x"), 400),
        (request(Require="timer"), None),
        (request(Require="Timer"), None),
        (request(Require="100rel"), 420),
        (request("CANCEL", Require="100rel"), None),
        (request("BYE", Require="100rel"), 420),
        (request(body=b"v=0", Content_Type="application/sdp"), None),
        (request(body=b"v=0", Content_Type="application/sdp;charset=x"), None),
        (request(body=b"x"), 415),
        (request(body=b"x", Content_Type="text/plain"), 415),
        (
            request(
                body=b"x",
                Content_Type="text/plain",
                Content_Disposition="signal; handling = Optional",
            ),
            None,
        ),
        (request(Content_Type="text/plain"), None),
        (request(body=b"x", Content_Type="application/sdp", Content_Encoding="gzip"), 415),
        (request(body=b"x", Content_Type="application/sdp", Content_Encoding="identity"), None),
        (request("BYE", body=b"x", Content_Type="text/plain"), None),
        (request("INFO", body=b"Signal=1", Content_Type="application/dtmf-relay"), None),
        (request("INFO", body=b"x", Content_Type="text/plain"), 415),
        (request(Accept="application/sdp, text/plain"), None),
        (request(Accept="application/*;q=0.5"), None),
        (request(Accept=""), 406),
        (request("OPTIONS", Accept="text/plain"), None),
    ],
)
def test_answers(message: Request, expected: int | None) -> None:
    assert status(message) == expected


@pytest.mark.parametrize("method", ["NOTIFY", "FETCH"])
def test_a_refused_method_is_told_which_are_allowed(method: str) -> None:
    refusal = screen(request(method))
    assert refusal is not None
    assert refusal.headers.get("Allow") == "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE"


def test_an_ack_is_never_answered() -> None:
    assert screen(request("ACK", "http://h", version="SIP/9.9", cseq="BYE", Require="x")) is None


def test_encodings_that_are_taken_are_named() -> None:
    refusal = screen(request(body=b"x", Content_Encoding="gzip"))
    assert refusal is not None
    assert refusal.headers.get("Accept-Encoding") == "identity"


def test_what_is_allowed_and_supported_can_be_chosen() -> None:
    own = Screen(("OPTIONS", "REFER"), ("100rel",))
    assert own.screen(request("REFER", Require="100rel")) is None
    refusal = own.screen(request("INVITE"))
    assert refusal is not None
    assert refusal.headers.get("Allow") == "OPTIONS, REFER"


def test_the_tag_goes_where_there_is_none() -> None:
    refusal = screen(request("FETCH"), "ours")
    assert refusal is not None
    assert refusal.headers.get("To") == "<sip:b@h>;tag=ours"
    inside = request("FETCH")
    inside.headers.set("To", "<sip:b@h>;tag=theirs")
    refusal = screen(inside, "ours")
    assert refusal is not None
    assert refusal.to.tag == "theirs"
