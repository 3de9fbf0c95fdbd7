"""Name-addr and addr-spec, one and many, as they are met."""

import pytest

from offhook.drivers.sip.address import WILDCARD, Address
from offhook.drivers.sip.errors import MalformedMessage
from offhook.drivers.sip.uri import Uri


@pytest.mark.parametrize(
    ("text", "name", "uri", "parameters"),
    [
        (
            '"A. G. Bell" <sip:agb@bell.com> ;tag=a48s',
            "A. G. Bell",
            "sip:agb@bell.com",
            (("tag", "a48s"),),
        ),
        ("sip:+12125551212@server.com;tag=887s", None, "sip:+12125551212@server.com", None),
        ("Anonymous <sip:c8oqz84zk7z@p.org>;tag=hyh8", "Anonymous", "sip:c8oqz84zk7z@p.org", None),
        ("<sip:a@h;lr>", None, "sip:a@h;lr", ()),
        ('"" <sip:a@h>', "", "sip:a@h", ()),
        ("caller<sip:a@h>", "caller", "sip:a@h", ()),
        ("Jörg von der  Lühe <sip:a@h>", "Jörg von der Lühe", "sip:a@h", ()),
        ('"<sip:x@y>, \\"z\\"" <sip:a@h>', '<sip:x@y>, "z"', "sip:a@h", ()),
        ("<tel:+15551234>", None, "tel:+15551234", ()),
        ("  <sip:a@h>  ", None, "sip:a@h", ()),
    ],
)
def test_reads(
    text: str, name: str | None, uri: str, parameters: tuple[tuple[str, str]] | None
) -> None:
    address = Address.parse(text)
    assert address.display_name == name
    assert str(address.uri) == uri
    assert parameters is None or address.parameters == parameters
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alan@jasomi.com",
        '"Mr. J. User <sip:j.user@example.com>',
        "Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
        '"W" < sip:t.watson@example.org >',
        '"Joe" <sip:joe@example.org>;;;;',
        "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
        "<sip:a@h",
        "sip:a@h>",
        "<sip:a@h> tag=1",
        '"x" y <sip:a@h>',
        "<sip:a@h>;tag=a b",
        '<sip:a@h>;x="y',
        "<>",
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(MalformedMessage, match="To"):
        Address.parse(text, "To")


def test_reads_many_with_commas_in_quotes_and_brackets() -> None:
    found = Address.parse_many('"A, B" <sip:a@x>;p="1,2", <sip:b,c@y>,sip:d@z;tag=1')
    assert [str(address.uri) for address in found] == ["sip:a@x", "sip:b,c@y", "sip:d@z"]
    assert found[0].parameter("p") == "1,2"
    assert found[2].tag == "1"
    with pytest.raises(MalformedMessage):
        Address.parse_many("<sip:a@x>,,<sip:b@x>")


def test_a_quoted_parameter_is_unquoted_and_quoted_again() -> None:
    text = '<sip:a@h>;+sip.instance="<urn:uuid:0-0>";reg-id=1'
    address = Address.parse(text)
    assert address.parameter("+SIP.instance") == "<urn:uuid:0-0>"
    assert str(address) == text


def test_a_tag_is_set_and_replaced() -> None:
    address = Address(None, Uri.parse("sip:a@h"))
    assert str(address.with_tag("1")) == "<sip:a@h>;tag=1"
    assert address.with_tag("1").with_tag("2").tag == "2"
    assert address.tag is None


def test_the_wildcard_is_itself() -> None:
    assert Address.parse(" * ") == WILDCARD
    assert WILDCARD.is_wildcard
    assert str(WILDCARD) == "*"


def test_a_display_name_cannot_break_out() -> None:
    address = Address('x" <sip:evil@h>, "', Uri.parse("sip:a@h"))
    assert Address.parse_many(str(address)) == [address]
