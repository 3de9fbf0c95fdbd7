"""Inside a call: re-INVITE and UPDATE both ways, glare, INFO, timers, BYE in every state."""

from collections.abc import Sequence

import pytest

from offhook.codecs.catalog import G722, OPUS, PCMA
from offhook.drivers.sdp.offer_answer import Direction
from offhook.drivers.sip.agent_events import Credentials
from offhook.drivers.sip.invite_usage import State
from offhook.drivers.sip.message import Response
from offhook.drivers.sip.session import Session
from offhook.media.ports import (
    HangUpCause,
    LegDigit,
    LegEnded,
    LegHeld,
    LegResumed,
)
from offhook.tests.kit.sip_link import Link, answers
from offhook.tests.kit.sip_peer import Header, Peer, sdp

TIMER = ("Supported", "timer")


class Rig:
    """A phone in a call with a scripted peer that may ignore session timers."""

    def __init__(self, *, calling: bool, headers: tuple[Header, ...] = ()) -> None:
        self.link = Link()
        self.phone = self.link.phone("192.0.2.1", on_call=answers)
        self.peer = Peer(self.link)
        self.session: Session
        if calling:
            secret = Credentials("alice", "secret")
            self.session = self.link.call(self.phone, "sip:agent@192.0.2.9", secret)
            self.link.run(0.1)
            self.remote: Response | None = None
            invite = self.peer.request("INVITE")
            self.dialog = invite
            self.peer.respond(invite, 200, sdp(), headers)
        else:
            self.peer.invite(self.phone.hop, headers=headers)
            self.link.run(0.1)
            (ok,) = self.peer.responses("INVITE")
            self.dialog = ok  # type: ignore[assignment]
            self.peer.ack(ok)
            self.session = self.phone.calls[0]
        self.run(0.1)
        assert self.state is State.CONFIRMED
        self.peer.take()

    @property
    def state(self) -> State:
        return self.session.state

    @property
    def told(self) -> Sequence[object]:
        return self.phone.told(self.session)[1:]

    def run(self, seconds: float) -> None:
        self.link.run(seconds)

    def hold(self) -> None:
        self.link.act(self.phone, self.session, self.session.hold)

    def resume(self) -> None:
        self.link.act(self.phone, self.session, self.session.resume)

    def hang_up(self) -> None:
        self.link.act(
            self.phone, self.session, lambda now: self.session.hang_up(HangUpCause.NORMAL, now)
        )

    def ask(
        self, method: str, body: bytes = b"", *headers: Header, cseq: int | None = None
    ) -> None:
        self.peer.ask(self.dialog, method, body, headers, cseq)

    def assert_clean(self) -> None:
        self.run(70.0)
        assert not any(self.phone.agent.live.values())
        assert self.phone.media.live == 0


@pytest.fixture(params=[True, False], ids=["caller", "callee"])
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(calling=request.param)


# --- their offers --------------------------------------------------------------------------------


def test_changed_address_is_followed_and_acknowledged(rig: Rig) -> None:
    rig.ask("INVITE", sdp(port=41_000, version=2))
    rig.run(0.1)
    (ok,) = rig.peer.responses("INVITE")
    assert ok.status == 200
    rig.peer.ack(ok)
    rig.run(60.0)
    assert len(rig.peer.responses("INVITE")) == 1
    assert rig.phone.media.opened[0].applied[-1].remote_port == 41_000
    assert rig.state is State.CONFIRMED


def test_200_to_a_reinvite_is_repeated_until_the_ack_and_then_given_up(rig: Rig) -> None:
    rig.ask("INVITE", sdp(port=41_000, version=2))
    rig.run(4.0)
    assert rig.peer.statuses("INVITE") == [200] * 4
    rig.run(28.3)
    rig.peer.respond(rig.peer.request("BYE"), 200)
    assert rig.told[-1] == LegEnded(HangUpCause.NETWORK, by_us=True, reason="no ACK of a re-INVITE")
    rig.assert_clean()


def test_changed_codec_is_followed(rig: Rig) -> None:
    rig.ask("INVITE", sdp(codecs="8 101", version=2))
    rig.run(0.1)
    rig.peer.ack(rig.peer.responses("INVITE")[0])
    assert rig.phone.media.opened[0].applied[-1].codec == PCMA


