"""Texts of a drawn page that its font cannot draw are taken out of it, to be laid over it.

What of them the font can draw stays, where it belongs. Texts of the report are never turned.
"""

import warnings

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.textpath import TextToPath

from .east_asian_text import ASCENT, DESCENT, Placed, is_wide, runs

POINTS = 72.0
"An inch."
MIDDLE = (ASCENT + DESCENT) / 2000
"Of such letters, in ems above the baseline."
RAISED = {"top": ASCENT / 1000, "bottom": DESCENT / 1000, "baseline": 0.0}
"By how they are aligned: what the given height is above the baseline, in ems. Others: the middle."


def take_out(figure: Figure) -> list[Placed]:
    """What is to be laid over the page; the figure is as it will be printed without it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # it lacks what is taken out
        figure.draw_without_rendering()  # names at axes are made by drawing
    texts = [each for each in figure.findobj(Text) if isinstance(each, Text)]
    found = [each for each in texts if each.get_visible() and any(map(is_wide, each.get_text()))]
    return [placed for text in found for placed in _parted(figure, text)]


def _parted(figure: Figure, text: Text) -> list[Placed]:
    size = float(text.get_fontsize())
    scale = POINTS / figure.dpi
    x, y = (float(at) * scale for at in text.get_transform().transform(text.get_position()))
    y -= RAISED.get(text.get_verticalalignment(), MIDDLE) * size
    parts = [
        (run, run.ems * size if run.font else _width(run.text, text))
        for run in runs(text.get_text())
    ]
    shares = {"left": 0.0, "center": 0.5, "right": 1.0}
    x -= shares[text.get_horizontalalignment()] * sum(width for _, width in parts)
    colour, bold = to_rgb(text.get_color()), text.get_fontweight() == "bold"
    placed = []
    for run, width in parts:
        if run.font is not None:
            placed.append(Placed(run, x, y, size, colour, bold))
        else:
            left, low = (x / POINTS, y / POINTS)
            inches = figure.dpi_scale_trans
            figure.text(
                left,
                low,
                run.text,
                transform=inches,
                fontproperties=text.get_fontproperties(),
                color=text.get_color(),
                ha="left",
                va="baseline",
            )
        x += width
    text.set_visible(False)
    return placed


def _width(words: str, like: Text) -> float:
    """In points, with spaces at its end."""
    font = like.get_fontproperties()
    with_mark, mark = (
        TextToPath().get_text_width_height_descent(each, font, ismath=False)[0]
        for each in (f"{words}|", "|")
    )
    return float(with_mark) - float(mark)
