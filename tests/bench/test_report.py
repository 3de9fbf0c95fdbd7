"""The report shows everything it is given, believes none of it, and needs nothing but itself."""

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from offhook.bench import report
from offhook.bench.reports.changes import compare
from offhook.bench.reports.report_clips import envelope, outline
from offhook.bench.reports.report_html import Html, tag
from offhook.bench.reports.report_page import Shown, page
from offhook.bench.reports.report_plots import plot, strip, thinned, tick_texts
from offhook.bench.reports.report_scale import Scale, apart, spanning
from offhook.bench.reports.results_file import Clip, Curve, Document, Mark, Origin, write
from offhook.codecs.wav import WavWriter
from offhook.tests.kit.bench_results import ORIGIN, document, metric

HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>"
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Elements in order, whether they nest, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data

    def count(self, name: str, class_: str = "") -> int:
        return sum(
            element == name and class_ in (attributes.get("class") or "").split()
            if class_
            else element == name
            for element, attributes in self.elements
        )


def shown(*documents: Document, folder: Path = Path()) -> str:
    return page([Shown(each, folder) for each in documents])


def xs(drawing: str, class_: str) -> list[float]:
    """Where the points of a path of that class begin, from left to right as they are written."""
    (d,) = re.findall(rf'<path d="([^"]*)" class="{class_}[ "]', drawing)
    return [float(x) for x in re.findall(r"[ML]([\d.]+) ", d)]


def write_wav(path: Path, seconds: float = 1.0, channels: int = 2) -> np.ndarray:
    samples = np.random.default_rng(1).normal(0, 3000, (channels, int(8000 * seconds)))
    pcm = np.rint(samples).astype(np.int16)
    with path.open("wb") as file:
        writer = WavWriter(file, 8000, channels)
        writer.write(pcm)
        writer.flush()
    return pcm


# --- the page -------------------------------------------------------------------------------------


def test_everything_of_every_document_is_there(tmp_path: Path) -> None:
    write_wav(tmp_path / "worst.wav")
    latency = document(
        metric([310.0, 320.5, 330.0], case="instant, 1 call"),
        metric([1000.0] * 30, case="realistic, 20 calls", goal=900.0, goal_at="p95"),
        metric([3.5, 4.1], name="PESQ", unit="MOS", better="higher", goal=3.0),
        curves=[Curve("Cost", "calls", "µs a frame", {"VAD": [(1.0, 2.0)], "none": [(1.0, 1.0)]})],
        clips=[Clip("Worst turn", "worst.wav", [Mark(0.25, "last sample")])],
        reading=["First, nothing.", "Then, something."],
    )
    bargein = document(metric([1.0], name="duck"), measurement="bargein")
    found = Page(shown(latency, bargein, folder=tmp_path))
    for text in (
        *("latency", "bargein", ORIGIN.command, ORIGIN.machine, ORIGIN.commit, ORIGIN.date),
        *("Python 3.11.2", "numpy 1.26", "reply gap", "instant, 1 call", "realistic, 20 calls"),
        *("PESQ", "MOS", "duck", "320.5", "p95 ≤ 900 ms", "p50 ≥ 3 MOS", "lower is better"),
        *("Cost", "µs a frame", "VAD", "Worst turn", "last sample", "0.250 s"),
        *("First, nothing.", "Then, something."),
    ):
        assert text in found.text, text
    assert found.count("section") == 2
    assert found.count("div", "strip") == 4
    assert found.count("audio") == 1


def test_met_and_missed_goals_are_counted_and_named() -> None:
    found = Page(
        shown(
            document(
                metric([10.0], goal=25.0),
                metric([30.0], case="20 calls", goal=25.0),
                metric([1.0], case="no goal"),
            )
        )
    )
    assert "1 of 2 goals met; missed:" in found.text
    assert "reply gap, 20 calls: 30 against p50 ≤ 25 ms" in found.text
    assert (found.text.count("✓ met"), found.text.count("✗ missed")) == (1, 1)


