"""URIs: RFC 3261 §19.1 with its examples, and what phones write."""

import pytest

from offhook.drivers.sip.errors import MalformedMessage
from offhook.drivers.sip.uri import Uri


def test_reads_all_parts() -> None:
    uri = Uri.parse("sips:alice:secret@[2001:db8::9]:5071;transport=tcp;lr?Subject=project%20x&p=1")
    assert uri == Uri(
        "sips",
        "alice",
        "secret",
        "2001:db8::9",
        5071,
        (("transport", "tcp"), ("lr", None)),
        (("Subject", "project x"), ("p", "1")),
    )


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@atlanta.com",
        "sip:alice:secretword@atlanta.com;transport=tcp",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sips:1212@gateway.com",
        "sip:alice@192.0.2.4",
        "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com",
        "sip:[2001:db8::10]",
        "sip:[2001:db8::10:5070]",
        "sip:[2001:db8::10]:5070",
        "sip:b@x?Replaces=a84b4c%40h%3Bto-tag%3D1%3Bfrom-tag%3D2",
        "tel:+1-201-555-0123",
        "tel:7042;phone-context=example.com",
        "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "mailto:a@b.example",
        "sip:under_score.example.com",
    ],
)
def test_writes_what_it_read(text: str) -> None:
    assert str(Uri.parse(text)) == text


def test_what_people_dial_is_let_in_and_escaped_on_the_way_out() -> None:
    uri = Uri.parse("sip:*21*#@example.com")
    assert uri.user == "*21*#"
    assert str(uri) == "sip:*21*%23@example.com"


def test_values_cannot_break_out() -> None:
    uri = Uri("sip", "a@b>\r\nX: y", None, "h", parameters=(("p", "1;2\r\n"),))
    assert str(uri) == "sip:a%40b%3E%0D%0AX%3A%20y@h;p=1%3B2%0D%0A"
    assert Uri.parse(str(uri)) == uri


def test_bytes_that_are_no_utf8_survive() -> None:
    uri = Uri.parse("sip:%FF%00@h")
    assert str(uri) == "sip:%FF%00@h"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alan@jasomi.com",
        "<sip:user@example.com>",
        "sip:",
        "sip:@example.com",
        "sip:a b@example.com",
        "sip:a@example.com; lr",
        "sip:a@example.com;",
        "sip:a@exa mple.com",
        "sip:a@example.com:",
        "sip:a@example.com:65536",
        "sip:a@example.com:port",
        "sip:2001:db8::10",
        "sip:user@[2001:db8:::192.0.2.1]",
        "sip:user@[2001:db8::1",
        "sip:user@-",
        "sip:a%4@example.com",
        "sip:a%zz@example.com",
        "sip:a@example.com?route",
        "sip:a@b@c",
        "tel:",
        "tel:hello",
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(MalformedMessage, match="URI"):
        Uri.parse(text)


# RFC 3261 §19.1.4, word for word.
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ],
)
def test_matches(one: str, other: str) -> None:
    assert Uri.parse(one).matches(Uri.parse(other))
    assert Uri.parse(other).matches(Uri.parse(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:a@h;security=on", "sip:a@h;security=off"),
        ("sip:a@h", "sips:a@h"),
        ("sip:a@h;maddr=1.2.3.4", "sip:a@h"),
    ],
)
def test_does_not_match(one: str, other: str) -> None:
    assert not Uri.parse(one).matches(Uri.parse(other))
    assert not Uri.parse(other).matches(Uri.parse(one))


def test_parameters_are_found_by_any_case_and_changed_in_place() -> None:
    uri = Uri.parse("sip:h;LR;Transport=udp")
    assert uri.parameter("lr") == ""
    assert uri.parameter("transport") == "udp"
    assert uri.parameter("maddr") is None
    assert str(uri.with_parameters(transport="tcp", ob=None)) == "sip:h;LR;transport=tcp;ob"


def test_headers_can_be_left_out() -> None:
    assert str(Uri.parse("sip:h?a=b").without_headers()) == "sip:h"
