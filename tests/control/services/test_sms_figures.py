"""Figures of texts, against what they come to by hand."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import OPERATOR, OPERATOR_ID
from offhook.control.domain.messages import Contact, ErrorLog
from offhook.control.domain.sms_tasks import SmsTask, TaskStatus
from offhook.control.messages.number_countries import country_of
from offhook.control.services.contacts import CONTACTS
from offhook.control.services.error_logs import ERROR_LOGS
from offhook.control.services.sms_figures import SmsFigures
from offhook.control.services.sms_tasks import TASKS, TaskFilter, hour_of
from offhook.tests.kit.api import Api

DAY_S = 86_400.0
# Monday, 1 January 2024, 10:00 UTC.
MONDAY = 1_704_103_200.0


class Bench:
    """Figures of tasks that are made up."""

    def __init__(self, api: Api) -> None:
        self.api = api
        api.clock.advance(MONDAY + 10 * DAY_S - api.clock.wall())
        self.figures: SmsFigures = api.services.sms_figures

    async def contact(self, number: str, tier: str = "free", wall: float = MONDAY) -> str:
        async with self.api.database.write() as tx:
            contact = Contact(
                owner_id=OPERATOR_ID, phone_number=number, tier=tier, created_wall=wall
            )
            return (await CONTACTS.add(tx, contact)).id

    async def task(
        self, wall: float, seconds: float | None = 1.0, category: str = "general", **more: Any
    ) -> None:
        status = TaskStatus.SUCCEEDED if seconds is not None else TaskStatus.WAITING
        given: dict[str, Any] = {
            "owner_id": OPERATOR_ID,
            "phone_number": "+15550001",
            "body": "?",
            "category": category,
            "status": status,
            "processing_s": seconds,
            "created_wall": wall,
            "finished_wall": None if seconds is None else wall + seconds,
            "hour": hour_of(wall),
        }
        async with self.api.database.write() as tx:
            await TASKS.add(tx, SmsTask(**(given | more)))


@pytest.fixture
async def bench(tmp_path: pathlib.Path) -> AsyncIterator[Bench]:
    async with Api(tmp_path) as api:
        yield Bench(api)


async def test_tasks_are_counted_by_category_and_day(bench: Bench) -> None:
    await bench.task(MONDAY, 1.0, "coding", tokens=10)
    await bench.task(MONDAY + 60, 3.0, "coding", status=TaskStatus.FAILED, tokens=20)
    await bench.task(MONDAY + 15 * 3600, 5.0, "debug", tokens=30)  # 01:00 on Tuesday
    await bench.task(MONDAY + 16 * 3600, None, "debug", tokens=5)
    figures = await bench.figures.tasks(OPERATOR, TaskFilter())
    assert (figures.all.total, figures.all.succeeded) == (4, 2)
    assert figures.all.success_rate == 50.0
    assert figures.all.mean_processing_s == 3.0
    assert figures.all.mean_tokens == 20.0
    assert list(figures.by_category) == ["coding", "debug"]
    assert figures.by_category["coding"].mean_processing_s == 2.0
    monday = int(MONDAY // DAY_S)
    assert {day: tally.total for day, tally in figures.by_day.items()} == {
        monday: 2,
        monday + 1: 2,
    }
    some = await bench.figures.tasks(OPERATOR, TaskFilter(category="debug", to_wall=MONDAY + 1))
    assert (some.all.total, some.all.success_rate, some.by_day) == (0, 0.0, {})


async def test_an_overview_tells_who_was_there_lately(bench: Bench) -> None:
    now = bench.api.clock.wall()
    ann = await bench.contact("+12025550001", "premium")
    await bench.contact("+12025550002")
    await bench.contact("+12025550003")
    for id_, ago in ((ann, 3600.0), (await bench.contact("+12025550004"), 3 * DAY_S)):
        async with bench.api.database.write() as tx:
            contact = await CONTACTS.get(tx, id_, None)
            assert contact is not None
            await CONTACTS.update(tx, contact, last_seen_wall=now - ago)
    await bench.task(now - 3600, contact_id=ann)
    await bench.task(now - 2 * DAY_S)
    found = await bench.figures.overview(OPERATOR, TaskFilter())
    assert (found.contacts, found.seen_24h, found.seen_7d) == (4, 1, 2)
    assert found.tiers == {"free": 3, "premium": 1}
    assert (found.tasks.all.total, found.tasks_24h) == (2, 1)


async def test_contacts_are_counted_for_a_time_and_against_the_one_before(bench: Bench) -> None:
    begins, to = MONDAY + 2 * DAY_S, MONDAY + 4 * DAY_S
    people = [await bench.contact(f"+1416555000{n}", wall=MONDAY) for n in range(3)]
    await bench.contact("+447700900001", wall=begins)
    await bench.contact("+12025550001", wall=to)
    await bench.contact("+919876543210", "premium")
    for wall, id_ in (
        (MONDAY, people[0]),
        (MONDAY, people[1]),
        (begins, people[0]),
        (begins + 3600, people[0]),
        (begins + 3600, people[2]),
        (to, people[1]),
    ):
        await bench.task(wall, contact_id=id_)
    found = await bench.figures.contacts(OPERATOR, begins, to)
    assert (found.contacts, found.new, found.tasks) == (6, 1, 3)
    assert (found.active, found.active_before, found.retained) == (2, 2, 1)
    assert found.retention_rate == 50.0
    assert found.countries == {"US": 1, "CA": 3, "UK": 1, "Other": 1}
    assert found.by_hour == {10: 1, 11: 2}
    assert found.by_weekday == {2: 3}
    premium = await bench.figures.contacts(OPERATOR, begins, to, "premium")
    assert (premium.contacts, premium.tasks, premium.countries["Other"]) == (1, 0, 1)


async def test_changes_of_tier_are_counted_when_they_happen(bench: Bench) -> None:
    contacts, begins = bench.api.services.contacts, bench.api.clock.wall()
    await bench.contact("+12025550001")
    for tier in ("premium", "enterprise", "free", "gold", "free"):
        await contacts.change(OPERATOR, "+12025550001", {"tier": tier})
    found = await bench.figures.contacts(OPERATOR, begins, begins + 1)
    assert (found.upgrades, found.downgrades) == (2, 1)
    before = await bench.figures.contacts(OPERATOR, begins - 1, begins)
    assert (before.upgrades, before.downgrades) == (0, 0)


async def test_percentiles_are_values_that_were_measured(bench: Bench) -> None:
    nothing = await bench.figures.performance(OPERATOR)
    assert (nothing.p50_s, nothing.ended, nothing.errors) == (0.0, 0, 0)
    for seconds in range(1, 101):
        failed: dict[str, Any] = {"status": TaskStatus.FAILED} if seconds > 95 else {}
        await bench.task(MONDAY, float(seconds), **failed)
    await bench.task(MONDAY, None)
    async with bench.api.database.write() as tx:
        for type_ in ("b", "a", "a", "c"):
            await ERROR_LOGS.add(tx, ErrorLog(owner_id=OPERATOR_ID, type=type_, message="?"))
    found = await bench.figures.performance(OPERATOR)
    assert (found.p50_s, found.p95_s, found.p99_s, found.mean_s) == (50.0, 95.0, 99.0, 50.5)
    assert (found.ended, found.failed, found.errors) == (100, 5, 4)
    assert list(found.common_errors.items()) == [("a", 2), ("b", 1), ("c", 1)]


async def test_the_queue_is_told_as_it_is(bench: Bench) -> None:
    now = bench.api.clock.wall()
    await bench.task(now, None)
    await bench.task(now - 10 * 3600, 1.0)
    await bench.task(now - 11 * 3600, 1.0)
    await bench.task(now, 1.0, status=TaskStatus.FAILED)
    found = await bench.figures.queue(OPERATOR)
    assert (found.pending, found.failed, found.completed_today) == (1, 1, 1)


async def test_nobody_sees_figures_of_others(bench: Bench) -> None:
    await bench.contact("+12025550001")
    await bench.task(MONDAY)
    token = await bench.api.user("ann@example.org")
    for path in ("tasks", "overview", "contacts", "performance"):
        shown = await bench.api.want(200, "GET", f"/v1/analytics/sms/{path}", token=token)
        mine = await bench.api.want(200, "GET", f"/v1/analytics/sms/{path}")
        assert shown != mine, path
        assert not [v for k, v in shown.items() if isinstance(v, int) and v], path


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+12025550123", "US"),
        ("+14165550123", "CA"),
        ("+18765550123", "Other"),
        ("+447700900123", "UK"),
        ("+4930123456", "Other"),
        ("+1", "Other"),
        ("12025550123", "Other"),
    ],
)
def test_a_numbers_beginning_tells_its_country(number: str, country: str) -> None:
    assert country_of(number[:5]) == country
