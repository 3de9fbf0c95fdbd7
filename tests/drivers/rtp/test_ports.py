"""RTP port pairs."""

import socket

import pytest

from offhook.drivers.rtp.ports import QUARANTINE_S, PortPool, PortRange
from offhook.media.errors import Refused


def free_even_port() -> int:
    """A port that was free a moment ago, with a free neighbour."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port % 2 == 0 and port < 65000:
            return port
    raise AssertionError("no even port")


def test_a_pair_is_an_even_port_and_the_next_one() -> None:
    first = free_even_port()
    pool = PortPool("127.0.0.1", PortRange(first, first + 3))
    pair = pool.take(now=0.0)
    assert pair.port == first
    assert pair.rtcp.getsockname()[1] == first + 1
    pool.give_back(pair, now=0.0)


def test_a_released_pair_rests_before_it_is_used_again() -> None:
    first = free_even_port()
    pool = PortPool("127.0.0.1", PortRange(first, first + 1))
    pair = pool.take(now=0.0)
    with pytest.raises(Refused):
        pool.take(now=0.0)
    pool.give_back(pair, now=10.0)
    with pytest.raises(Refused):
        pool.take(now=10.0 + QUARANTINE_S / 2)
    again = pool.take(now=10.0 + QUARANTINE_S)
    assert again.port == first
    pool.give_back(again, now=20.0)
    assert pool.in_use == 0


def test_a_port_that_somebody_else_has_is_passed_over_whole() -> None:
    first = free_even_port()
    pool = PortPool("127.0.0.1", PortRange(first, first + 3))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", first + 1))
        pair = pool.take(now=0.0)
        assert pair.port == first + 2
        # The even socket of the failed pair must not be left bound.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as check:
            check.bind(("127.0.0.1", first))
        pool.give_back(pair, now=0.0)


def test_any_port_serves_when_no_range_is_given() -> None:
    pool = PortPool("127.0.0.1", PortRange(0, 0))
    pairs = [pool.take(now=0.0) for _ in range(50)]
    assert len({pair.port for pair in pairs}) == 50
    for pair in pairs:
        pool.give_back(pair, now=0.0)
    assert pool.in_use == 0
