"""Calls that come in: answers, ACKs, CANCEL and its races, late offers, refusals."""

import pytest

from offhook.drivers.sip.callee import CalleeSession
from offhook.drivers.sip.invite_usage import State
from offhook.media.ports import HangUpCause, LegAnswered, LegEnded, LegHeld
from offhook.tests.kit.sip_link import Link, OnCall, Phone, answers, rings
from offhook.tests.kit.sip_peer import Peer, sdp


def rig(on_call: OnCall | None = None) -> tuple[Link, Phone, Peer]:
    link = Link()
    return link, link.phone("192.0.2.1", on_call=on_call), Peer(link)


def is_clean(phone: Phone) -> bool:
    return not any(phone.agent.live.values()) and phone.media.live == 0


def test_answers_with_the_offerers_codec_and_is_told_after_the_200() -> None:
    link, phone, peer = rig(answers)
    peer.invite(phone.hop)
    link.run(0.1)
    (ok,) = peer.responses("INVITE")
    assert ok.status == 200
    assert b"m=audio 20000 RTP/AVP 0 101\r\n" in ok.body
    assert phone.told(phone.calls[0]) == [LegAnswered()]
    (choice,) = phone.media.opened[0].applied
    assert (choice.codec.name, choice.remote_host, choice.remote_port) == (
        "PCMU",
        "192.0.2.9",
        40_000,
    )


def test_rings_then_plays_early_media_then_answers() -> None:
    link, phone, peer = rig()
    peer.invite(phone.hop)
    link.run(0.05)
    call = phone.calls[0]
    link.act(phone, call, call.ring)
    link.act(phone, call, call.send_early_media)
    link.run(0.05)
    assert len(phone.media.opened[0].applied) == 1
    link.act(phone, call, call.answer)
    link.run(0.1)
    assert peer.statuses("INVITE") == [180, 183, 200]
    ringing, progress, ok = peer.responses("INVITE")
    assert ringing.body == b""
    assert progress.body == ok.body
    assert {response.to.tag for response in peer.responses("INVITE")} == {call.local_tag}
    assert len(phone.media.opened[0].applied) == 1


def test_says_100_when_the_owner_is_slow() -> None:
    link, phone, peer = rig()
    peer.invite(phone.hop)
    link.run(0.3)
    assert peer.statuses("INVITE") == [100]


def test_200_is_repeated_until_the_ack_comes() -> None:
    link, phone, peer = rig(answers)
    invite = peer.invite(phone.hop)
    link.run(3.0)
    times = [line.split()[0] for line in link.lines("200 OK")]
    assert times == ["0.010", "0.510", "1.510"]
    peer.repeat(invite, phone.hop)  # does not make it say more
    peer.ack(peer.responses("INVITE")[0])
    link.run(60.0)
    assert len(link.lines("200 OK")) == 3
    assert phone.calls[0].state is State.CONFIRMED


def test_ack_that_never_comes_ends_the_call_with_bye_after_64_t1() -> None:
    link, phone, peer = rig(answers)
    peer.invite(phone.hop)
    link.run(32.1)
    times = [float(line.split()[0]) for line in link.lines("200 OK")]
    assert times == pytest.approx(
        [0.01 + t for t in (0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)]
    )
    peer.respond(peer.request("BYE"), 200)
    assert phone.told(phone.calls[0])[-1] == LegEnded(
        HangUpCause.NETWORK, by_us=True, reason="no ACK"
    )
    link.run(60.0)
    assert is_clean(phone)


def test_hang_up_before_the_ack_holds_the_bye_until_the_ack() -> None:
    link, phone, peer = rig(answers)
    peer.invite(phone.hop)
    link.run(0.1)
    call = phone.calls[0]
    link.act(phone, call, lambda now: call.hang_up(HangUpCause.NORMAL, now))
    assert phone.told(call)[-1] == LegEnded(HangUpCause.NORMAL, by_us=True)
    assert phone.media.live == 0
    link.run(1.0)
    assert peer.requests("BYE") == []
    peer.ack(peer.responses("INVITE")[0])
    link.run(0.1)
    peer.respond(peer.request("BYE"), 200)
    link.run(60.0)
    assert is_clean(phone)


