"""What the same work costs them and us: values of all rounds, and ratios. Pure."""

import enum
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from .results_file import Document, Metric, Origin

FRAME_US = 20_000
METRIC = {"frames": "CPU a frame", "bargein": "barge-in reaction", "echo": "CPU a call"}
UNIT = {"frames": "µs", "bargein": "ms", "echo": "µs a 20 ms frame"}
STREAMS = {"frames": "streams a core", "echo": "calls a core"}
"If cost were all that limits; of the works whose unit is CPU."
FRAMES_SHARE, BUSY_LIMIT = 0.99, 0.95
FRAMES_A_SECOND = 50.0
READING = (
    "Frames: theirs pass one direction through six processors that do nothing, and have yet to do "
    "what a call needs; ours is both directions of a lane with jitter buffer and codec. Neither "
    "touches a network.",
    "Barge-in: theirs is driven in one process, packets of 20 ms at their pace, without codec, "
    "network or jitter buffer; ours is seen by a telephone on the other end of SIP and RTP, which "
    "adds two waits of up to 20 ms. Both speak the same recorded words, if those can be had.",
    "Echo: stock aiortc encrypts (DTLS-SRTP) and encodes stereo at 48 kHz; ours is plain RTP, mono "
    "at 16 kHz. There is no WebRTC leg of ours yet.",
)


class Side(enum.Enum):
    """Whose work it is."""

    THEIRS = "theirs"
    OURS = "ours"


class WorkResult(msgspec.Struct, frozen=True):
    """What one round of a work gave."""

    work: str
    side: Side
    case: str
    values: list[float]


class Echo(msgspec.Struct, frozen=True):
    """So many echo calls of a peer."""

    calls: int
    cpu_share: float
    far_cpu_share: float
    "Of the far ends, on their own core."
    frames_a_second: float
    "That came back to a far end."

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Echo":
        """Of what the peer's script printed."""
        return cls(**{field: told[field] for field in cls.__struct_fields__})

    @property
    def held(self) -> bool:
        """All frames came back, and neither side was at its end."""
        full = max(self.cpu_share, self.far_cpu_share) > BUSY_LIMIT
        return self.frames_a_second >= FRAMES_SHARE * FRAMES_A_SECOND and not full

    @property
    def cost_us(self) -> float:
        """CPU of the server, a call and frame."""
        return self.cpu_share * FRAME_US / self.calls

    def __str__(self) -> str:
        verdict = "held" if self.held else "did not hold"
        cpu, far = 100 * self.cpu_share, 100 * self.far_cpu_share
        return (
            f"{self.calls} calls {verdict}: CPU {cpu:.0f} %, far ends {far:.0f} %, "
            f"{self.frames_a_second:.1f} frames/s back"
        )


def document(
    where: Origin,
    results: list[WorkResult],
    sizes: Mapping[str, int],
    missing: Mapping[str, str],
) -> Document:
    """All works: each case's values of all rounds, then ratios of medians."""
    values = pooled(results)
    metrics = [
        Metric(METRIC[work], case, UNIT[work], found) for (work, _, case), found in values.items()
    ]
    metrics += [
        Metric(STREAMS[work], case, "calls", [FRAME_US / v for v in found], "higher")
        for (work, _, case), found in values.items()
        if work in STREAMS
    ]
    metrics += [
        Metric("theirs by ours", case, "times", [v], "higher") for case, v in ratios(values)
    ]
    reading = [*READING, *(f"{name}: {size} MB installed." for name, size in sizes.items())]
    reading += [f"Left out: {name}: {why}." for name, why in missing.items()]
    detail = {"sizes_mb": dict(sizes), "missing": dict(missing)}
    return Document(where, "peers", metrics, detail=detail, reading=reading)


Values = dict[tuple[str, Side, str], list[float]]


def pooled(results: Iterable[WorkResult]) -> Values:
    """The values of each case, those of all rounds together."""
    values: Values = {}
    for result in results:
        values.setdefault((result.work, result.side, result.case), []).extend(result.values)
    return values


def ratios(values: Values) -> list[tuple[str, float]]:
    """Each of theirs by each of ours, by medians: above one, ours is cheaper or faster."""
    return [
        (f"{theirs} / {ours}", statistics.median(t) / statistics.median(o))
        for (work, side, theirs), t in values.items()
        if side is Side.THEIRS
        for (other, other_side, ours), o in values.items()
        if other == work and other_side is Side.OURS and statistics.median(o) > 0
    ]
