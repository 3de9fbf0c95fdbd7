"""A far end's packets as they come: what it left out, and how long nothing came."""

import pytest

from offhook.bench.load.stream_gaps import StreamGaps

LENGTH = 960


class Sender:
    """Packets of 20 ms, as a far end numbers them."""

    def __init__(self, sequence: int = 65530, timestamp: int = 2**32 - 3 * LENGTH) -> None:
        self.gaps = StreamGaps()
        self.sequence, self.timestamp, self.now = sequence, timestamp, 5.0

    def send(self, packets: int, *, marked: bool = False) -> None:
        for _ in range(packets):
            self.gaps.add(self.sequence, self.timestamp, LENGTH, marked, self.now)
            self.sequence = (self.sequence + 1) % 65536
            self.timestamp = (self.timestamp + LENGTH) % 2**32
            self.now += 0.02

    def wait(self, frames: int, *, sequence: int = 0, timestamp: bool = True) -> None:
        self.now += 0.02 * frames
        self.sequence = (self.sequence + sequence) % 65536
        self.timestamp = (self.timestamp + frames * LENGTH * timestamp) % 2**32


def test_an_even_stream_has_no_hole_and_leaves_nothing_out() -> None:
    sender = Sender()
    sender.send(20)
    assert sender.gaps.skipped == 0
    assert sender.gaps.longest_s(sender.now - 0.02) == pytest.approx(0.02)


def test_frames_that_a_far_end_leaves_out_are_counted_and_are_a_hole() -> None:
    sender = Sender()
    sender.send(10)
    sender.wait(5)
    sender.send(10)
    assert sender.gaps.skipped == 5
    assert sender.gaps.longest_s(sender.now) == pytest.approx(0.12)


def test_packets_that_are_lost_are_a_hole_and_not_left_out() -> None:
    sender = Sender()
    sender.send(10)
    sender.wait(5, sequence=5)
    sender.send(10)
    assert sender.gaps.skipped == 0
    assert sender.gaps.longest_s(sender.now) == pytest.approx(0.12)


def test_a_far_end_that_stands_still_and_catches_up_has_a_hole_and_left_nothing_out() -> None:
    sender = Sender()
    sender.send(10)
    sender.wait(20, timestamp=False)
    sender.send(10)
    assert sender.gaps.skipped == 0
    assert sender.gaps.longest_s(sender.now) == pytest.approx(0.42)


def test_silence_that_is_not_sent_and_ends_with_a_mark_is_no_hole() -> None:
    sender = Sender()
    sender.send(10)
    sender.wait(100)
    sender.send(1, marked=True)
    sender.send(10)
    assert sender.gaps.skipped == 0
    assert sender.gaps.longest_s(sender.now - 0.02) == pytest.approx(0.02)


def test_a_far_end_that_marks_every_packet_tells_nothing_by_it() -> None:
    sender = Sender()
    sender.send(10, marked=True)
    sender.wait(5)
    sender.send(10, marked=True)
    assert sender.gaps.skipped == 5
    assert sender.gaps.longest_s(sender.now) == pytest.approx(0.12)


def test_doubles_and_packets_that_were_overtaken_change_nothing() -> None:
    gaps = StreamGaps()
    for number in (0, 1, 3, 2, 3, 4):
        gaps.add(number, number * LENGTH, LENGTH, False, 0.02 * number)
    assert gaps.skipped == 0
    assert gaps.longest_s(0.08) == pytest.approx(0.04)


def test_silence_at_the_end_counts_and_a_new_count_begins_with_the_last_packet() -> None:
    sender = Sender()
    sender.send(10)
    sender.wait(50)
    assert sender.gaps.longest_s(sender.now) == pytest.approx(1.02)
    sender.send(2)
    sender.gaps.restart()
    sender.send(2)
    assert sender.gaps.longest_s(sender.now - 0.02) == pytest.approx(0.02)
    assert sender.gaps.skipped == 0
