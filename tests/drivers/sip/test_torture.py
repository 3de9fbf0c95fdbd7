"""Every message of RFC 4475 gets the answer the RFC asks for, by name of its file."""

import pathlib

import pytest

from offhook.drivers.sip.errors import MalformedMessage
from offhook.drivers.sip.message import MalformedRequest, Request, Response, parse
from offhook.drivers.sip.screening import screen

TORTURE = pathlib.Path(__file__).parents[2] / "data" / "sip" / "torture"

TAKEN = None  # in order: the user agent goes on with it
DROPPED = "dropped"

# File, RFC 4475 section, what happens to it.
OUTCOMES: list[tuple[str, str, int | str | None]] = [
    ("wsinv", "3.1.1.1", TAKEN),
    ("intmeth", "3.1.1.2", 501),
    ("esc01", "3.1.1.3", TAKEN),
    ("escnull", "3.1.1.4", 405),  # REGISTER: we are no registrar
    ("esc02", "3.1.1.5", 501),  # "RE%47IST%45R" is not REGISTER
    ("lwsdisp", "3.1.1.6", TAKEN),
    ("longreq", "3.1.1.7", TAKEN),
    ("dblreq", "3.1.1.8", 405),  # the REGISTER only; the INVITE behind it is not seen
    ("semiuri", "3.1.1.9", TAKEN),
    ("transports", "3.1.1.10", TAKEN),
    ("mpart01", "3.1.1.11", 405),
    ("unreason", "3.1.1.12", TAKEN),
    ("noreason", "3.1.1.13", TAKEN),
    ("badinv01", "3.1.2.1", 400),
    ("clerr", "3.1.2.2", 400),
    ("ncl", "3.1.2.3", 400),
    ("scalar02", "3.1.2.4", 400),
    ("scalarlg", "3.1.2.5", DROPPED),
    ("quotbal", "3.1.2.6", 400),
    ("ltgtruri", "3.1.2.7", 400),
    ("lwsruri", "3.1.2.8", 400),
    ("lwsstart", "3.1.2.9", 400),
    ("trws", "3.1.2.10", 400),
    ("escruri", "3.1.2.11", 400),
    ("baddate", "3.1.2.12", TAKEN),  # an element that does not need the date may ignore it
    ("regbadct", "3.1.2.13", 400),
    ("badaspec", "3.1.2.14", 400),
    ("baddn", "3.1.2.15", 400),
    ("badvers", "3.1.2.16", 505),
    ("mismatch01", "3.1.2.17", 400),
    ("mismatch02", "3.1.2.18", 501),
    ("bigcode", "3.1.2.19", DROPPED),
    ("badbranch", "3.2.1", 400),
    ("insuf", "3.3.1", 400),
    ("unkscm", "3.3.2", 416),
    ("novelsc", "3.3.3", 416),
    ("unksm2", "3.3.4", 405),
    ("bext01", "3.3.5", 420),
    ("invut", "3.3.6", 415),
    ("regaut01", "3.3.7", 405),
    ("multi01", "3.3.8", 400),
    ("mcl01", "3.3.9", 400),
    ("bcast", "3.3.10", TAKEN),  # dropped by the transaction layer: it is no answer to us
    ("zeromf", "3.3.11", TAKEN),  # 483 is for proxies
    ("cparam01", "3.3.12", 405),
    ("cparam02", "3.3.13", 405),
    ("regescrt", "3.3.14", 405),
    ("sdp01", "3.3.15", 406),
    ("inv2543", "3.4.1", TAKEN),
]


def read(name: str) -> bytes:
    return (TORTURE / f"{name}.dat").read_bytes()


def request(name: str) -> Request:
    message = parse(read(name))
    assert isinstance(message, Request)
    return message


def answer(data: bytes) -> Response | str | None:
    """What the layers of message.py and screening.py make of a datagram."""
    try:
        message = parse(data)
    except MalformedMessage as fault:
        if not isinstance(fault, MalformedRequest):
            return DROPPED
        return fault.request.respond(fault.status, to_tag="ours")
    return screen(message, "ours") if isinstance(message, Request) else None


@pytest.mark.parametrize(("name", "section", "outcome"), OUTCOMES, ids=lambda value: str(value))
def test_gets_the_answer_of_the_rfc(name: str, section: str, outcome: int | str | None) -> None:
    got = answer(read(name))
    assert (got.status if isinstance(got, Response) else got) == outcome, section


def test_table_has_every_message() -> None:
    assert sorted(name for name, _, _ in OUTCOMES) == sorted(
        path.stem for path in TORTURE.glob("*.dat")
    )


@pytest.mark.parametrize("name", [name for name, _, status in OUTCOMES if isinstance(status, int)])
def test_every_refusal_can_be_sent_and_read_back(name: str) -> None:
    got = answer(read(name))
    assert isinstance(got, Response)
    data = got.serialize()
    assert data.startswith(f"SIP/2.0 {got.status} ".encode())
    assert b"\r\nVia" in data


