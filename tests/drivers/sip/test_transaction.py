"""Timers A-K (and L, M) at their exact times, and every edge of the four tables."""

import pytest

from offhook.drivers.sip.message import Request, Response
from offhook.drivers.sip.timers import Timers
from offhook.drivers.sip.transaction import (
    AckReceived,
    ClientTransaction,
    InviteClient,
    InviteServer,
    NonInviteClient,
    NonInviteServer,
    ResponseReceived,
    Transaction,
    TransactionTimedOut,
    TransportFailed,
    response_class,
)
from offhook.drivers.sip.transaction_tables import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    State,
    Table,
)
from offhook.drivers.sip.uri import Uri

TIMERS = Timers()


def request(method: str) -> Request:
    message = Request(method, Uri.parse("sip:agent@192.0.2.2"))
    message.headers.add("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK77;rport")
    message.headers.add("Route", "<sip:proxy.example;lr>")
    message.headers.add("Max-Forwards", "70")
    message.headers.add("From", "<sip:caller@192.0.2.1>;tag=a1")
    message.headers.add("To", "<sip:agent@192.0.2.2>")
    message.headers.add("Call-ID", "c1@192.0.2.1")
    message.headers.add("CSeq", f"7 {method}")
    return message


def response(method: str, status: int) -> Response:
    return request(method).respond(status, to_tag="b2" if status > 100 else None)


def send_times(transaction: Transaction, until: float) -> list[float]:
    """When something is sent, from now on, while only time passes."""
    times = [0.0 for _ in transaction.data_to_send()]
    while (at := transaction.get_timer()) is not None and at <= until:
        transaction.handle_timer(at)
        times += [at for _ in transaction.data_to_send()]
    return times


def events(transaction: Transaction) -> list[object]:
    found: list[object] = []
    while (event := transaction.next_event()) is not None:
        found.append(event)
    return found


# --- INVITE client -------------------------------------------------------------------------------


def invite_client(*, reliable: bool = False) -> InviteClient:
    return InviteClient(request("INVITE"), reliable=reliable, timers=TIMERS, now=0.0)


def test_invite_is_repeated_on_timer_a_until_timer_b() -> None:
    transaction = invite_client()
    assert send_times(transaction, 100) == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert events(transaction) == [TransactionTimedOut("B", 32.0)]
    assert transaction.state is State.TERMINATED
    assert transaction.get_timer() is None


def test_invite_over_a_reliable_transport_is_sent_once() -> None:
    transaction = invite_client(reliable=True)
    assert send_times(transaction, 100) == [0.0]
    assert events(transaction) == [TransactionTimedOut("B", 32.0)]


def test_provisional_stops_repeating_and_waits_without_limit() -> None:
    transaction = invite_client()
    transaction.receive_response(response("INVITE", 180), 0.2)
    assert send_times(transaction, 1e6) == [0.0]
    assert transaction.get_timer() is None
    assert transaction.state is State.PROCEEDING


def test_failure_is_acknowledged_each_time_and_told_once_until_timer_d() -> None:
    transaction = invite_client()
    transaction.data_to_send()
    busy = response("INVITE", 486)
    transaction.receive_response(busy, 1.0)
    transaction.receive_response(busy, 1.5)
    acks = transaction.data_to_send()
    assert len(acks) == 2
    assert acks[0] == acks[1]
    assert events(transaction) == [ResponseReceived(busy)]
    assert transaction.get_timer() == 1.0 + 32.0
    transaction.handle_timer(33.0)
    assert transaction.state is State.TERMINATED


def test_ack_of_failure_has_the_branch_route_and_number_of_the_invite() -> None:
    transaction = invite_client()
    transaction.data_to_send()
    transaction.receive_response(response("INVITE", 486), 1.0)
    (ack,) = transaction.data_to_send()
    lines = ack.decode().split("\r\n")
    assert lines[0] == "ACK sip:agent@192.0.2.2 SIP/2.0"
    assert "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK77;rport" in lines
    assert "Route: <sip:proxy.example;lr>" in lines
    assert "To: <sip:agent@192.0.2.2>;tag=b2" in lines
    assert "CSeq: 7 ACK" in lines


