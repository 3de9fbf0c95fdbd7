"""Which transaction a message belongs to, and what becomes of transactions nobody needs."""

import pytest

from offhook.drivers.sip import transaction_layer
from offhook.drivers.sip.hop import Hop
from offhook.drivers.sip.message import Request, Response
from offhook.drivers.sip.timers import Timers
from offhook.drivers.sip.transaction_layer import (
    Abandon,
    AckArrived,
    AnyAction,
    RequestFailed,
    ResponseArrived,
    TransactionLayer,
)
from offhook.drivers.sip.uri import Uri

HOP = Hop("UDP", "192.0.2.9", 5060)


class User:
    """A transaction user that wants one thing done."""

    def __init__(self, *actions: AnyAction) -> None:
        self.actions = list(actions)

    def receive_response(self, response: Response, request: Request, now: float) -> None:
        raise AssertionError("the layer tells by events")

    def request_failed(self, request: Request, fault: str | None, now: float) -> None:
        raise AssertionError("the layer tells by events")

    def actions_to_send(self) -> list[AnyAction]:
        actions, self.actions = self.actions, []
        return actions


def message(method: str, branch: str = "z9hG4bK1", sent_by: str = "192.0.2.1:5060") -> Request:
    request = Request(method, Uri.parse("sip:agent@192.0.2.9"))
    request.headers.add("Via", f"SIP/2.0/UDP {sent_by};branch={branch}")
    request.headers.add("From", "<sip:a@192.0.2.1>;tag=a")
    request.headers.add("To", "<sip:agent@192.0.2.9>")
    request.headers.add("Call-ID", "c")
    request.headers.add("CSeq", f"1 {method}")
    return request


def layer() -> TransactionLayer:
    return TransactionLayer(Timers())


def test_response_is_matched_by_branch_sent_by_and_method() -> None:
    core, user, invite = layer(), User(), message("INVITE")
    core.send_request(invite, HOP, user, 0.0)
    for stray in (
        message("INVITE", branch="z9hG4bK2"),
        message("INVITE", sent_by="192.0.2.1:5061"),
        message("BYE"),
    ):
        core.receive_response(stray.respond(180), 0.1)
    assert core.next_event() is None
    assert core.counters["stray_response"] == 3
    ringing = message("INVITE", sent_by="192.0.2.1:5060").respond(180)
    core.receive_response(ringing, 0.1)
    assert core.next_event() == ResponseArrived(user, invite, ringing)


def test_cancel_is_a_transaction_of_its_own_with_the_branch_of_its_invite() -> None:
    core, user = layer(), User()
    invite, cancel = message("INVITE"), message("CANCEL")
    core.send_request(invite, HOP, user, 0.0)
    core.send_request(cancel, HOP, user, 0.0)
    ok = cancel.respond(200)
    core.receive_response(ok, 0.1)
    assert core.next_event() == ResponseArrived(user, cancel, ok)


def test_cancel_finds_its_invite() -> None:
    core, invite = layer(), message("INVITE")
    assert core.invite_of(message("CANCEL")) is None
    core.open_server(invite, HOP, 0.0)
    assert core.invite_of(message("CANCEL")) is invite
    assert core.invite_of(message("CANCEL", branch="z9hG4bK2")) is None


def test_repeated_request_is_absorbed_and_a_new_one_is_not() -> None:
    core = layer()
    assert not core.absorb(message("BYE"), 0.0)
    core.open_server(message("BYE"), HOP, 0.0)
    core.respond(message("BYE"), message("BYE").respond(200), 0.0)
    assert core.absorb(message("BYE"), 0.5)
    assert len(core.datagrams_to_send()) == 2
    assert not core.absorb(message("BYE", branch="z9hG4bK2"), 0.5)


def test_ack_of_a_2xx_is_told_whatever_its_branch() -> None:
    core = layer()
    core.open_server(message("INVITE"), HOP, 0.0)
    core.respond(message("INVITE"), message("INVITE").respond(200, to_tag="t"), 0.0)
    for branch in ("z9hG4bK1", "z9hG4bK2"):  # some elements reuse the INVITE's
        ack = message("ACK", branch)
        assert core.absorb(ack, 0.1)
        assert core.next_event() == AckArrived(ack)


