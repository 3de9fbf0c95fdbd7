"""A call as a picture: both waveforms, talkspurts (bars), turns (shades), barge-ins, latencies."""

from pathlib import Path

import msgspec
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...media.frames.lanes import frame_samples
from ...media.frames.vad import Vad

ROW_S = 30.0
"One row of the picture."
POINTS_A_ROW = 2400
CALLER, AGENT, MARK = "#1f77b4", "#2ca02c", "#d62728"


class DrawnTurn(msgspec.Struct, frozen=True):
    """What the picture shows of a turn."""

    role: str
    text: str
    begin_s: float
    end_s: float
    interrupted: bool
    waited_ms: float | None
    "Agent: from the caller's last sample to the first one of this turn."


def draw(
    stereo: NDArray[np.int16], rate_hz: int, turns: list[DrawnTurn], title: str, path: Path
) -> None:
    """Write a PNG. `stereo` is int16[2, samples]: caller, agent."""
    length_s = stereo.shape[1] / rate_hz
    rows = max(1, int(np.ceil(length_s / ROW_S)))
    figure = Figure(figsize=(18, 3.4 * rows + 0.6))
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 1, squeeze=False)
    speech = [
        (0.0, CALLER, talkspurts(stereo[0], rate_hz)),
        (1.1, AGENT, talkspurts(stereo[1], rate_hz)),
    ]
    for number, axis in enumerate(axes[:, 0]):
        begin_s = number * ROW_S
        _draw_row(axis, stereo, rate_hz, begin_s)
        for level, colour, spans in speech:
            for span in spans:
                axis.plot(span, [level - 0.53] * 2, color=colour, linewidth=3, alpha=0.8)
        for turn in turns:
            if turn.begin_s < begin_s + ROW_S and turn.end_s > begin_s:
                _draw_turn(axis, turn, begin_s)
        axis.set_xlim(begin_s, begin_s + ROW_S)
        axis.set_ylim(-1.45, 2.55)
        axis.set_yticks([0.0, 1.1], ["caller", "agent"])
        axis.set_xticks(np.arange(begin_s, begin_s + ROW_S + 1, 2))
        axis.spines[["top", "right", "left"]].set_visible(False)
    axes[-1, 0].set_xlabel(
        "seconds since the answer (shade: turn, bar: voice activity, arrow: what the caller waited)"
    )
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def _draw_row(axis: Axes, stereo: NDArray[np.int16], rate_hz: int, begin_s: float) -> None:
    for channel, (level, colour) in enumerate(((0.0, CALLER), (1.1, AGENT))):
        part = stereo[channel, int(begin_s * rate_hz) : int((begin_s + ROW_S) * rate_hz)]
        width = max(1, int(ROW_S * rate_hz / POINTS_A_ROW))
        bins = part[: len(part) // width * width].reshape(-1, width).astype(np.float32) / 32768
        if not len(bins):
            continue
        at = begin_s + np.arange(len(bins)) * width / rate_hz
        low, high = level + 0.55 * bins.min(axis=1), level + 0.55 * bins.max(axis=1)
        axis.fill_between(at, low, high, color=colour, linewidth=0.4)


def talkspurts(channel: NDArray[np.int16], rate_hz: int) -> list[tuple[float, float]]:
    """What the server's voice activity detection takes for speech, in seconds."""
    frame = frame_samples(rate_hz)
    vad = Vad(1, rate_hz)
    spans: list[tuple[float, float]] = []
    began: int | None = None
    calm = np.zeros(1, np.bool_)
    for at in range(0, len(channel) - frame + 1, frame):
        tick = vad.push(1, channel[None, at : at + frame], calm, np.array([at]))
        if tick.started.size:
            began = int(tick.began_samples[0])
        if tick.ended.size and began is not None:
            spans.append((began / rate_hz, int(tick.ended_samples[0]) / rate_hz))
            began = None
    if began is not None:
        spans.append((began / rate_hz, len(channel) / rate_hz))
    return spans


def _draw_turn(axis: Axes, turn: DrawnTurn, row_begin_s: float) -> None:
    caller = turn.role == "caller"
    level, colour = (0.0, CALLER) if caller else (1.1, AGENT)
    axis.fill_between(
        [turn.begin_s, turn.end_s], level - 0.5, level + 0.5, color=colour, alpha=0.13
    )
    begins_here = turn.begin_s >= row_begin_s
    if begins_here:
        wide = int(max(14, 9 * (turn.end_s - turn.begin_s)))
        text = turn.text if len(turn.text) <= wide else f"{turn.text[: wide - 1]}…"
        y = -0.95 if caller else 1.72
        axis.text(turn.begin_s, y, text, fontsize=8, color=colour, va="bottom")
    if turn.interrupted:
        axis.plot([turn.end_s] * 2, [-0.6, 1.75], color=MARK, linewidth=1.4)
        axis.text(turn.end_s, 2.08, "barge-in", color=MARK, fontsize=8, ha="center")
    if turn.waited_ms is not None and begins_here:
        spoke_until = turn.begin_s - turn.waited_ms / 1000
        arrow = {"arrowstyle": "<->", "color": "black", "linewidth": 0.8}
        axis.annotate("", (turn.begin_s, 0.56), (spoke_until, 0.56), arrowprops=arrow)
        middle = (turn.begin_s + spoke_until) / 2
        axis.text(middle, 0.58, f"{turn.waited_ms:.0f} ms", fontsize=7, ha="center", va="bottom")
