"""Speech of which is known where it begins and ends, and tracks made of it.

Labels are by hand where there are any (`name.wav` with `name.lab` beside it: begin, end, label in
seconds a line, as Praat's and HTK's tools write them; where begin and end are the same the line is
a boundary and holds until the next). Otherwise they are made from the clean recording by level, and
are then no better than that: an /f/ that begins softly begins late. A pause shorter than JOIN_S
belongs to the speech. Not here: noise (noise.py), and who detects what (vad.py).
"""

import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...codecs.resample import Resampler
from ...codecs.wav import WavReader
from .human_speech import Prompts
from .waveform import levels

RATE_HZ = 16000
JOIN_S = 0.3
FRAME_MS = 10
BELOW_LOUD_DB = -35.0
"Speech is louder than this, against its own loud frames (their 95th percentile)."
SHORTEST_S = 0.05
"What is louder for less is a click."
PROMPT_S = (1.0, 5.0)
GAP_S = (1.2, 2.5)
"Silence between utterances."

LONGEST_S = 600
"Of a recording; the rest is not read."

Pcm = NDArray[np.int16]


class Span(NamedTuple):
    """Speech, in seconds."""

    begin_s: float
    end_s: float


class Labelled(NamedTuple):
    """A recording at RATE_HZ and where speech is in it."""

    name: str
    pcm: Pcm
    spans: list[Span]


class BadLabels(Exception):
    """A folder or a label file is not what it should be: says which and how."""


def read_labels(text: str) -> list[Span]:
    """The lines labelled `speech`. Raises BadLabels."""
    lines: list[tuple[float, float, str]] = []
    for line in filter(str.strip, text.splitlines()):
        try:
            begin, end, label = line.split()
            lines.append((float(begin), float(end), label))
        except ValueError as exc:
            raise BadLabels(f"not begin, end, label: {line!r}") from exc
    spans: list[Span] = []
    for number, (begin_s, end_s, label) in enumerate(lines):
        if label != "speech":
            continue
        if end_s <= begin_s and number + 1 < len(lines):
            end_s = lines[number + 1][0]
        if end_s <= begin_s:
            raise BadLabels(f"speech at {begin_s} s has no end")
        spans.append(Span(begin_s, end_s))
    return spans


def by_hand(folder: Path) -> list[Labelled]:
    """Every WAV with labels beside it. Raises BadLabels."""
    found: list[Labelled] = []
    for labels in sorted(folder.glob("*.lab")):
        sound = labels.with_suffix(".wav")
        if not sound.is_file():
            raise BadLabels(f"{sound}: there is none")
        with sound.open("rb") as file:
            reader = WavReader(file)
            pcm, rate_hz = reader.read(LONGEST_S * reader.rate_hz)[0], reader.rate_hz
        if rate_hz != RATE_HZ:
            resampler = Resampler(rate_hz, RATE_HZ)
            whole = np.concatenate([resampler.push(pcm[None]), resampler.flush()], axis=1)
            pcm = whole[0, resampler.delay_samples :]
        found.append(Labelled(sound.stem, pcm, read_labels(labels.read_text())))
    if not found:
        raise BadLabels(f"{folder}: no .lab beside a .wav")
    return found


def by_level(pcm: Pcm, rate_hz: int = RATE_HZ) -> list[Span]:
    """Where a clean recording is loud, short pauses included."""
    window = rate_hz * FRAME_MS // 1000
    level = levels(pcm, window)
    if not level.size or not level.any():
        return []
    loud = level > np.quantile(level, 0.95) * 10 ** (BELOW_LOUD_DB / 20)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], loud, [False])).astype(np.int8)))
    runs = [
        Span(begin * FRAME_MS / 1000, end * FRAME_MS / 1000)
        for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]
    return join([run for run in runs if run.end_s - run.begin_s >= SHORTEST_S])


def join(spans: list[Span]) -> list[Span]:
    """Spans with less than JOIN_S between them are one."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.begin_s - joined[-1].end_s < JOIN_S:
            joined[-1] = Span(joined[-1].begin_s, max(joined[-1].end_s, span.end_s))
        else:
            joined.append(span)
    return joined


def prompts_by_level(prompts: Prompts, names: list[str]) -> list[Labelled]:
    """Recorded prompts with labels by level."""
    sounds = [(name, prompts.pcm(name)) for name in names]
    return [Labelled(name, pcm, by_level(pcm)) for name, pcm in sounds]


def usable(prompts: Prompts) -> list[str]:
    """Prompts of a length that a caller's utterance has."""
    most = int(PROMPT_S[1] * RATE_HZ)
    least = int(PROMPT_S[0] * RATE_HZ)
    return [name for name in prompts.names() if least <= prompts.pcm(name).size <= most]


def track(utterances: list[Labelled], rng: random.Random) -> Labelled:
    """One after the other with silence before, between and after."""
    parts: list[Pcm] = []
    spans: list[Span] = []
    samples = 0
    for utterance in utterances:
        gap = int(rng.uniform(*GAP_S) * RATE_HZ)
        samples += gap
        at_s = samples / RATE_HZ
        spans += [Span(at_s + begin_s, at_s + end_s) for begin_s, end_s in utterance.spans]
        parts += [np.zeros(gap, np.int16), utterance.pcm]
        samples += utterance.pcm.size
    parts.append(np.zeros(int(GAP_S[1] * RATE_HZ), np.int16))
    name = ", ".join(utterance.name for utterance in utterances)
    return Labelled(name, np.concatenate(parts), join(spans))
