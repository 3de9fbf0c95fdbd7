"""The user agent at its border: who gets in, what is refused, what is hostile."""

import pathlib
import random

import msgspec
import pytest

from offhook.drivers.sip.address import Address
from offhook.drivers.sip.agent import UserAgent
from offhook.drivers.sip.agent_events import AgentSettings, CallArrived, Credentials
from offhook.drivers.sip.auth import Challenge, DigestClient
from offhook.drivers.sip.caller import Invitation
from offhook.drivers.sip.errors import LocalError
from offhook.drivers.sip.hop import Hop, Unroutable
from offhook.drivers.sip.identity import Identity
from offhook.drivers.sip.message import Request, Response, parse
from offhook.drivers.sip.registration import RegistrationSettings
from offhook.drivers.sip.trunk import MAX_SOURCES, Account, Trunk
from offhook.drivers.sip.uri import Uri
from offhook.media.ports import LegAnswered
from offhook.tests.drivers.sip.test_torture import OUTCOMES
from offhook.tests.kit.sip_link import EVERYBODY, FakeMedia, Link, Phone, answers, open_settings
from offhook.tests.kit.sip_peer import Peer, sdp

TORTURE = pathlib.Path(__file__).parents[2] / "data" / "sip" / "torture"
NOISE = (b"", b"\r", b"\r\n", b";", b"\xff", b'"', b"0", b"z")
STRANGER = Hop("UDP", "203.0.113.5", 5070)


def agent(settings: AgentSettings) -> tuple[UserAgent, FakeMedia]:
    media = FakeMedia("192.0.2.1")
    identity = Identity(5060, lambda remote: "192.0.2.1", "Offhook", random.Random(1))
    return UserAgent(settings, identity, media.open), media


def sent(user_agent: UserAgent) -> list[Response]:
    messages = [parse(item.data) for item in user_agent.datagrams_to_send()]
    return [message for message in messages if isinstance(message, Response)]


def rig(settings: AgentSettings, host: str = "192.0.2.9") -> tuple[Link, Phone, Peer]:
    link = Link()
    return link, link.phone("192.0.2.1", settings, on_call=answers), Peer(link, host)


# --- torture, noise ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "section", "outcome"), OUTCOMES, ids=[o[0] for o in OUTCOMES])
def test_torture_messages_are_answered_and_leave_no_harm(
    name: str, section: str, outcome: int | str | None
) -> None:
    user_agent, media = agent(AgentSettings(trunks=EVERYBODY))
    user_agent.receive_datagram((TORTURE / f"{name}.dat").read_bytes(), STRANGER, 0.0)
    responses = [int(item.data.split()[1]) for item in user_agent.datagrams_to_send()]
    if isinstance(outcome, int):
        assert responses == [outcome]
    elif outcome == "dropped" or name in ("bcast", "unreason", "noreason"):
        assert responses == []
    now = 0.0
    while (at := user_agent.get_timer()) is not None and now < 100:
        now = at
        user_agent.handle_timer(now)
        while (event := user_agent.next_event()) is not None:
            if isinstance(event, CallArrived):
                event.session.refuse(486, now)
                user_agent.changed(event.session, now)
    assert not any(user_agent.live.values())
    assert media.live == 0


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\0\0\0\0", b"\r\n", b"\x00\x01\x00\x00" * 5])
def test_keepalives_are_counted_and_not_answered(data: bytes) -> None:
    user_agent, _ = agent(AgentSettings())
    user_agent.receive_datagram(data, STRANGER, 0.0)
    assert user_agent.counters == {"keepalive": 1}
    assert user_agent.datagrams_to_send() == []


