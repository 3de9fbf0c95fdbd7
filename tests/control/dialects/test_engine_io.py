"""Engine.IO and Socket.IO as a core: no clock, no socket."""

import random

import msgspec
import pytest

from offhook.control.dialects.engine_io import (
    CONNECT_WITHIN_S,
    MAX_WAITING,
    PING_EVERY_S,
    PONG_WITHIN_S,
    Connection,
    Said,
    State,
    packets_of,
)
from offhook.control.dialects.socket_io import Kind, Malformed, Packet, read, write


def connected(now: float = 0.0) -> Connection:
    connection = Connection("abc", now)
    connection.receive_packet("40", now)
    connection.packets_to_send()
    return connection


def test_it_opens_and_connects_to_the_main_namespace() -> None:
    connection = Connection("abc", 0.0)
    (opened,) = connection.packets_to_send()
    assert opened[0] == "0"
    assert msgspec.json.decode(opened[1:]) == {
        "sid": "abc",
        "upgrades": ["websocket"],
        "pingInterval": 25_000,
        "pingTimeout": 20_000,
        "maxPayload": 65_536,
    }
    connection.emit("early", 1)
    assert connection.packets_to_send() == []
    connection.receive_packet('40{"token":"x"}', 1.0)
    assert connection.packets_to_send() == ['40{"sid":"abc"}']
    assert connection.state is State.CONNECTED


def test_another_namespace_is_refused_and_the_right_one_may_follow() -> None:
    connection = Connection("abc", 0.0)
    connection.packets_to_send()
    connection.receive_packet("40/admin,", 0.0)
    assert connection.packets_to_send() == ['44/admin,{"message":"Invalid namespace"}']
    connection.receive_packet("40", 0.0)
    assert connection.state is State.CONNECTED


def test_an_event_is_heard_and_acknowledged_by_its_number() -> None:
    connection = connected()
    connection.receive_packet('4217["subscribe",{"type":"all_calls"}]', 0.0)
    assert connection.next_event() == Said("subscribe", ({"type": "all_calls"},), 17)
    assert connection.next_event() is None
    connection.acknowledge(17, {"type": "all_calls"})
    connection.emit("call.started", {"id": "1"})
    assert connection.packets_to_send() == [
        '4317[{"type":"all_calls"}]',
        '42["call.started",{"id":"1"}]',
    ]


def test_it_pings_and_gives_up_on_who_does_not_answer() -> None:
    connection = connected()
    assert connection.get_timer() == PING_EVERY_S
    connection.handle_timer(PING_EVERY_S)
    assert connection.packets_to_send() == ["2"]
    connection.receive_packet("3", 26.0)
    assert connection.get_timer() == 26.0 + PING_EVERY_S
    connection.handle_timer(51.0)
    assert connection.get_timer() == 51.0 + PONG_WITHIN_S
    connection.handle_timer(51.0 + PONG_WITHIN_S)
    assert connection.closed_because == "it does not answer"
    assert connection.get_timer() is None


def test_who_never_connects_is_closed() -> None:
    connection = Connection("abc", 0.0)
    connection.handle_timer(PING_EVERY_S)
    connection.receive_packet("3", PING_EVERY_S)
    assert connection.get_timer() == CONNECT_WITHIN_S
    connection.handle_timer(CONNECT_WITHIN_S)
    assert connection.closed_because == "it has not connected in time"


def test_who_does_not_fetch_what_waits_is_closed() -> None:
    connection = connected()
    for number in range(MAX_WAITING):
        connection.emit("call.updated", number)
    assert connection.state is State.CONNECTED
    connection.emit("call.updated", "one more")
    assert connection.closed_because == "it has fallen behind"
    assert connection.packets_to_send() == ["41", "1"]


@pytest.mark.parametrize(
    "packet",
    ["", "9", "x", "4", "47", '42{"no":"list"}', "42[]", "42[1]", "42[", "451-[]", "42/x,[1]", "b"],
)
def test_what_has_no_meaning_closes_it(packet: str) -> None:
    connection = connected()
    connection.receive_packet(packet, 0.0)
    assert connection.state is State.CLOSED
    connection.receive_packet("40", 0.0)
    assert connection.next_event() is None


def test_an_event_before_the_namespace_closes_it() -> None:
    connection = Connection("abc", 0.0)
    connection.receive_packet('42["subscribe",{}]', 0.0)
    assert connection.state is State.CLOSED


@pytest.mark.parametrize("packet", ["41", "1"])
def test_a_client_may_leave(packet: str) -> None:
    connection = connected()
    connection.receive_packet(packet, 0.0)
    assert connection.closed_because == "the client left"


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ("0", Packet(kind=Kind.CONNECT)),
        ("0/admin?a=b,{}", Packet(kind=Kind.CONNECT, namespace="/admin", data={})),
        ("0/admin", Packet(kind=Kind.CONNECT, namespace="/admin")),
        ('2["a"]', Packet(kind=Kind.EVENT, data=["a"])),
        ('2/n,3["a",1]', Packet(kind=Kind.EVENT, namespace="/n", id=3, data=["a", 1])),
        ("3456[]", Packet(kind=Kind.ACK, id=456, data=[])),
    ],
)
def test_packets_are_read_as_the_protocol_has_them(text: str, packet: Packet) -> None:
    assert read(text) == packet
    assert read(write(packet)) == packet


def test_whatever_is_sent_is_read_or_malformed() -> None:
    rng = random.Random(7)
    alphabet = '0123456/,?-[]{}":a\x1e\ud800é'
    for _ in range(5000):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randrange(12)))
        try:
            assert read(text).kind in Kind
        except Malformed:
            continue


def test_a_body_has_several_packets() -> None:
    assert packets_of(b'3\x1e42["a"]') == ["3", '42["a"]']
    with pytest.raises(Malformed):
        packets_of(b"\xff")