def test_timer_d_is_zero_over_a_reliable_transport() -> None:
    transaction = invite_client(reliable=True)
    transaction.receive_response(response("INVITE", 486), 1.0)
    assert transaction.get_timer() == 1.0


def test_every_2xx_is_told_until_timer_m() -> None:
    transaction = invite_client()
    transaction.data_to_send()
    ok = response("INVITE", 200)
    for now in (1.0, 1.5, 2.5):
        transaction.receive_response(ok, now)
    assert events(transaction) == [ResponseReceived(ok)] * 3
    assert transaction.data_to_send() == []
    assert transaction.get_timer() == 1.0 + 32.0
    transaction.handle_timer(33.0)
    assert transaction.state is State.TERMINATED


# --- other clients -------------------------------------------------------------------------------


def non_invite_client(*, reliable: bool = False) -> NonInviteClient:
    return NonInviteClient(request("OPTIONS"), reliable=reliable, timers=TIMERS, now=0.0)


def test_retransmits_on_timer_e_until_timer_f() -> None:
    transaction = non_invite_client()
    expected = [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert send_times(transaction, 100) == expected
    assert events(transaction) == [TransactionTimedOut("F", 32.0)]


def test_provisional_slows_timer_e_to_t2_and_keeps_timer_f() -> None:
    transaction = non_invite_client()
    transaction.data_to_send()
    transaction.receive_response(response("OPTIONS", 100), 0.2)
    expected = [0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]
    assert send_times(transaction, 100) == expected
    assert events(transaction)[-1] == TransactionTimedOut("F", 32.0)


@pytest.mark.parametrize(("reliable", "k"), [(False, 5.0), (True, 0.0)])
def test_final_response_is_told_once_until_timer_k(reliable: bool, k: float) -> None:
    transaction = non_invite_client(reliable=reliable)
    ok = response("OPTIONS", 200)
    transaction.receive_response(ok, 2.0)
    transaction.receive_response(ok, 2.5)
    assert events(transaction) == [ResponseReceived(ok)]
    assert transaction.get_timer() == 2.0 + k
    transaction.handle_timer(2.0 + k)
    assert transaction.state is State.TERMINATED


@pytest.mark.parametrize("make", [invite_client, non_invite_client])
def test_transport_error_ends_a_client(make: type[ClientTransaction]) -> None:
    transaction = make()  # type: ignore[call-arg]
    transaction.transport_failed("no way", 0.1)
    assert events(transaction) == [TransportFailed("no way")]
    assert transaction.state is State.TERMINATED
    assert transaction.get_timer() is None


# --- INVITE server -------------------------------------------------------------------------------


def invite_server(*, reliable: bool = False) -> InviteServer:
    return InviteServer(request("INVITE"), reliable=reliable, timers=TIMERS, now=0.0)


def statuses(data: list[bytes]) -> list[int]:
    return [int(item.split()[1]) for item in data]


def test_server_says_100_when_its_user_is_silent_for_200_ms() -> None:
    transaction = invite_server()
    assert transaction.get_timer() == 0.2
    transaction.handle_timer(0.2)
    assert statuses(transaction.data_to_send()) == [100]


def test_server_says_no_100_when_its_user_was_faster() -> None:
    transaction = invite_server()
    transaction.respond(response("INVITE", 180), 0.1)
    assert statuses(transaction.data_to_send()) == [180]
    assert transaction.get_timer() is None


def test_repeated_invite_gets_the_last_provisional_again() -> None:
    transaction = invite_server()
    transaction.receive_request(request("INVITE"), 0.05)
    assert transaction.data_to_send() == []
    transaction.respond(response("INVITE", 180), 0.1)
    transaction.receive_request(request("INVITE"), 0.5)
    assert statuses(transaction.data_to_send()) == [180, 180]


def test_failure_is_repeated_on_timer_g_until_timer_h() -> None:
    transaction = invite_server()
    transaction.respond(response("INVITE", 486), 0.0)
    expected = [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert send_times(transaction, 100) == expected
    assert events(transaction) == [TransactionTimedOut("H", 32.0)]


def test_failure_over_a_reliable_transport_is_sent_once_but_waits_for_the_ack() -> None:
    transaction = invite_server(reliable=True)
    transaction.respond(response("INVITE", 486), 0.0)
    assert send_times(transaction, 100) == [0.0]
    assert events(transaction) == [TransactionTimedOut("H", 32.0)]


@pytest.mark.parametrize(("reliable", "i"), [(False, 5.0), (True, 0.0)])
def test_ack_stops_timer_g_and_is_absorbed_until_timer_i(reliable: bool, i: float) -> None:
    transaction = invite_server(reliable=reliable)
    transaction.respond(response("INVITE", 486), 0.0)
    transaction.data_to_send()
    transaction.receive_request(request("ACK"), 0.3)
    transaction.receive_request(request("ACK"), 0.4)
    transaction.receive_request(request("INVITE"), 0.4)
    assert [transaction.state] == [State.CONFIRMED]
    assert transaction.data_to_send() == []
    assert events(transaction) == []
    assert transaction.get_timer() == 0.3 + i
    transaction.handle_timer(0.3 + i)
    assert transaction.state is State.TERMINATED


def test_2xx_is_repeated_by_the_user_only_and_remembered_until_timer_l() -> None:
    transaction = invite_server()
    ok = response("INVITE", 200)
    assert transaction.respond(ok, 0.0)
    transaction.receive_request(request("INVITE"), 0.5)
    assert len(transaction.data_to_send()) == 1
    assert transaction.respond(ok, 0.5)
    assert len(transaction.data_to_send()) == 1
    assert not transaction.respond(response("INVITE", 486), 0.6)
    ack = request("ACK")
    transaction.receive_request(ack, 1.0)
    assert events(transaction) == [AckReceived(ack)]
    assert transaction.get_timer() == 32.0
    transaction.handle_timer(32.0)
    assert transaction.state is State.TERMINATED


# --- other servers -------------------------------------------------------------------------------


@pytest.mark.parametrize(("reliable", "j"), [(False, 32.0), (True, 0.0)])
def test_final_response_is_repeated_on_request_until_timer_j(reliable: bool, j: float) -> None:
    transaction = NonInviteServer(request("OPTIONS"), reliable=reliable, timers=TIMERS, now=0.0)
    transaction.receive_request(request("OPTIONS"), 0.1)
    assert transaction.data_to_send() == []
    transaction.respond(response("OPTIONS", 100), 0.2)
    transaction.receive_request(request("OPTIONS"), 0.5)
    transaction.respond(response("OPTIONS", 200), 1.0)
    transaction.receive_request(request("OPTIONS"), 1.0)
    assert statuses(transaction.data_to_send()) == [100, 100, 200, 200]
    assert not transaction.respond(response("OPTIONS", 500), 1.0)
    assert transaction.get_timer() == 1.0 + j
    transaction.handle_timer(1.0 + j)
    assert transaction.state is State.TERMINATED


# --- the tables ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table", [INVITE_CLIENT, NON_INVITE_CLIENT, INVITE_SERVER, NON_INVITE_SERVER]
)
def test_every_state_of_a_table_can_be_reached_and_left(table: Table) -> None:
    reached = {state for moves in table.values() for state in moves.values()}
    first = next(iter(table))
    assert set(table) == reached | {first}
    for state, moves in table.items():
        assert (state is State.TERMINATED) == (not moves)


@pytest.mark.parametrize("status", [100, 199, 200, 299, 300, 486, 699])
def test_responses_are_classed_by_their_first_digit(status: int) -> None:
    first = str(status)[0]
    assert response_class(status).value == {"1": "1xx", "2": "2xx"}.get(first, "3xx-6xx")
