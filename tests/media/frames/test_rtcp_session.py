"""Reports of one lane, alone and between two ends of a link on a virtual clock."""

import random

import numpy as np
import pytest

from offhook.media.frames import rtcp
from offhook.media.frames.jitter import Jitter
from offhook.media.frames.rtcp_session import Heard, RtcpSession, Sent, ntp_of
from offhook.tests.kit import lossy_link as link
from offhook.tests.kit.listener import listen

WALL = 1_700_000_000.25
OURS = Sent(ssrc=1, timestamp=8000, packets=50, octets=8000)


def session(now: float = 0.0) -> RtcpSession:
    return RtcpSession("a@offhook", random.Random(5), now)


def heard(expected: int, received: int, ssrc: int = 2) -> Heard:
    return Heard(ssrc, 65_536 + 10 + expected, expected, received, 12.7)


def blocks(datagram: bytes) -> tuple[rtcp.ReportBlock, ...]:
    report = rtcp.parse(datagram)[0]
    assert isinstance(report, rtcp.SenderReport | rtcp.ReceiverReport)
    return report.blocks


def test_reports_come_about_every_five_seconds_but_never_in_step() -> None:
    reporter, now, gaps = session(), 0.0, []
    for _ in range(400):
        before, now = now, reporter.get_timer()
        gaps.append(now - before)
        reporter.report(OURS, None, now, WALL + now)
    assert gaps[0] < 3.1
    assert np.mean(gaps) == pytest.approx(5 / 1.21828, rel=0.05)
    assert min(gaps[1:]) >= 2.05
    assert max(gaps) <= 6.16
    assert len(set(gaps)) == len(gaps)


def test_is_a_receiver_report_until_something_was_sent() -> None:
    reporter = session()
    silent = rtcp.parse(reporter.report(Sent(1, 0, 0, 0), None, 0.0, WALL))
    assert silent == [rtcp.ReceiverReport(1), rtcp.SourceDescription(1, "a@offhook")]
    (report, _) = rtcp.parse(reporter.report(OURS, None, 0.0, WALL))
    assert report == rtcp.SenderReport(1, ntp_of(WALL), 8000, 50, 8000)
    assert ntp_of(WALL) & 0xFFFFFFFF == 1 << 30
    last = rtcp.parse(reporter.report(OURS, None, 0.0, WALL, last=True))
    assert last[-1] == rtcp.Goodbye((1,))


def test_fraction_lost_is_since_the_last_report() -> None:
    reporter = session()
    (first,) = blocks(reporter.report(OURS, heard(100, 90), 5.0, WALL))
    assert (first.fraction_lost, first.packets_lost) == (25 / 256, 10)
    (second,) = blocks(reporter.report(OURS, heard(200, 190), 10.0, WALL))
    assert (second.fraction_lost, second.packets_lost) == (0, 10)
    (doubled,) = blocks(reporter.report(OURS, heard(300, 310), 15.0, WALL))
    assert (doubled.fraction_lost, doubled.packets_lost) == (0, -10)
    (other,) = blocks(reporter.report(OURS, heard(10, 5, ssrc=3), 20.0, WALL))
    assert (other.fraction_lost, other.packets_lost) == (0.5, 5)
    assert other.jitter == 12
    assert other.highest_sequence == 65_536 + 20


@pytest.mark.parametrize("round_trip_s", [0.0, 0.08, 1.5])
def test_both_ends_measure_the_round_trip(round_trip_s: float) -> None:
    near, far = session(), session()
    theirs = Sent(ssrc=2, timestamp=77, packets=9, octets=90)
    ahead = 3600.0  # the far end's wall clock is an hour off: that must not matter
    now = 100.0
    for _ in range(3):
        there = far.report(theirs, heard(5, 5, ssrc=1), now, WALL + ahead + now)
        now += round_trip_s / 2
        near.receive(there, 1, now, WALL + now)
        now += 2.0
        back = near.report(OURS, heard(5, 5), now, WALL + now)
        now += round_trip_s / 2
        far.receive(back, 2, now, WALL + ahead + now)
        now += 2.0
    assert near.round_trip_s == pytest.approx(round_trip_s, abs=1e-3)
    assert far.round_trip_s == pytest.approx(round_trip_s, abs=1e-3)
    assert near.far_end is not None
    assert near.far_end.fraction_lost == 0
    assert near.cname == "a@offhook"


def test_an_impossible_round_trip_is_not_believed() -> None:
    near = session()
    block = rtcp.ReportBlock(1, 0.0, 0, 0, 0, 0x12345678, 0)
    near.receive(rtcp.build(rtcp.ReceiverReport(2, (block,)), "x"), 1, 0.0, WALL)
    assert near.round_trip_s is None
    assert near.far_end is not None


def test_reports_on_others_are_not_ours() -> None:
    near = session()
    block = rtcp.ReportBlock(99, 0.5, 7, 0, 0, 0, 0)
    near.receive(rtcp.build(rtcp.ReceiverReport(2, (block,)), "x"), 1, 0.0, WALL)
    assert near.far_end is None


def test_maps_rtp_time_to_the_far_ends_wall_clock_across_the_wrap() -> None:
    near = session()
    report = rtcp.SenderReport(2, ntp_of(WALL), 0xFFFFFF00, 1, 1)
    near.receive(rtcp.build(report, "x"), 1, 0.0, 0.0)
    assert near.clock_map is not None
    assert near.clock_map.wall(0xFFFFFF00 + 8000 - (1 << 32), 8000) == pytest.approx(WALL + 1)
    assert near.clock_map.wall(0xFFFFFF00 - 4000, 8000) == pytest.approx(WALL - 0.5)


def test_goodbye_and_nonsense_are_noticed() -> None:
    near = session()
    near.receive(b"\x80\xc8\x00\x01nonsense", 1, 0.0, WALL)
    assert near.malformed == 1
    assert not near.ended
    near.receive(rtcp.build(rtcp.ReceiverReport(2), "x", goodbye=True), 1, 0.0, WALL)
    assert near.ended


def test_tells_what_the_lanes_columns_counted() -> None:
    jitter = Jitter(1, 16_000)
    pcm = np.zeros(16_000 * 2, np.int16)
    packets = link.stream(pcm, 16_000, clock_rate_hz=48_000, first_sequence=65_530)
    assert jitter.reception.heard(0) is None
    held_up = link.delayed(packets[:20] + packets[30:], [20.0 * (n % 2) for n in range(90)])
    listen(held_up, 16_000, clock_rate_hz=48_000, jitter=jitter)
    now = jitter.reception.heard(0)
    assert now is not None
    assert (now.ssrc, now.expected, now.received) == (0x5EED, 100, 90)
    assert now.highest_sequence == 65_530 + 99
    assert now.jitter == pytest.approx(960, rel=0.1), "20 ms in units of 1/48000 s"
