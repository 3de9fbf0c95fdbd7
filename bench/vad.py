"""Voice activity on labelled speech in noise: how soon begin and end are told, and what is false.

Offhook's gate and Silero as the engine drives them, beside the bare models: Silero on every window,
WebRTC's detector on every frame. The same samples for all. Not here: the labels
(labelled_speech.py), the noises (noise.py), the scoring (vad_scoring.py).
"""

import argparse
import importlib.metadata
import random
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..codecs import g711
from ..media.frames.silero_weights import VadUnavailable
from .networks.quality_speech import narrow
from .networks.vad_detectors import DETECTORS, Detector
from .networks.vad_scoring import Score, score
from .reports.measuring import (
    Progress,
    add_arguments,
    command_line,
    finish,
    no_target,
    repeated,
)
from .reports.results_file import Better, Document, Metric, origin
from .speech import noise
from .speech.human_speech import fetch
from .speech.labelled_speech import (
    RATE_HZ,
    BadLabels,
    Labelled,
    Pcm,
    by_hand,
    by_level,
    prompts_by_level,
    track,
    usable,
)
from .speech.load_speech import bench_speech

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "speech"
RATIOS_DB = (20.0, 10.0, 5.0, 0.0)
BABBLE_PROMPTS = 60
SYNTHETIC_PARTS = 8
READING = [
    "Told: from the label to the moment at which the detector can say so, on the axis of the"
    " samples heard. A bare model tells a begin with its first window of speech and an end with the"
    " first window after it; whoever acts on that acts on every flicker, so a user of it adds a"
    " hangover of his own. Offhook's events have theirs inside (96 ms of speech to begin, 200 ms of"
    " silence to end), which is most of their delay: compare it together with the false alarms."
    " Errors are those of the position that is told, which for Offhook is dated back.",
    "A detector that is always on misses nothing. Look at false speech and at swallowed utterances"
    " (begun during a false alarm, so that nobody is told of them) beside misses.",
    "In babble the noise is speech: no detector of speech can be silent there. The ratio is the"
    " speech's active level over the noise's mean level; keys are peaks, far above their mean.",
    "Labels by level have an accuracy of some 20 ms, more where a sound begins softly; hand labels"
    " are taken with --speech.",
]


class Condition(NamedTuple):
    """A noise at a ratio; clean without."""

    noise: str | None
    ratio_db: float

    @property
    def name(self) -> str:
        return "clean" if self.noise is None else f"{self.noise} {self.ratio_db:g} dB"


CONDITIONS = (
    Condition(None, np.inf),
    *(Condition(name, ratio) for name in ("white", "babble", "keys") for ratio in RATIOS_DB),
)


class Material(NamedTuple):
    """What a run listens to."""

    source: str
    tracks: list[Labelled]
    voices: list[Pcm]
    "For babble: others than those of the tracks, where there are any."


def material(arguments: argparse.Namespace, seed: int) -> Material:
    """Tracks of labelled utterances. Raises BadLabels."""
    rng = random.Random(f"{seed} tracks")
    prompts = fetch(CACHE)
    names = usable(prompts) if prompts is not None else []
    rng.shuffle(names)
    wanted = arguments.tracks * arguments.utterances
    voices = [prompts.pcm(name) for name in names[-BABBLE_PROMPTS:]] if prompts is not None else []
    if arguments.speech is not None:
        source = f"{arguments.speech.name}, labelled by hand"
        recorded = by_hand(arguments.speech)
    elif prompts is not None:
        source = "recorded (Asterisk's prompts), labelled by level"
        recorded = prompts_by_level(prompts, names[: min(wanted, len(names) - BABBLE_PROMPTS)])
    else:
        source = "synthetic (espeak-ng), labelled by level, for lack of recordings"
        recorded = _synthetic()
    voices = voices or [each.pcm for each in recorded]
    tracks: list[Labelled] = []
    for number in range(arguments.tracks):
        chosen = [
            recorded[(number * arguments.utterances + at) % len(recorded)]
            for at in range(arguments.utterances)
        ]
        tracks.append(track(chosen, rng))
    return Material(source, tracks, voices)


def _synthetic() -> list[Labelled]:
    """The bench's sentences, cut in the pauses between them."""
    speech = bench_speech(RATE_HZ)
    spans = by_level(speech)
    cut: list[Labelled] = []
    for number, span in enumerate(spans[:SYNTHETIC_PARTS]):
        pcm = speech[int(span.begin_s * RATE_HZ) : int(span.end_s * RATE_HZ)]
        cut.append(Labelled(f"sentence {number}", pcm, by_level(pcm)))
    return cut


def noisy(labelled: Labelled, condition: Condition, voices: list[Pcm], seed: int) -> Pcm:
    """A track in its condition, at RATE_HZ."""
    samples = labelled.pcm.size
    if condition.noise is None:
        return labelled.pcm
    if condition.noise == "babble":
        sound = noise.babble(samples, voices, seed)
    else:
        sound = (noise.white if condition.noise == "white" else noise.keys)(samples, seed)
    return noise.mix(labelled, sound, condition.ratio_db)


def over_the_line(pcm: Pcm, rate_hz: int) -> Pcm:
    """As a lane hears it: a telephone line (mu-law) at 8 kHz, unchanged at 16 kHz."""
    return g711.decode_ulaw(g711.encode_ulaw(narrow(pcm))) if rate_hz == 8000 else pcm