def test_cancel_gets_200_and_the_invite_487() -> None:
    link, phone, peer = rig(rings)
    invite = peer.invite(phone.hop)
    link.run(1.0)
    peer.cancel(invite, (("Reason", 'SIP;cause=200;text="Call completed elsewhere"'),))
    link.run(0.1)
    assert peer.statuses("CANCEL") == [200]
    assert peer.statuses("INVITE") == [180, 487]
    assert peer.responses("CANCEL")[0].to.tag == peer.responses("INVITE")[0].to.tag
    (ended,) = phone.told(phone.calls[0])
    assert isinstance(ended, LegEnded)
    assert (ended.cause, ended.by_us) == (HangUpCause.CANCELLED, False)
    assert ended.reason == 'SIP;cause=200;text="Call completed elsewhere"'
    link.run(60.0)
    assert is_clean(phone)


def test_cancel_that_crosses_the_200_changes_nothing() -> None:
    link, phone, peer = rig(rings)
    invite = peer.invite(phone.hop)
    link.run(1.0)
    call = phone.calls[0]
    peer.cancel(invite)
    link.act(phone, call, call.answer)
    link.run(0.1)
    assert peer.statuses("CANCEL") == [200]
    assert peer.statuses("INVITE") == [180, 200]
    peer.ack(peer.responses("INVITE")[-1])
    link.run(0.1)
    assert call.state is State.CONFIRMED


def test_cancel_of_nothing_gets_481() -> None:
    link, phone, peer = rig()
    invite = peer.invite(phone.hop)
    link._flying.clear()
    peer.cancel(invite)
    link.run(0.1)
    assert peer.statuses("CANCEL") == [481]


def test_invitation_that_expires_ends_with_487() -> None:
    link, phone, peer = rig(rings)
    peer.invite(phone.hop, headers=(("Expires", "20"),))
    link.run(19.9)
    assert peer.statuses("INVITE") == [180]
    link.run(0.2)
    assert peer.statuses("INVITE") == [180, 487]
    (ended,) = phone.told(phone.calls[0])
    assert isinstance(ended, LegEnded)
    assert (ended.cause, ended.by_us) == (HangUpCause.CANCELLED, False)
    link.run(60.0)
    assert is_clean(phone)


def test_invitation_that_was_answered_does_not_expire() -> None:
    link, phone, peer = rig(answers)
    peer.invite(phone.hop, headers=(("Expires", "20"),))
    link.run(0.1)
    peer.ack(peer.responses("INVITE")[0])
    link.run(60.0)
    assert phone.told(phone.calls[0]) == [LegAnswered()]


def test_bye_to_an_early_dialog_ends_the_invite_with_487() -> None:
    link, phone, peer = rig(rings)
    peer.invite(phone.hop)
    link.run(0.1)
    peer.ask(peer.responses("INVITE")[0], "BYE")
    link.run(0.1)
    assert peer.statuses("BYE") == [200]
    assert peer.statuses("INVITE") == [180, 487]
    link.run(60.0)
    assert is_clean(phone)


def test_bye_before_the_ack_ends_the_call_and_the_repeating() -> None:
    link, phone, peer = rig(answers)
    peer.invite(phone.hop)
    link.run(0.1)
    peer.ask(peer.responses("INVITE")[0], "BYE")
    link.run(60.0)
    assert peer.statuses("BYE") == [200]
    assert peer.statuses("INVITE") == [200]
    assert phone.told(phone.calls[0])[1:] == [LegEnded(HangUpCause.NORMAL, by_us=False)]
    assert is_clean(phone)


def test_bye_after_the_end_gets_481() -> None:
    link, phone, peer = rig(answers)
    peer.invite(phone.hop)
    link.run(0.1)
    (ok,) = peer.responses("INVITE")
    peer.ack(ok)
    for _ in range(2):
        peer.ask(ok, "BYE")
        link.run(0.1)
    assert peer.statuses("BYE") == [200, 481]


def test_calls_of_one_call_id_are_told_apart_by_their_tags() -> None:
    link, phone, peer = rig(answers)
    tags = ("one", "two", "three")
    oks = []
    for tag in tags:
        peer.tag = tag
        peer.invite(phone.hop, headers=(("Call-ID", "the-same"),))
        link.run(0.1)
        oks.append(peer.responses("INVITE")[-1])
        peer.ack(oks[-1])
    link.run(0.1)
    assert [call.state for call in phone.calls] == [State.CONFIRMED] * 3
    peer.ask(oks[1], "BYE")
    link.run(0.1)
    states = [State.CONFIRMED, State.ENDED, State.CONFIRMED]
    assert [call.state for call in phone.calls] == states
    assert phone.media.live == 2


