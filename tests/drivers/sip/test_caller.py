"""Calls that we make: challenges, forks, CANCEL and its races, redirections, refusals."""

import pytest

from offhook.codecs.catalog import G722
from offhook.drivers.sip.address import Address
from offhook.drivers.sip.agent_events import Credentials
from offhook.drivers.sip.caller import MAX_REDIRECTS, CallerSession, Invitation
from offhook.drivers.sip.digest import Credentials as Digest
from offhook.drivers.sip.hop import Hop, Outgoing
from offhook.drivers.sip.invite_usage import State
from offhook.drivers.sip.message import Request, Response, parse
from offhook.drivers.sip.uri import Uri
from offhook.media.ports import HangUpCause, LegAnswered, LegEnded, LegRinging
from offhook.tests.kit.sip_link import Link, Phone
from offhook.tests.kit.sip_peer import Peer, sdp

SECRET = Credentials("alice", "secret")
SHA_256 = 'Digest realm="a,b", nonce="n1", algorithm=SHA-256, qop="auth"'
MD5 = 'Digest realm="a,b", nonce="n2", algorithm=MD5, qop="auth"'


def rig(credentials: Credentials | None = None) -> tuple[Link, Phone, Peer, CallerSession]:
    link = Link()
    phone, peer = link.phone("192.0.2.1"), Peer(link)
    call = link.call(phone, "sip:agent@192.0.2.9", credentials)
    link.run(0.1)
    return link, phone, peer, call


def hang_up(link: Link, phone: Phone, call: CallerSession) -> None:
    link.act(phone, call, lambda now: call.hang_up(HangUpCause.NORMAL, now))


def ended(phone: Phone, call: CallerSession) -> LegEnded:
    event = phone.told(call)[-1]
    assert isinstance(event, LegEnded)
    return event


def is_clean(phone: Phone) -> bool:
    return not any(phone.agent.live.values()) and phone.media.live == 0


# --- the plain way -------------------------------------------------------------------------------


def test_ringing_early_media_and_answer() -> None:
    link, phone, peer, call = rig()
    invite = peer.request("INVITE")
    peer.respond(invite, 100)
    peer.respond(invite, 180)
    peer.respond(invite, 180)
    link.run(0.1)
    assert phone.told(call) == [LegRinging()]
    peer.respond(invite, 183, sdp())
    link.run(0.1)
    assert phone.told(call) == [LegRinging(), LegRinging(early_media=True)]
    peer.respond(invite, 200, sdp())
    link.run(0.1)
    assert phone.told(call)[-1] == LegAnswered()
    assert len(phone.media.opened[0].applied) == 1
    ack = peer.request("ACK")
    assert str(ack.uri) == "sip:peer@192.0.2.9:5060"
    assert ack.cseq.number == 1
    assert ack.via.branch != invite.via.branch


def test_repeated_200_gets_the_same_ack_again() -> None:
    link, _, peer, _ = rig()
    invite = peer.request("INVITE")
    for _ in range(3):
        peer.respond(invite, 200, sdp())
        link.run(0.5)
    acks = peer.requests("ACK")
    assert len(acks) == 3
    assert len({ack.serialize() for ack in acks}) == 1


def test_answer_of_a_183_stands_when_the_200_has_none() -> None:
    link, phone, peer, call = rig()
    invite = peer.request("INVITE")
    peer.respond(invite, 183, sdp())
    peer.respond(invite, 200)
    link.run(0.1)
    assert call.state is State.CONFIRMED
    assert phone.told(call)[-1] == LegAnswered()


def test_200_without_an_answer_is_acknowledged_and_ended() -> None:
    link, phone, peer, call = rig()
    peer.respond(peer.request("INVITE"), 200)
    link.run(0.1)
    assert len(peer.requests("ACK")) == 1
    peer.respond(peer.request("BYE"), 200)
    assert ended(phone, call).cause is HangUpCause.ERROR
    assert LegAnswered() not in phone.told(call)
    link.run(60.0)
    assert is_clean(phone)


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (404, HangUpCause.NOT_FOUND),
        (480, HangUpCause.NO_ANSWER),
        (486, HangUpCause.BUSY),
        (500, HangUpCause.ERROR),
        (503, HangUpCause.OVERLOADED),
        (600, HangUpCause.BUSY),
        (603, HangUpCause.DECLINED),
    ],
)
def test_refusals_are_told_by_cause(status: int, cause: HangUpCause) -> None:
    link, phone, peer, call = rig()
    response = peer.respond(peer.request("INVITE"), status)
    link.run(0.1)
    event = ended(phone, call)
    assert (event.cause, event.status, event.by_us) == (cause, status, False)
    assert event.reason == f"{status} {response.reason}"
    assert len(peer.requests("ACK")) == 1
    link.run(60.0)
    assert is_clean(phone)