def test_mutated_messages_do_no_harm() -> None:
    rng = random.Random(7)
    user_agent, media = agent(AgentSettings(trunks=EVERYBODY))
    corpus = [path.read_bytes() for path in sorted(TORTURE.glob("*.dat"))]
    good = Peer(Link()).invite(Hop("UDP", "192.0.2.1", 5060)).serialize()
    now = 0.0
    for number in range(3000):
        fresh = good.replace(b"peer", b"peer%d" % number)
        data = bytearray(fresh if number % 3 == 0 else rng.choice(corpus))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data))
            data[at : at + rng.randint(0, 8)] = rng.choice(NOISE)
        now += 0.01
        user_agent.receive_datagram(bytes(data), STRANGER, now)
        while (event := user_agent.next_event()) is not None:
            if isinstance(event, CallArrived):
                event.session.answer(now)
                user_agent.changed(event.session, now)
        user_agent.datagrams_to_send()
        user_agent.handle_timer(now)
    assert user_agent.counters["calls_in"] > 20
    while (timer := user_agent.get_timer()) is not None and now < 1000:
        now = timer
        user_agent.handle_timer(now)
    assert not any(user_agent.live.values())
    assert media.live == 0


# --- who gets in ---------------------------------------------------------------------------------


def test_stranger_is_forbidden() -> None:
    link, phone, peer = rig(AgentSettings())
    peer.invite(phone.hop)
    link.run(0.1)
    assert peer.statuses("INVITE") == [403]
    assert phone.calls == []
    assert phone.media.opened == []


@pytest.mark.parametrize(
    ("networks", "host", "admitted"),
    [
        (("192.0.2.9",), "192.0.2.9", True),
        (("192.0.2.0/24", "198.51.100.0/25"), "198.51.100.9", True),
        (("192.0.2.0/24", "198.51.100.0/25"), "198.51.100.200", False),
    ],
)
def test_trunk_is_known_by_its_networks(
    networks: tuple[str, ...], host: str, admitted: bool
) -> None:
    link, phone, peer = rig(AgentSettings(trunks=(Trunk("carrier", networks),)), host)
    peer.invite(phone.hop)
    link.run(0.1)
    assert peer.statuses("INVITE") == [200 if admitted else 403]
    lines = [event.line for event in phone.events if isinstance(event, CallArrived)]
    assert lines == (["carrier"] if admitted else [])


@pytest.mark.parametrize(("host", "status"), [("127.0.0.9", 200), ("192.0.2.9", 403)])
def test_open_loopback_lets_this_machine_in_only(host: str, status: int) -> None:
    link, phone, peer = rig(AgentSettings(open_loopback=True), host)
    peer.invite(phone.hop)
    link.run(0.1)
    assert peer.statuses("INVITE") == [status]


@pytest.mark.parametrize(("local", "status"), [(True, b"100 "), (False, b"403 ")])
def test_open_loopback_lets_in_what_the_transport_knows_to_be_of_this_machine(
    local: bool, status: bytes
) -> None:
    invite = Peer(Link()).invite(Hop("UDP", "192.0.2.1", 5060)).serialize()
    phone = Link().phone("192.0.2.1", AgentSettings(open_loopback=True))
    phone.agent.receive_datagram(invite, Hop("UDP", "192.0.2.1", 5070, local), 0.0)
    phone.agent.handle_timer(0.3)
    (answer,) = phone.agent.datagrams_to_send()
    assert answer.data.startswith(b"SIP/2.0 " + status)


@pytest.mark.parametrize("algorithms", [("MD5",), ("SHA-256",), ("SHA-256", "MD5")])
def test_account_calls_in_with_its_password(algorithms: tuple[str, ...]) -> None:
    link = Link()
    settings = AgentSettings(
        accounts=(Account("bob", "right", "office"),), digest_algorithms=algorithms
    )
    server = link.phone("192.0.2.1", settings, on_call=answers)
    client = link.phone("192.0.2.2")
    call = link.call(client, "sip:agent@192.0.2.1", Credentials("bob", "right"))
    link.run(0.2)
    assert client.told(call) == [LegAnswered()]
    (arrived,) = [event for event in server.events if isinstance(event, CallArrived)]
    assert arrived.line == "office"
    assert len(link.lines("401 Unauthorized")) == 1
    (challenge,) = [m for m in client.inbox if isinstance(m, Response) and m.status == 401]
    values = challenge.headers.get_all("WWW-Authenticate")
    assert [item.algorithm for item in Challenge.parse_all(values)] == list(algorithms)