def test_late_offer_is_answered_in_the_ack() -> None:
    link, phone, peer = rig(answers)
    peer.invite(phone.hop, b"")
    link.run(0.1)
    (ok,) = peer.responses("INVITE")
    assert b"m=audio 20000 RTP/AVP 96 9 0 8" in ok.body
    assert phone.told(phone.calls[0]) == []
    assert phone.media.opened[0].applied == []
    peer.ack(ok, sdp(codecs="8 101"))
    link.run(0.1)
    assert phone.told(phone.calls[0]) == [LegAnswered()]
    assert phone.media.opened[0].applied[0].codec.name == "PCMA"


def test_late_offer_without_an_answer_ends_the_call() -> None:
    link, phone, peer = rig(answers)
    peer.invite(phone.hop, b"")
    link.run(0.1)
    peer.ack(peer.responses("INVITE")[0])
    link.run(0.1)
    (ended,) = phone.told(phone.calls[0])
    assert isinstance(ended, LegEnded)
    assert (ended.cause, ended.by_us) == (HangUpCause.ERROR, True)
    assert LegAnswered() not in phone.told(phone.calls[0])
    peer.respond(peer.request("BYE"), 200)
    link.run(60.0)
    assert is_clean(phone)


def test_offer_of_unknown_codecs_gets_488_and_costs_nothing() -> None:
    link, phone, peer = rig(answers)
    peer.invite(phone.hop, sdp(codecs="18"))
    link.run(0.1)
    (refusal,) = peer.responses("INVITE")
    assert refusal.status == 488
    assert refusal.headers.get("Warning") == '305 192.0.2.1 "none of the codecs is known"'
    assert phone.calls == []
    assert phone.media.live == 0


def test_offer_on_hold_is_answered_and_told() -> None:
    link, phone, peer = rig(answers)
    peer.invite(phone.hop, sdp(direction="sendonly"))
    link.run(0.1)
    assert b"a=recvonly" in peer.responses("INVITE")[0].body
    assert phone.told(phone.calls[0]) == [LegAnswered(), LegHeld()]


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (HangUpCause.BUSY, 486),
        (HangUpCause.DECLINED, 603),
        (HangUpCause.NOT_FOUND, 404),
        (HangUpCause.OVERLOADED, 503),
        (HangUpCause.NO_ANSWER, 480),
    ],
)
def test_hang_up_before_the_answer_refuses_by_cause(cause: HangUpCause, status: int) -> None:
    def refuse(phone: Phone, session: CalleeSession, now: float) -> None:
        session.hang_up(cause, now)

    link, phone, peer = rig(refuse)
    peer.invite(phone.hop)
    link.run(0.1)
    (response,) = peer.responses("INVITE")
    assert response.status == status
    assert ("Retry-After" in response.headers) == (status == 503)
    assert phone.told(phone.calls[0]) == [LegEnded(cause, by_us=True)]
    link.run(60.0)
    assert is_clean(phone)


def test_a_chosen_status_is_sent() -> None:
    link, phone, peer = rig(lambda phone, session, now: session.refuse(410, now))
    peer.invite(phone.hop)
    link.run(0.1)
    assert peer.statuses("INVITE") == [410]


def test_no_free_port_gets_503() -> None:
    link, phone, peer = rig(answers)
    phone.media.limit = 0
    peer.invite(phone.hop)
    link.run(0.1)
    assert peer.statuses("INVITE") == [503]
    assert phone.calls == []


def test_record_route_is_kept_in_order_and_used() -> None:
    link, phone, peer = rig(answers)
    routes = "<sip:192.0.2.9:5060;lr;n=1>, <sip:192.0.2.77;lr;n=2>"
    peer.invite(phone.hop, headers=(("Record-Route", routes),))
    link.run(0.1)
    ok = peer.responses("INVITE")[0]
    assert [str(route) for route in ok.record_routes] == routes.split(", ")
    peer.ack(ok)
    link.run(0.1)
    call = phone.calls[0]
    link.act(phone, call, lambda now: call.hang_up(HangUpCause.NORMAL, now))
    link.run(0.1)
    bye = peer.request("BYE")
    assert [str(route) for route in bye.routes] == routes.split(", ")
    assert str(bye.uri) == "sip:peer@192.0.2.9:5060"