@pytest.mark.parametrize("codecs", ["18", "8 101"])
def test_codec_that_cannot_be_changed_to_gets_488_and_the_call_goes_on(
    rig: Rig, codecs: str
) -> None:
    rig.phone.media.codecs_refused = (PCMA,)
    before = list(rig.phone.media.opened[0].applied)
    rig.ask("INVITE", sdp(codecs=codecs, version=2))
    rig.run(0.1)
    (refusal,) = rig.peer.responses("INVITE")
    assert refusal.status == 488
    assert (refusal.headers.get("Warning") or "").startswith("305 192.0.2.1 ")
    assert rig.phone.media.opened[0].applied == before
    assert rig.state is State.CONFIRMED


def test_reinvite_without_an_offer_gets_one_and_its_answer_is_used(rig: Rig) -> None:
    rig.ask("INVITE")
    rig.run(0.1)
    (ok,) = rig.peer.responses("INVITE")
    assert b"m=audio 20000" in ok.body
    rig.ask("INVITE", sdp(version=3))
    rig.run(0.1)
    assert rig.peer.responses("INVITE")[-1].status == 491  # our offer has no answer yet
    rig.peer.ack(ok, sdp(port=42_000))
    rig.run(0.1)
    assert rig.phone.media.opened[0].applied[-1].remote_port == 42_000


@pytest.mark.parametrize(
    "body",
    [
        sdp(direction="sendonly", version=2),
        sdp(direction="inactive", version=2),
        sdp(host="0.0.0.0", version=2),
    ],
    ids=["sendonly", "inactive", "rfc2543"],
)
def test_hold_and_resume_are_told_once(rig: Rig, body: bytes) -> None:
    for offer in (body, body, sdp(version=3)):
        rig.ask("INVITE", offer)
        rig.run(0.1)
        rig.peer.ack(rig.peer.responses("INVITE")[-1])
        rig.run(0.1)
    assert rig.told == [LegHeld(), LegResumed()]


def test_update_with_an_offer_is_answered_at_once(rig: Rig) -> None:
    rig.ask("UPDATE", sdp(direction="sendonly", version=2))
    rig.run(1.0)
    (ok,) = rig.peer.responses("UPDATE")
    assert ok.status == 200
    assert b"a=recvonly" in ok.body
    assert rig.told == [LegHeld()]


def test_update_without_an_offer_refreshes_the_target(rig: Rig) -> None:
    other = Peer(rig.link, "192.0.2.8", "other")
    rig.ask("UPDATE", b"", ("Contact", "<sip:other@192.0.2.8>"))
    rig.run(0.1)
    assert rig.peer.responses("UPDATE")[0].body == b""
    rig.hang_up()
    rig.run(0.1)
    assert str(other.request("BYE").uri) == "sip:other@192.0.2.8"


# --- our offers ----------------------------------------------------------------------------------


def test_hold_sends_sendonly_and_resume_takes_it_back(rig: Rig) -> None:
    rig.hold()
    rig.run(0.1)
    invite = rig.peer.request("INVITE")
    assert b"a=sendonly" in invite.body
    rig.peer.respond(invite, 200, sdp(direction="recvonly", version=2))
    rig.run(0.1)
    assert rig.peer.request("ACK").cseq.number == invite.cseq.number
    assert rig.told == []  # we hold, they do not
    rig.resume()
    rig.run(0.1)
    assert b"a=sendrecv" in rig.peer.requests("INVITE")[-1].body


def test_version_of_the_description_grows_only_when_it_changes(rig: Rig) -> None:
    versions = []
    for verb in (rig.session.refresh_media, rig.session.refresh_media, rig.session.hold):
        rig.link.act(rig.phone, rig.session, verb)
        rig.run(0.1)
        invite = rig.peer.requests("INVITE")[-1]
        versions.append(int(invite.body.split(b"\r\n")[1].split()[2]))
        rig.peer.respond(invite, 200, sdp(version=len(versions) + 1))
        rig.run(0.1)
    assert versions[0] == versions[1]
    assert versions[2] == versions[1] + 1


