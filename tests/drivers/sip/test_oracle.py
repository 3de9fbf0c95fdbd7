"""The same messages through an independent parser (sipmessage), where it is right.

Where it is wrong, tests of test_message.py say what is right.
"""

import pathlib

import pytest
import sipmessage

from offhook.drivers.sip.address import Address
from offhook.drivers.sip.digest import Challenge
from offhook.drivers.sip.message import Request, parse
from offhook.drivers.sip.uri import Uri
from offhook.drivers.sip.via import Via

TORTURE = pathlib.Path(__file__).parents[2] / "data" / "sip" / "torture"
UNFOLDED = ["lwsdisp", "transports", "zeromf", "mismatch01", "bext01", "regaut01", "cparam02"]


@pytest.mark.parametrize("name", UNFOLDED)
def test_reads_requests_alike(name: str) -> None:
    data = (TORTURE / f"{name}.dat").read_bytes()
    ours, theirs = parse(data), sipmessage.Request.parse(data)
    assert isinstance(ours, Request)
    assert isinstance(theirs, sipmessage.Request)
    assert (ours.method, str(ours.uri)) == (theirs.method, str(theirs.uri))
    assert (ours.call_id, ours.cseq.number) == (theirs.call_id, theirs.cseq.sequence)
    assert ours.max_forwards == theirs.max_forwards
    assert [(via.transport, via.host, via.port) for via in ours.vias] == [
        (via.transport, via.host, via.port) for via in theirs.via
    ]
    assert [via.branch for via in ours.vias] == [via.parameters.get("branch") for via in theirs.via]
    assert ours.from_.tag == theirs.from_address.parameters.get("tag")
    assert str(ours.to.uri) == str(theirs.to_address.uri)


@pytest.mark.parametrize("name", UNFOLDED)
def test_it_reads_what_we_write(name: str) -> None:
    ours = parse((TORTURE / f"{name}.dat").read_bytes())
    theirs = sipmessage.Request.parse(ours.serialize())
    assert theirs.call_id == ours.call_id
    assert theirs.headers.getlist("via") == ours.headers.get_all("Via")


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@atlanta.com",
        "sip:alice:secretword@atlanta.com;transport=tcp",
        "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sips:[2001:db8::10]:5070",
    ],
)
def test_reads_uris_alike(text: str) -> None:
    ours, theirs = Uri.parse(text), sipmessage.URI.parse(text)
    assert str(ours) == str(theirs)
    assert (ours.scheme, ours.user, ours.port) == (theirs.scheme, theirs.user, theirs.port)


@pytest.mark.parametrize(
    "text",
    [
        '"A. G. Bell" <sip:agb@bell.com>;tag=a48s',
        "sip:a@h;tag=887s",
        "Anonymous <sip:a@h:5070;lr>;tag=hyh8;x",
        '"Bob \\"the\\" <b>" <sip:a@h>',
    ],
)
def test_reads_addresses_alike(text: str) -> None:
    ours, theirs = Address.parse(text), sipmessage.Address.parse(text)
    assert (ours.display_name or "") == (theirs.name or "")
    assert str(ours.uri) == str(theirs.uri)
    assert ours.tag == theirs.parameters.get("tag")


def test_reads_vias_and_challenges_alike() -> None:
    text = "SIP/2.0/UDP h.example.com:5061;rport=4;received=192.0.2.1;branch=z9hG4bK87a"
    via, theirs = Via.parse(text), sipmessage.Via.parse(text)
    assert (via.host, via.port, via.branch) == (theirs.host, theirs.port, "z9hG4bK87a")
    assert str(via) == str(theirs)
    value = 'Digest realm="atlanta.com", nonce="84a4", opaque="", stale=FALSE, algorithm=MD5'
    (ours,) = Challenge.parse_all([value])
    other = sipmessage.AuthChallenge.parse(value)
    assert (ours.scheme, ours.realm) == (other.scheme, other.parameters["realm"])
    assert (ours.nonce, ours.opaque) == (other.parameters["nonce"], other.parameters["opaque"])
