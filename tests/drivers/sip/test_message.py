"""Reading and writing whole messages, and building responses."""

import pytest

from offhook.drivers.sip.address import WILDCARD
from offhook.drivers.sip.errors import LocalError, MalformedMessage
from offhook.drivers.sip.headers import Headers
from offhook.drivers.sip.message import (
    MAX_HEADERS,
    MAX_MESSAGE_BYTES,
    REASONS,
    CSeq,
    MalformedRequest,
    Request,
    Response,
    parse,
)
from offhook.drivers.sip.uri import Uri

LINES = [
    "INVITE sip:bob@biloxi.com SIP/2.0",
    "Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds",
    "Max-Forwards: 70",
    "To: Bob <sip:bob@biloxi.com>",
    "From: Alice <sip:alice@atlanta.com>;tag=1928301774",
    "Call-ID: a84b4c76e66710@pc33.atlanta.com",
    "CSeq: 314159 INVITE",
    "Contact: <sip:alice@pc33.atlanta.com>",
]


def wire(*more: str, without: str = "\0", body: str = "", start: str = LINES[0]) -> bytes:
    lines = [start, *(line for line in LINES[1:] if not line.startswith(without)), *more]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "surrogateescape")


def read(*more: str, without: str = "\0", body: str = "", start: str = LINES[0]) -> Request:
    message = parse(wire(*more, without=without, body=body, start=start))
    assert isinstance(message, Request)
    return message


def refusal(data: bytes) -> MalformedMessage:
    with pytest.raises(MalformedMessage) as caught:
        parse(data)
    return caught.value


def test_reads_a_request() -> None:
    invite = read(
        "Expires: 60", "Require: a, b", "Supported:", "k: timer", "c: Application/SDP;x=1"
    )
    assert (invite.method, str(invite.uri)) == ("INVITE", "sip:bob@biloxi.com")
    assert invite.via.branch == "z9hG4bK776asdhds"
    assert invite.to.display_name == "Bob"
    assert invite.from_.tag == "1928301774"
    assert invite.call_id == "a84b4c76e66710@pc33.atlanta.com"
    assert invite.cseq == CSeq(314159, "INVITE")
    assert [str(contact) for contact in invite.contacts] == ["<sip:alice@pc33.atlanta.com>"]
    assert (invite.max_forwards, invite.expires) == (70, 60)
    assert (invite.require, invite.supported) == (["a", "b"], ["timer"])
    assert invite.content_type == "application/sdp"
    assert (invite.routes, invite.record_routes) == ([], [])


def test_typed_values_follow_the_headers() -> None:
    invite = read()
    assert len(invite.vias) == 1
    invite.headers.insert_first("Via", "SIP/2.0/UDP us;branch=z9hG4bK1")
    assert invite.via.host == "us"
    invite.vias.clear()
    assert len(invite.vias) == 2


def test_routes_are_read_in_order_over_lines_and_commas() -> None:
    invite = read(
        "Record-Route: <sip:a;lr>, <sip:b;lr>", "Record-Route: <sip:c;lr>", "Route: <sip:d>"
    )
    assert [route.uri.host for route in invite.record_routes] == ["a", "b", "c"]
    assert [route.uri.host for route in invite.routes] == ["d"]


@pytest.mark.parametrize(
    "value", ["", "x", "-1", "1.5", "3600;x", "3600 (an hour)", str(10**30), "9" * 5000]
)
def test_unreadable_seconds_are_absent_and_large_ones_capped(value: str) -> None:
    expires = read(f"Expires: {value}").expires
    assert expires == (3600 if value.startswith("3600") else 2**32 - 1 if len(value) > 9 else None)


def test_empty_lines_before_a_message_are_skipped_and_bare_line_feeds_taken() -> None:
    assert parse(b"\r\n\r\n" + wire()).call_id == parse(wire().replace(b"\r\n", b"\n")).call_id


def test_content_length_cuts_the_body_and_its_absence_takes_all() -> None:
    assert read("Content-Length: 3", body="abcdef").body == b"abc"
    assert read(body="abcdef").body == b"abcdef"
    assert refusal(wire("l: 7", body="abcdef")).status_hint == 400