def test_offers_wait_for_each_other(rig: Rig) -> None:
    rig.hold()
    rig.resume()
    rig.run(0.1)
    (first,) = rig.peer.requests("INVITE")
    rig.peer.respond(first, 200, sdp(direction="recvonly", version=2))
    rig.run(0.1)
    assert b"a=sendrecv" in rig.peer.requests("INVITE")[-1].body
    assert len(rig.peer.requests("INVITE")) == 2


def test_refused_offer_leaves_the_call_as_it_was(rig: Rig) -> None:
    rig.hold()
    rig.run(0.1)
    rig.peer.respond(rig.peer.request("INVITE"), 488)
    rig.run(0.1)
    assert rig.state is State.CONFIRMED
    assert not rig.session.negotiation.we_hold
    rig.hold()
    rig.run(0.1)
    assert len(rig.peer.requests("INVITE")) == 2


def test_offer_that_waited_for_a_refused_one_is_made(rig: Rig) -> None:
    rig.hold()
    rig.link.act(rig.phone, rig.session, rig.session.refresh_media)
    rig.run(0.1)
    rig.peer.respond(rig.peer.request("INVITE"), 488)
    rig.run(0.1)
    assert b"a=sendrecv" in rig.peer.requests("INVITE")[-1].body
    assert len(rig.peer.requests("INVITE")) == 2


def test_direction_of_a_refused_offer_is_not_that_of_the_next_answer(rig: Rig) -> None:
    rig.hold()
    rig.run(0.1)
    rig.peer.respond(rig.peer.request("INVITE"), 488)
    rig.run(0.1)
    rig.ask("INVITE", sdp(version=2))
    rig.run(0.1)
    assert b"a=sendrecv" in rig.peer.responses("INVITE")[0].body
    assert rig.phone.media.opened[0].applied[-1].direction is Direction.SENDRECV


def test_codecs_that_audio_cannot_change_to_are_not_offered(rig: Rig) -> None:
    rig.phone.media.codecs_refused = (OPUS, G722)
    rig.ask("INVITE")
    rig.run(0.1)
    (ok,) = rig.peer.responses("INVITE")
    assert b"m=audio 20000 RTP/AVP 0 8 101\r\n" in ok.body
    rig.peer.ack(ok, sdp(codecs="9", version=2))
    rig.run(0.1)
    assert rig.told[-1] == LegEnded(
        HangUpCause.ERROR, by_us=True, reason="none of the codecs is known (488)"
    )
    rig.peer.respond(rig.peer.request("BYE"), 200)
    rig.assert_clean()


@pytest.mark.parametrize("status", [408, 481])
def test_dialog_that_the_peer_has_forgotten_is_ended(rig: Rig, status: int) -> None:
    rig.hold()
    rig.run(0.1)
    rig.peer.respond(rig.peer.request("INVITE"), status)
    rig.run(0.1)
    ended = rig.told[-1]
    assert isinstance(ended, LegEnded)
    assert (ended.cause, ended.status) == (HangUpCause.NETWORK, status)
    rig.peer.respond(rig.peer.request("BYE"), 481)
    rig.assert_clean()


def test_offer_that_nobody_answers_ends_the_call(rig: Rig) -> None:
    rig.hold()
    rig.run(33.0)
    ended = rig.told[-1]
    assert isinstance(ended, LegEnded)
    assert ended.reason == "INVITE was not answered"
    rig.assert_clean()


def test_offer_that_is_only_being_worked_on_is_cancelled_and_the_call_goes_on(rig: Rig) -> None:
    rig.hold()
    rig.run(0.1)
    ours = rig.peer.request("INVITE")
    rig.peer.respond(ours, 100)
    rig.run(32.0)
    cancel = rig.peer.request("CANCEL")
    assert cancel.via.branch == ours.via.branch
    rig.peer.respond(cancel, 200)
    rig.peer.respond(ours, 487)
    rig.run(60.0)
    assert rig.state is State.CONFIRMED
    rig.hold()
    rig.run(0.1)
    assert len(rig.peer.requests("INVITE")) == 2


def test_offer_that_is_never_answered_nor_cancelled_ends_the_call(rig: Rig) -> None:
    rig.hold()
    rig.run(0.1)
    rig.peer.respond(rig.peer.request("INVITE"), 100)
    rig.run(70.0)
    ended = rig.told[-1]
    assert isinstance(ended, LegEnded)
    assert ended.reason == "INVITE was not answered"
    rig.assert_clean()


