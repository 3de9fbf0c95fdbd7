"""Dialogs: routes loose and strict, targets, numbers."""

import random

import pytest

from offhook.drivers.sip.dialog import MAX_ROUTES, Dialog
from offhook.drivers.sip.hop import Hop
from offhook.drivers.sip.identity import Identity
from offhook.drivers.sip.message import Request
from offhook.drivers.sip.uri import Uri

IDENTITY = Identity(5060, lambda remote: "192.0.2.1", "Offhook", random.Random(1))
NEIGHBOUR = Hop("UDP", "192.0.2.50", 5060)


def invite(record_route: str = "", contact: str = "<sip:far@192.0.2.9>") -> Request:
    request = Request("INVITE", Uri.parse("sip:agent@192.0.2.1"))
    request.headers.add("From", '"Far" <sip:far@example.com>;tag=far')
    request.headers.add("To", "<sip:agent@192.0.2.1>")
    request.headers.add("Call-ID", "c1")
    request.headers.add("CSeq", "10 INVITE")
    if record_route:
        request.headers.add("Record-Route", record_route)
    if contact:
        request.headers.add("Contact", contact)
    return request


def callee(request: Request) -> Dialog:
    return Dialog.of_callee(request, "near", 100, NEIGHBOUR)


def test_request_of_the_callee_has_the_ends_turned_round() -> None:
    bye = callee(invite()).request("BYE", IDENTITY)
    assert str(bye.uri) == "sip:far@192.0.2.9"
    assert bye.from_.tag == "near"
    assert bye.headers.get("To") == '"Far" <sip:far@example.com>;tag=far'
    assert (bye.cseq.number, bye.call_id, bye.max_forwards) == (100, "c1", 70)


def test_loose_routes_keep_the_target_as_request_uri() -> None:
    dialog = callee(invite("<sip:one;lr>, <sip:two;lr>"))
    bye = dialog.request("BYE", IDENTITY)
    assert str(bye.uri) == "sip:far@192.0.2.9"
    assert [route.uri.host for route in bye.routes] == ["one", "two"]
    assert dialog.next_hop() == Hop("UDP", "one", 5060)


def test_strict_route_becomes_the_request_uri_and_the_target_goes_last() -> None:
    dialog = callee(invite("<sip:one>, <sip:two;lr>"))
    bye = dialog.request("BYE", IDENTITY)
    assert str(bye.uri) == "sip:one"
    assert [route.uri.host for route in bye.routes] == ["two", "192.0.2.9"]
    assert dialog.next_hop().host == "one"


def test_routes_of_the_caller_are_reversed() -> None:
    request = invite()
    response = request.respond(200, to_tag="far-end")
    response.headers.add("Record-Route", "<sip:near;lr>, <sip:far;lr>")
    response.headers.add("Contact", "<sip:agent@192.0.2.1>")
    dialog = Dialog.of_caller(request, response, NEIGHBOUR)
    assert [route.uri.host for route in dialog.routes] == ["far", "near"]
    assert dialog.request("BYE", IDENTITY).cseq.number == 11


def test_ack_has_the_number_of_its_invite_and_takes_none() -> None:
    dialog = callee(invite())
    assert dialog.request("ACK", IDENTITY, cseq=7).cseq.number == 7
    assert dialog.request("BYE", IDENTITY).cseq.number == 100


def test_target_is_refreshed_but_not_by_a_wildcard_or_nothing() -> None:
    dialog = callee(invite())
    for contact in ("<sip:new@192.0.2.10>", "*", ""):
        dialog.refresh_target(invite(contact=contact))
    assert str(dialog.target) == "sip:new@192.0.2.10"


def test_contact_that_is_missing_leaves_the_from_uri() -> None:
    assert str(callee(invite(contact="")).target) == "sip:far@example.com"


@pytest.mark.parametrize(
    ("contact", "host"),
    [
        ("<sip:far@192.0.2.9>", "192.0.2.9"),
        ("<sip:far@10.1.2.3>", "8.8.8.8"),
        ("<sip:far@far.example>", "far.example"),
        ("<sip:far@192.0.2.9;transport=tls>", "8.8.8.8"),
        ("<urn:uuid:1>", "8.8.8.8"),
    ],
)
def test_private_or_unspeakable_contacts_are_reached_by_the_neighbour(
    contact: str, host: str
) -> None:
    neighbour = Hop("UDP", "192.0.2.50" if host == "192.0.2.9" else "8.8.8.8", 5060)
    dialog = Dialog.of_callee(invite(contact=contact), "near", 1, neighbour)
    assert dialog.next_hop().host == host


def test_numbers_may_jump_up_but_not_repeat_or_fall() -> None:
    dialog = callee(invite())
    outcomes = []
    for number in (10, 9, 11, 500, 500, 12, 501):
        request = invite()
        request.headers.set("CSeq", f"{number} INFO")
        outcomes.append(dialog.accept_cseq(request))
    assert outcomes == [False, False, True, True, False, False, True]


def test_endless_route_sets_are_cut() -> None:
    dialog = callee(invite(", ".join(f"<sip:h{n};lr>" for n in range(100))))
    assert len(dialog.routes) == MAX_ROUTES


@pytest.mark.parametrize("way", ["<sip:one;lr>", ""])
def test_no_way_that_a_far_end_names_leads_out_of_the_public_internet(way: str) -> None:
    asked = invite(way, "<sip:far@inside.example>")
    neighbour = Hop("UDP", "far.example", 5060, public_only=True)
    dialog = Dialog.of_callee(asked, "near", 100, neighbour)
    assert dialog.next_hop() == Hop("UDP", "one" if way else "inside.example", 5060, False, True)
    asked = invite(contact="<sip:far@10.0.0.5>")
    assert Dialog.of_callee(asked, "near", 100, neighbour).next_hop() == neighbour
