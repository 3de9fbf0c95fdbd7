"""A trace is what its path says, no more and no less, and always the same for a seed."""

import math

import pytest

from offhook.bench.networks.netem import PTIME_S, Arrival, Jitter, Network, sent_at, trace

PACKETS = 20_000


def delays_ms(network: Network, arrivals: list[Arrival]) -> list[float]:
    return [1000 * (arrival.at_s - sent_at(network, arrival.packet)) for arrival in arrivals]


def bursts(arrivals: list[Arrival], packets: int) -> list[int]:
    """Lengths of the runs of packets that never came."""
    there = {arrival.packet for arrival in arrivals}
    runs = [0]
    for packet in range(packets):
        if packet in there:
            runs.append(0)
        else:
            runs[-1] += 1
    return [run for run in runs if run]


def test_a_perfect_path_delivers_every_packet_the_moment_it_is_sent() -> None:
    assert trace(Network(), 3, seed=1) == [
        Arrival(0.0, 0),
        Arrival(PTIME_S, 1),
        Arrival(2 * PTIME_S, 2),
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("loss", [0.01, 0.05, 0.2])
def test_loss_is_within_the_bounds_of_its_binomial(loss: float, seed: int) -> None:
    lost = PACKETS - len(trace(Network(loss=loss), PACKETS, seed))
    sigma = math.sqrt(PACKETS * loss * (1 - loss))
    assert abs(lost - PACKETS * loss) < 4 * sigma
    assert lost > 0


def test_a_seed_is_one_trace_and_another_seed_is_another() -> None:
    network = Network(loss=0.05, jitter_ms=80, reordered=0.05, doubled=0.05, drift_ppm=200)
    assert trace(network, 500, seed=3) == trace(network, 500, seed=3)
    assert trace(network, 500, seed=3) != trace(network, 500, seed=4)


def test_the_same_packets_are_lost_with_and_without_jitter() -> None:
    still = {arrival.packet for arrival in trace(Network(loss=0.1), 2000, seed=5)}
    shaken = {arrival.packet for arrival in trace(Network(loss=0.1, jitter_ms=90), 2000, seed=5)}
    assert still == shaken
    assert len(still) < 2000


def test_bursts_have_their_length_and_leave_the_loss_as_it_was() -> None:
    network = Network(loss=0.05, burst_packets=4)
    runs = [run for seed in range(5) for run in bursts(trace(network, PACKETS, seed), PACKETS)]
    assert sum(runs) / len(runs) == pytest.approx(4, rel=0.08)
    assert sum(runs) / (5 * PACKETS) == pytest.approx(0.05, rel=0.08)
    alone = bursts(trace(Network(loss=0.05), PACKETS, 0), PACKETS)
    assert sum(alone) / len(alone) == pytest.approx(1 / 0.95, rel=0.03)


def test_half_bad_times_lose_half_of_their_packets_and_no_good_time_loses_any() -> None:
    network = Network(loss=0.05, burst_packets=10, bad_loss=0.5)
    runs = [run for seed in range(5) for run in bursts(trace(network, PACKETS, seed), PACKETS)]
    assert sum(runs) / (5 * PACKETS) == pytest.approx(0.05, rel=0.1)
    # Within a bad time of ten packets a run ends at each packet that comes through: half of them.
    assert sum(runs) / len(runs) == pytest.approx(1 / (1 - 0.5 * 0.9), rel=0.1)


@pytest.mark.parametrize("law", Jitter)
def test_every_law_stays_within_its_jitter_and_reaches_it_in_order(law: Jitter) -> None:
    network = Network(jitter_ms=80, law=law, in_order=True)
    arrivals = trace(network, PACKETS, seed=2)
    delays = delays_ms(network, arrivals)
    assert [arrival.packet for arrival in arrivals] == list(range(PACKETS))
    assert min(delays) >= -1e-6
    assert min(delays) < 10
    assert 60 < max(delays) <= 80 + 1e-6


def test_packets_overtake_where_each_is_delayed_for_itself_but_not_in_a_queue() -> None:
    def overtaken(law: Jitter) -> int:
        order = [arrival.packet for arrival in trace(Network(jitter_ms=80, law=law), 2000, seed=2)]
        return sum(later < earlier for earlier, later in zip(order, order[1:], strict=False))

    assert {law for law in Jitter if overtaken(law)} == {
        Jitter.UNIFORM,
        Jitter.NORMAL,
        Jitter.EXPONENTIAL,
    }


def test_stalls_hold_everything_and_let_it_go_at_once() -> None:
    network = Network(jitter_ms=100, law=Jitter.STALLS)
    arrivals = trace(network, 1000, seed=1)
    at_once = [arrivals[i + 1].at_s - arrivals[i].at_s < 1e-9 for i in range(999)]
    assert sum(at_once) >= 4 * 5  # 20 s: a stall of 5 packets every 1 to 3 s, and its pause
    assert sum(delay > 0 for delay in delays_ms(network, arrivals)) < 100


def test_a_queue_delays_neighbours_alike_and_independent_jitter_does_not() -> None:
    def step(law: Jitter) -> float:
        network = Network(
            jitter_ms=20, law=law
        )  # shorter than a packet: nothing is pushed by others
        delays = delays_ms(network, trace(network, 5000, seed=1))
        pairs = zip(delays, delays[1:], strict=False)
        return sum(abs(later - earlier) for earlier, later in pairs) / 5000

    assert step(Jitter.QUEUE) == pytest.approx(20 / 8 * math.sqrt(2 / math.pi), rel=0.1)
    assert step(Jitter.UNIFORM) == pytest.approx(20 / 3, rel=0.1)


def test_reordered_packets_are_overtaken_by_as_many_as_their_hold_lasts() -> None:
    arrivals = trace(Network(reordered=0.05, held_ms=45), PACKETS, seed=1)
    newest, overtaken = -1, 0
    for arrival in arrivals:
        overtaken += arrival.packet < newest
        newest = max(newest, arrival.packet)
    # Two packets follow within 45 ms; a held one is not overtaken when both are held as well.
    assert overtaken / PACKETS == pytest.approx(0.05, rel=0.1)
    assert len(arrivals) == PACKETS


def test_doubles_come_twice_within_ten_milliseconds() -> None:
    arrivals = trace(Network(doubled=0.05), PACKETS, seed=1)
    first: dict[int, float] = {}
    apart = [
        arrival.at_s - first[arrival.packet]
        for arrival in arrivals
        if first.setdefault(arrival.packet, arrival.at_s) != arrival.at_s
    ]
    assert len(arrivals) - PACKETS == len(apart)
    assert len(apart) / PACKETS == pytest.approx(0.05, rel=0.1)
    assert max(apart) <= 0.010 + 1e-9


@pytest.mark.parametrize(("ppm", "gained_ms"), [(200, -12.0), (-200, 12.0)])
def test_a_fast_sender_is_twelve_milliseconds_ahead_after_a_minute(
    ppm: float, gained_ms: float
) -> None:
    arrivals = trace(Network(drift_ppm=ppm), 3001, seed=1)
    assert 1000 * (arrivals[-1].at_s - 60) == pytest.approx(gained_ms, abs=0.01)


def test_bursts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="no such bursts"):
        trace(Network(loss=0.6, burst_packets=3, bad_loss=0.5), 10, seed=1)
