"""One lane's RTCP: when a report is due, what it says, and what the far end's reports tell us.

Sans-IO: `now` is seconds of the monotonic clock, `wall` seconds since 1970. The engine gives the
counters of the moment. Not here: the packets' format (rtcp.py), the counting (reception.py).
"""

import random

import msgspec

from . import rtcp

INTERVAL_S = 5.0
"RFC 3550 §6.2: the minimum, which a call of two never exceeds; half of it before the first report."
SPREAD = (0.5, 1.5)
"Each interval is randomised, so that reports of many calls do not come together (§6.3.1)."
E_COMPENSATION = 1.21828
"e - 3/2: divides the interval, as timer reconsideration would lengthen it (§6.3.1)."
NTP_EPOCH_S = 2_208_988_800
"From 1900 to 1970."
MAX_ROUND_TRIP_S = 10.0
"More is a mistake of the far end's clock arithmetic, not a round trip."
SMOOTHING = 1 / 8
"Of the round trip: what RFC 6298 §2 takes for the same purpose."


class Sent(msgspec.Struct, frozen=True):
    """What we send, now."""

    ssrc: int
    timestamp: int
    "RTP timestamp of this moment."
    packets: int
    octets: int


class Heard(msgspec.Struct, frozen=True):
    """How the far end's stream arrives, now."""

    ssrc: int
    highest_sequence: int
    "With the wraps counted in."
    expected: int
    "Packets that this source should have sent so far."
    received: int
    jitter: float
    "In RTP timestamp units."


class FarEnd(msgspec.Struct, frozen=True):
    """How our stream arrives at the far end, by its last report."""

    fraction_lost: float
    packets_lost: int
    jitter: int
    "In RTP timestamp units."
    at: float


class ClockMap(msgspec.Struct, frozen=True):
    """The far end's wall clock against its RTP timestamps (from its last sender report)."""

    ntp_s: float
    "Seconds since 1970 by the far end's clock."
    rtp_timestamp: int

    def wall(self, rtp_timestamp: int, clock_rate_hz: int) -> float:
        """The far end's wall time of an RTP timestamp not further off than 2^31 units."""
        ticks = (rtp_timestamp - self.rtp_timestamp + (1 << 31)) % (1 << 32) - (1 << 31)
        return self.ntp_s + ticks / clock_rate_hz


class RtcpSession:
    """Reports of one lane. The owner asks `get_timer`, calls `report` when due, sends the bytes."""

    def __init__(self, cname: str, rng: random.Random, now: float) -> None:
        self._cname = cname
        self._rng = rng
        self._due_at = now + self._interval() / 2
        self._last_sender_report: tuple[int, float] | None = None  # middle of its NTP, arrival
        self._before: tuple[int, int, int] | None = None  # ssrc, expected, received at last report
        self.round_trip_s: float | None = None
        "Smoothed; None until the far end has reported on one of our sender reports."
        self.far_end: FarEnd | None = None
        self.clock_map: ClockMap | None = None
        self.cname: str | None = None
        "The far end's."
        self.ended = False
        "The far end said goodbye."
        self.malformed = 0

    def get_timer(self) -> float:
        """When the next report is due."""
        return self._due_at

    def report(
        self, sent: Sent, heard: Heard | None, now: float, wall: float, *, last: bool = False
    ) -> bytes:
        """The datagram to send now. `heard`: None while nothing came; `last`: say goodbye."""
        self._due_at = now + self._interval()
        blocks = () if heard is None else (self._block(heard, now),)
        report: rtcp.SenderReport | rtcp.ReceiverReport
        if sent.packets:
            report = rtcp.SenderReport(
                sent.ssrc, ntp_of(wall), sent.timestamp, sent.packets, sent.octets, blocks
            )
        else:
            report = rtcp.ReceiverReport(sent.ssrc, blocks)
        return rtcp.build(report, self._cname, goodbye=last)

    def receive(self, datagram: bytes, our_ssrc: int, now: float, wall: float) -> None:
        """One RTCP datagram of the far end."""
        for packet in rtcp.parse(datagram):
            if isinstance(packet, rtcp.Malformed):
                self.malformed += 1
            elif isinstance(packet, rtcp.SourceDescription):
                self.cname = packet.cname
            elif isinstance(packet, rtcp.Goodbye):
                self.ended = True
            else:
                self._receive_report(packet, our_ssrc, now, wall)

    def _receive_report(
        self,
        report: rtcp.SenderReport | rtcp.ReceiverReport,
        our_ssrc: int,
        now: float,
        wall: float,
    ) -> None:
        if isinstance(report, rtcp.SenderReport):
            self._last_sender_report = (report.ntp >> 16) & 0xFFFFFFFF, now
            ntp_s = report.ntp / (1 << 32) - NTP_EPOCH_S
            self.clock_map = ClockMap(ntp_s, report.rtp_timestamp)
            self.ended = False
        for block in report.blocks:
            if block.ssrc == our_ssrc:
                self.far_end = FarEnd(block.fraction_lost, block.packets_lost, block.jitter, now)
                self._measure_round_trip(block, wall)

    def _measure_round_trip(self, block: rtcp.ReportBlock, wall: float) -> None:
        """RFC 3550 §6.4.1: now - LSR - DLSR, in 1/65536 s."""
        if not block.last_sender_report:
            return
        middle = (ntp_of(wall) >> 16) & 0xFFFFFFFF
        units = (middle - block.last_sender_report - block.delay_since) & 0xFFFFFFFF
        # A coarse clock at the far end can make a tiny round trip come out just below 0.
        seconds = 0.0 if units >= 0xFFFFFFFF - 655 else units / 65536
        if seconds > MAX_ROUND_TRIP_S:
            return
        if self.round_trip_s is None:
            self.round_trip_s = seconds
        else:
            self.round_trip_s += SMOOTHING * (seconds - self.round_trip_s)

    def _block(self, heard: Heard, now: float) -> rtcp.ReportBlock:
        """RFC 3550 §A.3."""
        expected_before, received_before = 0, 0
        if self._before is not None and self._before[0] == heard.ssrc:
            _, expected_before, received_before = self._before
        self._before = heard.ssrc, heard.expected, heard.received
        expected = heard.expected - expected_before
        lost = expected - (heard.received - received_before)
        middle, delay = 0, 0
        if self._last_sender_report is not None:
            middle, arrived_at = self._last_sender_report
            delay = int((now - arrived_at) * 65536)
        return rtcp.ReportBlock(
            ssrc=heard.ssrc,
            fraction_lost=lost / expected if expected > 0 and lost > 0 else 0.0,
            packets_lost=heard.expected - heard.received,
            highest_sequence=heard.highest_sequence,
            jitter=int(heard.jitter),
            last_sender_report=middle,
            delay_since=delay,
        )

    def _interval(self) -> float:
        return INTERVAL_S * self._rng.uniform(*SPREAD) / E_COMPENSATION


def ntp_of(wall: float) -> int:
    """Wall time as a 64-bit NTP timestamp."""
    seconds = int(wall)
    return (seconds + NTP_EPOCH_S) << 32 | int((wall - seconds) * (1 << 32))