def test_credentials_of_another_realm_beside_ours_do_no_harm() -> None:
    link, phone, peer = rig(AgentSettings(accounts=(Account("bob", "right", "office"),)))
    peer.invite(phone.hop)
    link.run(0.1)
    (challenge,) = Challenge.parse_all(
        peer.responses("INVITE")[0].headers.get_all("WWW-Authenticate")
    )
    other = msgspec.structs.replace(challenge, realm="other", nonce="n")
    client = DigestClient("bob", "right", random.Random(1))
    values = [client.authorization(item, "INVITE", "sip:x@y") for item in (other, challenge)]
    invite = peer.invite(phone.hop, headers=(("Authorization", values[0]),))
    link.run(0.1)
    assert peer.statuses("INVITE")[-1] == 401
    invite.headers.add("Authorization", values[1])
    invite.headers.set("CSeq", "9 INVITE")
    invite.headers.set("Via", f"SIP/2.0/UDP {peer.hop.host};branch=z9hG4bKboth")
    peer.repeat(invite, phone.hop)
    link.run(0.1)
    assert peer.statuses("INVITE")[-1] == 200


def test_wrong_passwords_are_forbidden_after_some() -> None:
    link = Link()
    server = link.phone("192.0.2.1", AgentSettings(accounts=(Account("bob", "right", "office"),)))
    client = link.phone("192.0.2.2")
    for _ in range(8):
        link.call(client, "sip:agent@192.0.2.1", Credentials("bob", "wrong"))
        link.run(0.5)
    assert server.calls == []
    assert server.media.opened == []
    assert link.lines("403 Forbidden") != []
    link.run(120.0)  # the ban ends
    call = link.call(client, "sip:agent@192.0.2.1", Credentials("bob", "right"))
    server.on_call = answers
    link.run(0.2)
    assert client.told(call) == [LegAnswered()]


def test_who_is_challenged_is_not_remembered_and_told_the_same_again() -> None:
    user_agent, media = agent(AgentSettings(accounts=(Account("bob", "right", "office"),)))
    link = Link()
    peer = Peer(link, STRANGER.host)
    invite = peer.invite(link.phone("192.0.2.1").hop).serialize()
    tags = set()
    for _ in range(3):
        user_agent.receive_datagram(invite, STRANGER, 0.0)
        (challenge,) = sent(user_agent)
        assert challenge.status == 401
        tags.add(challenge.to.tag)
    assert len(tags) == 1
    assert not any(user_agent.live.values())
    assert user_agent.get_timer() is None, "nothing is repeated to who may be somebody else"
    user_agent.receive_datagram(invite.replace(b"INVITE", b"ACK"), STRANGER, 0.0)
    assert sent(user_agent) == []
    assert media.opened == []


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [("Require", "100rel", 420), ("Content-Encoding", "gzip", 415), ("Accept", "text/html", 406)],
)
def test_what_a_stranger_asks_amiss_is_refused_without_being_remembered(
    header: str, value: str, status: int
) -> None:
    user_agent, _ = agent(AgentSettings(accounts=(Account("bob", "right", "office"),)))
    link = Link()
    peer = Peer(link, STRANGER.host)
    invite = peer.invite(link.phone("192.0.2.1").hop, headers=((header, value),))
    user_agent.receive_datagram(invite.serialize(), STRANGER, 0.0)
    assert [response.status for response in sent(user_agent)] == [status]
    assert not any(user_agent.live.values())


