"""`/v1/analytics` as a client meets it: figures equal those that are counted by hand."""

import asyncio
import csv
import datetime
import io
import math
import pathlib
import statistics
import zoneinfo
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pypdf
import pytest
import pytest_asyncio

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.domain.agents import Agent
from offhook.control.domain.analyses import AnalysisStatus
from offhook.control.domain.calls import Call, CallStatus, Outcome
from offhook.control.store.calls import CALLS
from offhook.media.errors import ProviderError
from offhook.tests.kit.api import TOKEN, Api
from offhook.tests.kit.seeded_calls import Seeded, make_calls, store_calls

BERLIN = "Europe/Berlin"
ZONE = zoneinfo.ZoneInfo(BERLIN)
FIRST, LAST = datetime.date(2026, 3, 20), datetime.date(2026, 4, 10)
"Clocks change on March 29."
RANGE = f"from={FIRST}&to={LAST}&timezone={BERLIN}"
TRIED = (Outcome.COMPLETED, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.FAILED)


class Office:
    """An API with two accounts' calls."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.made: list[Seeded] = []
        self.token = ""
        self.owner = ""

    async def settle(self, count: int = 400) -> None:
        self.token = await self.api.user("ann@example.com")
        account = await self.api.services.sign_in.named("ann@example.com")
        assert account is not None
        self.owner = account.id
        agents = [await self._agent("Anna", self.token), await self._agent("Bob", self.token)]
        agents.append(await self._agent("Carl", None))
        begin = datetime.datetime(2026, 3, 15, tzinfo=ZONE).timestamp()
        end = datetime.datetime(2026, 4, 15, tzinfo=ZONE).timestamp()
        self.made = make_calls(1, count, [self.owner, OPERATOR_ID], agents, begin, end)
        await store_calls(self.api.database, self.made)

    async def _agent(self, name: str, token: str | None) -> Agent:
        more = {} if token is None else {"token": token}
        made = await self.api.want(201, "POST", "/v1/agents", {"name": name}, **more)
        return Agent(id=made["id"], owner_id=made["owner_id"], name=name)

    async def figures(self, path: str, query: str = "", **more: Any) -> Any:
        """Of ann, in her range."""
        more = {"token": self.token} | more
        answer = await self.api.want(200, "GET", f"/v1/analytics/{path}?{RANGE}{query}", **more)
        assert answer["is_complete"]
        return answer["figures"]

    def wanted(self, fits: Callable[[Call], bool] = lambda _: True) -> list[Seeded]:
        """Ann's calls in her range."""
        return [
            one
            for one in self.made
            if one.call.owner_id == self.owner and FIRST <= day_of(one) <= LAST and fits(one.call)
        ]


# One process that counts is started for all tests that only ask.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with Api(tmp_path_factory.mktemp("office")) as api:
        office = Office(api)
        await office.settle()
        yield office


@pytest_asyncio.fixture(loop_scope="module")
async def changing(tmp_path: pathlib.Path) -> AsyncIterator[Office]:
    """One whose calls a test may change."""
    async with Api(tmp_path) as api:
        office = Office(api)
        await office.settle(60)
        yield office


# --- by hand --------------------------------------------------------------------------------------


def local(one: Seeded) -> datetime.datetime:
    wall = one.call.started_wall
    return datetime.datetime.fromtimestamp(one.call.created_wall if wall is None else wall, ZONE)


def day_of(one: Seeded) -> datetime.date:
    return local(one).date()


