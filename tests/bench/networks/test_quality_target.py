"""A bad network in real time, and what a far end that returns what it hears makes of it."""

import random

import numpy as np

from offhook.bench.networks.netem import Arrival, Network, trace
from offhook.bench.networks.quality_cases import CASES, DRIFT_LEAD_S
from offhook.bench.networks.quality_target import DEFAULT_CASES, fitting, way_of
from offhook.bench.phones.bare_phone import BarePhone


def test_each_packet_leaves_as_late_as_in_the_trace_as_often_or_never() -> None:
    arrivals = [Arrival(0.0, 0), Arrival(0.065, 1), Arrival(0.066, 1), Arrival(0.06, 3)]
    way = way_of(arrivals, first=10)
    assert way(10) == (0.0,)
    assert np.allclose(way(11), (0.045, 0.046))
    assert way(12) == ()
    assert np.allclose(way(13), (0.0,))


def test_before_and_after_the_trace_packets_leave_at_once() -> None:
    way = way_of([Arrival(0.05, 0), Arrival(0.06, 1)], first=10)
    assert way(9) == (0.0,)
    assert way(12) == (0.0,)


def test_a_trace_loses_on_the_wire_what_it_loses_on_paper() -> None:
    arrivals = trace(Network(loss=0.1), 1000, seed=3)
    way = way_of(arrivals, first=0)
    lost = sum(way(number) == () for number in range(max(a.packet for a in arrivals) + 1))
    assert lost == 1000 - len(arrivals) - sum(1 for n in range(1000) if n > arrivals[-1].packet)
    assert 60 < lost < 140


def test_the_cases_by_default_are_there_and_none_needs_another_clock() -> None:
    chosen = fitting(CASES, ())
    assert [case.name for case in chosen] == [n for n in DEFAULT_CASES if n in _names()]
    assert len(chosen) == len(DEFAULT_CASES)
    assert all(case.lead_s < DRIFT_LEAD_S for case in fitting(CASES, ["sender", "loss"]))


def _names() -> set[str]:
    return {case.name for case in CASES}


async def test_the_phone_sends_what_its_network_lets_through() -> None:
    phone = BarePhone("127.0.0.1:9", "agent", random.Random(1))
    sent: list[bytes] = []
    phone._leave = lambda packet, address: sent.append(packet)  # type: ignore[method-assign]
    phone._rtp = object()  # type: ignore[assignment]
    phone.way = lambda number: () if number % 20 == 0 else (0.0,)
    for number in range(40):
        phone._send(number, bytes([number]), ("127.0.0.1", 9))
    assert [packet[0] for packet in sent] == [n for n in range(40) if n % 20]