@pytest.mark.parametrize(
    "shown",
    [
        'Digest username="bob", realm="offhook", nonce="1.1.1", uri="sip:x", response="0"',
        "garbage",
        "Digest",
    ],
)
def test_nobody_gets_others_banned_by_guessing_in_their_name(shown: str) -> None:
    link = Link()
    server = link.phone("192.0.2.1", AgentSettings(accounts=(Account("bob", "right", "office"),)))
    client = link.phone("192.0.2.2")
    pretender = Peer(Link(), client.hop.host)
    for _ in range(12):
        invite = pretender.invite(server.hop, headers=(("Authorization", shown),))
        server.agent.receive_datagram(invite.serialize(), client.hop, link.now)
    (*_, challenge) = sent(server.agent)
    assert challenge.status == 401
    link.run(10.0)
    server.on_call = answers
    call = link.call(client, "sip:agent@192.0.2.1", Credentials("bob", "right"))
    link.run(0.2)
    assert client.told(call) == [LegAnswered()]


def test_a_foreign_credential_beside_hides_no_wrong_guess() -> None:
    link, phone, peer = rig(AgentSettings(accounts=(Account("bob", "right", "office"),)))
    foreign = 'Digest username="bob", realm="x", nonce="1.1.1", uri="sip:x", response="0"'
    for _ in range(8):
        peer.invite(phone.hop)
        link.run(0.5)
        values = peer.responses("INVITE")[-1].headers.get_all("WWW-Authenticate")
        if not values:
            break
        guess = DigestClient("bob", "wrong", random.Random(1))
        ours = guess.authorization(Challenge.parse_all(values)[0], "INVITE", "sip:x@y")
        peer.invite(phone.hop, headers=(("Authorization", foreign), ("Authorization", ours)))
        link.run(0.5)
    assert peer.statuses("INVITE")[-1] == 403


def test_registrar_may_call_the_line_that_is_registered_there() -> None:
    link, phone, peer = rig(AgentSettings())
    settings = RegistrationSettings("line", Uri.parse("sip:192.0.2.9"), "alice")
    phone.agent.register(settings, Credentials("alice", "secret"), 0.0)
    link.run(0.1)
    peer.invite(phone.hop, user="alice")
    link.run(0.1)
    assert peer.statuses("INVITE") == [403]
    peer.respond(peer.requests("REGISTER")[0], 200)
    link.run(0.1)
    peer.invite(phone.hop, user="alice")
    link.run(0.1)
    assert peer.statuses("INVITE")[-1] == 200


def test_scanners_get_no_answer() -> None:
    link, phone, peer = rig(AgentSettings())
    for agent_name in ("friendly-scanner", "sipcli/v1.8", "SIPVicious"):
        peer.invite(phone.hop, headers=(("User-Agent", agent_name),))
    link.run(1.0)
    assert peer.inbox == []
    assert phone.agent.counters["scanner"] >= 3


# --- overload ------------------------------------------------------------------------------------


def test_flood_of_a_stranger_is_bounded() -> None:
    link, phone, _ = rig(AgentSettings())
    flooder = Peer(link, "203.0.113.5", "flood")
    largest = 0
    for number in range(1000):
        flooder.tag = f"f{number}"
        flooder.invite(phone.hop)
        link.run(0.005)
        largest = max(largest, phone.agent.live["transactions"])
    assert largest < 150
    statuses = flooder.statuses("INVITE")
    assert statuses.count(503) > 800
    assert all("Retry-After" in r.headers for r in flooder.responses("INVITE") if r.status == 503)


def test_sources_are_remembered_up_to_a_bound() -> None:
    user_agent, _ = agent(AgentSettings())
    options = b"OPTIONS sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%d\r\n"
    for number in range(MAX_SOURCES + 500):
        host = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        user_agent.receive_datagram(options % number, Hop("UDP", host, 5060), 0.0)
    assert len(user_agent._rate._buckets) == MAX_SOURCES


def test_trunk_and_open_loopback_are_not_rate_limited() -> None:
    link, phone, peer = rig(AgentSettings(open_loopback=True), "127.0.0.5")
    for number in range(100):
        peer.tag = f"t{number}"
        peer.invite(phone.hop)
    link.run(0.1)
    assert peer.statuses("INVITE") == [200] * 100


