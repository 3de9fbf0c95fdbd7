"""The printed report: whatever names, however little there is to tell."""

from io import BytesIO
from typing import Any

import pytest
from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject

from offhook.control.analytics.call_columns import CallColumns
from offhook.control.analytics.questions import answer
from offhook.control.analytics.report_book import (
    Book,
    bucket_for,
    duration,
    milliseconds,
    period_text,
    price,
    short,
)
from offhook.control.analytics.report_pages import pdf_of
from offhook.control.domain.analytics_questions import Bucket, Period, Report, Wanted

from .test_call_columns import row

DAY_S = 86_400.0
JUNE = Period(from_wall=1_780_272_000.0, to_wall=1_782_864_000.0, timezone="UTC")


def book(table: CallColumns, **changes: Any) -> Book:
    fields = {report.value: answer(table, report, Wanted(), JUNE) for report in Report}
    del fields["retries"]
    about = {"account": "Ann", "period": JUNE, "made_wall": JUNE.to_wall, "is_complete": True}
    return Book(**(about | fields | changes))  # type: ignore[arg-type]


def table_of(*names: str) -> CallColumns:
    """Calls of agents, and about things, of these names."""
    table = CallColumns()
    rows = [
        row(
            seq,
            begun_wall=JUNE.from_wall + seq * 1000,
            agent_id=f"agent {seq}",
            agent_name=name,
            analysed=True,
            phrases=name,
        )
        for seq, name in enumerate(names)
    ]
    table.put(rows)
    return table


def fonts_of(page: PageObject) -> set[str]:
    resources = page["/Resources"]
    assert isinstance(resources, DictionaryObject)
    fonts = resources["/Font"]
    assert isinstance(fonts, DictionaryObject)
    return {str(name) for name in fonts}


def test_east_asian_names_are_written_in_fonts_that_viewers_have() -> None:
    data = pdf_of(book(table_of("客户服务 Service", "お客様ｻﾎﾟｰﾄ", "國語 ㄅㄆ"), account="株式会社"))
    reader = PdfReader(BytesIO(data))
    first, people, details = [page.extract_text() for page in reader.pages]
    assert "株式会社" in first
    for page in (people, details):
        assert "客户服务" in page
        assert "Service" in page
        assert "お客様サポート" in page
    assert "國語" in people
    fonts = {font for page in reader.pages for font in fonts_of(page)}
    assert {"/STSong-Light", "/HeiseiKakuGo-W5", "/MSung-Light"} <= fonts
    assert reader.metadata is not None
    assert reader.metadata.title == "Call report, 1 June 2026 to 30 June 2026"


def test_without_such_names_no_such_font_is_named() -> None:
    data = pdf_of(book(table_of("Обслуживание", "מוקד שירות", "خدمة العملاء")))
    assert b"STSong" not in data
    assert data.count(b"/Type /Page ") == 3


@pytest.mark.filterwarnings("ignore:Glyph")
def test_names_of_any_kind_and_length_are_printed() -> None:
    table = CallColumns()
    names = ("x" * 500, "$\\frac{", "a\nb", "", "日本語")
    rows = [
        row(
            seq,
            begun_wall=JUNE.from_wall + seq * 1000,
            agent_id=f"agent {seq}",
            agent_name=names[seq % len(names)],
            analysed=True,
            phrases=names[seq % len(names)].replace("\n", " "),
            status=("completed", "busy", "live")[seq % 3],
            cause="$_{",
            gaps="80 90",
            duration_s=60.0,
            qa_score=70.0,
            sentiment="positive",
            currency="EUR",
            cost_stt=0.1,
        )
        for seq in range(100)
    ]
    table.put(rows)
    data = pdf_of(book(table, account="y" * 300, filters=("line " + "z" * 200,)))
    assert data.startswith(b"%PDF-")
    assert len(PdfReader(BytesIO(data)).pages) == 3


def test_a_period_without_calls_is_a_report_of_one_page() -> None:
    assert pdf_of(book(CallColumns(), is_complete=False)).count(b"/Type /Page ") == 1


def test_figures_are_written_for_people() -> None:
    assert [duration(s) for s in (None, 5.4, 65, 7260, 5_000_000)] == [
        "–",
        "5 s",
        "1 min 05 s",
        "2 h 01 min",
        "1,388 h",
    ]
    assert [milliseconds(ms) for ms in (None, 1440, 12_000)] == ["–", "1,440 ms", "12.0 s"]
    prices = [price(value, "USD") for value in (None, 0.0, 0.0123, 1234.5)]
    assert prices == ["–", "USD 0.00", "USD 0.0123", "USD 1,234.50"]
    assert price(1.0, "") == "–"
    assert short("a  long\nname", 8) == "a long…"
    assert short("客户服务", 8) == "客户服务"
    assert short("客户服务 Service", 8) == "客户服…"
    assert period_text(JUNE) == "1 June 2026 to 30 June 2026"
    one = Period(from_wall=JUNE.from_wall, to_wall=JUNE.from_wall + 60)
    assert period_text(one) == "1 June 2026"


@pytest.mark.parametrize(
    ("days", "bucket"), [(30, Bucket.DAY), (90, Bucket.WEEK), (800, Bucket.MONTH)]
)
def test_long_periods_have_longer_steps(days: int, bucket: Bucket) -> None:
    assert bucket_for(Period(from_wall=0.0, to_wall=days * DAY_S)) is bucket
