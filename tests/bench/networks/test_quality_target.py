"""A bad network in real time, and what a far end that returns what it hears makes of it."""

import asyncio
import importlib.util
import random

import numpy as np
import pytest

from offhook.bench.networks import quality_speech, quality_target
from offhook.bench.networks.netem import Arrival, Network, trace
from offhook.bench.networks.quality_cases import CASES, DRIFT_LEAD_S, Case
from offhook.bench.networks.quality_scores import Scores
from offhook.bench.networks.quality_target import DEFAULT_CASES, ear, fitting, through, way_of
from offhook.bench.phones.bare_phone import BarePhone
from offhook.bench.phones.line import Heard, LineFailed
from offhook.tests.kit.sip_echo import sip_echo
from offhook.tests.kit.synthetic_voice import voice


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


def test_a_drifting_phone_has_its_drift_from_its_clock_and_not_from_the_network() -> None:
    network = Network(drift_ppm=200)
    way = way_of(trace(network, 500, seed=1), 0, network)
    assert np.allclose([way(number)[0] for number in range(500)], 0.0, atol=1e-9)
    chosen = fitting(CASES, ["sender"], drifting=True)
    assert any(case.network.drift_ppm for case in chosen)


def test_the_ear_is_where_the_fastest_packet_puts_it_and_knows_how_late_each_is() -> None:
    heard = Heard()
    for number, late_s in enumerate((0.050, 0.030, 0.090, 0.030, 0.040, 0.040)):
        heard.add(number * 160, np.full(160, number + 1, np.int16), 10 + 0.02 * number + late_s)
    pcm, later_s, late = ear(heard, 10.02, 8000)
    # It is told as if all were heard 60 ms later, and came 60 ms less late.
    assert later_s == pytest.approx(0.010 + 0.060)
    assert [late(sample) for sample in (0, 160, 320)] == pytest.approx([-0.040, -0.060, 0.0])
    # From 10.135 on only the last has come, and that is 40 ms on its way.
    pcm, later_s, late = ear(heard, 10.135, 8000)
    assert (later_s, pcm[0], len(pcm)) == (0.0, 2, 960 - 280)
    assert late(320 - 280) == pytest.approx(0.050 - 0.060)
    with pytest.raises(LineFailed, match="silent"):
        ear(heard, 11.0, 8000)


@pytest.mark.skipif(
    any(importlib.util.find_spec(each) is None for each in ("pesq", "pystoi")),
    reason="pesq and pystoi are packages for benches",
)
async def test_an_echo_over_sip_that_is_late_or_drops_packets_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("BEFORE_S", "AFTER_S"):
        monkeypatch.setattr(quality_target, name, 0.4)
    for module in (quality_target, quality_speech):
        monkeypatch.setattr(module, "TAIL_S", 0.2)
    said = np.rint(voice(8000, 1500, np.random.default_rng(5))).astype(np.int16)

    async def one(network: Network, late_s: float = 0.0, drop_every: int | None = None) -> Scores:
        async with sip_echo(late_s, drop_every) as server:
            phone = BarePhone(server, "echo", random.Random(1))
            return await through(phone, said, Case("a network", network, lead_s=0.2), seed=1)

    prompt, late, dropping, lossy = await asyncio.gather(
        one(Network()), one(Network(), 0.1), one(Network(), 0.0, 20), one(Network(loss=0.2))
    )
    assert prompt.pesq == pytest.approx(4.55, abs=0.01)
    assert prompt.found == 1.0
    assert late.pesq == pytest.approx(4.55, abs=0.01)
    assert late.delay_mean_ms >= 100
    assert 0 <= prompt.delay_mean_ms < late.delay_mean_ms
    for worse in (dropping, lossy):
        assert worse.pesq < prompt.pesq - 0.5


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