def test_no_call_is_taken_when_the_server_says_so() -> None:
    link = Link()
    phone = link.phone("192.0.2.1", on_call=answers, refuse=lambda: "the clock is late")
    peer = Peer(link)
    peer.invite(phone.hop)
    link.run(0.1)
    (refusal,) = peer.responses("INVITE")
    assert (refusal.status, refusal.headers.get("Retry-After")) == (503, "5")
    assert phone.media.opened == []


# --- requests outside of calls -------------------------------------------------------------------


def test_options_says_what_we_can_do() -> None:
    link, phone, peer = rig(open_settings())
    request = peer.invite(phone.hop)
    link.run(0.1)
    options = Request("OPTIONS", request.uri, request.headers.copy())
    options.headers.set("Via", "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKo")
    options.headers.set("CSeq", "2 OPTIONS")
    options.headers.set("Call-ID", "options")
    options.headers.remove("Content-Type")
    peer.repeat(options, phone.hop)
    link.run(0.1)
    (ok,) = peer.responses("OPTIONS")
    assert ok.status == 200
    assert ok.headers.get("Allow") == "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE"
    assert ok.headers.get("Accept") == "application/sdp"
    assert ok.headers.get("Supported") == "timer"
    assert ok.via.parameter("rport") is None  # was not asked for


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("BYE", 481),
        ("INFO", 481),
        ("UPDATE", 481),
        ("REGISTER", 405),
        ("SUBSCRIBE", 405),
        ("REFER", 405),
        ("PRACK", 405),
        ("DANCE", 501),
    ],
)
def test_other_methods_outside_of_calls_are_refused(method: str, status: int) -> None:
    user_agent, _ = agent(AgentSettings(trunks=EVERYBODY))
    user_agent.receive_datagram(plain(method), STRANGER, 0.0)
    (response,) = sent(user_agent)
    assert response.status == status
    assert ("Allow" in response.headers) == (status in (405, 501))


def plain(method: str, via: str = "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx;rport") -> bytes:
    return (
        f"{method} sip:agent@192.0.2.1 SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\n"
        "From: <sip:a@10.0.0.1>;tag=a\r\nTo: <sip:agent@192.0.2.1>\r\nCall-ID: c\r\n"
        f"CSeq: 1 {method}\r\nContact: <sip:a@10.0.0.1>\r\nContent-Length: 0\r\n\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("via", "to", "parameters"),
    [
        ("SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx;rport", 5070, ("203.0.113.5", 5070)),
        ("SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx", 5060, ("203.0.113.5", None)),
        ("SIP/2.0/UDP 10.0.0.1:5099;branch=z9hG4bKx", 5099, ("203.0.113.5", None)),
        ("SIP/2.0/UDP 203.0.113.5;branch=z9hG4bKx;maddr=8.8.8.8", 5060, (None, None)),
    ],
)
def test_answers_go_where_the_request_came_from(
    via: str, to: int, parameters: tuple[str | None, int | None]
) -> None:
    user_agent, _ = agent(AgentSettings(trunks=EVERYBODY))
    lower = ", SIP/2.0/TCP below;branch=z9hG4bKy"
    user_agent.receive_datagram(plain("BYE", via + lower), STRANGER, 0.0)
    (out,) = user_agent.datagrams_to_send()
    assert out.hop == Hop("UDP", "203.0.113.5", to)
    response = parse(out.data)
    assert (response.via.received, response.via.rport) == parameters
    assert response.vias[1].host == "below"


def test_merged_request_gets_482() -> None:
    link, phone, peer = rig(open_settings())
    invite = peer.invite(phone.hop)
    copy = Request(invite.method, invite.uri, invite.headers.copy(), invite.body)
    copy.headers.set("Via", "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKother")
    peer.repeat(copy, phone.hop)
    link.run(0.1)
    assert sorted(peer.statuses("INVITE")) == [200, 482]
    assert len(phone.calls) == 1