def test_offer_that_is_being_worked_on_does_not_outlive_its_call(rig: Rig) -> None:
    rig.hold()
    rig.run(0.1)
    rig.peer.respond(rig.peer.request("INVITE"), 100)
    rig.run(0.1)
    rig.ask("BYE")
    rig.run(0.1)
    rig.assert_clean()


def test_challenged_offer_is_sent_again_with_credentials() -> None:
    rig = Rig(calling=True)
    rig.hold()
    rig.run(0.1)
    challenge = ("WWW-Authenticate", 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"')
    rig.peer.respond(rig.peer.request("INVITE"), 401, headers=(challenge,))
    rig.run(0.1)
    first, second = rig.peer.requests("INVITE")
    assert second.cseq.number == first.cseq.number + 1
    assert "Authorization" in second.headers
    rig.peer.respond(second, 200, sdp(direction="recvonly", version=2))
    rig.run(0.1)
    assert rig.session.negotiation.we_hold
    assert rig.peer.requests("ACK")[-1].cseq.number == second.cseq.number


# --- glare ---------------------------------------------------------------------------------------


def test_their_offer_during_ours_gets_491_and_ours_is_tried_again(rig: Rig) -> None:
    rig.hold()
    rig.run(0.1)
    ours = rig.peer.request("INVITE")
    rig.ask("INVITE", sdp(version=2))
    rig.run(0.1)
    assert rig.peer.statuses("INVITE") == [491]
    rig.peer.respond(ours, 491)
    rig.run(0.1)
    refused_at = rig.link.now - 0.1
    while len(rig.peer.requests("INVITE")) == 1:
        rig.run(0.01)
    low, high = (2.1, 4.0) if rig.session.is_caller else (0.0, 2.0)
    assert low - 0.1 <= rig.link.now - refused_at <= high + 0.2
    rig.peer.respond(rig.peer.requests("INVITE")[-1], 200, sdp(direction="recvonly", version=2))
    rig.run(5.0)
    assert len(rig.peer.requests("INVITE")) == 2
    assert rig.session.negotiation.we_hold


def test_glare_moments_differ() -> None:
    moments = set()
    for seed in range(8):
        link = Link(seed)
        phone, peer = link.phone("192.0.2.1"), Peer(link)
        call = link.call(phone, "sip:agent@192.0.2.9")
        link.run(0.1)
        peer.respond(peer.request("INVITE"), 200, sdp())
        link.run(0.1)
        link.act(phone, call, call.hold)
        link.run(0.1)
        peer.respond(peer.requests("INVITE")[-1], 491)
        link.run(0.1)
        at = call.get_timer()
        assert at is not None
        assert 2.1 <= at - link.now + 0.1 <= 4.1
        moments.add(round(at - link.now, 2))
    assert len(moments) > 4


# --- CSeq, tags ----------------------------------------------------------------------------------


def test_lower_cseq_gets_500_and_a_gap_is_fine(rig: Rig) -> None:
    rig.ask("INFO", b"", cseq=100)
    rig.ask("BYE", b"", cseq=50)
    rig.run(0.1)
    assert rig.peer.statuses("INFO") == [200]
    assert rig.peer.statuses("BYE") == [500]
    assert rig.state is State.CONFIRMED
    rig.ask("BYE", b"", cseq=101)
    rig.run(0.1)
    assert rig.peer.statuses("BYE") == [500, 200]


@pytest.mark.parametrize("header", ["From", "To"])
def test_wrong_tag_gets_481(rig: Rig, header: str) -> None:
    address = (rig.dialog.headers.get(header) or "").split(";tag=")[0]
    rig.ask("BYE", b"", (header, f"{address};tag=wrong"))
    rig.run(0.1)
    assert rig.peer.statuses("BYE") == [481]
    assert rig.state is State.CONFIRMED


# --- INFO ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "body", "digit"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", b"Signal= *\nDuration= 100\n", "*"),
        ("application/dtmf-relay", b"signal=11\r\n", "#"),
        ("application/dtmf", b"7", "7"),
        ("application/dtmf", b"a\r\n", "A"),
        ("Application/DTMF", b"10", "*"),
    ],
)
def test_info_brings_a_digit(rig: Rig, kind: str, body: bytes, digit: str) -> None:
    rig.ask("INFO", body, ("Content-Type", kind))
    rig.run(0.1)
    assert rig.peer.statuses("INFO") == [200]
    assert rig.told == [LegDigit(digit)]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/dtmf-relay", b"Signal=flash\r\n", 400),
        ("application/dtmf", b"99", 400),
        ("application/dtmf", b"5" * 1000, 400),
        ("application/media_control+xml", b"<x/>", 415),
    ],
)
def test_info_that_is_no_digit_is_refused(rig: Rig, kind: str, body: bytes, status: int) -> None:
    rig.ask("INFO", body, ("Content-Type", kind))
    rig.run(0.1)
    assert rig.peer.statuses("INFO") == [status]
    assert rig.told == []