def test_ack_of_a_failure_is_absorbed_silently() -> None:
    core = layer()
    core.open_server(message("INVITE"), HOP, 0.0)
    core.respond(message("INVITE"), message("INVITE").respond(486, to_tag="t"), 0.0)
    assert core.absorb(message("ACK"), 0.1)
    assert core.next_event() is None
    core.handle_timer(5.2)
    assert len(core) == 0


def test_answer_to_a_forgotten_request_is_counted() -> None:
    core, bye = layer(), message("BYE")
    assert not core.respond(bye, bye.respond(200), 0.0)
    assert core.counters["late_response"] == 1
    assert core.datagrams_to_send() == []


def test_transport_failure_is_told_to_those_who_wait_for_that_hop() -> None:
    core, user = layer(), User()
    first, second = message("INVITE"), message("INVITE", branch="z9hG4bK2")
    core.send_request(first, HOP, user, 0.0)
    core.send_request(second, Hop("UDP", "192.0.2.8", 5060), user, 0.0)
    core.transport_failed(HOP, "no way", 0.1)
    assert core.next_event() == RequestFailed(user, first, "no way")
    assert core.next_event() is None
    assert len(core) == 1


def test_icmp_ends_the_one_request_that_it_quotes() -> None:
    core, user = layer(), User()
    first, second = message("INVITE"), message("INVITE", branch="z9hG4bK2")
    core.send_request(first, HOP, user, 0.0)
    core.send_request(second, HOP, user, 0.0)
    core.receive_refusal(second.serialize()[:150], "nobody", 0.1)
    assert core.next_event() == RequestFailed(user, second, "nobody")
    assert core.next_event() is None
    assert len(core) == 1


@pytest.mark.parametrize(
    "quoted",
    [
        b"",
        message("INVITE").serialize()[:60],
        message("INVITE").serialize().replace(b"tag=a", b"tag=b"),
        message("INVITE", branch="z9hG4bKguessed").serialize(),
        message("BYE").serialize(),
        message("INVITE").respond(200).serialize(),
        b"\xff\r\nVia: \xff\r\n\r\n",
        b"INVITE sip:a@b SIP/2.0\r\nVia: what\r\n\r\n",
    ],
)
def test_icmp_that_cannot_be_told_whose_it_is_harms_nobody(quoted: bytes) -> None:
    core = layer()
    core.send_request(message("INVITE"), HOP, User(), 0.0)
    core.receive_refusal(quoted, "nobody", 0.1)
    assert core.next_event() is None
    assert len(core) == 1


def test_icmp_after_an_answer_is_late() -> None:
    core, user, invite = layer(), User(), message("INVITE")
    core.send_request(invite, HOP, user, 0.0)
    core.receive_response(invite.respond(180), 0.1)
    core.receive_refusal(invite.serialize(), "nobody", 0.2)
    assert isinstance(core.next_event(), ResponseArrived)
    assert core.next_event() is None


def test_abandoned_request_is_forgotten_with_its_timers() -> None:
    core, invite = layer(), message("INVITE")
    core.send_request(invite, HOP, User(), 0.0)
    core.carry_out(User(Abandon(invite)), 0.1)
    core.carry_out(User(Abandon(invite)), 0.1)
    assert len(core) == 0
    assert core.get_timer() is None


def test_too_many_transactions_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction_layer, "MAX_TRANSACTIONS", 2)
    core = layer()
    opened = [core.open_server(message("BYE", branch=f"z9hG4bK{n}"), HOP, 0.0) for n in range(3)]
    assert opened == [True, True, False]
    assert core.counters["dropped_overload"] == 1


def test_merged_request_is_known_until_its_original_ends() -> None:
    core = layer()
    core.open_server(message("OPTIONS"), HOP, 0.0)
    core.respond(message("OPTIONS"), message("OPTIONS").respond(200), 0.0)
    assert core.is_merged(message("OPTIONS", branch="z9hG4bK2"))
    assert not core.is_merged(message("OPTIONS"))
    core.handle_timer(32.0)
    assert not core.is_merged(message("OPTIONS", branch="z9hG4bK2"))
