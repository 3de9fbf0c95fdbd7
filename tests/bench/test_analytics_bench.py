"""The calls that figures are measured on: the same from a seed, stored as the server has them."""

import pathlib

import msgspec

from offhook.bench.analytics import GOAL_MS, cases, median, reading
from offhook.bench.load.figure_rows import OPEN_CALLS, make_database, rows
from offhook.bench.reports.results_file import Metric
from offhook.control.analytics.column_worker import Counter, Figures, Question
from offhook.control.domain.analytics import Summary
from offhook.control.domain.analytics_questions import Report
from offhook.control.store.database import Database


def test_a_seed_makes_the_same_calls_again() -> None:
    assert list(rows(200, 1)) == list(rows(200, 1))
    assert list(rows(200, 1)) != list(rows(200, 2))


async def test_the_database_is_one_that_the_server_counts(tmp_path: pathlib.Path) -> None:
    file = await make_database(tmp_path, 300, 1)
    database = Database(f"sqlite+aiosqlite:///{file}")
    counter = Counter(database)
    found: dict[str, int] = {}
    for number, (case, (wanted, period)) in enumerate(cases().items()):
        answer = await counter.answer(Question(number, Report.SUMMARY, wanted, period, 20))
        assert isinstance(answer, Figures)
        figures = msgspec.json.decode(answer.figures, type=Summary)
        found[case] = figures.counts.calls
    await database.aclose()
    late = sum(1 for number in range(301, 301 + OPEN_CALLS) if number % 600 == 0)
    assert found["all accounts, a year"] == 300 + OPEN_CALLS - late
    assert 0 < found["filtered, a year"] < found["an account, a year"]
    assert found["an account, a month"] < found["an account, a year"]


def test_the_reading_names_the_slowest_and_says_whether_goals_are_met() -> None:
    fast = Metric("figures: hours", "a year", "ms", [10.0, 20.0, 30.0], goal=GOAL_MS)
    slow = Metric("figures: agents", "a year", "ms", [290.0, 310.0, 320.0], goal=GOAL_MS)
    rest = [Metric("first", "5 calls", "ms", [900.0]), Metric("memory", "5 calls", "MB", [70.0])]
    assert median(slow) == 310.0
    said = reading([fast, slow, *rest], 5)
    assert "agents (a year): median 310 ms" in said[0]
    assert "1 of 2 are above it" in said[0]
    assert "all are below it" in reading([fast, *rest], 5)[0]