def test_digits_are_sent_one_after_the_other(rig: Rig) -> None:
    rig.link.act(rig.phone, rig.session, lambda now: rig.session.send_digits("12#", now))
    bodies = []
    for _ in range(3):
        rig.run(0.1)
        info = rig.peer.requests("INFO")[-1]
        assert info.content_type == "application/dtmf-relay"
        bodies.append(info.body.split(b"\r\n")[0])
        rig.peer.respond(info, 200)
    rig.run(1.0)
    assert bodies == [b"Signal=1", b"Signal=2", b"Signal=#"]
    assert len(rig.peer.requests("INFO")) == 3


# --- BYE -----------------------------------------------------------------------------------------


def test_their_bye_is_answered_and_its_reason_told(rig: Rig) -> None:
    rig.ask("BYE", b"", ("Reason", 'Q.850;cause=31;text="Normal, unspecified"'))
    rig.run(0.1)
    assert rig.peer.statuses("BYE") == [200]
    (ended,) = rig.told
    assert isinstance(ended, LegEnded)
    assert (ended.cause, ended.by_us) == (HangUpCause.NORMAL, False)
    assert ended.reason == 'Q.850;cause=31;text="Normal, unspecified"'
    rig.assert_clean()


def test_reason_of_their_bye_can_be_written_whatever_its_bytes(rig: Rig) -> None:
    rig.ask("BYE", b"", ("Reason", 'Q.850;cause=16;text="caf\udce9"'))
    rig.run(0.1)
    ended = rig.told[-1]
    assert isinstance(ended, LegEnded)
    assert ended.reason.encode().endswith('text="caf\ufffd"'.encode())


def test_our_bye_ends_the_media_at_once_and_is_repeated_until_answered(rig: Rig) -> None:
    rig.hang_up()
    assert rig.told == [LegEnded(HangUpCause.NORMAL, by_us=True)]
    assert rig.phone.media.live == 0
    rig.run(2.0)
    assert len(rig.peer.requests("BYE")) == 3
    rig.hang_up()
    rig.peer.respond(rig.peer.requests("BYE")[0], 200)
    rig.run(0.1)
    assert len(rig.peer.requests("BYE")) == 3
    rig.assert_clean()


def test_our_bye_that_nobody_answers_is_given_up(rig: Rig) -> None:
    rig.hang_up()
    rig.assert_clean()


def test_byes_that_cross_are_both_answered(rig: Rig) -> None:
    rig.hang_up()
    rig.ask("BYE")
    rig.run(0.1)
    assert rig.peer.statuses("BYE") == [200]
    rig.peer.respond(rig.peer.request("BYE"), 481)
    rig.assert_clean()


def test_bye_while_our_offer_is_pending(rig: Rig) -> None:
    rig.hold()
    rig.run(0.1)
    ours = rig.peer.request("INVITE")
    rig.ask("BYE")
    rig.run(0.1)
    assert rig.peer.statuses("BYE") == [200]
    rig.peer.respond(ours, 487)
    rig.run(0.1)
    assert len(rig.peer.requests("ACK")) == 1
    rig.assert_clean()


