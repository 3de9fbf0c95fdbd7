"""Plots: the values of a metric as a strip, curves with their legend at their ends.

An SVG holds geometry only and is stretched to the width of the page (strokes and dots keep their
size); all words are HTML around it, so they stay legible at any width. Pure.
"""

import json

from .figures import bare, figure, is_rate, written
from .report_html import Html, joined, tag
from .report_scale import Scale, apart, spanning
from .results_file import Curve, Metric

WIDE, HIGH = 1000, 100
"The units inside an SVG."
MOST_DOTS = 400
DOTS_FROM, DOTS_TO = 20, 80
GOLDEN = 0.6180339887
"Multiples of it fill an interval evenly: dots beside each other seldom share a height."
PLOT_PX, LEGEND_PX = 260, 18
COLOURS = 8
MOST_DECIMALS = 9


def svg(*inside: str, label: str, height: int = HIGH) -> Html:
    """A stretchable picture."""
    return tag(
        "svg",
        *inside,
        viewBox=f"0 0 {WIDE} {height}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )


def path(d: str, class_: str) -> Html:
    """A line that does not grow with the picture."""
    return tag("path", d=d, class_=class_, vector_effect="non-scaling-stroke")


# --- strips ---------------------------------------------------------------------------------------


def strip(metric: Metric, scale: Scale, colour: int) -> Html:
    """Every value a dot, a bar from p50 to p95 (the worse end), the goal dashed.

    Of a rate, a bar as long as the rate.
    """
    inside = _rate(metric, scale) if is_rate(metric) else _spread(metric, scale)
    if metric.goal is not None:
        inside.append(path(f"M{_x(scale, metric.goal)} 0V100", "goal"))
    label = f"{metric.name}, {metric.case}: {len(metric.values)} values"
    return tag(
        "div",
        svg(*inside, label=label),
        class_=f"strip c{colour % COLOURS}",
        data_scale=_scale_data(scale),
        data_unit=metric.unit,
    )


def drawn(metric: Metric) -> list[float]:
    """What an axis must hold."""
    mean = figure(metric, "mean")
    return [0.0] if mean is None else [0.0, mean] if is_rate(metric) else metric.values


def _spread(metric: Metric, scale: Scale) -> list[Html]:
    dots = path(_dots(metric.values, scale), "dots")
    p50, p95 = figure(metric, "p50"), figure(metric, "p95")
    if p50 is None or p95 is None or len(metric.values) == 1:
        return [dots]
    middle, end = _x(scale, p50), _x(scale, p95)
    return [
        path(f"M{min(middle, end)} 50H{max(middle, end)}", "range"),
        dots,
        path(f"M{end} 16V84", "p95"),
        path(f"M{middle} 8V92", "p50"),
    ]


def _rate(metric: Metric, scale: Scale) -> list[Html]:
    mean = figure(metric, "mean")
    if mean is None:
        return []
    x = _x(scale, mean)
    return [path(f"M{_x(scale, 0.0)} 50H{x}", "range"), path(f"M{x} 20V80", "p50")]


def thinned(values: list[float], most: int = MOST_DOTS) -> list[float]:
    """At most so many of them, sorted, both extremes among them, the shape kept."""
    ordered = sorted(values)
    if len(ordered) <= most:
        return ordered
    step = (len(ordered) - 1) / (most - 1)
    return [ordered[round(n * step)] for n in range(most)]


def axis(scale: Scale, name: str = "") -> Html:
    """The numbers along it, and its name where nothing else tells."""
    marks = [
        tag("span", text, style=f"left:{_percent(scale, tick)}%", class_="tick")
        for tick, text in zip(scale.ticks, tick_texts(scale), strict=True)
    ]
    line = tag("div", *marks, class_="axis")
    return joined([line, tag("div", name, class_="unit")]) if name else line


def tick_texts(scale: Scale) -> list[str]:
    """Along a linear axis with equally many decimals, as few as tell them apart."""
    texts = [bare(written(tick, MOST_DECIMALS)) for tick in scale.ticks]
    if scale.log:
        return texts
    places = max((len(text.partition(".")[2]) for text in texts), default=0)
    return [written(tick, places) for tick in scale.ticks]


def _percent(scale: Scale, value: float) -> str:
    return f"{100 * scale.place(value):.4g}"


def _dots(values: list[float], scale: Scale) -> str:
    room = DOTS_TO - DOTS_FROM
    dots = []
    for n, value in enumerate(thinned(values)):
        y = 50 if len(values) == 1 else DOTS_FROM + round(room * ((n * GOLDEN) % 1))
        dots.append(f"M{_x(scale, value)} {y}h0")
    return "".join(dots)


def _x(scale: Scale, value: float) -> float:
    """To a tenth, whole numbers whole: what a wide screen can show."""
    x = round(WIDE * scale.place(value), 1)
    return int(x) if x == int(x) else x


def _scale_data(scale: Scale) -> str:
    return json.dumps([scale.low, scale.high, scale.log])


# --- curves ---------------------------------------------------------------------------------------


def plot(curve: Curve, hues: dict[str, int] | None = None) -> Html:
    """All series over one axis; `hues`: colours that some legends have elsewhere."""
    series = {legend: points for legend, points in curve.series.items() if points}
    x = spanning((p[0] for points in series.values() for p in points), count=8, tight=True)
    y = spanning(point[1] for points in series.values() for point in points)
    colours = _colours(list(series), hues or {})
    height_px = max(PLOT_PX, LEGEND_PX * (len(series) + 1))
    grid = "".join(f"M0 {_y(y, tick)}H{WIDE}" for tick in y.ticks)
    inside: list[str] = [path(grid, "grid")]
    for points, style in zip(series.values(), colours, strict=True):
        inside += _line(sorted(points), x, y, style)
    area = tag(
        "div",
        svg(*inside, label=f"{curve.name}: {curve.y_name} over {curve.x_name}", height=HIGH),
        tag("div", class_="cross"),
        class_="area",
        data_x=_scale_data(x),
        data_y=_scale_data(y),
        data_series=json.dumps([[legend, sorted(points)] for legend, points in series.items()]),
        style=f"height:{height_px}px",
    )
    ys = [
        tag("span", text, style=f"top:{_y(y, tick)}%", class_="ytick")
        for tick, text in zip(y.ticks, tick_texts(y), strict=True)
    ]
    return tag(
        "figure",
        tag("figcaption", tag("b", curve.name), class_="curve-name"),
        tag("div", curve.y_name, class_="yname"),
        tag(
            "div",
            tag("div", *ys, class_="ys"),
            area,
            _ends(series, y, height_px, colours),
            tag("div", axis(x, curve.x_name), class_="xs"),
            class_="plot",
        ),
        _legend(list(series), colours),
        class_="curve",
    )


def _line(points: list[tuple[float, float]], x: Scale, y: Scale, style: str) -> list[Html]:
    places = [(_x(x, at), _y(y, value)) for at, value in points]
    line = "L".join(f"{a} {b}" for a, b in places)
    dots = "".join(f"M{a} {b}h0" for a, b in places)
    return [path(f"M{line}", f"line {style}"), path(dots, f"knots {style}")]


def _colours(legends: list[str], hues: dict[str, int]) -> list[str]:
    """A class for each: the hue it has elsewhere, unless two would look alike."""
    known = [hues[legend] for legend in legends if legend in hues]
    if len(known) < len(legends) or len({n % COLOURS for n in known}) < len(known):
        known = list(range(len(legends)))
    return [f"c{n % COLOURS}" + (" again" if at >= COLOURS else "") for at, n in enumerate(known)]


def _ends(
    series: dict[str, list[tuple[float, float]]], y: Scale, height_px: int, colours: list[str]
) -> Html:
    """Legends where the lines end."""
    ends = [sorted(points)[-1][1] for points in series.values()]
    places = [height_px * (1 - y.place(end)) for end in ends]
    tops = apart(places, LEGEND_PX, height_px)
    labels = [
        tag("span", legend, class_=f"end {colour}", style=f"top:{top:.0f}px", title=legend)
        for legend, top, colour in zip(series, tops, colours, strict=True)
    ]
    return tag("div", *labels, class_="ends")


def _legend(legends: list[str], colours: list[str]) -> Html:
    """For narrow screens, where nothing fits beside the lines."""
    items = [
        tag("li", tag("i", class_=colour), legend)
        for legend, colour in zip(legends, colours, strict=True)
    ]
    return tag("ul", *items, class_="legend")


def _y(scale: Scale, value: float) -> float:
    y = round(100 * (1 - scale.place(value)), 2)
    return int(y) if y == int(y) else y
