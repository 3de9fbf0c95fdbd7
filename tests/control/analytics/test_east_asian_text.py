"""Chinese, Japanese and Korean: told apart, and where they stand on a page."""

from matplotlib.figure import Figure

from offhook.control.analytics.east_asian_text import (
    CHINESE,
    JAPANESE,
    KOREAN,
    TAIWANESE,
    laid_over,
    runs,
)
from offhook.control.analytics.report_texts import take_out


def test_a_text_is_parted_by_its_fonts() -> None:
    assert [(run.text, run.font) for run in runs("客户 Service 服务")] == [
        ("客户", CHINESE),
        (" Service ", None),
        ("服务", CHINESE),
    ]
    assert [run.font for run in runs("plain")] == [None]
    assert runs("") == []


def test_what_stands_beside_ideographs_tells_their_language() -> None:
    for text, font in (
        ("漢字", CHINESE),
        ("漢字かな", JAPANESE),
        ("漢字 한글", KOREAN),
        ("ㄅ漢", TAIWANESE),
    ):
        assert {run.font for run in runs(text)} - {None} == {font}


def test_narrow_and_parted_letters_are_written_as_one() -> None:
    assert [run.text for run in runs("ｶﾞ")] == ["ガ"]
    assert [run.text for run in runs("\u1112\u1161\u11ab")] == ["한"]


def test_letters_stand_where_the_text_was() -> None:
    figure = Figure(figsize=(10, 10), dpi=100)
    left = figure.text(0.5, 0.5, "漢字", fontsize=20, ha="left", va="baseline")
    right = figure.text(0.5, 0.25, "漢字", fontsize=20, ha="right", va="baseline", weight="bold")
    mixed = figure.text(0.1, 0.1, "No. 漢", fontsize=20, color="#ff0000")
    first, second, third = take_out(figure)
    assert (first.x, first.y, first.size, first.bold) == (360.0, 360.0, 20.0, False)
    assert (second.x, second.y, second.bold) == (320.0, 180.0, True)
    assert third.colour == (1.0, 0.0, 0.0)
    assert 72 + 25 < third.x < 72 + 50, "after what stays"
    assert not any(text.get_visible() for text in (left, right, mixed))
    assert [text.get_text() for text in figure.texts if text.get_visible()] == ["No. "]


def test_a_file_with_nothing_to_be_laid_over_stays_as_it_is() -> None:
    assert laid_over(b"whatever", [[], []]) == b"whatever"
