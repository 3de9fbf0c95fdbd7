"""The moments of one answered turn, from the caller's last sample to the agent's first. Pure."""

import msgspec

from .records import TurnLatency


class TurnMoments(msgspec.Struct, frozen=True):
    """What the caller's side of a turn contributes; samples on the call's axis."""

    speech_ended_samples: int
    transcript_samples: int | None = None
    decided_samples: int | None = None


class ReplyMoments(msgspec.Struct, frozen=True):
    """What the reply contributes. A moment is noted once: the first counts."""

    first_text_samples: int | None = None
    first_speech_samples: int | None = None
    first_sample_samples: int | None = None


def noted(moments: ReplyMoments, name: str, at_samples: int) -> ReplyMoments:
    """`moments` with the moment `name` noted, unless it was before."""
    if getattr(moments, name) is not None:
        return moments
    return msgspec.structs.replace(moments, **{name: at_samples})


def latency(turn: TurnMoments, reply: ReplyMoments, *, speculative: bool) -> TurnLatency:
    """How the reply came about.

    A frame is heard to its end before the one of the same position is sent: on the axis a reply
    may lie up to a frame before the position at which it was decided on. Nobody waited less.
    """
    first_sample = reply.first_sample_samples
    if first_sample is not None and turn.decided_samples is not None:
        first_sample = max(first_sample, turn.decided_samples)
    return TurnLatency(
        speech_ended_samples=turn.speech_ended_samples,
        transcript_samples=turn.transcript_samples,
        decided_samples=turn.decided_samples,
        first_text_samples=reply.first_text_samples,
        first_speech_samples=reply.first_speech_samples,
        first_sample_samples=first_sample,
        speculative=speculative,
    )
