"""What the quality measurement found: its table, metrics, curves, clips and reading.

Not here: measuring (quality.py).
"""

import importlib.metadata
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...codecs.wav import WavWriter
from ..reports.results_file import Better, Clip, Curve, Document, Metric, origin
from .quality_buffers import Counted
from .quality_cases import CASES, PERFECT, ROUGH
from .quality_scores import Scores

Pcm = NDArray[np.int16]

NAMES: tuple[tuple[str, str, Better], ...] = (
    ("PESQ", "MOS-LQO", "higher"),
    ("STOI", "", "higher"),
    ("delay, mean", "ms", "lower"),
    ("delay, p95", "ms", "lower"),
    ("concealed", "%", "lower"),
    ("late", "%", "lower"),
)
READING = [
    "PESQ is against the clean decoded speech, so a perfect network gives its ceiling (4.55 at"
    " 8 kHz, 4.64 at 16 kHz) whatever the codec costs; what that is stands under `codec ceiling`."
    " P.862 aligns whole utterances and knows little of a delay that moves within one: buffers that"
    " stretch and shrink speech are judged worse than they sound, buffers that drop or repeat whole"
    " packets in pauses are not. STOI is taken with each 0.4 s at its own delay.",
    "Delay is from the sending of a packet to the playout of its first sample, beyond the fastest"
    " that the network can be; it is found in the waveform, the same way for every buffer, and"
    " holds the wait for the player's next 20 ms (10 ms on average).",
    "aiortc has no concealment: of what is missing its listener hears silence, and its track has no"
    " clock, so a player that takes a frame every 20 ms stands in for one. speexdsp is a buffer"
    " without concealment, too; `concealed` puts Offhook's behind it (libopus's for Opus), so that"
    " buffers can be compared by themselves. pjmedia has its own. The decoder is Offhook's for all."
    " Only Offhook's engine uses Opus's redundancy for a lost packet; pjproject's own Opus decoder"
    " can, too, but is not in this run.",
    "Opus is coded as by a sender that expects 10 % loss: below that libopus spends nothing on"
    " redundancy at 24 kbit/s. `concealed` does not count what Opus recovered or guessed inside"
    " Offhook's decoder: the lane does not tell.",
    "Offhook is given each packet's moment of arrival, as its kernel stamps it.",
]


class Outcome(msgspec.Struct, frozen=True):
    """One utterance through one buffer."""

    buffer: str
    codec: str
    case: str
    seed: int
    scores: Scores
    counted: Counted

    def values(self) -> tuple[float, ...]:
        """In the order of NAMES."""
        scores, counted = self.scores, self.counted
        return (
            scores.pesq,
            scores.stoi,
            scores.delay_mean_ms,
            scores.delay_p95_ms,
            100 * counted.concealed,
            100 * counted.late,
        )


class Results:
    """All outcomes of a run."""

    def __init__(self, source: str, versions: dict[str, str]) -> None:
        self.source = source
        self.versions = versions
        self.outcomes: list[Outcome] = []
        self.ceilings: list[tuple[str, float]] = []
        self.clips: list[tuple[str, Pcm, int]] = []

    def add(self, outcome: Outcome, heard: Pcm, rate_hz: int) -> None:
        """Keep what was found, and the sound of the first utterance through the rough network."""
        title = f"{outcome.buffer}, {outcome.codec}, {ROUGH.name}"
        if outcome.case == ROUGH.name and all(title != clip[0] for clip in self.clips):
            self.clips.append((title, heard, rate_hz))
        self.outcomes.append(outcome)


def means(outcomes: list[Outcome]) -> dict[tuple[str, str, str], NDArray[np.float64]]:
    """By codec, case and buffer: the mean of each of NAMES."""
    groups: dict[tuple[str, str, str], list[tuple[float, ...]]] = {}
    for each in outcomes:
        groups.setdefault((each.codec, each.case, each.buffer), []).append(each.values())
    return {key: np.asarray(np.mean(values, axis=0)) for key, values in groups.items()}