def metrics_of(case: str, scores: list[Score]) -> list[Metric]:
    """A detector's figures in one condition: a value an utterance, or one a track."""
    return [
        _each("onset told", "ms", case, [v for s in scores for v in s.onset_told_ms]),
        _each("onset error", "ms", case, [v for s in scores for v in s.onset_error_ms], "neither"),
        _each("offset told", "ms", case, [v for s in scores for v in s.offset_told_ms]),
        _each(
            "offset error", "ms", case, [v for s in scores for v in s.offset_error_ms], "neither"
        ),
        _each("missed", "%", case, [100 * s.missed / s.utterances for s in scores]),
        _each("swallowed", "%", case, [100 * s.swallowed / s.utterances for s in scores]),
        _each("unended", "%", case, [100 * s.unended / s.utterances for s in scores]),
        _each("false alarms", "a minute", case, [60 * s.false_alarms / s.silent_s for s in scores]),
        _each("false speech", "%", case, [100 * s.false_s / s.silent_s for s in scores]),
    ]


def _each(name: str, unit: str, case: str, values: list[float], better: Better = "lower") -> Metric:
    return Metric(name, case, unit, [round(value, 3) for value in values], better)


def measure(arguments: argparse.Namespace, seed: int) -> Document:
    """Every detector in every condition at every rate."""
    found = material(arguments, seed)
    print(f"speech: {found.source}", file=sys.stderr)
    conditions = [c for c in CONDITIONS if _matches(c.name, arguments.condition)]
    detectors = [d for d in DETECTORS if _matches(d.name, arguments.only)]
    progress = Progress(len(arguments.rate) * len(conditions))
    metrics: list[Metric] = []
    for rate_hz in arguments.rate:
        for condition in conditions:
            progress.step(f"{rate_hz // 1000} kHz, {condition.name}")
            heard = [
                over_the_line(noisy(each, condition, found.voices, seed + number), rate_hz)
                for number, each in enumerate(found.tracks)
            ]
            for detector in detectors:
                scores = [
                    _judge(detector, pcm, each, rate_hz)
                    for pcm, each in zip(heard, found.tracks, strict=True)
                ]
                case = f"{rate_hz // 1000} kHz, {condition.name}, {detector.name}"
                metrics += metrics_of(case, scores)
    packages = ("webrtcvad-wheels", "silero-vad")
    versions = {name: importlib.metadata.version(name) for name in packages}
    where = origin(command_line("vad", arguments.argv), **versions)
    order = list(dict.fromkeys(metric.name for metric in metrics))
    metrics.sort(key=lambda metric: order.index(metric.name))
    return Document(where, "vad", metrics, detail={"speech": found.source}, reading=READING)


def _judge(detector: Detector, pcm: Pcm, labelled: Labelled, rate_hz: int) -> Score:
    heard = detector.hear(pcm, rate_hz)
    return score(labelled.spans, heard.detections, labelled.pcm.size / RATE_HZ)


def _matches(name: str, wanted: list[str]) -> bool:
    return not wanted or any(each.lower() in name.lower() for each in wanted)


def summary(document: Document) -> str:
    """A row a condition and detector."""
    rows: dict[str, dict[str, list[float]]] = {}
    for metric in document.metrics:
        rows.setdefault(metric.case, {})[metric.name] = metric.values
    head = "onset p50 p95, ms   offset p50 p95   missed  swallowed  false/min  false %"
    lines = [f"{'':50}{head}"]
    for case, values in rows.items():
        onset, offset = values["onset told"], values["offset told"]
        lines.append(
            f"{case:50}{_p(onset, 0.5)}{_p(onset, 0.95)}{'':6}{_p(offset, 0.5)}{_p(offset, 0.95)}"
            f"{np.mean(values['missed']):8.1f} %{np.mean(values['swallowed']):9.1f} %"
            f"{np.mean(values['false alarms']):11.1f}{np.mean(values['false speech']):9.1f}"
        )
    return "\n".join(lines)


def _p(values: list[float], quantile: float) -> str:
    return f"{np.quantile(values, quantile):7.0f}" if values else f"{'-':>7}"


def main(argv: list[str] | None = None) -> int:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speech", type=Path, metavar="FOLDER", help="of .wav with .lab beside")
    parser.add_argument("--rate", type=int, nargs="+", choices=(8000, 16000), default=[8000, 16000])
    parser.add_argument("--tracks", type=int, default=3)
    parser.add_argument("--utterances", type=int, default=12, help="of each track")
    parser.add_argument("--condition", nargs="+", default=[], help="only those with this in them")
    parser.add_argument("--only", nargs="+", default=[], help="only detectors with this in them")
    add_arguments(parser)
    no_target(
        parser,
        "detectors are given labelled sound in this process and nobody is called; when a foreign "
        "agent believes that its caller spoke is seen from outside by latency and bargein",
    )
    arguments = parser.parse_args(argv)
    arguments.argv = argv
    try:
        document = repeated(lambda seed: measure(arguments, seed), arguments)
    except (BadLabels, VadUnavailable) as exc:
        print(exc, file=sys.stderr)
        return 1
    finish(document, arguments)
    print(f"\n{summary(document)}")
    return 0 if document.metrics else 1


if __name__ == "__main__":
    raise SystemExit(main())
