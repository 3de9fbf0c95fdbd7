"""The socket over the real kernel: where datagrams come in, and what ICMP says of ours."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from offhook.drivers.sip.transport import address_towards, is_our_address
from offhook.drivers.sip.udp_socket import Arrived, PortRefused, UdpSocket

LIMIT_S = 5.0


class Told:
    """A socket, and what it tells."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[Arrived] = asyncio.Queue()
        self.refused: asyncio.Queue[PortRefused] = asyncio.Queue()
        self.socket: UdpSocket

    async def open(self, host: str = "127.0.0.1") -> None:
        self.socket = await UdpSocket.open(
            host, 0, self.arrived.put_nowait, self.refused.put_nowait
        )


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    made = Told()
    await made.open()
    async with asyncio.timeout(LIMIT_S):
        yield made
    made.socket.close()


def closed_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_datagram_from_this_machine_came_by_loopback(told: Told) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.2", 0))
        phone.sendto(b"hello", ("127.0.0.1", told.socket.port))
        host, port = phone.getsockname()
        assert await told.arrived.get() == Arrived(b"hello", host, port, by_loopback=True)


async def test_a_port_that_is_closed_is_told_with_what_was_sent_there(told: Told) -> None:
    port = closed_port()
    told.socket.send_to(b"anybody?", "127.0.0.1", port)
    assert await told.refused.get() == PortRefused(b"anybody?", "127.0.0.1", port)


async def test_errors_of_one_far_end_keep_nothing_from_the_others(told: Told) -> None:
    port = closed_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        for number in range(100):
            told.socket.send_to(b"%d" % number, "127.0.0.1", port)
            told.socket.send_to(b"%d" % number, *phone.getsockname())
            assert phone.recv(10, socket.MSG_DONTWAIT) == b"%d" % number
        phone.sendto(b"well", ("127.0.0.1", told.socket.port))
    assert (await told.arrived.get()).data == b"well"


async def test_it_still_listens_after_an_error_and_does_not_spin(told: Told) -> None:
    told.socket.send_to(b"anybody?", "127.0.0.1", closed_port())
    await told.refused.get()
    wakes = 0
    original = told.socket._on_ready

    def counted() -> None:
        nonlocal wakes
        wakes += 1
        original()

    loop = asyncio.get_running_loop()
    loop.add_reader(told.socket._ready.fileno(), counted)
    for _ in range(20):
        await asyncio.sleep(0)
    assert wakes == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.sendto(b"well", ("127.0.0.1", told.socket.port))
    assert (await told.arrived.get()).data == b"well"
    assert wakes == 1


async def test_what_cannot_be_sent_is_an_error(told: Told) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        told.socket.send_to(b"x", "127.0.0.1", 0)
    with pytest.raises(OverflowError):
        told.socket.send_to(b"x", "127.0.0.1", 70_000)


async def test_closing_in_the_middle_of_a_burst_ends_it() -> None:
    told, seen = Told(), asyncio.Event()
    await told.open()

    def once(arrived: Arrived) -> None:
        assert not seen.is_set(), "closed"
        told.socket.close()
        seen.set()

    told.socket._on_arrived = once
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        for _ in range(3):
            phone.sendto(b"x", ("127.0.0.1", told.socket.port))
    async with asyncio.timeout(LIMIT_S):
        await seen.wait()
    told.socket.close()


def our_address() -> str:
    """An address of this machine that is not of the loopback interface."""
    try:
        return address_towards("192.0.2.77")
    except OSError:
        pytest.skip("no network card here")


async def test_a_phone_on_the_network_cards_address_is_on_this_machine() -> None:
    host, told = our_address(), Told()
    await told.open("0.0.0.0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind((host, 0))
        # Towards the card's address the kernel names the card, as it does for strangers.
        for towards, by_loopback in (("127.0.0.1", True), (host, False)):
            phone.sendto(b"hello", (towards, told.socket.port))
            async with asyncio.timeout(LIMIT_S):
                arrived = await told.arrived.get()
            assert (arrived.host, arrived.by_loopback) == (host, by_loopback)
    assert is_our_address(host)
    told.socket.close()


def test_strangers_addresses_are_not_ours() -> None:
    assert not is_our_address("203.0.113.5")
    assert not is_our_address("2001:db8::5")
