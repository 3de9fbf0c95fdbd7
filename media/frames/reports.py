"""RTCP of a cohort's lanes, and the quality of each line: reports when due, figures when asked.

Per lane only when a report is due or has come (every few seconds); each tick is one comparison. Not
here: what a report says (rtcp_session.py), the counting (reception.py, jitter.py).
"""

import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..ports import FarEndQuality, Quality
from . import quality
from .inbound import Inbound
from .jitter import Jitter
from .lanes import FRAME_MS, Columns, which
from .outbound import Outbound
from .rtcp_session import RtcpSession, Sent

FAR_BUFFER_JITTERS = 2
"A far end's buffer is about twice the jitter it reports, and never less than a frame."
NEVER_S = float("inf")


class Reports(Columns):
    """The RTCP sessions of the cohort's rows."""

    def __init__(
        self,
        capacity: int,
        inbound: Inbound,
        outbound: Outbound,
        jitter: Jitter,
        wall: Callable[[], float],
        rng: random.Random,
    ) -> None:
        super().__init__(capacity)
        self._inbound = inbound
        self._outbound = outbound
        self._jitter = jitter
        self._wall = wall
        self._rng = rng
        self._sessions: dict[int, RtcpSession] = {}
        self.due: NDArray[np.float64] = self.column("due", np.float64, fill=NEVER_S)
        "When the row's next report is due, seconds of the monotonic clock."

    def begin(self, row: int, now: float) -> None:
        """A lane begins."""
        # A random name: nobody needs to know which machine this is (RFC 7022 §4.2).
        name = f"{self._rng.getrandbits(96):024x}"
        session = self._sessions[row] = RtcpSession(name, self._rng, now)
        self.due[row] = session.get_timer()

    def clear(self, row: int) -> None:
        """The lane is gone."""
        super().clear(row)
        self._sessions.pop(row, None)

    def receive(self, row: int, datagram: bytes, now: float) -> None:
        """An RTCP datagram of the lane's far end."""
        session = self._sessions.get(row)
        if session is None:
            return
        before = session.far_end
        session.receive(datagram, int(self._outbound.ssrc[row]), now, self._wall())
        if session.far_end is not None and session.far_end is not before:
            self._outbound.expect_loss(row, session.far_end.fraction_lost)

    def tick(self, n: int, now: float, send: Callable[[int, bytes], None]) -> None:
        """Send the reports that are due."""
        for row in which(self.due[:n] <= now).tolist():
            session = self._sessions[row]
            send(
                row,
                session.report(
                    self._sent(row), self._jitter.reception.heard(row), now, self._wall()
                ),
            )
            self.due[row] = session.get_timer()

    def goodbye(self, row: int, now: float) -> bytes:
        """The last report (RFC 3550 §6.6)."""
        session = self._sessions[row]
        return session.report(
            self._sent(row), self._jitter.reception.heard(row), now, self._wall(), last=True
        )

    def far_delay_samples(self, row: int) -> int:
        """From our sending to the far ear: half a round trip, and the far end's buffer."""
        session = self._sessions[row]
        if session.round_trip_s is None:
            return 0
        jitter_s = 0.0
        if session.far_end is not None:
            jitter_s = session.far_end.jitter / self._clock_rate_hz(row)
        buffer_s = max(0.02, FAR_BUFFER_JITTERS * jitter_s)
        return int((session.round_trip_s / 2 + buffer_s) * self._jitter.rate_hz)

    def quality(self, row: int, codec: str) -> Quality:
        """The line as measured so far."""
        heard, session = self._jitter.statistics(row), self._sessions[row]
        round_trip_s = session.round_trip_s
        round_trip_time_s = None if round_trip_s is None else round(round_trip_s, 5)
        # Our own buffer, the frame itself, and the way: mouth to ear as far as we can know it.
        emitted = max(1, heard.total_samples_received)
        delay_s = heard.jitter_buffer_delay_s / emitted + FRAME_MS / 1000
        delay_ms = 1000 * (delay_s + (round_trip_s or 0.0) / 2)
        frame = self._jitter.frame
        bursts = quality.burst_ratio(
            (heard.concealed_samples - heard.paused_samples) // frame,
            heard.concealment_events,
            heard.total_samples_received // frame,
        )
        rating = quality.rating(delay_ms, heard.loss, quality.IMPAIRMENTS[codec], bursts)
        return Quality(
            packets_received=heard.packets_received,
            packets_sent=int(self._outbound.packets_sent[row]),
            packets_lost=heard.packets_lost,
            packets_discarded=heard.packets_discarded
            + int(self._inbound.strangers[row])
            + int(self._inbound.malformed[row]),
            concealed_samples=heard.concealed_samples,
            silent_concealed_samples=heard.silent_concealed_samples,
            concealment_events=heard.concealment_events,
            inserted_samples_for_deceleration=heard.inserted_samples_for_deceleration,
            removed_samples_for_acceleration=heard.removed_samples_for_acceleration,
            total_samples_received=heard.total_samples_received,
            jitter_s=round(heard.jitter_s, 5),
            jitter_buffer_delay_s=round(heard.jitter_buffer_delay_s, 3),
            jitter_buffer_target_delay_s=round(heard.jitter_buffer_target_delay_s, 3),
            jitter_buffer_emitted_count=heard.total_samples_received,
            jitter_buffer_flushes=heard.jitter_buffer_flushes,
            round_trip_time_s=round_trip_time_s,
            remote_inbound_rtp=self._far_end(row, round_trip_time_s),
            mos=round(quality.mos(rating), 2) if heard.packets_received else None,
        )

    def _far_end(self, row: int, round_trip_time_s: float | None) -> FarEndQuality | None:
        far_end = self._sessions[row].far_end
        if far_end is None:
            return None
        return FarEndQuality(
            fraction_lost=round(far_end.fraction_lost, 5),
            packets_lost=far_end.packets_lost,
            jitter_s=round(far_end.jitter / self._clock_rate_hz(row), 5),
            round_trip_time_s=round_trip_time_s,
        )

    def _clock_rate_hz(self, row: int) -> int:
        """The RTP clock that timestamps count, both ways."""
        return int(self._outbound.timestamp_step[row]) * 1000 // FRAME_MS

    def _sent(self, row: int) -> Sent:
        outbound = self._outbound
        return Sent(
            int(outbound.ssrc[row]),
            int(outbound.timestamp[row]),
            int(outbound.packets_sent[row]),
            int(outbound.octets_sent[row]),
        )
