"""`/v1/calls/{id}/analysis`, and what calls and agents show of it."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.domain.analyses import (
    AnalysisStatus,
    CallAnalysis,
    ChecklistItem,
    Sentiment,
    SentimentPoint,
)
from offhook.control.domain.calls import Call, CallStatus, Outcome
from offhook.control.services.analyses import ANALYSES
from offhook.control.store.calls import CALLS
from offhook.tests.kit.api import Api


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def a_call(api: Api, **fields: Any) -> str:
    known: dict[str, Any] = {
        "inbound": True,
        "from_number": "100",
        "to_number": "200",
        "status": CallStatus.ENDED,
        "outcome": Outcome.COMPLETED,
        "answered_wall": 5.0,
    }
    async with api.database.write() as tx:
        return (await CALLS.add(tx, Call(owner_id=OPERATOR_ID, **(known | fields)))).id


async def analysed(api: Api, call_id: str, **fields: Any) -> CallAnalysis:
    known: dict[str, Any] = {
        "status": AnalysisStatus.DONE,
        "provider": "embedded",
        "summary": "Caller: the order.",
        "sentiment": Sentiment.NEGATIVE,
        "sentiment_score": -0.4,
        "sentiment_points": (SentimentPoint(at_s=1.5, score=-0.4),),
        "emotions": {"angry": 1.0},
        "key_phrases": ("order",),
        "outcome": "completed",
        "qa_score": 50.0,
        "checklist": (ChecklistItem(question="?", passed=True, reason="yes"),),
        "finished_wall": 9.0,
    }
    analysis = CallAnalysis(owner_id=OPERATOR_ID, call_id=call_id, **(known | fields))
    async with api.database.write() as tx:
        return await ANALYSES.add(tx, analysis)


async def test_an_analysis_is_read(api: Api) -> None:
    call_id = await a_call(api)
    await analysed(api, call_id)
    found = await api.want(200, "GET", f"/v1/calls/{call_id}/analysis")
    assert found["status"] == "done"
    assert found["sentiment_points"] == [{"at_s": 1.5, "score": -0.4}]
    assert found["checklist"] == [{"question": "?", "passed": True, "reason": "yes"}]
    assert found["finished_at"] == "1970-01-01T00:00:09Z"
    assert found["next_try_at"] is None


async def test_a_try_that_is_to_come_has_its_moment_and_a_claim_has_none(api: Api) -> None:
    for status, moment in (
        (AnalysisStatus.PENDING, "1970-01-01T00:00:10Z"),
        (AnalysisStatus.RUNNING, None),
    ):
        call_id = await a_call(api)
        await analysed(api, call_id, status=status, next_try_wall=10.0)
        found = await api.want(200, "GET", f"/v1/calls/{call_id}/analysis")
        assert found["next_try_at"] == moment


async def test_a_call_shows_its_analysis_in_short(api: Api) -> None:
    call_id = await a_call(api, sentiment=Sentiment.NEGATIVE, qa_score=50.0)
    assert (await api.want(200, "GET", f"/v1/calls/{call_id}"))["analysis"] is None
    await analysed(api, call_id)
    call = await api.want(200, "GET", f"/v1/calls/{call_id}")
    assert call["analysis"] == {
        "status": "done",
        "summary": "Caller: the order.",
        "sentiment": "negative",
        "sentiment_score": -0.4,
        "emotions": {"angry": 1.0},
        "key_phrases": ["order"],
        "outcome": "completed",
        "qa_score": 50.0,
    }
    for feeling, found in (("negative", [call_id]), ("positive", [])):
        page = await api.want(200, "GET", f"/v1/calls?sentiment={feeling}")
        assert [item["id"] for item in page["items"]] == found
        assert all(
            (item["sentiment"], item["qa_score"]) == ("negative", 50.0) for item in page["items"]
        )


async def test_why_there_is_none_is_said(api: Api) -> None:
    missed = await a_call(api, answered_wall=None)
    silent = await a_call(api)
    for call_id, why in ((missed, "not answered"), (silent, "nothing was said")):
        problem = await api.want(404, "GET", f"/v1/calls/{call_id}/analysis")
        assert why in problem["detail"]
        problem = await api.want(409, "POST", f"/v1/calls/{call_id}/analysis")
        assert why in problem["detail"]
    waiting = await api.want(202, "POST", "/v1/calls", {"to": "+15550100"})
    problem = await api.want(404, "GET", f"/v1/calls/{waiting['id']}/analysis")
    assert "not ended" in problem["detail"]


async def test_an_agent_says_how_its_calls_are_analysed(api: Api) -> None:
    agent = await api.want(201, "POST", "/v1/agents", {"name": "Anna"})
    assert agent["analysis"]["enabled"] is True
    assert [check["rule"] for check in agent["analysis"]["checklist"]] == [
        "greets",
        "reply_gap",
        "interrupted_share",
    ]
    wanted = {
        "provider": "acme",
        "checklist": [
            {"question": "Asks for the name?", "rule": "asks", "phrases": ["name"]},
            {"question": "Is it kind?"},
        ],
        "outcomes": [{"name": "booked", "phrases": ["it is booked"]}],
        "notify": ["negative"],
    }
    path = f"/v1/agents/{agent['id']}"
    changed = await api.want(200, "PATCH", path, {"analysis": wanted})
    assert changed["analysis"]["checklist"][1]["rule"] == "judged"
    assert (await api.want(200, "GET", path))["analysis"] == changed["analysis"]
    none = await api.want(200, "PATCH", path, {"analysis": {"checklist": []}})
    assert none["analysis"]["checklist"] == []


@pytest.mark.parametrize(
    ("analysis", "said"),
    [
        ({"checklist": [{"question": "a", "rule": "says"}]}, "analysis.checklist[0].phrases"),
        ({"checklist": [{"question": "a", "rule": "reply_gap"}]}, "checklist[0].at_most"),
        ({"outcomes": [{"name": "a"}, {"name": "a"}]}, "analysis.outcomes"),
        ({"checklist": [{"question": "a", "rule": "guess"}]}, "rule"),
        ({"checklist": [{"question": ""}]}, "question"),
        ({"checklist": [{"question": "a"}] * 51}, "checklist"),
        ({"unknown": 1}, "unknown"),
    ],
)
async def test_settings_that_do_not_fit_are_refused(
    api: Api, analysis: dict[str, Any], said: str
) -> None:
    problem = await api.want(422, "POST", "/v1/agents", {"name": "A", "analysis": analysis})
    assert said in str(problem)