def table(outcomes: list[Outcome]) -> str:
    """PESQ and mean delay, a row a network, a column a buffer."""
    mean = means(outcomes)
    lines: list[str] = []
    for codec in dict.fromkeys(each.codec for each in outcomes):
        buffers = list(dict.fromkeys(o.buffer for o in outcomes if o.codec == codec))
        lines += [f"{codec}: PESQ @ mean delay, ms", " " * 46 + _cells(buffers, buffers)]
        for case in dict.fromkeys(each.case for each in outcomes):
            cells = [mean.get((codec, case, buffer)) for buffer in buffers]
            shown = ["-" if m is None else f"{m[0]:.2f} @ {m[2]:.0f}" for m in cells]
            lines.append(f"{case:46}{_cells(shown, buffers)}")
        lines.append("")
    return "\n".join(lines)


def _cells(cells: list[str], heads: list[str]) -> str:
    widths = (max(len(head), len("4.55 @ 100")) + 2 for head in heads)
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def metrics(results: Results) -> list[Metric]:
    """Every figure with one value an utterance."""
    found: dict[tuple[int, str], list[float]] = {}
    for each in results.outcomes:
        case = f"{each.codec}, {each.case}, {each.buffer}"
        for index, value in enumerate(each.values()):
            found.setdefault((index, case), []).append(round(value, 4))
    listed = [
        Metric(NAMES[index][0], case, NAMES[index][1], values, NAMES[index][2])
        for (index, case), values in sorted(found.items(), key=lambda item: item[0][0])
    ]
    for codec in dict.fromkeys(codec for codec, _ in results.ceilings):
        values = [round(value, 4) for name, value in results.ceilings if name == codec]
        listed.append(Metric("codec ceiling (PESQ)", codec, "MOS-LQO", values, "higher"))
    return listed


def curves(results: Results) -> list[Curve]:
    """PESQ over loss, PESQ and delay over jitter, a line a buffer, a curve a codec."""
    mean = means(results.outcomes)
    drawn: list[Curve] = []
    for codec in dict.fromkeys(each.codec for each in results.outcomes):
        buffers = dict.fromkeys(o.buffer for o in results.outcomes if o.codec == codec)
        for axis in dict.fromkeys(case.axis for case in CASES if case.axis is not None):
            points = [PERFECT, *(case for case in CASES if case.axis == axis)]
            for index, y_name in ((0, "PESQ (MOS-LQO)"), (2, "mean delay (ms)")):
                series = {
                    buffer: [
                        (case.x, round(float(mean[codec, case.name, buffer][index]), 3))
                        for case in points
                        if (codec, case.name, buffer) in mean
                    ]
                    for buffer in buffers
                }
                if any(len(line) > 1 for line in series.values()):
                    name = f"{y_name.partition(' (')[0]} over {axis.partition(' (')[0]}, {codec}"
                    drawn.append(Curve(name, axis, y_name, series))
    return drawn


def document(results: Results, command: str, beside: Path | None) -> Document:
    """All of it; what was heard of the rough network as WAV files beside that file."""
    packages = {name: importlib.metadata.version(name) for name in ("pesq", "pystoi")}
    return Document(
        origin(command, **packages, **results.versions),
        "quality",
        metrics(results),
        curves(results),
        [] if beside is None else _clips(results, beside),
        {"speech": results.source, "outcomes": results.outcomes},
        READING,
    )


def _clips(results: Results, beside: Path) -> list[Clip]:
    folder = beside.parent
    folder.mkdir(parents=True, exist_ok=True)
    clips: list[Clip] = []
    for number, (title, pcm, rate_hz) in enumerate(results.clips):
        file = f"{beside.stem}-{number:02}.wav"
        with (folder / file).open("wb") as sink:
            wav = WavWriter(sink, rate_hz, 1)
            wav.write(pcm[None])
            wav.flush()
        clips.append(Clip(title, file))
    return clips