def rate(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


def counts(made: list[Seeded]) -> dict[str, Any]:
    status = Counter(one.call.status.value for one in made)
    outcome = Counter(one.call.outcome.value for one in made if one.call.outcome)
    tried = sum(outcome[each.value] for each in TRIED)
    return {
        "calls": len(made),
        "pending": status["scheduled"] + status["queued"],
        "in_progress": status["dialing"] + status["ringing"] + status["live"],
        **{each.value: outcome[each.value] for each in Outcome},
        "inbound": sum(one.call.inbound for one in made),
        "outbound": sum(not one.call.inbound for one in made),
        "success_rate": rate(outcome["completed"], tried),
    }


def durations(made: list[Seeded]) -> dict[str, Any]:
    values = [one.call.duration_s for one in made if one.call.duration_s is not None]
    return {
        "calls": len(values),
        "total_s": pytest.approx(sum(values), abs=0.002),
        "mean_s": pytest.approx(statistics.fmean(values), abs=0.001),
        "median_s": pytest.approx(statistics.median(values), abs=0.001),
        "p90_s": pytest.approx(
            statistics.quantiles(values, n=10, method="inclusive")[8], abs=0.001
        ),
    }


def tries(made: list[Seeded]) -> dict[str, Any]:
    retries = [one.call for one in made if one.call.retry_attempt]
    good = [call for call in retries if call.outcome is Outcome.COMPLETED]
    originals = {call.original_call_id for call in retries}
    recovered = {call.original_call_id for call in good}
    return {
        "retries": len(retries),
        "succeeded": len(good),
        "success_rate": rate(len(good), sum(call.outcome in TRIED for call in retries)),
        "originals": len(originals),
        "recovered": len(recovered),
        "recovery_rate": rate(len(recovered), len(originals)),
    }


def done(made: list[Seeded]) -> list[Any]:
    analyses = [one.analysis for one in made if one.analysis is not None]
    return [analysis for analysis in analyses if analysis.status is AnalysisStatus.DONE]


def moods(made: list[Seeded]) -> dict[str, Any]:
    found = Counter(a.sentiment.value for a in done(made) if a.sentiment)
    scores = [a.sentiment_score for a in done(made) if a.sentiment_score is not None]
    names = ("positive", "neutral", "negative")
    return {
        **{name: found[name] for name in names},
        **{f"{name}_rate": rate(found[name], found.total()) for name in names},
        "mean_score": pytest.approx(statistics.fmean(scores), abs=0.001) if scores else None,
    }


def money(made: list[Seeded]) -> dict[str, Any]:
    costs = [one.call.cost for one in made if one.call.cost and one.call.cost.currency == "USD"]
    if not costs:
        return {"calls": 0, "total": 0.0, "per_call": None, **dict.fromkeys(SERVICES, 0.0)}
    return {
        "calls": len(costs),
        "total": pytest.approx(sum(cost.total for cost in costs), abs=1e-5),
        "per_call": pytest.approx(sum(cost.total for cost in costs) / len(costs), abs=1e-5),
        **{
            name: pytest.approx(sum(getattr(cost, name) for cost in costs), abs=1e-5)
            for name in SERVICES
        },
    }


def by_agent(id_: str | None) -> Callable[[Call], bool]:
    return lambda call: call.agent_id == id_


def by_attempt(number: int) -> Callable[[Call], bool]:
    return lambda call: call.retry_attempt == number


SERVICES = ("stt", "llm", "tts", "carrier")


def gaps(made: list[Seeded]) -> dict[str, Any]:
    values = sorted(int(gap / 10 + 0.5) * 10 for one in made for gap in one.gaps_ms)
    if not values:
        names = ("mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms")
        return {"replies": 0, **dict.fromkeys(names)}

    def rank(percent: int) -> int:
        return values[math.ceil(percent * len(values) / 100) - 1]

    return {
        "replies": len(values),
        "mean_ms": pytest.approx(statistics.fmean(values), abs=0.1),
        **{f"p{percent}_ms": rank(percent) for percent in (50, 90, 95, 99)},
        "max_ms": values[-1],
    }


def marks(made: list[Seeded]) -> dict[str, Any]:
    scores = [a.qa_score for a in done(made) if a.qa_score is not None]
    grades = Counter(
        "excellent" if s >= 90 else "good" if s >= 75 else "fair" if s >= 60 else "poor"
        for s in scores
    )
    tens = Counter(min(int(score // 10), 9) for score in scores)
    return {
        "scored": len(scores),
        "mean": pytest.approx(statistics.fmean(scores), abs=0.01) if scores else None,
        "min": min(scores, default=None),
        "max": max(scores, default=None),
        **{grade: grades[grade] for grade in ("excellent", "good", "fair", "poor")},
        "distribution": [tens[ten] for ten in range(10)],
    }


def voicemail(made: list[Seeded]) -> dict[str, Any]:
    judged = [one.call.voicemail for one in made if one.call.voicemail is not None]
    return {
        "voicemails": sum(judged),
        "judged": len(judged),
        "rate": rate(sum(judged), len(judged)),
    }


def escalations(made: list[Seeded]) -> dict[str, Any]:
    asked = sum(bool(one.escalations) for one in made)
    taken = sum(any(e.bridged_wall for e in one.escalations) for one in made)
    answered = sum(one.call.duration_s is not None for one in made)
    return {"calls": asked, "taken": taken, "rate": rate(asked, answered)}


def all_of(made: list[Seeded]) -> dict[str, Any]:
    return {
        "counts": counts(made),
        "durations": durations(made),
        "voicemail": voicemail(made),
        "escalations": escalations(made),
        "retries": tries(made),
        "sentiment": moods(made),
        "qa": marks(made),
        "latency": gaps(made),
        "costs": money(made),
    }


def days() -> list[datetime.date]:
    return [FIRST + datetime.timedelta(days=n) for n in range((LAST - FIRST).days + 1)]


# --- figures --------------------------------------------------------------------------------------


async def test_the_summary_is_what_is_counted_by_hand(office: Office) -> None:
    made = office.wanted()
    assert len(made) > 100
    assert await office.figures("summary") == all_of(made) | {"currency": "USD"}


async def test_volume_goes_by_local_days_over_a_change_of_clocks(office: Office) -> None:
    figures = await office.figures("volume")
    made = office.wanted()
    assert figures["counts"] == counts(made)
    assert [step["date"] for step in figures["steps"]] == [day.isoformat() for day in days()]
    for step, day in zip(figures["steps"], days(), strict=True):
        of_day = [one for one in made if day_of(one) == day]
        assert step["counts"] == counts(of_day)
        total = sum(one.call.duration_s or 0.0 for one in of_day)
        assert step["duration_s"] == pytest.approx(total, abs=0.002)
    assert figures["steps"][9]["begins_at"] == "2026-03-29T00:00:00+01:00"
    assert figures["steps"][10]["begins_at"] == "2026-03-30T00:00:00+02:00"
    weeks = (await office.figures("volume", "&bucket=week"))["steps"]
    assert [step["date"] for step in weeks] == [
        "2026-03-16",
        "2026-03-23",
        "2026-03-30",
        "2026-04-06",
    ]
    assert sum(step["counts"]["calls"] for step in weeks) == len(made)
    months = (await office.figures("volume", "&bucket=month"))["steps"]
    march = [one for one in made if day_of(one).month == 3]
    assert [step["counts"]["calls"] for step in months] == [len(march), len(made) - len(march)]


async def test_hours_are_those_of_the_zone(office: Office) -> None:
    figures = await office.figures("hours")
    made = office.wanted()
    found = Counter((local(one).isoweekday(), local(one).hour) for one in made)
    cells = {(cell["weekday"], cell["hour"]): cell["calls"] for cell in figures["cells"]}
    assert len(cells) == 168
    assert {place: calls for place, calls in cells.items() if calls} == dict(found)
    for hour in figures["hours"]:
        of_hour = [one for one in made if local(one).hour == hour["number"]]
        assert hour["success_rate"] == counts(of_hour)["success_rate"]
    assert [day["number"] for day in figures["weekdays"]] == [1, 2, 3, 4, 5, 6, 7]
    assert sum(day["calls"] for day in figures["weekdays"]) == len(made)


async def test_each_agent_has_the_figures_of_its_calls(office: Office) -> None:
    figures = await office.figures("agents")
    sizes = [agent["counts"]["calls"] for agent in figures["agents"]]
    assert sizes == sorted(sizes, reverse=True)
    assert {agent["name"] for agent in figures["agents"]} == {"Anna", "Bob", ""}
    for agent in figures["agents"]:
        made = office.wanted(by_agent(agent["agent_id"]))
        wanted = all_of(made)
        assert {name: agent[name] for name in wanted} == wanted
        if agent["agent_id"] is not None:
            alone = await office.figures(f"agents/{agent['agent_id']}")
            assert alone == {"agent": agent, "currency": "USD"}


async def test_outcomes_say_why_calls_did_not_come_about(office: Office) -> None:
    figures = await office.figures("outcomes")
    made = office.wanted(lambda call: call.outcome in TRIED[1:])
    found = Counter((one.call.outcome.value, one.call.cause.value) for one in made)  # type: ignore[union-attr]
    told = {(cause["outcome"], cause["cause"]): cause["calls"] for cause in figures["causes"]}
    assert told == dict(found)
    assert [cause["calls"] for cause in figures["causes"]] == sorted(found.values(), reverse=True)
    assert sum(cause["share"] for cause in figures["causes"]) == pytest.approx(100, abs=0.1)


async def test_retries_sentiment_and_marks_are_counted_by_attempt_step_and_agent(
    office: Office,
) -> None:
    made = office.wanted()
    retries = await office.figures("retries")
    assert retries["retries"] == tries(made)
    for attempt in retries["attempts"]:
        of_number = office.wanted(by_attempt(attempt["number"]))
        assert attempt["counts"] == counts(of_number)
    sentiment = await office.figures("sentiment")
    assert sentiment["sentiment"] == moods(made)
    assert sentiment["analysed"] == len(done(made))
    for step, day in zip(sentiment["steps"], days(), strict=True):
        assert step["sentiment"] == moods([one for one in made if day_of(one) == day])
    quality = await office.figures("qa")
    assert quality["qa"] == marks(made)
    for agent in quality["agents"]:
        of_agent = office.wanted(by_agent(agent["agent_id"]))
        assert agent["qa"] == marks(of_agent)


async def test_phrases_are_counted_once_a_call_whatever_their_case(office: Office) -> None:
    figures = await office.figures("phrases", "&limit=3")
    analyses = done(office.wanted())
    found = Counter(phrase.lower() for a in analyses for phrase in a.key_phrases)
    wanted = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:3]
    assert figures == {
        "analysed": len(analyses),
        "phrases": [
            {"phrase": phrase, "calls": calls, "share": rate(calls, len(analyses))}
            for phrase, calls in wanted
        ],
    }


async def test_costs_are_in_one_currency_and_say_what_they_leave_out(office: Office) -> None:
    figures = await office.figures("costs")
    made = office.wanted()
    assert (figures["currency"], figures["costs"]) == ("USD", money(made))
    costs = [one.call.cost for one in made if one.call.cost]
    assert figures["other_currencies"] == sum(cost.currency == "EUR" for cost in costs)
    for agent in figures["agents"]:
        of_agent = office.wanted(by_agent(agent["agent_id"]))
        assert agent["costs"] == money(of_agent)
    for step, day in zip(figures["steps"], days(), strict=True):
        assert step["costs"] == money([one for one in made if day_of(one) == day])


async def test_reply_gaps_have_percentiles_by_day_and_a_histogram(office: Office) -> None:
    figures = await office.figures("latency")
    made = office.wanted()
    assert (figures["resolution_ms"], figures["latency"]) == (10, gaps(made))
    for step, day in zip(figures["steps"], days(), strict=True):
        assert step["latency"] == gaps([one for one in made if day_of(one) == day])
    values = [int(gap / 10 + 0.5) * 10 for one in made for gap in one.gaps_ms]
    low = 0
    for bar in figures["histogram"]:
        high = bar["up_to_ms"] or 10**9
        assert bar["replies"] == sum(low <= value < high for value in values)
        low = high


async def test_filters_leave_out_what_does_not_fit(office: Office) -> None:
    anna = (
        office.made[0].call.agent_id or office.wanted(lambda c: bool(c.agent_id))[0].call.agent_id
    )
    for query, fits in (
        ("direction=inbound", lambda call: call.inbound),
        ("line=mobile", lambda call: call.line == "mobile"),
        ("line=none-such", lambda call: False),
        ("campaign_id=spring", lambda call: call.campaign_id == "spring"),
        (f"agent_id={anna}", lambda call: call.agent_id == anna),
        ("outcome=busy", lambda call: call.outcome is Outcome.BUSY),
        ("status=ended", lambda call: call.status is CallStatus.ENDED),
        ("status=live", lambda call: call.status is CallStatus.LIVE),
        ("direction=outbound&line=office&outcome=completed", lambda call: (
            not call.inbound and call.line == "office" and call.outcome is Outcome.COMPLETED
        )),
    ):  # fmt: skip
        figures = await office.figures("outcomes", f"&{query}")
        assert figures["counts"] == counts(office.wanted(fits)), query


async def test_calls_can_be_counted_by_when_they_were_made_as_lists_go(office: Office) -> None:
    begin = datetime.datetime(2026, 3, 25, 12, tzinfo=datetime.UTC)
    end = begin + datetime.timedelta(days=9)
    edges = begin.isoformat()[:-6] + "Z", end.isoformat()[:-6] + "Z"

    def inside(wall: float | None) -> bool:
        return wall is not None and begin.timestamp() <= wall < end.timestamp()

    mine = [one.call for one in office.made if one.call.owner_id == office.owner]
    made = {call.id for call in mine if inside(call.created_wall)}
    begun = {call.id for call in mine if inside(call.started_wall or call.created_wall)}
    assert made != begun
    for query, ids in (("&by=created", made), ("", begun)):
        path = f"/v1/analytics/summary?from={edges[0]}&to={edges[1]}{query}"
        answer = await office.api.want(200, "GET", path, token=office.token)
        assert answer["figures"]["counts"]["calls"] == len(ids)
    listed = f"/v1/calls?limit=1&total=true&created_after={edges[0]}&created_before={edges[1]}"
    page = await office.api.want(200, "GET", listed, token=office.token)
    assert page["total"] == len(made)


# --- whose, and when ------------------------------------------------------------------------------


async def test_administrators_see_all_calls_or_an_accounts_and_others_only_their_own(
    office: Office,
) -> None:
    path = f"/v1/analytics/summary?{RANGE}"
    everybody = await office.api.want(200, "GET", path)
    inside = [one for one in office.made if FIRST <= day_of(one) <= LAST]
    assert everybody["figures"]["counts"] == counts(inside)
    anns = await office.api.want(200, "GET", f"{path}&account={office.owner}")
    assert anns["figures"]["counts"] == counts(office.wanted())
    own = await office.api.want(200, "GET", f"{path}&account={office.owner}", token=office.token)
    assert own == anns
    await office.api.want(404, "GET", f"{path}&account={OPERATOR_ID}", token=office.token)
    theirs = next(one.call.agent_id for one in office.made if one.call.owner_id == OPERATOR_ID)
    await office.api.want(404, "GET", f"/v1/analytics/agents/{theirs or 'x'}", token=office.token)
    await office.api.want(403, "POST", "/v1/analytics/rebuild", {}, token=office.token)


async def test_an_answer_says_its_range_and_zone_and_defaults_to_thirty_days(
    office: Office,
) -> None:
    api = office.api  # all of its calls are of another year
    answer = await api.want(200, "GET", f"/v1/analytics/volume?timezone={BERLIN}")
    assert answer["range"] == {
        "from": "2023-10-15T22:00:00Z",
        "to": "2023-11-14T22:13:20Z",
        "timezone": BERLIN,
        "bucket": "day",
        "by": "begun",
    }
    assert len(answer["figures"]["steps"]) == 30
    assert answer["figures"]["counts"]["success_rate"] is None
    for report in ("summary", "agents", "outcomes", "hours", "retries", "sentiment"):
        await api.want(200, "GET", f"/v1/analytics/{report}")
    for report in ("phrases", "costs", "latency", "qa"):
        await api.want(200, "GET", f"/v1/analytics/{report}")
    for query, field in (
        ("timezone=Europe/Atlantis", "timezone"),
        ("from=yesterday--", "from"),
        ("to=2026-13-01", "to"),
        ("from=2023-11-15&to=2023-11-01", "to"),
        ("from=1990-01-01&to=2020-01-01", "from"),
        ("from=2015-01-01&to=2020-01-01", "bucket"),
        ("bucket=decade", "bucket"),
        ("from=0001-01-01&to=0001-01-02&timezone=America/New_York", "to"),
        ("to=9999-12-31", "to"),
        ("from=1969-12-30&to=1970-01-05", "from"),
    ):
        problem = await api.want(400, "GET", f"/v1/analytics/volume?{query}")
        assert problem["field"] == field


async def test_figures_follow_what_happens_to_calls_and_come_out_the_same_when_made_anew(
    changing: Office,
) -> None:
    office = changing
    api, token = office.api, office.token
    before = await office.figures("summary")
    ended = office.wanted(lambda call: call.outcome is Outcome.BUSY)[0].call
    new = msgspec.structs.replace(
        ended,
        id="a-new-call",
        status=CallStatus.LIVE,
        outcome=None,
        record=None,
        original_call_id=None,
        retry_attempt=0,
    )
    async with api.database.write() as tx:
        new = await CALLS.add(tx, new)
    live = await office.figures("summary")
    assert live["counts"]["in_progress"] == before["counts"]["in_progress"] + 1
    changed = {"status": CallStatus.ENDED, "outcome": Outcome.COMPLETED, "duration_s": 60.0}
    async with api.database.write() as tx:
        new = await CALLS.update(tx, new, **changed)
    # What makes the row anew is that something is told of the call.
    await api.want(200, "PATCH", f"/v1/calls/{new.id}", {"metadata": {"a": 1}}, token=token)
    ended_now = await office.figures("summary")
    assert ended_now["counts"]["in_progress"] == before["counts"]["in_progress"]
    assert ended_now["counts"]["completed"] == before["counts"]["completed"] + 1
    assert ended_now["durations"]["calls"] == before["durations"]["calls"] + 1
    async with api.database.write() as tx:
        await CALLS.delete(tx, new.id, None)
    assert await office.figures("summary") == before
    rebuilt = await api.want(202, "POST", "/v1/analytics/rebuild", {})
    assert rebuilt == {"is_complete": False}
    assert await office.figures("summary") == before


async def test_a_deleted_accounts_calls_are_counted_no_more(changing: Office) -> None:
    office = changing
    everybody = f"/v1/analytics/summary?{RANGE}"
    await office.api.want(200, "GET", everybody)
    path = f"/v1/accounts/{office.owner}"
    await office.api.want(200, "PATCH", path, {"is_active": False})
    async with office.api.database.write() as tx:
        await CALLS.delete(tx, "open-live", None)
    await office.api.want(204, "DELETE", path)
    rest = [one for one in office.made if one.call.owner_id == OPERATOR_ID]
    left = [one for one in rest if one.call.id != "open-live" and FIRST <= day_of(one) <= LAST]
    answer = await office.api.want(200, "GET", everybody)
    assert answer["figures"]["counts"] == counts(left)


async def test_the_process_that_counts_may_die_and_comes_back(office: Office) -> None:
    before = await office.figures("summary")
    worker = office.api.services.analytics._counting._worker
    died = asyncio.Event()
    tell = worker._on_death

    def on_death(error: ProviderError) -> None:
        tell(error)
        died.set()

    worker._on_death = on_death
    worker.kill()
    await died.wait()
    assert await office.figures("summary") == before


# --- files ----------------------------------------------------------------------------------------


async def test_csv_has_a_row_a_step_and_no_formulas(office: Office) -> None:
    api = office.api
    await api.want(201, "POST", "/v1/agents", {"name": "x"}, token=office.token)
    agent = office.wanted(lambda call: bool(call.agent_id))[0].call.agent_id
    name = '=HYPERLINK("http://x.example","a, b")\r\nsecond line'
    await api.want(200, "PATCH", f"/v1/agents/{agent}", {"name": name}, token=office.token)
    answer = await api.ask("GET", f"/v1/analytics/export?{RANGE}&report=agents", token=office.token)
    text = await answer.text()
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="agents-2026-03')
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    figures = await office.figures("agents")
    assert [row["calls"] for row in rows] == [
        str(agent["counts"]["calls"]) for agent in figures["agents"]
    ]
    assert [row["name"] for row in rows if row["agent_id"] == agent] == [f"'{name}"]
    assert rows[0]["durations_median_s"] == str(figures["agents"][0]["durations"]["median_s"])
    for report in ("summary", "volume", "outcomes", "hours", "retries", "sentiment", "phrases"):
        answer = await api.ask("GET", f"/v1/analytics/export?report={report}", token=office.token)
        assert answer.status == 200
        assert "\r\n" in await answer.text()
    await api.want(400, "GET", "/v1/analytics/export?format=doc")


async def test_a_report_is_a_pdf_of_three_pages(office: Office) -> None:
    answer = await office.api.ask(
        "GET", f"/v1/analytics/export?{RANGE}&format=pdf", token=office.token
    )
    data = await answer.read()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/pdf")
    assert data.startswith(b"%PDF-")
    assert data.count(b"/Type /Page ") == 3


async def test_a_report_has_no_name_of_another_accounts_agent(office: Office) -> None:
    agents = (await office.api.want(200, "GET", "/v1/agents?limit=100"))["items"]
    (carl,) = (agent["id"] for agent in agents if agent["name"] == "Carl")
    path = f"/v1/analytics/export?{RANGE}&format=pdf&agent_id={carl}"
    printed = {}
    for token in (office.token, TOKEN):
        answer = await office.api.ask("GET", path, token=token)
        pages = pypdf.PdfReader(io.BytesIO(await answer.read())).pages
        printed[token] = "".join(page.extract_text() for page in pages)
    assert "agent Carl" in printed[TOKEN]
    assert "Carl" not in printed[office.token]
    assert f"agent {carl}" in printed[office.token]
