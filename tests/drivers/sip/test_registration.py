"""Being registered: challenges, refresh, 423, retries, and the end."""

import pytest

from offhook.drivers.sip.agent_events import Credentials
from offhook.drivers.sip.message import Request
from offhook.drivers.sip.registration import (
    LONGEST_RETRY_S,
    Registered,
    RegistrationFailed,
    RegistrationSettings,
    RegistrationState,
    Unregistered,
)
from offhook.drivers.sip.uri import Uri
from offhook.tests.kit.sip_link import Link, Phone
from offhook.tests.kit.sip_peer import Header, Peer

SETTINGS = RegistrationSettings("line", Uri.parse("sip:192.0.2.9"), "alice", 600)
SECRET = Credentials("alice", "secret")
CONTACT = "<sip:alice@192.0.2.1:5060>"


class Rig:
    def __init__(self, seed: int = 0) -> None:
        self.link = Link(seed)
        self.phone: Phone = self.link.phone("192.0.2.1")
        self.peer = Peer(self.link)
        self.registration = self.phone.agent.register(SETTINGS, SECRET, 0.0)
        self.run(0.1)

    def run(self, seconds: float) -> None:
        self.link.run(seconds)

    def answer(self, status: int, *headers: Header) -> Request:
        """Answer the last REGISTER; without the Contact that responses of calls have."""
        request = self.peer.requests("REGISTER")[-1]
        response = request.respond(status, to_tag="registrar")
        for header in headers:
            response.headers.add(*header)
        self.peer._send(response, self.phone.hop)
        self.run(0.1)
        return request

    @property
    def told(self) -> list[object]:
        return self.phone.registrations()


def test_registers_and_refreshes_at_85_percent_of_our_own_time() -> None:
    rig = Rig()
    others = ("Contact", "<sip:alice@192.0.2.66>;expires=60, " + CONTACT + ";expires=200")
    first = rig.answer(200, others, ("Expires", "3600"))
    assert str(first.uri) == "sip:192.0.2.9"
    assert first.headers.get("Contact") == CONTACT
    assert first.headers.get("Expires") == "600"
    assert str(first.to) == "<sip:alice@192.0.2.9>"
    assert rig.told == [Registered("line", 200)]
    rig.run(169.0)
    assert len(rig.peer.requests("REGISTER")) == 1
    rig.run(1.2)
    second = rig.peer.requests("REGISTER")[-1]
    assert (second.call_id, second.cseq.number) == (first.call_id, 2)
    assert second.from_.tag == first.from_.tag


def test_time_of_the_whole_answer_counts_when_our_contact_has_none() -> None:
    rig = Rig()
    rig.answer(200, ("Contact", CONTACT), ("Expires", "120"))
    assert rig.told == [Registered("line", 120)]


def test_challenge_is_answered_and_a_wrong_password_retried_ever_more_slowly() -> None:
    rig = Rig()
    challenge = ("WWW-Authenticate", 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"')
    rig.answer(401, challenge)
    assert "Authorization" in rig.peer.requests("REGISTER")[-1].headers
    rig.answer(401, challenge)
    assert len(rig.peer.requests("REGISTER")) == 2
    (failed,) = rig.told
    assert isinstance(failed, RegistrationFailed)
    assert failed.status == 401
    rig.run(failed.retry_s)
    assert len(rig.peer.requests("REGISTER")) == 3


def test_423_is_asked_again_with_the_longer_time_once() -> None:
    rig = Rig()
    rig.answer(423, ("Min-Expires", "1800"))
    assert rig.peer.requests("REGISTER")[-1].headers.get("Expires") == "1800"
    rig.answer(423, ("Min-Expires", "1800"))
    (failed,) = rig.told
    assert isinstance(failed, RegistrationFailed)
    assert failed.status == 423


@pytest.mark.parametrize("least", ["", "x", "99999999999"])
def test_423_that_makes_no_sense_is_a_failure(least: str) -> None:
    rig = Rig()
    rig.answer(423, ("Min-Expires", least))
    assert rig.registration.state is RegistrationState.WAITING


def test_retries_back_off_with_jitter_up_to_a_limit() -> None:
    waits: list[float] = []
    rig = Rig()
    for _ in range(12):
        rig.answer(500)
        failed = rig.told[-1]
        assert isinstance(failed, RegistrationFailed)
        waits.append(failed.retry_s)
        rig.run(failed.retry_s)
    assert 1.0 <= waits[0] <= 2.0
    assert all(LONGEST_RETRY_S / 2 <= wait <= LONGEST_RETRY_S for wait in waits[9:])
    assert len(set(waits)) == len(waits)
    rig.answer(200)
    rig.run(510.2)
    rig.answer(500)
    failed = rig.told[-1]
    assert isinstance(failed, RegistrationFailed)
    assert failed.retry_s <= 2.0  # a success makes it forget


def test_retry_after_is_honoured() -> None:
    rig = Rig()
    rig.answer(503, ("Retry-After", "30 (later)"))
    failed = rig.told[-1]
    assert isinstance(failed, RegistrationFailed)
    assert failed.retry_s == 30.0


def test_silence_of_the_registrar_is_a_failure_that_is_retried() -> None:
    rig = Rig()
    rig.run(32.0)
    failed = rig.told[-1]
    assert isinstance(failed, RegistrationFailed)
    assert (failed.status, failed.reason) == (None, "no answer")
    before = len(rig.peer.requests("REGISTER"))
    rig.run(2.1)
    assert len(rig.peer.requests("REGISTER")) == before + 1


def test_reason_of_a_refusal_can_be_written_whatever_its_bytes() -> None:
    rig = Rig()
    request = rig.peer.request("REGISTER")
    response = request.respond(403, "Geschlo\udcdfen", to_tag="registrar")
    rig.peer._send(response, rig.phone.hop)
    rig.run(0.1)
    (failed,) = rig.told
    assert isinstance(failed, RegistrationFailed)
    assert failed.reason == "Geschlo\ufffden"


def test_stop_removes_the_binding() -> None:
    rig = Rig()
    rig.answer(200, ("Contact", CONTACT + ";expires=600"))
    rig.phone.agent.unregister("line", rig.link.now)
    rig.run(0.1)
    removal = rig.answer(200)
    assert removal.headers.get("Expires") == "0"
    assert rig.told[-1] == Unregistered("line")
    rig.run(700.0)
    assert not any(rig.phone.agent.live.values())


def test_stop_while_the_first_register_is_unanswered() -> None:
    rig = Rig()
    rig.phone.agent.unregister("line", rig.link.now)
    rig.run(40.0)
    assert rig.told == [Unregistered("line")]
    rig.run(40.0)
    assert not any(rig.phone.agent.live.values())


def test_stop_while_waiting_to_retry_ends_at_once() -> None:
    rig = Rig()
    rig.answer(500)
    rig.phone.agent.unregister("line", rig.link.now)
    rig.run(0.1)
    assert rig.told[-1] == Unregistered("line")