def test_reason_of_a_refusal_says_more_than_its_status() -> None:
    link, phone, peer, call = rig()
    peer.respond(peer.request("INVITE"), 500, headers=(("Reason", "Q.850;cause=17"),))
    link.run(0.1)
    assert ended(phone, call).cause is HangUpCause.BUSY


def test_nobody_answers_for_64_t1() -> None:
    link, phone, peer, call = rig()
    link.run(31.8)
    assert phone.told(call) == []
    link.run(0.2)
    assert ended(phone, call).cause is HangUpCause.NETWORK
    assert len(peer.requests("INVITE")) == 7
    assert is_clean(phone)


def test_transport_failure_ends_the_call_at_once() -> None:
    link, phone, peer, call = rig()
    phone.agent.transport_failed(peer.hop, "no way", link.now)
    link.flush()
    assert ended(phone, call).reason == "INVITE could not be sent: no way"
    assert is_clean(phone)


def test_ringing_for_too_long_is_cancelled_as_no_answer() -> None:
    link, phone, peer, call = rig()
    invite = peer.request("INVITE")
    peer.respond(invite, 180)
    link.run(180.0)
    assert ended(phone, call).cause is HangUpCause.NO_ANSWER
    peer.respond(peer.request("CANCEL"), 200)
    peer.respond(invite, 487)
    link.run(60.0)
    assert is_clean(phone)


# --- CANCEL and its races ------------------------------------------------------------------------


def test_cancel_waits_for_the_first_provisional() -> None:
    link, phone, peer, call = rig()
    hang_up(link, phone, call)
    link.run(1.0)
    assert peer.requests("CANCEL") == []
    assert ended(phone, call) == LegEnded(HangUpCause.NORMAL, by_us=True)
    invite = peer.requests("INVITE")[0]
    peer.respond(invite, 100)
    link.run(0.1)
    cancel = peer.request("CANCEL")
    assert cancel.via.branch == invite.via.branch
    assert cancel.cseq.number == invite.cseq.number
    assert cancel.uri == invite.uri
    assert cancel.to.tag is None
    assert cancel.headers.get("Reason") == 'Q.850;cause=16;text="Normal call clearing"'
    peer.respond(cancel, 200)
    peer.respond(invite, 487)
    link.run(0.1)
    assert len(peer.requests("ACK")) == 1
    link.run(60.0)
    assert is_clean(phone)


def test_cancel_is_sent_once_however_many_provisionals_follow() -> None:
    link, phone, peer, call = rig()
    invite = peer.request("INVITE")
    peer.respond(invite, 180)
    link.run(0.1)
    hang_up(link, phone, call)
    link.run(0.1)
    peer.respond(peer.request("CANCEL"), 200)
    peer.respond(invite, 183, sdp())
    link.run(0.1)
    assert len(peer.requests("CANCEL")) == 1
    assert phone.media.opened[0].applied == []


def test_200_that_crosses_the_cancel_gets_one_ack_and_one_bye() -> None:
    link, phone, peer, call = rig()
    invite = peer.request("INVITE")
    peer.respond(invite, 180)
    link.run(0.1)
    peer.respond(invite, 200, sdp())
    hang_up(link, phone, call)
    link.run(0.1)
    peer.respond(peer.request("CANCEL"), 200)
    assert len(peer.requests("ACK")) == 1
    bye = peer.request("BYE")
    assert bye.to.tag == "peer"
    assert bye.cseq.number == 2
    peer.respond(bye, 200)
    link.run(60.0)
    assert len([event for event in phone.told(call) if isinstance(event, LegEnded)]) == 1
    assert is_clean(phone)


def test_200_without_a_provisional_after_giving_up_gets_ack_and_bye() -> None:
    link, phone, peer, call = rig()
    hang_up(link, phone, call)
    peer.respond(peer.requests("INVITE")[0], 200, sdp())
    link.run(0.1)
    assert len(peer.requests("ACK")) == 1
    peer.respond(peer.request("BYE"), 200)
    assert peer.requests("CANCEL") == []
    link.run(60.0)
    assert is_clean(phone)