def test_ack_of_nothing_is_dropped() -> None:
    user_agent, _ = agent(AgentSettings(trunks=EVERYBODY))
    user_agent.receive_datagram(plain("ACK"), STRANGER, 0.0)
    assert user_agent.datagrams_to_send() == []


def test_response_to_nothing_is_dropped() -> None:
    user_agent, _ = agent(AgentSettings(trunks=EVERYBODY))
    request = parse(plain("INVITE"))
    assert isinstance(request, Request)
    user_agent.receive_datagram(request.respond(200).serialize(), STRANGER, 0.0)
    assert user_agent.datagrams_to_send() == []


def test_request_of_rfc_2543_is_matched_without_a_branch() -> None:
    user_agent, _ = agent(AgentSettings(trunks=EVERYBODY))
    invite = plain("INVITE", "SIP/2.0/UDP 203.0.113.5")
    for now in (0.0, 0.5):
        user_agent.receive_datagram(invite, STRANGER, now)
    event = user_agent.next_event()
    assert isinstance(event, CallArrived)
    assert user_agent.next_event() is None
    event.session.refuse(486, 1.0)
    user_agent.changed(event.session, 1.0)
    (busy,) = sent(user_agent)
    ack = invite.replace(b"INVITE", b"ACK").replace(
        b"To: <sip:agent@192.0.2.1>", f"To: {busy.headers.get('To')}".encode()
    )
    user_agent.receive_datagram(ack, STRANGER, 1.1)
    user_agent.handle_timer(20.0)
    assert not any(user_agent.live.values())


# --- calls that cannot be made -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("sip:a@192.0.2.9;transport=tcp", "transport tcp is not supported yet; use udp"),
        ("sips:a@192.0.2.9", "transport tls is not supported yet; use udp"),
        ("sip:a@192.0.2.9;transport=carrier-pigeon", "there is no transport 'carrier-pigeon'"),
        ("tel:+15550100", "a tel URI names no SIP element; use sip:"),
    ],
)
def test_target_out_of_reach_is_a_clear_error(target: str, what: str) -> None:
    link = Link()
    phone = link.phone("192.0.2.1")
    with pytest.raises(Unroutable, match=what):
        link.call(phone, target)
    assert phone.media.opened == []
    assert not any(phone.agent.live.values())


def test_header_that_would_break_out_of_its_line_is_refused_and_costs_nothing() -> None:
    link = Link()
    phone = link.phone("192.0.2.1")
    invitation = Invitation(Uri.parse("sip:a@192.0.2.9"), plain_from())
    evil = msgspec.structs.replace(invitation, headers=(("X-A", "b\r\nEvil: yes"),))
    with pytest.raises(LocalError):
        phone.agent.call(evil, None, 0.0)
    assert phone.media.live == 0
    assert not any(phone.agent.live.values())


def plain_from() -> Address:
    return Address(None, Uri("sip", "caller", host="192.0.2.1"))


# --- the end -------------------------------------------------------------------------------------


def test_close_ends_calls_and_registrations_and_takes_no_more() -> None:
    link, phone, peer = rig(open_settings())
    peer.invite(phone.hop)
    settings = RegistrationSettings("line", Uri.parse("sip:192.0.2.9"), "alice")
    phone.agent.register(settings, Credentials("alice", "secret"), 0.0)
    link.run(0.1)
    peer.ack(peer.responses("INVITE")[0])
    peer.respond(peer.requests("REGISTER")[0], 200)
    link.run(0.1)
    phone.agent.close(link.now)
    link.run(0.1)
    peer.respond(peer.request("BYE"), 200)
    removal = peer.requests("REGISTER")[-1]
    assert removal.headers.get("Expires") == "0"
    peer.respond(removal, 200)
    link.run(0.1)
    assert phone.agent.is_idle
    peer.tag = "next"
    peer.invite(phone.hop, sdp())
    link.run(0.1)
    assert peer.statuses("INVITE")[-1] == 503
