"""How many may be connected, and how long without asking."""

import ipaddress

from offhook.control.http.connection_room import HEAD_S, IDLE_S, ConnectionRoom, Limits


class Client:
    """A connection that does what it is told."""

    def __init__(self, room: ConnectionRoom) -> None:
        self.waiting = True
        self.asking = True
        self.dropped = False
        self._room = room

    def is_waiting(self) -> bool:
        return self.waiting

    def is_asking(self) -> bool:
        return self.asking

    def drop(self) -> None:
        self.dropped = True
        self._room.leave(self)


def room(total: int = 3, per_address: int = 100) -> ConnectionRoom:
    return ConnectionRoom(Limits(total, per_address), [ipaddress.ip_network("10.0.0.0/8")])


def admitted(here: ConnectionRoom, address: str = "192.0.2.1", now: float = 0.0) -> Client | None:
    client = Client(here)
    return client if here.admit(client, address, now) else None


def test_who_does_not_ask_in_time_is_dropped_however_slowly_the_head_comes() -> None:
    here = room()
    slow, quick = admitted(here), admitted(here)
    assert slow is not None
    assert quick is not None
    here.look(HEAD_S / 2)
    quick.waiting = False
    here.look(HEAD_S)
    assert slow.dropped
    assert not quick.dropped, "it is being answered"
    assert len(here) == 1


def test_who_has_asked_may_wait_longer_until_the_next_request_but_not_for_ever() -> None:
    here = room()
    client = admitted(here)
    assert client is not None
    client.waiting = client.asking = False
    here.look(5.0)
    client.waiting = True
    here.look(10.0)
    here.look(10.0 + IDLE_S - 1)
    assert not client.dropped
    here.look(10.0 + IDLE_S)
    assert client.dropped


def test_who_begins_another_request_has_to_end_its_head_in_time() -> None:
    here = room()
    client = admitted(here)
    assert client is not None
    client.asking = False
    here.look(10.0)
    client.asking = True
    here.look(100.0)
    here.look(100.0 + HEAD_S - 1)
    assert not client.dropped
    here.look(100.0 + HEAD_S)
    assert client.dropped


def test_when_there_is_no_room_the_one_that_has_waited_longest_makes_it() -> None:
    here = room()
    first, second, third = admitted(here, now=2.0), admitted(here, now=1.0), admitted(here, now=3.0)
    assert first is not None
    assert second is not None
    assert third is not None
    first.waiting = False
    here.look(4.0)
    assert admitted(here, now=5.0) is not None
    assert (first.dropped, second.dropped, third.dropped) == (False, True, False)
    assert len(here) == 3


def test_who_is_being_answered_makes_no_room() -> None:
    here = room()
    clients = [admitted(here) for _ in range(3)]
    here.look(1.0)
    for client in clients:
        assert client is not None
        client.waiting = False
    assert admitted(here) is None
    assert here.refused == 1
    assert len(here) == 3


def test_one_address_has_a_part_of_the_room_and_a_network_of_ipv6_counts_as_one() -> None:
    here = room(total=10, per_address=2)
    for address in ("2001:db8::1", "2001:db8::2"):
        assert admitted(here, address) is not None
    assert admitted(here, "2001:db8::3") is None
    assert admitted(here, "2001:db8:0:1::1") is not None
    assert admitted(here, "192.0.2.1") is not None


def test_proxies_of_ours_stand_for_many() -> None:
    here = room(total=10, per_address=2)
    assert all(admitted(here, "10.1.2.3") for _ in range(5))


def test_who_has_left_is_forgotten() -> None:
    here = room(total=2, per_address=1)
    client = admitted(here)
    assert client is not None
    here.leave(client)
    here.leave(client)
    assert len(here) == 0
    assert admitted(here) is not None