def test_cancel_that_nobody_answers_frees_everything_after_64_t1() -> None:
    link, phone, peer, call = rig()
    peer.respond(peer.request("INVITE"), 180)
    link.run(0.1)
    hang_up(link, phone, call)
    link.run(32.5)
    assert is_clean(phone)


def test_challenge_after_giving_up_is_not_answered() -> None:
    link, phone, peer, call = rig(SECRET)
    hang_up(link, phone, call)
    peer.respond(peer.requests("INVITE")[0], 401, headers=(("WWW-Authenticate", MD5),))
    link.run(1.0)
    assert len(peer.requests("INVITE")) == 1
    link.run(60.0)
    assert is_clean(phone)


# --- challenges ----------------------------------------------------------------------------------


def challenge(peer: Peer, invite: Request, *values: str, status: int = 401) -> None:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    response = invite.respond(status, to_tag="auth")
    for value in values:
        response.headers.add(name, value)
    peer._send(response, Link().phone("192.0.2.1").hop)


@pytest.mark.parametrize("values", [(SHA_256, MD5), (MD5, SHA_256)])
@pytest.mark.parametrize(
    ("status", "header"), [(401, "Authorization"), (407, "Proxy-Authorization")]
)
def test_the_strongest_challenge_is_answered(
    values: tuple[str, ...], status: int, header: str
) -> None:
    link, phone, peer, call = rig(SECRET)
    challenge(peer, peer.request("INVITE"), *values, status=status)
    link.run(0.1)
    first, second = peer.requests("INVITE")
    assert len(peer.requests("ACK")) == 1
    assert (second.cseq.number, second.call_id) == (2, first.call_id)
    assert second.from_ == first.from_
    assert second.via.branch != first.via.branch
    credentials = Digest.parse(second.headers.get(header) or "")
    assert (credentials.algorithm, credentials.realm) == ("SHA-256", "a,b")
    assert second.body == first.body
    peer.respond(second, 200, sdp())
    link.run(0.1)
    assert phone.told(call) == [LegAnswered()]
    ack = peer.requests("ACK")[-1]
    assert (ack.cseq.number, ack.headers.get(header)) == (2, second.headers.get(header))


def test_unsupported_challenges_end_the_call() -> None:
    link, phone, peer, call = rig(SECRET)
    challenge(peer, peer.request("INVITE"), 'Digest realm="r", nonce="n", algorithm=AKAv1-MD5')
    link.run(0.1)
    assert ended(phone, call).status == 401
    assert len(peer.requests("INVITE")) == 1


def test_no_password_ends_the_call() -> None:
    link, phone, peer, call = rig(None)
    challenge(peer, peer.request("INVITE"), MD5)
    link.run(0.1)
    assert ended(phone, call).status == 401


def test_same_nonce_again_means_a_wrong_password() -> None:
    link, phone, peer, call = rig(SECRET)
    for _ in range(2):
        challenge(peer, peer.requests("INVITE")[-1], MD5)
        link.run(0.1)
    assert len(peer.requests("INVITE")) == 2
    assert ended(phone, call).status == 401


def test_new_nonces_for_ever_are_tried_twice() -> None:
    link, phone, peer, call = rig(SECRET)
    for n in range(5):
        challenge(peer, peer.requests("INVITE")[-1], MD5.replace("n2", f"n{n}"))
        link.run(0.1)
    assert len(peer.requests("INVITE")) == 3
    assert ended(phone, call).status == 401


def test_stale_nonce_is_replaced() -> None:
    link, phone, peer, call = rig(SECRET)
    challenge(peer, peer.request("INVITE"), MD5)
    link.run(0.1)
    challenge(peer, peer.requests("INVITE")[-1], MD5.replace("n2", "n3") + ", stale=true")
    link.run(0.1)
    third = peer.requests("INVITE")[-1]
    assert third.cseq.number == 3
    assert Digest.parse(third.headers.get("Authorization") or "").nonce == "n3"
    peer.respond(third, 200, sdp())
    link.run(0.1)
    assert phone.told(call) == [LegAnswered()]


def test_malformed_challenge_ends_the_call() -> None:
    link, phone, peer, call = rig(SECRET)
    challenge(peer, peer.request("INVITE"), 'Digest realm="unbalanced')
    link.run(0.1)
    assert ended(phone, call).status == 401


# --- forks ---------------------------------------------------------------------------------------


