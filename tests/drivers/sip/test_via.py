"""Via: RFC 3261 §20.42, RFC 3581, and the IPv6 forms of RFC 5118."""

import pytest

from offhook.drivers.sip.errors import MalformedMessage
from offhook.drivers.sip.via import Via


def test_reads_all_parts() -> None:
    via = Via.parse("SIP/2.0/udp erlang.bell-telephone.com:5060;branch=z9hG4bK87asdks7;rport")
    assert (via.transport, via.host, via.port) == ("UDP", "erlang.bell-telephone.com", 5060)
    assert via.branch == "z9hG4bK87asdks7"
    assert via.rport == ""
    assert via.received is None
    assert str(via) == "SIP/2.0/UDP erlang.bell-telephone.com:5060;branch=z9hG4bK87asdks7;rport"


def test_reads_space_everywhere() -> None:
    via = Via.parse("SIP / 2.0 / UDP first.example.com : 4000;ttl=16 ; maddr=224.2.0.1 ;branch=a")
    assert (via.transport, via.host, via.port) == ("UDP", "first.example.com", 4000)
    assert via.parameter("TTL") == "16"


@pytest.mark.parametrize(
    ("parameter", "rport"), [("rport=9988", 9988), ("rport=", ""), ("rport=x", ""), ("ttl=1", None)]
)
def test_rport_is_a_port_or_asked_for_or_absent(parameter: str, rport: int | str | None) -> None:
    assert Via.parse(f"SIP/2.0/UDP h;{parameter}").rport == rport


@pytest.mark.parametrize("received", ["[2001:db8::9:255]", "2001:db8::9:255"])
def test_received_comes_with_and_without_brackets(received: str) -> None:
    via = Via.parse(f"SIP/2.0/UDP [2001:db8::9:1]:6050;received={received};branch=z9hG4bKas3-111")
    assert via.host == "2001:db8::9:1"
    assert via.received == "2001:db8::9:255"
    assert str(via).startswith("SIP/2.0/UDP [2001:db8::9:1]:6050;")


def test_reads_many() -> None:
    found = Via.parse_many("SIP/2.0/UDP a;branch=1, SIP/2.0/TCP b;branch=2")
    assert [via.branch for via in found] == ["1", "2"]


def test_received_and_rport_are_filled_in_in_place() -> None:
    via = Via.parse("SIP/2.0/UDP h;rport;branch=1")
    filled = via.with_parameter("rport", "4000").with_parameter("received", "192.0.2.1")
    assert str(filled) == "SIP/2.0/UDP h;rport=4000;branch=1;received=192.0.2.1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "UDP h",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP h;;branch=1",
        "SIP/2.0/UDP h:99999",
        "SIP/2.0/UDP 2001:db8::1",
        "SIP/2.0/UDP h;received=[2001:db8:::1]",
        "SIP/2.0/UDP a b",
        "HTTP/1.1/UDP h",
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(MalformedMessage, match="Via"):
        Via.parse(text)