def test_goals_of_what_is_compared_with_are_not_counted() -> None:
    new, old = document(metric([10.0] * 9, goal=25.0)), document(metric([30.0] * 9, goal=25.0))
    both = [Shown(new, Path()), Shown(old, Path(), is_old=True)]
    found = Page(page(both, [compare([new], [old])]))
    assert "1 of 1 goals met." in found.text
    assert "latency before" in found.text
    for text in ("latency: what changed", "better", "one run a side", "−20 ms"):
        assert text in found.text


def test_percentiles_that_so_few_values_do_not_tell_are_set_apart() -> None:
    found = Page(shown(document(metric([1.0] * 20))))
    cells = [(a.get("data-name") or "", a.get("class") or "") for e, a in found.elements]
    assert [(name, "untold" in style.split()) for name, style in cells if name[:1] == "p"] == [
        ("p50", False),
        ("p90", False),
        ("p95", False),
        ("p99", True),
    ]


def test_hostile_strings_stay_text(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav")
    everywhere = document(
        metric([1.0, 2.0], name=HOSTILE, case=HOSTILE, unit=HOSTILE, goal=0.5),
        origin=Origin(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, {HOSTILE: HOSTILE}),
        measurement=HOSTILE,
        curves=[Curve(HOSTILE, HOSTILE, HOSTILE, {HOSTILE: [(1.0, 1.0), (2.0, 2.0)]})],
        clips=[
            Clip(HOSTILE, "a.wav", [Mark(0.5, HOSTILE)]),
            Clip(HOSTILE, HOSTILE, [Mark(0.5, HOSTILE)]),
        ],
        reading=[HOSTILE],
    )
    both = [Shown(everywhere, tmp_path), Shown(everywhere, tmp_path, is_old=True)]
    text = page(both, [compare([everywhere], [everywhere])])
    found = Page(text)
    assert found.count("script") == 1
    assert found.count("img") == 0
    assert found.text.count(HOSTILE) > 20
    assert not [a for _, attributes in found.elements for a in attributes if a.startswith("on")]


def test_nothing_is_loaded_and_only_our_script_may_run(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav")
    text = shown(document(metric([1.0]), clips=[Clip("a", "a.wav")]), folder=tmp_path)
    for _, attributes in Page(text).elements:
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:audio/wav;base64,"))
    assert "http" not in re.sub(r"http-equiv", "", text)
    assert "url(" not in text
    assert "@import" not in text
    (policy,) = (a["content"] for e, a in Page(text).elements if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    script = text.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_empty_documents_are_pages_too() -> None:
    empty = document(
        metric([], goal=1.0), curves=[Curve("none", "x", "y", {}), Curve("c", "x", "y", {"a": []})]
    )
    found = Page(shown(empty, document()))
    assert "not judged" in found.text
    assert "goals met" not in found.text


def test_ten_thousand_values_do_not_make_a_heavy_page() -> None:
    values = list(np.random.default_rng(1).gamma(2, 10, 10_000))
    assert len(shown(document(metric(values)))) < 40_000


# --- strips, scales, curves -----------------------------------------------------------------------


def test_dots_are_in_order_and_within_the_strip() -> None:
    values = [float(v) for v in np.random.default_rng(2).gamma(2, 10, 60)]
    places = xs(strip(metric(values), spanning(values), 0), "dots")
    assert len(places) == 60
    assert places == sorted(places)
    assert places[0] >= 0
    assert places[-1] <= 1000


def test_a_value_stands_where_it_belongs() -> None:
    scale = Scale(0.0, 50.0, [0.0, 50.0])
    drawing = strip(metric([10.0, 20.0, 45.0], goal=25.0), scale, 0)
    assert xs(drawing, "dots") == [200.0, 400.0, 900.0]
    assert xs(drawing, "p50") == [400.0]
    assert xs(drawing, "p95") == [900.0]
    assert xs(drawing, "goal") == [500.0]


def test_the_worse_end_of_what_should_be_high_is_the_low_one() -> None:
    scale = Scale(0.0, 100.0, [0.0, 100.0])
    drawing = strip(metric([float(v) for v in range(1, 101)], better="higher"), scale, 0)
    assert xs(drawing, "p95") == [60.0]


def test_a_rate_is_a_bar() -> None:
    scale = Scale(0.0, 0.5, [0.0, 0.5])
    rate = metric([0.0] * 9 + [1.0], goal=0.01, goal_at="mean")
    assert 'd="M0 50H200" class="range"' in strip(rate, scale, 0)


def test_thinning_keeps_extremes_and_shape() -> None:
    values = [float(v) for v in np.random.default_rng(3).gamma(2, 10, 5000)]
    kept = thinned(values, 400)
    assert len(kept) == 400
    assert (kept[0], kept[-1]) == (min(values), max(values))
    assert float(np.median(kept)) == pytest.approx(float(np.median(values)), rel=0.01)


@pytest.mark.parametrize(
    "values",
    [[0.0], [5.0], [-3.0], [0.0, 0.0], [1.0, 1e6], [310.0, 312.0], [-5.0, 5.0], [1e-9, 2e-9], []],
)
@pytest.mark.parametrize("tight", [False, True])
def test_an_axis_holds_its_values_and_its_ticks_rise(values: list[float], tight: bool) -> None:
    scale = spanning(values, tight=tight)
    assert scale.low < scale.high
    assert all(-1e-9 <= scale.place(value) <= 1 + 1e-9 for value in values)
    assert all(a < b for a, b in pairwise(scale.ticks))
    assert len(scale.ticks) <= 16
    places = [scale.place(v) for v in np.linspace(scale.low, scale.high, 20)]
    assert places == sorted(places)


def test_axes_begin_at_zero_unless_all_is_far_from_it() -> None:
    assert spanning([300.0, 1000.0]).ticks == [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]
    assert spanning([310.0, 330.0]).low == 310.0
    assert spanning([10.0, 1000.0]).log
    assert spanning([10.0, 1000.0]).place(100.0) == pytest.approx(0.5)


def test_ticks_have_as_many_decimals_as_tell_them_apart() -> None:
    assert tick_texts(spanning([0.0, 0.1])) == ["0.00", "0.02", "0.04", "0.06", "0.08", "0.10"]
    assert tick_texts(spanning([0.0, 50.0]))[1] == "10"


def test_a_curve_runs_from_left_to_right_whatever_the_order() -> None:
    drawing = plot(Curve("Cost", "calls", "µs", {"VAD": [(30.0, 1.0), (10.0, 4.0), (20.0, 2.0)]}))
    assert xs(drawing, "line") == [0.0, 500.0, 1000.0]
    (data,) = re.findall(r'data-series="([^"]*)"', drawing)
    assert json.loads(html.unescape(data)) == [["VAD", [[10.0, 4.0], [20.0, 2.0], [30.0, 1.0]]]]


def test_a_case_has_one_colour_everywhere() -> None:
    curve = Curve("Cost", "calls", "µs", {"b": [(1.0, 1.0)], "a": [(1.0, 2.0)]})
    assert 'class="end c1" style' in plot(curve, {"a": 0, "b": 1}).partition(">b</span>")[0]
    alike = plot(curve, {"a": 0, "b": 8})
    assert {"line c0", "line c1"} <= set(re.findall(r'class="(line c\d)', alike))


def test_legends_do_not_cover_each_other() -> None:
    moved = apart([100.0, 101.0, 250.0, 255.0, 258.0], 18, 260)
    assert all(b - a >= 18 for a, b in pairwise(moved))
    assert moved[-1] <= 260
    assert moved[0] == 100.0


# --- clips ----------------------------------------------------------------------------------------


def test_the_sound_in_the_page_is_the_file(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav")
    text = shown(document(clips=[Clip("a", "a.wav")]), folder=tmp_path)
    (data,) = re.findall(r'src="data:audio/wav;base64,([^"]*)"', text)
    assert base64.b64decode(data) == (tmp_path / "a.wav").read_bytes()


def test_marks_stand_at_their_time_and_tell_what_passed_between(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", seconds=2.0)
    marks = [Mark(0.5, "last sample"), Mark(0.812, "reply"), Mark(9.0, "beyond")]
    text = shown(document(clips=[Clip("a", "a.wav", marks)]), folder=tmp_path)
    assert re.findall(r'class="mark" style="left:([\d.]+)%', text) == ["25.00", "40.60", "100.00"]
    assert "+312 ms" in text


def test_a_waveform_is_its_highest_and_lowest_samples() -> None:
    pcm = np.zeros(8000, np.int16)
    pcm[4000], pcm[4001] = 20000, -10000
    high, low = envelope(pcm, 100)
    assert (max(high), high.index(max(high))) == (20000, 50)
    assert (min(low), low.index(min(low))) == (-10000, 50)
    points = [float(x) for x in re.findall(r"[ML]([\d.]+) ", outline(pcm))]
    there, back = points[: len(points) // 2], points[len(points) // 2 :]
    assert there == sorted(there)
    assert back == there[::-1]


def test_a_recording_that_is_not_to_be_had_is_named(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    write_wav(tmp_path / "secret.wav")
    (results / "text.wav").write_text("not a sound")
    marks = [Mark(0.5, "reply audible")]
    write_wav(results / "empty.wav", seconds=0)
    names = ("absent.wav", "text.wav", "../secret.wav", "/etc/passwd", ".", "empty.wav", "a\0b")
    clips = [Clip(name, name, marks) for name in names]
    found = Page(shown(document(clips=clips), folder=results))
    assert found.count("audio") == 0
    assert "absent.wav: No such file" in found.text
    assert "text.wav: " in found.text
    assert "empty.wav: it is empty" in found.text
    assert "../secret.wav: it is not beside the results" in found.text
    assert found.text.count("reply audible") == len(clips)
    assert "/etc/passwd: it is not beside the results" in found.text


def test_a_recording_too_long_is_drawn_but_not_put_into_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.bench.reports.report_clips.EMBEDDED_BYTES", 1000)
    write_wav(tmp_path / "long.wav", channels=1)
    found = Page(shown(document(clips=[Clip("long", "long.wav")]), folder=tmp_path))
    assert found.count("audio") == 0
    assert found.count("path", "wave") == 1
    assert "long.wav is too long" in found.text


# --- markup and command ---------------------------------------------------------------------------


def test_markup_is_made_by_tag_alone() -> None:
    assert tag("p", "a < b", tag("b", "&"), title='"') == (
        '<p title="&quot;">a &lt; b<b>&amp;</b></p>'
    )
    assert tag("br") == "<br>"
    assert tag("audio", controls=True, src=None, data_at=1.5) == (
        '<audio controls data-at="1.5"></audio>'
    )
    assert isinstance(tag("p"), Html)


def test_the_command_writes_one_page_for_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("latency", "bargein"):
        write(tmp_path / f"{name}.json", document(metric([1.0]), measurement=name))
    files = [str(tmp_path / "latency.json"), str(tmp_path / "bargein.json")]
    assert report.main(files) == 0
    assert "report.html" in capsys.readouterr().out
    found = Page((tmp_path / "report.html").read_text())
    assert [a["id"] for e, a in found.elements if e == "section"] == ["m0", "m1"]
    assert report.main([files[0], "--html", str(tmp_path / "new" / "one.html")]) == 0
    assert (tmp_path / "new" / "one.html").is_file()


def test_the_command_names_what_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text("{}")
    assert report.main([str(tmp_path / "a.json")]) == 2
    assert "a.json: " in capsys.readouterr().err
    assert not (tmp_path / "a.html").exists()