@pytest.mark.parametrize("name", [name for name, _, status in OUTCOMES if status is TAKEN])
def test_what_is_taken_survives_being_written(name: str) -> None:
    message = parse(read(name))
    again = parse(message.serialize())
    assert again.body == message.body
    assert (again.vias, again.from_, again.to) == (message.vias, message.from_, message.to)
    assert (again.call_id, again.cseq) == (message.call_id, message.cseq)
    assert again.contacts == message.contacts


def test_bad_extension_names_what_is_not_supported() -> None:
    got = answer(read("bext01"))
    assert isinstance(got, Response)
    assert got.headers.get("Unsupported") == "nothingSupportsThis, nothingSupportsThisEither"
    assert got.to.tag == "ours"


def test_unsupported_media_type_names_what_is() -> None:
    got = answer(read("invut"))
    assert isinstance(got, Response)
    assert got.headers.get("Accept") == "application/sdp"


def test_a_short_tortuous_invite_is_understood() -> None:
    invite = request("wsinv")
    assert str(invite.uri) == "sip:vivekg@chair-dnrc.example.com;unknownparam"
    assert invite.to.tag == "1918181833n"
    assert invite.from_.display_name == 'J Rosenberg \\"'
    assert invite.from_.tag == "98asjd8"
    assert invite.max_forwards == 68
    assert (invite.cseq.number, invite.cseq.method) == (9, "INVITE")
    assert [via.host for via in invite.vias] == [
        "192.0.2.2",
        "spindle.example.com",
        "192.168.255.111",
    ]
    assert [via.branch for via in invite.vias] == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]
    assert invite.headers.get("Subject") == ""
    assert invite.headers.get("newfangledheader") == "newfangled value continued newfangled value"
    assert invite.routes[0].uri.parameter("lr") == ""
    assert invite.contacts[0].display_name == 'Quoted string ""'
    assert invite.contacts[0].parameter("q") == "0.33"
    assert len(invite.body) == 150


def test_a_wide_range_of_characters_is_understood() -> None:
    message = request("intmeth")
    assert message.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert message.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert message.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert message.uri.host == "example.com"
    assert message.to.display_name == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert message.from_.display_name == "token1~` token2'+_ token3*%!.-"
    assert message.from_.parameter("fromParam''~+*_!.-%") == "работающий"
    assert message.from_.tag == "_token~1'+`*%!-."
    assert message.headers.get("extensionHeader-!.%*+_`'~") == "\ufeff大停電"


def test_escapes_are_undone_where_they_mean_something_and_only_there() -> None:
    message = request("esc01")
    assert message.uri.user == "sips:user@example.com"
    assert message.to.uri.user == "user"
    assert message.from_.uri.user == "I have spaces"
    assert message.contacts[0].uri.parameters == (("lr", None), ("name", "value%41"))
    nulls = request("escnull")
    assert [contact.uri.user for contact in nulls.contacts] == ["\0", "\0\0"]
    assert str(nulls.contacts[1].uri) == "sip:%00%00@host5.example.com"
    register = request("esc02")
    assert register.from_.display_name == "%Z%45"
    assert len(register.contacts) == 2


def test_long_values_are_understood() -> None:
    message = request("longreq")
    assert len(message.vias) == 34
    assert message.vias[-1].received == "192.0.2.5"
    assert message.to.uri.port == 6000
    assert message.from_.tag == "12" + 50 * "982" + "424"


def test_bytes_behind_the_body_are_left_out() -> None:
    assert request("dblreq").body == b""


def test_status_lines_may_have_any_reason_or_none() -> None:
    unreason, noreason = parse(read("unreason")), parse(read("noreason"))
    assert isinstance(unreason, Response)
    assert isinstance(noreason, Response)
    assert unreason.reason.startswith("= 2**3 * 5**2 но сто")
    assert (noreason.status, noreason.reason) == (100, "")


def test_an_rfc_2543_invite_is_understood() -> None:
    message = request("inv2543")
    assert message.via.branch is None
    assert message.max_forwards is None
    assert message.from_.tag is None
    assert message.body.startswith(b"v=0")


def test_unknown_schemes_are_carried() -> None:
    message = request("unksm2")
    assert str(message.to.uri) == "isbn:2983792873"
    assert str(message.from_.uri) == "http://www.example.com"
    assert message.contacts[0].uri.scheme == "name"


def test_content_behind_a_parameter_without_brackets_is_the_headers() -> None:
    outside, inside = request("cparam01").contacts[0], request("cparam02").contacts[0]
    assert outside.parameter("unknownparam") == ""
    assert outside.uri.parameters == ()
    assert inside.parameters == ()
    assert inside.uri.parameter("unknownparam") == ""


def test_headers_in_a_contact_are_understood() -> None:
    assert request("regescrt").contacts[0].uri.headers == (("Route", "<sip:sip.example.com>"),)