def test_our_bye_while_our_offer_is_pending(rig: Rig) -> None:
    rig.hold()
    rig.run(0.1)
    ours = rig.peer.request("INVITE")
    rig.hang_up()
    rig.run(0.1)
    bye = rig.peer.request("BYE")
    assert bye.cseq.number == ours.cseq.number + 1
    rig.peer.respond(ours, 200, sdp(version=2))
    rig.peer.respond(bye, 200)
    rig.run(0.1)
    assert len(rig.peer.requests("ACK")) == 1
    rig.assert_clean()


def test_requests_after_our_bye_get_481(rig: Rig) -> None:
    rig.hang_up()
    rig.ask("INVITE", sdp(version=2))
    rig.run(0.1)
    assert rig.peer.statuses("INVITE") == [481]


def test_options_inside_a_call_is_answered(rig: Rig) -> None:
    rig.ask("OPTIONS")
    rig.run(0.1)
    assert rig.peer.statuses("OPTIONS") == [200]


# --- session timers ------------------------------------------------------------------------------


def test_we_refresh_a_peer_that_knows_no_timers(rig: Rig) -> None:
    rig.run(900.2)
    refresh = rig.peer.request("INVITE")
    assert refresh.headers.get("Session-Expires") == "1800;refresher=uac"
    rig.peer.respond(refresh, 200, sdp())
    rig.run(900.3)
    assert len(rig.peer.requests("INVITE")) == 2
    assert rig.state is State.CONFIRMED


def test_we_refresh_by_update_where_it_is_allowed() -> None:
    agreed = (("Session-Expires", "100;refresher=uac"), ("Allow", "INVITE, UPDATE"))
    rig = Rig(calling=True, headers=agreed)
    rig.run(50.2)
    update = rig.peer.request("UPDATE")
    assert update.body == b""
    rig.peer.respond(update, 200, headers=(("Session-Expires", "100;refresher=uac"),))
    rig.run(50.3)
    assert len(rig.peer.requests("UPDATE")) == 2
    assert rig.peer.requests("INVITE") == []


def test_refresh_that_fails_ends_the_call_before_the_interval() -> None:
    rig = Rig(calling=True, headers=(("Session-Expires", "120;refresher=uac"),))
    rig.run(60.2)
    rig.peer.respond(rig.peer.request("INVITE"), 500)
    rig.run(26.0)
    assert rig.state is State.CONFIRMED
    rig.run(2.0)
    rig.peer.respond(rig.peer.request("BYE"), 200)
    assert rig.told == [LegEnded(HangUpCause.NETWORK, by_us=True, reason="session timer expired")]
    rig.assert_clean()


def test_peer_that_promised_to_refresh_and_does_not_is_ended() -> None:
    rig = Rig(calling=False, headers=(TIMER, ("Session-Expires", "120;refresher=uac")))
    rig.run(87.0)
    assert rig.state is State.CONFIRMED
    rig.run(1.5)
    assert len(rig.peer.requests("BYE")) >= 1


def test_peer_that_refreshes_keeps_the_call() -> None:
    agreed = (TIMER, ("Session-Expires", "120;refresher=uac"))
    rig = Rig(calling=False, headers=agreed)
    for _ in range(5):
        rig.run(60.0)
        rig.ask("UPDATE", b"", *agreed)
    rig.run(60.0)
    assert rig.state is State.CONFIRMED
    (status,) = set(rig.peer.statuses("UPDATE"))
    assert status == 200
    assert rig.peer.responses("UPDATE")[0].headers.get("Session-Expires") == "120;refresher=uac"


def test_short_interval_gets_422() -> None:
    link = Link()
    phone, peer = link.phone("192.0.2.1", on_call=answers), Peer(link)
    peer.invite(phone.hop, headers=(TIMER, ("Session-Expires", "30")))
    link.run(0.1)
    (response,) = peer.responses("INVITE")
    assert (response.status, response.headers.get("Min-SE")) == (422, "90")
    assert phone.calls == []


def test_short_interval_of_a_refresh_gets_422() -> None:
    rig = Rig(calling=False, headers=(TIMER, ("Session-Expires", "120;refresher=uac")))
    rig.ask("UPDATE", b"", TIMER, ("Session-Expires", "30"))
    rig.run(0.1)
    assert rig.peer.statuses("UPDATE") == [422]