def test_every_fork_brings_its_own_early_media_and_the_answering_one_is_heard() -> None:
    link, phone, peer, call = rig()
    invite = peer.request("INVITE")
    for number, tag in enumerate(("one", "two", "three")):
        peer.respond(invite, 183, sdp(port=40_000 + number), tag=tag)
    link.run(0.1)
    peer.respond(invite, 200, tag="two")
    link.run(0.1)
    assert phone.told(call) == [LegRinging(early_media=True), LegAnswered()]
    ports = [choice.remote_port for choice in phone.media.opened[0].applied]
    assert ports == [40_000, 40_001, 40_002, 40_001]
    assert peer.request("ACK").to.tag == "two"
    assert str(peer.request("ACK").uri) == "sip:two@192.0.2.9:5060"


def test_fork_whose_codec_the_early_audio_cannot_change_to_ends_the_call() -> None:
    link, phone, peer, call = rig()
    invite = peer.request("INVITE")
    peer.respond(invite, 183, sdp(), tag="announcement")
    link.run(0.1)
    phone.media.codecs_refused = (G722,)
    peer.respond(invite, 200, sdp(codecs="9"), tag="phone")
    link.run(0.1)
    ended = phone.told(call)[-1]
    assert isinstance(ended, LegEnded)
    assert (ended.cause, ended.by_us) == (HangUpCause.ERROR, True)
    assert ended.reason.startswith("the audio that runs cannot change to G722")
    assert peer.request("ACK").to.tag == peer.request("BYE").to.tag == "phone"


def test_second_fork_that_answers_gets_ack_and_bye_while_the_first_goes_on() -> None:
    link, phone, peer, call = rig()
    invite = peer.request("INVITE")
    peer.respond(invite, 200, sdp(), tag="one")
    peer.respond(invite, 200, sdp(port=50_000), tag="two")
    link.run(0.1)
    assert [ack.to.tag for ack in peer.requests("ACK")] == ["one", "two"]
    bye = peer.request("BYE")
    assert (bye.to.tag, str(bye.uri)) == ("two", "sip:two@192.0.2.9:5060")
    peer.respond(bye, 200)
    link.run(5.0)
    assert call.state is State.CONFIRMED
    assert [choice.remote_port for choice in phone.media.opened[0].applied] == [40_000]


def test_fork_that_answers_after_the_call_has_ended_gets_ack_and_bye() -> None:
    link, phone, peer, call = rig()
    invite = peer.request("INVITE")
    peer.respond(invite, 200, sdp(), tag="one")
    link.run(0.1)
    hang_up(link, phone, call)
    link.run(0.1)
    peer.respond(peer.request("BYE"), 200)
    link.run(1.0)
    peer.respond(invite, 200, sdp(), tag="two")
    link.run(0.1)
    assert peer.requests("ACK")[-1].to.tag == "two"
    peer.respond(peer.requests("BYE")[-1], 200)
    assert peer.requests("BYE")[-1].to.tag == "two"
    link.run(60.0)
    assert is_clean(phone)


# --- redirections and intervals ------------------------------------------------------------------


def test_redirection_is_followed_with_the_same_call_id() -> None:
    link, phone, peer, call = rig()
    other = Peer(link, "192.0.2.8", "other")
    contacts = (("Contact", "<sip:agent@192.0.2.8>;q=0.9"),)
    peer.respond(peer.request("INVITE"), 302, headers=contacts)
    link.run(0.1)
    invite = other.request("INVITE")
    assert str(invite.uri) == "sip:agent@192.0.2.8"
    assert (invite.call_id, invite.cseq.number) == (call.call_id, 2)
    other.respond(invite, 200, sdp("192.0.2.8"))
    link.run(0.1)
    assert phone.told(call) == [LegAnswered()]


def test_whom_a_redirection_names_learns_nothing_of_the_password() -> None:
    link, phone, peer, call = rig(Credentials("alice", "secret"))
    other = Peer(link, "192.0.2.8", "other")
    contacts = (("Contact", "<sip:agent@192.0.2.8>"),)
    peer.respond(peer.request("INVITE"), 302, headers=contacts)
    link.run(0.1)
    challenge(other, other.request("INVITE"), MD5)
    link.run(0.1)
    assert len(other.requests("INVITE")) == 1
    assert ended(phone, call).status == 401


def test_redirections_in_a_circle_end() -> None:
    link, phone, peer, call = rig()
    for number in range(2 * MAX_REDIRECTS):
        contacts = (("Contact", f"<sip:agent{number}@192.0.2.9>, <sip:agent@192.0.2.9>"),)
        peer.respond(peer.requests("INVITE")[-1], 302, headers=contacts)
        link.run(0.1)
    assert len(peer.requests("INVITE")) == MAX_REDIRECTS
    assert ended(phone, call).status == 302


