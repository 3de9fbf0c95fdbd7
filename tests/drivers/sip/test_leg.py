"""A SIP call as a leg: what its owner may rely on."""

from offhook.drivers.sip.leg import SipLeg
from offhook.tests.kit.sip_link import Link, answers
from offhook.tests.kit.sip_peer import Peer


def test_numbers_and_ids_can_be_written_whatever_their_bytes() -> None:
    link = Link()
    phone = link.phone("192.0.2.1", on_call=answers)
    peer = Peer(link)
    evil = (("From", "<sip:%E9\udce9@192.0.2.9>;tag=1"), ("Call-ID", "\udcff@192.0.2.9"))
    peer.invite(phone.hop, headers=evil, user="\udcb6")
    link.run(0.1)
    assert peer.statuses("INVITE") == [200]
    leg = SipLeg(phone.calls[0], "line", lambda session: None, lambda: 0.0)
    assert (leg.from_number, leg.to_number) == ("\ufffd\ufffd", "\ufffd")
    assert leg.wire_id == "\ufffd@192.0.2.9"
