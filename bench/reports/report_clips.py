"""Something to listen to: both waveforms, its marks, and the sound itself inside the page.

Reads the WAV beside the JSON and nothing outside that folder, whatever the document says.
"""

import base64
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...codecs.errors import WavError
from ...codecs.wav import WavReader
from .figures import short
from .report_html import Html, tag
from .report_plots import WIDE, axis, path, svg
from .report_scale import Scale, apart, round_step
from .results_file import Clip, Mark

BINS = 500
"Of a waveform: as many as a screen shows."
LONGEST_S = 600
EMBEDDED_BYTES = 4_000_000
"A longer recording is drawn, not put into the page."
CHANNELS = {1: ("",), 2: ("caller", "agent")}
LOUDEST = 32768
NUMBER_PERCENT = 2.4
"Numbers of marks stand at least so far apart."
TICKS = 8

Pcm = NDArray[np.int16]


class _Absent(Exception):
    """There is nothing to hear, for a reason of ours."""


def clip(each: Clip, folder: Path) -> Html:
    """The picture with its player; a sentence where the sound cannot be had."""
    try:
        file = _beside(each.file, folder)
        pcm, rate_hz = _read(file)
    except (_Absent, OSError, WavError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        sight, length_s = [_sentence(f"{each.file}: {reason}")], None
    else:
        length_s = pcm.shape[1] / rate_hz
        sight = [_picture(pcm, length_s, each.marks), _player(file)]
    return tag(
        "figure",
        tag("figcaption", tag("b", each.title)),
        *sight,
        _marks(each.marks),
        class_="clip",
        data_length=None if length_s is None else f"{length_s:.3f}",
    )


def envelope(channel: Pcm, bins: int = BINS) -> tuple[list[int], list[int]]:
    """The highest and the lowest sample of each of `bins` equal stretches (of each, if fewer)."""
    count = min(bins, len(channel))
    begins = np.arange(count) * len(channel) // count
    high = np.maximum.reduceat(channel, begins).tolist()
    low = np.minimum.reduceat(channel, begins).tolist()
    return high, low


def outline(channel: Pcm) -> str:
    """The envelope as a closed path in 1000 x 100: there along the top, back along the bottom."""
    high, low = envelope(channel)
    # Quiet speech is looked at as well: the channel's own loudest sample fills the height.
    loudest = max(max(high), -min(low), LOUDEST // 16)
    xs = [round(WIDE * n / len(high), 1) for n in range(len(high))]
    top = [f"{x:g} {50 - 48 * v / loudest:.0f}" for x, v in zip(xs, high, strict=True)]
    bottom = [f"{x:g} {50 - 48 * v / loudest:.0f}" for x, v in zip(xs, low, strict=True)]
    return "M" + "L".join([*top, *reversed(bottom)]) + "Z"


def _beside(name: str, folder: Path) -> Path:
    try:
        file = (folder / name).resolve()
    except ValueError as exc:  # a zero byte in the name
        raise _Absent("no such name") from exc
    if not file.is_relative_to(folder.resolve()):
        raise _Absent("it is not beside the results")
    return file


def _read(file: Path) -> tuple[Pcm, int]:
    with file.open("rb") as stream:
        reader = WavReader(stream)
        pcm = reader.read(LONGEST_S * reader.rate_hz)
    if not pcm.size:
        raise _Absent("it is empty")
    return pcm, reader.rate_hz


def _picture(pcm: Pcm, length_s: float, marks: list[Mark]) -> Html:
    scale = _seconds(length_s)
    names = CHANNELS.get(len(pcm), tuple(f"channel {n + 1}" for n in range(len(pcm))))
    rows = [
        tag(
            "div",
            tag("span", name, class_="channel"),
            svg(path(outline(channel), f"wave c{n}"), label=f"waveform {name}".strip()),
            class_="wave-row",
        )
        for n, (name, channel) in enumerate(zip(names, pcm, strict=True))
    ]
    places = [100 * scale.place(min(max(mark.at_s, 0.0), length_s)) for mark in marks]
    lines = [tag("i", class_="mark", style=f"left:{at:.2f}%") for at in places]
    numbers = [
        tag("span", str(n), class_="number", style=f"left:{at:.2f}%", title=mark.label)
        for n, (mark, at) in enumerate(
            zip(marks, apart(places, NUMBER_PERCENT, 100.0), strict=True), 1
        )
    ]
    return tag(
        "div",
        tag("div", *numbers, class_="numbers"),
        tag("div", *rows, *lines, tag("i", class_="playhead"), class_="waves"),
        axis(scale, "seconds"),
        class_="timeline",
    )


def _seconds(length_s: float) -> Scale:
    """An axis that ends with the sound."""
    step = round_step(length_s / TICKS)
    ticks = [float(f"{n * step:.6g}") for n in range(int(length_s / step + 1e-9) + 1)]
    return Scale(0.0, length_s, ticks)


def _player(file: Path) -> Html:
    if file.stat().st_size > EMBEDDED_BYTES:
        return _sentence(f"{file.name} is too long to be put into this page: play it beside it")
    data = base64.b64encode(file.read_bytes()).decode()
    return tag("audio", controls=True, preload="metadata", src=f"data:audio/wav;base64,{data}")


def _marks(marks: list[Mark]) -> Html:
    items = []
    before: Mark | None = None
    for n, mark in enumerate(marks, 1):
        since = "" if before is None else f"+{short(1000 * (mark.at_s - before.at_s))} ms"
        items.append(
            tag(
                "li",
                tag("button", str(n), type="button", class_="number", data_at=f"{mark.at_s:.3f}"),
                tag("span", f"{mark.at_s:.3f} s", class_="at"),
                tag("span", mark.label, class_="what"),
                tag("span", since, class_="since"),
            )
        )
        before = mark
    return tag("ol", *items, class_="marks") if items else Html("")


def _sentence(why: str) -> Html:
    return tag("p", why, class_="absent")