def test_bytes_that_are_no_utf8_survive_the_round_trip() -> None:
    data = wire().replace(b"Bob", b"B\xf6b\xff") + b"\x80\xff"
    message = parse(data)
    again = message.serialize()
    assert b"To: B\xf6b\xff <sip:bob@biloxi.com>\r\n" in again
    assert again.endswith(b"\r\n\r\n\x80\xff")
    assert parse(again).to == message.to


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (wire(without="Via"), "Via"),
        (wire(without="To"), "To"),
        (wire(without="From"), "From"),
        (wire(without="Call-ID"), "Call-ID"),
        (wire(without="CSeq"), "CSeq"),
        (wire("To: <sip:a@b>"), "To"),
        (wire("Max-Forwards: 256", without="Max"), "Max-Forwards"),
        (wire("Max-Forwards: " + 5000 * "0", without="Max"), "Max-Forwards"),
        (wire("CSeq: 2147483648 INVITE", without="CSeq"), "CSeq"),
        (wire("CSeq: 1", without="CSeq"), "CSeq"),
        (wire("Contact: *, <sip:a@b>"), "Contact"),
        (wire("To: *", without="To"), "To"),
        (wire("Record-Route: sip:a@b, ,"), "Record-Route"),
        (wire("Call-ID: a b", without="Call-ID"), "Call-ID"),
        (wire("Content-Length: 1e3"), "Content-Length"),
        (wire("Content-Length: ٣"), "Content-Length"),
        (wire("no header"), "headers"),
        (wire(": no name"), "headers"),
        (wire("Bad Name: x"), "headers"),
        (wire("X: a\rVia: b"), "X"),
        (wire("X: " + 20000 * "x"), "X"),
        (wire(*["X: y"] * MAX_HEADERS), "headers"),
        (wire("Via: " + ",".join(["SIP/2.0/UDP h"] * 101)), "Via"),
        (wire(*["Via: SIP/2.0/UDP h"] * 100), "Via"),
        (wire(*["Contact: <sip:h>"] * 101), "Contact"),
        (wire("Contact: <sip:h" + 101 * ";a" + ">"), "Contact"),
        (wire("X: y" + 1001 * "\r\n z"), "headers"),
        (wire()[:-2], f"offset {len(wire()) - 2}"),
        (b" \r\n" + wire(), "start line"),
        (wire(start="INVITE sip:bob@biloxi.com"), "start line"),
        (wire(start="GET / HTTP/1.1"), "start line"),
        (wire(start="INVITE sip:b SIP/2"), "start line"),
        (wire(start="SIP/2.0 099 No"), "start line"),
        (wire(start="SIP/3.0 200 OK"), "start line"),
        (b"", "start line"),
        (b"\0\1\2\3", "start line"),
        (b"x" * (MAX_MESSAGE_BYTES + 1), "message"),
    ],
)
def test_says_what_is_wrong_and_where(data: bytes, where: str) -> None:
    fault = refusal(data)
    assert fault.where == where
    assert str(fault).startswith(where)


def test_a_start_line_that_is_too_long_is_told_so() -> None:
    fault = refusal(wire(start=f"INVITE sip:{'%41' * 3000}@h SIP/2.0"))
    assert isinstance(fault, MalformedRequest)
    assert fault.status == fault.status_hint == 414


def test_a_refused_request_can_be_answered() -> None:
    fault = refusal(wire("CSeq: x INVITE", without="CSeq"))
    assert isinstance(fault, MalformedRequest)
    assert fault.status == fault.status_hint == 400
    response = fault.request.respond(400, to_tag="t")
    assert response.headers.get("CSeq") == "x INVITE"
    assert response.to.tag == "t"


def test_what_must_not_be_answered_has_no_partial_request() -> None:
    ack = wire("CSeq: x ACK", without="CSeq", start="ACK sip:b SIP/2.0")
    response = wire(without="To", start="SIP/2.0 200 OK")
    for data in (ack, wire(without="Via"), response):
        assert not isinstance(refusal(data), MalformedRequest)
    assert refusal(response).status_hint is None


def test_a_final_response_gets_through_without_what_is_unreadable() -> None:
    lines = ["Contact: what?", "Route: <", "Max-Forwards: x", 'Allow: "INVITE', 'Supported: ",']
    data = wire(*lines, start="SIP/2.0 486 Busy Here").replace(b"Max-Forwards: 70\r\n", b"")
    response = parse(data)
    assert isinstance(response, Response)
    assert (response.status, response.contacts, response.routes) == (486, [], [])
    assert response.max_forwards is None
    assert response.tokens("Allow") == ['"INVITE']


def test_deep_folds_and_long_spaces_take_no_time() -> None:
    # Quadratic matching would take minutes here.
    spaces = 8000 * " "
    for line in (f"To: x{spaces}x", f"Via: SIP/2.0/UDP{spaces}h h", f'Contact: "{spaces}'):
        assert refusal(wire(line, without=line.partition(":")[0])).status_hint == 400


