"""The counting of a load's packets: what is lost is told as lost, and nothing else."""

import random

import numpy as np
import pytest

from offhook.bench.load.packet_count import Arrivals, PacketCount

Packet = tuple[int, int, int]


def stream(number: int, packets: int, sequence: int = 0, timestamp: int = 0) -> list[Packet]:
    return [
        (number, (sequence + i) % 65536, (timestamp + 160 * i) % (1 << 32)) for i in range(packets)
    ]


def counted(packets: list[Packet], streams: int = 1, batch: int = 7) -> Arrivals:
    count = PacketCount(streams, 160)
    for at in range(0, len(packets), batch):
        count.add(*np.array(packets[at : at + batch], np.int64).T)
    return count.arrivals()


def test_a_stream_that_arrives_whole() -> None:
    assert counted(stream(0, 100)) == Arrivals(expected=100, received=100)


def test_five_percent_that_a_far_end_drops_are_five_percent() -> None:
    packets = [p for p in stream(0, 2001) if p[1] % 20 != 7]
    arrivals = counted(packets)
    assert (arrivals.expected, arrivals.lost, arrivals.skipped) == (2001, 100, 0)
    assert arrivals.loss == pytest.approx(0.05, abs=0.0001)


def test_loss_is_counted_over_all_streams_and_across_the_wrap() -> None:
    rng = random.Random(4)
    each = [stream(n, 500, 65300 + n, (1 << 32) - 4000) for n in range(20)]
    whole = [packet for tick in zip(*each, strict=True) for packet in tick]
    # The first and the last of a stream bound what is expected: they always come.
    inner = set(rng.sample(range(20, len(whole) - 20), 500))
    arrivals = counted([p for i, p in enumerate(whole) if i not in inner], streams=20)
    assert arrivals == Arrivals(expected=10_000, received=9_500, lost=500)


def test_doubles_and_disorder_are_no_loss() -> None:
    packets = stream(0, 50)
    packets[10], packets[11] = packets[11], packets[10]
    packets.insert(30, packets[29])
    packets.insert(40, packets[20])
    for batch in (1, 3, 64):
        assert counted(packets, batch=batch) == Arrivals(
            expected=50, received=50, doubled=2, reordered=1
        )


def test_frames_that_the_sender_skipped_show_in_the_timestamps() -> None:
    packets = stream(0, 50) + stream(0, 50, 50, 160 * 53)
    assert counted(packets) == Arrivals(expected=100, received=100, skipped=3)


def test_a_silent_stream_is_told_and_counts_begin_anew() -> None:
    count = PacketCount(2, 160)
    count.add(*np.array(stream(1, 10), np.int64).T)
    assert count.arrivals() == Arrivals(expected=10, received=10, silent=1)
    count.restart()
    # An older packet than the first one counted belongs to what was before.
    late = [(1, 20, 3200), (1, 19, 3040), (1, 22, 3520)]
    count.add(*np.array(late, np.int64).T)
    assert count.arrivals() == Arrivals(expected=3, received=2, lost=1, silent=1)


def test_another_stream_in_its_place_is_no_loss_and_what_was_counted_stays() -> None:
    count = PacketCount(2, 160)
    count.renew(0)  # nothing has come: nothing to keep
    whole = [packet for packet in stream(0, 20) if packet[1] != 7]
    count.add(*np.array(whole, np.int64).T)
    count.renew(0)
    assert count.arrivals() == Arrivals(expected=20, received=19, lost=1, silent=2)
    count.add(*np.array(stream(0, 10, 40_000, 9_000_000), np.int64).T)
    assert count.arrivals() == Arrivals(expected=30, received=29, lost=1, silent=1)
    count.restart()
    assert count.arrivals() == Arrivals(silent=2)
