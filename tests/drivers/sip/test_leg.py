"""A SIP call as a leg: what its owner may rely on."""

from offhook.drivers.sip.leg import SipLeg
from offhook.tests.kit.fake_lane import FakeLane
from offhook.tests.kit.sip_link import Link, Phone, answers
from offhook.tests.kit.sip_peer import Header, Peer, sdp


class Called:
    """A phone that a scripted peer has called, its leg, and a lane for its audio."""

    def __init__(self, body: bytes, *headers: Header, user: str = "agent") -> None:
        self.link = Link()
        self.phone: Phone = self.link.phone("192.0.2.1", on_call=answers)
        self.peer = Peer(self.link)
        self.peer.invite(self.phone.hop, body, headers, user)
        self.link.run(0.1)
        (ok,) = self.peer.responses("INVITE")
        self.peer.ack(ok)
        self.link.run(0.1)
        self.lane = FakeLane()
        self.phone.media.opened[0].lane = self.lane
        self.leg = SipLeg(
            self.phone.calls[0],
            "line",
            lambda session: self.phone.agent.changed(session, self.link.now),
            lambda: self.link.now,
        )


def test_numbers_and_ids_can_be_written_whatever_their_bytes() -> None:
    evil = (("From", "<sip:%E9\udce9@192.0.2.9>;tag=1"), ("Call-ID", "\udcff@192.0.2.9"))
    leg = Called(sdp(), *evil, user="\udcb6").leg
    assert (leg.from_number, leg.to_number) == ("\ufffd\ufffd", "\ufffd")
    assert leg.wire_id == "\ufffd@192.0.2.9"


def test_keys_are_sent_in_the_audio_where_that_was_agreed() -> None:
    called = Called(sdp(codecs="0 101"))
    called.leg.send_digits("12#")
    called.link.run(0.1)
    assert called.lane.digits_sent == "12#"
    assert called.peer.requests("INFO") == []


def test_keys_are_sent_by_info_where_the_audio_has_none() -> None:
    called = Called(sdp(codecs="0"))
    called.leg.send_digits("7")
    called.link.run(0.1)
    assert called.lane.digits_sent == ""
    assert called.peer.request("INFO").body.startswith(b"Signal=7")