# --- what a well known Python parser gets wrong ---------------------------------------------------


def test_folded_headers_are_joined() -> None:
    assert read("Subject: I know\r\n  you're there,\r\n\tpick up").headers.get("Subject") == (
        "I know you're there, pick up"
    )


def test_space_before_the_colon_is_no_part_of_the_name() -> None:
    assert read("Subject \t: x").headers.get("Subject") == "x"


def test_several_addresses_in_one_header_are_several() -> None:
    contacts = read('m: "A" <sip:a@x>, "B" <sip:b@x>', without="Contact").contacts
    assert [contact.display_name for contact in contacts] == ["A", "B"]


def test_parameter_names_ignore_case() -> None:
    assert read("From: <sip:a@b>;TAG=1", without="From").from_.tag == "1"


def test_uri_headers_are_understood() -> None:
    invite = read("Refer-To: <sip:b@x?Replaces=1%3Bto-tag%3D2>", "Contact: <sip:b@x?Replaces=1>")
    assert invite.contacts[1].uri.headers == (("Replaces", "1"),)


def test_wildcard_urn_hash_and_underscore_are_understood() -> None:
    assert read("Contact: *", without="Contact").contacts == [WILDCARD]
    assert read("To: <urn:service:sos>", without="To").to.uri.scheme == "urn"
    assert read("To: <sip:#31#@my_host>", without="To").to.uri.user == "#31#"


def test_a_status_line_needs_no_reason() -> None:
    response = parse(wire(start="SIP/2.0 180"))
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (180, "")


def test_an_instance_id_is_written_as_it_came() -> None:
    text = '<sip:a@b>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'
    assert str(read(f"Contact: {text}", without="Contact").contacts[0]) == text


# --- writing --------------------------------------------------------------------------------------


def test_writes_a_request_with_the_right_length() -> None:
    request = Request(
        "OPTIONS", Uri.parse("sip:b@h"), [("Via", "SIP/2.0/UDP h"), ("l", "99")], b"abc"
    )
    assert request.serialize() == (
        b"OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nContent-Length: 3\r\n\r\nabc"
    )


@pytest.mark.parametrize("evil", ["a\r\nX: y", "a\nX: y", "a\rX: y"])
def test_no_value_breaks_out_of_its_line(evil: str) -> None:
    uri = Uri.parse("sip:h")
    for message in (
        Request("OPTIONS", uri, [("X", evil)]),
        Request("OPTIONS", uri, [(evil, "x")]),
        Request(evil, uri),
        Request("OPTIONS", Uri("urn", host=evil)),
        Response(200, evil),
        Response(200, None, [("X", evil)]),
    ):
        with pytest.raises(LocalError):
            message.serialize()


def test_an_impossible_status_is_not_written() -> None:
    with pytest.raises(LocalError):
        Response(99).serialize()


def test_a_response_copies_what_it_must() -> None:
    invite = read(
        "Via: SIP/2.0/UDP second;branch=2",
        "Record-Route: <sip:p1;lr>",
        "r: <sip:x>",
        "Timestamp: 54",
    )
    ringing = invite.respond(180, to_tag="ours")
    assert ringing.reason == "Ringing"
    assert [via.host for via in ringing.vias] == ["pc33.atlanta.com", "second"]
    assert ringing.headers.get("To") == "Bob <sip:bob@biloxi.com>;tag=ours"
    assert ringing.from_ == invite.from_
    assert (ringing.call_id, ringing.cseq) == (invite.call_id, invite.cseq)
    assert [str(route) for route in ringing.record_routes] == ["<sip:p1;lr>"]
    assert {name for name, _ in ringing.headers} == {
        *("Via", "From", "To", "Call-ID", "CSeq", "Record-Route")
    }
    assert invite.respond(486).record_routes == []
    assert invite.respond(100).headers.get("Timestamp") == "54"
    assert parse(ringing.serialize()).headers.get("Content-Length") == "0"


def test_a_tag_that_is_there_stays() -> None:
    bye = read("To: <sip:b@h>;tag=first", without="To")
    assert bye.respond(200, to_tag="second").to.tag == "first"


def test_a_message_without_headers_says_what_is_missing() -> None:
    with pytest.raises(MalformedMessage, match="Call-ID: missing"):
        _ = Request("BYE", Uri.parse("sip:h"), Headers()).call_id


def test_every_status_has_a_phrase_fit_for_the_wire() -> None:
    for status, reason in REASONS.items():
        assert Response(status).serialize().startswith(f"SIP/2.0 {status} {reason}\r\n".encode())
    assert Response(299).reason == "Unknown"