def test_redirection_to_what_we_cannot_reach_ends_the_call() -> None:
    link, phone, peer, call = rig()
    contacts = (("Contact", "<tel:+15550100>, <sip:agent@192.0.2.8;transport=tcp>"),)
    peer.respond(peer.request("INVITE"), 302, headers=contacts)
    link.run(0.1)
    assert ended(phone, call).status == 302


def test_interval_too_small_is_asked_for_again() -> None:
    link, _, peer, _ = rig()
    peer.respond(peer.request("INVITE"), 422, headers=(("Min-SE", "3600"),))
    link.run(0.1)
    second = peer.requests("INVITE")[-1]
    assert second.cseq.number == 2
    assert second.headers.get("Session-Expires") == "3600"
    assert second.headers.get("Min-SE") == "3600"


def test_interval_that_stays_too_small_ends_the_call() -> None:
    link, phone, peer, call = rig()
    for _ in range(3):
        peer.respond(peer.requests("INVITE")[-1], 422, headers=(("Min-SE", "3600"),))
        link.run(0.1)
    assert len(peer.requests("INVITE")) == 2
    assert ended(phone, call).status == 422


# --- contacts that cannot be used ----------------------------------------------------------------


@pytest.mark.parametrize(
    "contact", ["<sip:peer@10.0.0.7:5062>", "<sip:peer@192.0.2.9;transport=tcp>", "<tel:+15550100>"]
)
def test_contact_out_of_reach_is_reached_by_the_way_the_invite_took(contact: str) -> None:
    link = Link()
    phone, peer = link.phone("198.51.100.1"), Peer(link, "203.0.113.9")
    call = link.call(phone, "sip:agent@8.8.8.8")
    public = Peer(link, "8.8.8.8")
    link.run(0.1)
    public.respond(public.request("INVITE"), 200, sdp(), headers=(("Contact", contact),))
    link.run(0.1)
    assert f"<{public.request('ACK').uri}>" == contact
    assert call.state is State.CONFIRMED
    assert peer.inbox == []


# --- calls that may go to public addresses only ---------------------------------------------------


class Public:
    """A call of that kind, and its far end by hand: the link knows no such hops."""

    def __init__(self) -> None:
        self.phone = Link().phone("192.0.2.1")
        self.agent = self.phone.agent
        from_ = Address(None, Uri("sip", "caller", host="192.0.2.1"))
        wanted = Invitation(Uri.parse("sip:a@far.example"), from_, public_only=True)
        self.call = self.agent.call(wanted, None, 0.0)
        (first,) = self.sent("INVITE")
        self.hop, self.invite = first.hop, asked(first)

    def sent(self, method: str) -> list[Outgoing]:
        out = self.agent.datagrams_to_send()
        return [message for message in out if asked(message).method == method]

    def respond(self, status: int, contact: str, body: bytes = b"") -> None:
        response = self.invite.respond(status, to_tag="far")
        response.headers.add("Contact", contact)
        if body:
            response.headers.add("Content-Type", "application/sdp")
            response.body = body
        source = Hop("UDP", "198.51.100.7", 5060)
        self.agent.receive_datagram(response.serialize(), source, 0.1)
        self.phone.collect(0.1)


def asked(message: Outgoing) -> Request:
    parsed = parse(message.data)
    assert not isinstance(parsed, Response)
    return parsed


def test_a_redirection_takes_such_a_call_nowhere_else() -> None:
    public = Public()
    assert public.hop == Hop("UDP", "far.example", 5060, public_only=True)
    public.respond(302, "<sip:b@inside.example>")
    (invite,) = public.sent("INVITE")
    assert invite.hop == Hop("UDP", "inside.example", 5060, public_only=True)


def test_nor_does_whom_it_has_reached() -> None:
    public = Public()
    public.respond(200, "<sip:b@inside.example:161>", sdp("9.9.9.9"))
    (ack,) = public.sent("ACK")
    assert ack.hop == Hop("UDP", "inside.example", 161, public_only=True)
    assert public.phone.told(public.call)[-1] == LegAnswered()


def test_nor_is_its_audio_sent_elsewhere() -> None:
    public = Public()
    public.respond(200, "<sip:b@far.example>", sdp("10.0.0.5"))
    (bye,) = public.sent("BYE")
    assert bye.hop == public.hop
    end = public.phone.told(public.call)[-1]
    assert isinstance(end, LegEnded)
    assert "audio at 10.0.0.5 is of a private network" in end.reason
    assert public.phone.media.opened[0].applied == []
