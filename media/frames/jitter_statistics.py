"""What a lane's jitter buffer has counted, as one value. Not here: the E-model (quality.py)."""

import msgspec


class JitterStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """One lane since its beginning; the names are the W3C's (webrtc-stats) where it has one."""

    packets_received: int
    packets_lost: int
    packets_discarded: int
    "Late, double, or of a stream that nothing confirmed."
    packets_late: int
    packets_duplicated: int
    concealed_samples: int
    silent_concealed_samples: int
    paused_samples: int
    "Of the concealed ones those that the far end left out itself (comfort noise, DTX): no loss."
    concealment_events: int
    inserted_samples_for_deceleration: int
    removed_samples_for_acceleration: int
    total_samples_received: int
    "Frames played since the start, concealed ones too."
    jitter_s: float
    "Interarrival jitter, RFC 3550 §6.4.1."
    jitter_buffer_delay_s: float
    "Sum over all samples of the time from arrival to playout."
    jitter_buffer_target_delay_s: float
    "Sum over all samples of the target when they were played."
    jitter_buffer_flushes: int

    @property
    def loss(self) -> float:
        """What was heard of loss: share of samples made up, pauses of the far end left out."""
        lost = self.concealed_samples - self.paused_samples
        return max(0.0, lost / max(1, self.total_samples_received))
