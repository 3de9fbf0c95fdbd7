"""Ended calls are analysed, once each, over failures and crashes; nothing is made up."""

import asyncio
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from offhook.control.analysis.analysis_desk import AnalystDied
from offhook.control.analysis.analysis_runner import CLAIMED, REFUSED
from offhook.control.auth.principal import OPERATOR, OPERATOR_ID
from offhook.control.configuration.config_costs import CostSettings, ProviderCosts
from offhook.control.domain.agents import LanguageModel
from offhook.control.domain.analyses import (
    AnalysisSettings,
    AnalysisStatus,
    Check,
    CheckRule,
    Notice,
    PossibleOutcome,
    Sentiment,
)
from offhook.control.errors import Conflict, NotFound, StoreError
from offhook.control.services.analyses import ANALYSES
from offhook.control.services.analysis_steps import CUT_OFF, PAUSES_S
from offhook.control.services.notifications import NOTIFICATIONS
from offhook.control.store.analytics import refresh
from offhook.control.store.calls import SUMMARIES
from offhook.control.store.schema import CALL_FIGURES
from offhook.tests.kit.analysing_office import KEY_ENV, PROVIDER, AnalysingOffice
from offhook.tests.kit.openai_server import (
    KEY,
    STALL,
    Behaviour,
    OpenAIServer,
    completion,
    refusal,
)

BAD_CALL = ("Agent: Hello.", "Caller: this is terrible I am really angry")
ANSWER: dict[str, Any] = {
    "summary": "A parcel was lost.",
    "sentiment": "negative",
    "sentiment_score": -0.5,
    "turns": [{"turn": 1, "score": -0.5}],
    "emotions": [{"name": "angry", "share": 1.0}],
    "key_phrases": ["parcel"],
    "outcome": "refunded",
    "checklist": [{"question": 0, "passed": True, "reason": "it was"}],
    "action_items": [],
}


@pytest.fixture
async def office(tmp_path: pathlib.Path) -> AsyncIterator[AnalysingOffice]:
    async with AnalysingOffice(tmp_path) as office:
        yield office


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIServer]:
    monkeypatch.setenv(KEY_ENV, KEY)
    async with OpenAIServer().running() as running:
        yield running


@pytest.fixture
async def asking(tmp_path: pathlib.Path, server: OpenAIServer) -> AsyncIterator[AnalysingOffice]:
    """An office whose agents may ask a language model."""
    async with AnalysingOffice(tmp_path, server.base_url) as office:
        yield office


def says(**changes: Any) -> Behaviour:
    content = msgspec.json.encode(ANSWER | changes).decode()
    return Behaviour(pieces=(completion(content=content),))


async def test_an_ended_call_is_analysed_and_told(office: AnalysingOffice) -> None:
    call_id = await office.ended_call()
    await office.settled()
    analysis = await office.analysis(call_id)
    assert analysis.status is AnalysisStatus.DONE
    assert (analysis.provider, analysis.model, analysis.attempts) == ("embedded", "", 1)
    assert analysis.sentiment is not None
    assert "cancel my order" in analysis.summary
    told = await office.events("call.analysed", "call.qa")
    assert [event["type"] for event in told] == ["call.analysed", "call.qa"]
    assert told[0]["status"] == "done"
    assert told[0]["call_id"] == call_id
    call = await office.store.get(call_id, None)
    assert call is not None
    assert (call.sentiment, call.qa_score) == (analysis.sentiment, analysis.qa_score)


async def test_what_has_nothing_to_analyse_has_no_analysis(office: AnalysingOffice) -> None:
    unwilling = await office.agent(AnalysisSettings(enabled=False))
    for why, call_id in (
        ("not answered", await office.ended_call(answered=False)),
        ("nothing was said", await office.ended_call(())),
        ("none was asked for", await office.ended_call(agent_id=unwilling)),
    ):
        await office.settled()
        with pytest.raises(NotFound, match=why):
            await office.analysis(call_id)
    assert await office.events("call.analysed") == []


async def test_a_failed_try_is_made_again_and_then_given_up(office: AnalysingOffice) -> None:
    office.desk.failures = [AnalystDied("it fell") for _ in range(4)]
    call_id = await office.ended_call()
    await office.settled()
    for tries, pause_s in enumerate(PAUSES_S, 1):
        analysis = await office.analysis(call_id)
        assert (analysis.status, analysis.attempts) == (AnalysisStatus.PENDING, tries)
        assert analysis.error == "it fell"
        assert analysis.next_try_wall == office.clock.wall() + pause_s
        await office.pass_time(pause_s - 1)
        assert len(office.desk.asked) == tries
        await office.pass_time(1)
    analysis = await office.analysis(call_id)
    assert (analysis.status, analysis.attempts) == (AnalysisStatus.FAILED, 4)
    assert (analysis.summary, analysis.sentiment, analysis.qa_score) == ("", None, None)
    told = await office.events("call.analysed", "call.qa")
    assert [(event["status"], event["error"]) for event in told] == [("failed", "it fell")]
    await office.pass_time(3600)
    assert len(office.desk.asked) == 4


async def test_a_try_that_succeeds_later_leaves_no_error(office: AnalysingOffice) -> None:
    office.desk.failures = [AnalystDied("it fell")]
    call_id = await office.ended_call()
    await office.settled()
    await office.pass_time(PAUSES_S[0])
    analysis = await office.analysis(call_id)
    assert (analysis.status, analysis.attempts, analysis.error) == (AnalysisStatus.DONE, 2, "")


async def test_what_the_database_refuses_is_a_failed_try(
    office: AnalysingOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> bool:
        raise StoreError("the disk", "full")

    with monkeypatch.context() as patch:
        patch.setattr(office.steps, "store", refuse)
        call_id = await office.ended_call()
        await office.settled()
    waiting = await office.analysis(call_id)
    assert (waiting.status, waiting.error) == (AnalysisStatus.PENDING, REFUSED)
    await office.pass_time(PAUSES_S[0])
    assert (await office.analysis(call_id)).status is AnalysisStatus.DONE


async def test_a_bug_is_a_failed_try(office: AnalysingOffice) -> None:
    office.desk.failures = [ZeroDivisionError()]
    call_id = await office.ended_call()
    await office.settled()
    assert (await office.analysis(call_id)).error == "the server failed to analyse it"


async def test_what_a_crash_cuts_off_is_taken_up_again(office: AnalysingOffice) -> None:
    call_id = await office.ended_call()
    await office.runner.aclose()
    async with office.database.write() as tx:  # the row as a killed process leaves it
        analysis = await ANALYSES.find(tx, None, ANALYSES.table.c.call_id == call_id)
    assert analysis is None  # nobody has even read the event
    await office.restart()
    await office.settled()
    async with office.database.write() as tx:
        analysis = await ANALYSES.find(tx, None, ANALYSES.table.c.call_id == call_id)
        assert analysis is not None
        await ANALYSES.update(tx, analysis, status=AnalysisStatus.RUNNING, attempts=2)
    await office.runner.aclose()
    await office.restart()
    await office.settled()
    again = await office.analysis(call_id)
    assert (again.status, again.attempts) == (AnalysisStatus.DONE, 3)


async def test_one_node_of_all_analyses_and_takes_up_what_another_has_begun(
    office: AnalysingOffice,
) -> None:
    office.leads = False
    call_id = await office.ended_call()
    await office.settled()
    with pytest.raises(NotFound):
        await office.analysis(call_id)
    asked = await office.service.ask(OPERATOR, call_id)
    async with office.database.write() as tx:  # the other node's claim
        await ANALYSES.update(tx, asked, status=AnalysisStatus.RUNNING, attempts=1)
    await office.settled()
    assert (await office.analysis(call_id)).status is AnalysisStatus.RUNNING
    office.leads = True
    await office.settled()
    assert (await office.analysis(call_id)).status is AnalysisStatus.DONE


async def test_a_call_that_ends_the_server_each_time_is_given_up(office: AnalysingOffice) -> None:
    call_id = await office.ended_call()
    await office.settled()
    await office.runner.aclose()
    async with office.database.write() as tx:
        analysis = await ANALYSES.find(tx, None, ANALYSES.table.c.call_id == call_id)
        assert analysis is not None
        await ANALYSES.update(tx, analysis, status=AnalysisStatus.RUNNING, attempts=4)
    await office.restart()
    await office.settled()
    analysis = await office.analysis(call_id)
    assert (analysis.status, analysis.error) == (AnalysisStatus.FAILED, CUT_OFF)


async def test_an_orderly_stop_is_no_try(office: AnalysingOffice) -> None:
    office.desk.gate = asyncio.Event()
    call_id = await office.ended_call()
    office.runner.wake()
    await office.desk.called.acquire()
    assert (await office.analysis(call_id)).status is AnalysisStatus.RUNNING
    await office.runner.aclose()
    stopped = await office.analysis(call_id)
    assert (stopped.status, stopped.attempts) == (AnalysisStatus.PENDING, 0)
    office.desk.gate = None
    await office.restart()
    await office.settled()
    assert (await office.analysis(call_id)).status is AnalysisStatus.DONE


async def test_what_is_claimed_and_not_begun_is_given_back(office: AnalysingOffice) -> None:
    office.desk.gate = asyncio.Event()
    ids = [await office.ended_call() for _ in range(5)]
    office.runner.wake()
    await office.desk.called.acquire()
    await office.runner.aclose()
    office.desk.gate = None
    for call_id in ids:
        waiting = await office.analysis(call_id)
        assert (waiting.status, waiting.attempts) == (AnalysisStatus.PENDING, 0)
    await office.restart()
    await office.settled()
    assert {(await office.analysis(call_id)).status for call_id in ids} == {AnalysisStatus.DONE}


async def test_more_than_are_claimed_at_once_are_all_analysed(office: AnalysingOffice) -> None:
    ids = [await office.ended_call(BAD_CALL) for _ in range(2 * CLAIMED + 1)]
    await office.settled()
    told = await office.events("call.analysed")
    assert sorted(event["call_id"] for event in told) == ids


async def test_only_some_are_analysed_at_once(office: AnalysingOffice) -> None:
    office.desk.gate = asyncio.Event()
    ids = [await office.ended_call() for _ in range(5)]
    office.runner.wake()
    await office.desk.called.acquire()
    await office.desk.called.acquire()
    assert office.runner.working == len(office.desk.asked) == 2
    office.desk.gate.set()
    await office.settled()
    assert {(await office.analysis(call_id)).status for call_id in ids} == {AnalysisStatus.DONE}


async def test_a_call_whose_end_is_on_its_way_is_left_alone(office: AnalysingOffice) -> None:
    call_id = await office.ended_call()
    office.memory.ids.add(call_id)
    await office.settled()
    assert (await office.analysis(call_id)).status is AnalysisStatus.PENDING
    office.memory.ids.clear()
    await office.pass_time(1)
    assert (await office.analysis(call_id)).status is AnalysisStatus.DONE


async def test_no_end_is_read_twice_or_missed_over_restarts(office: AnalysingOffice) -> None:
    ids = []
    for _ in range(3):
        ids.append(await office.ended_call())
        await office.settled()
        await office.runner.aclose()
        ids.append(await office.ended_call())
        await office.restart()
        await office.settled()
    told = await office.events("call.analysed")
    assert sorted(event["call_id"] for event in told) == ids


async def test_a_call_can_be_analysed_anew(office: AnalysingOffice) -> None:
    call_id = await office.ended_call(end_is_told=False)
    await office.settled()
    first = await office.service.ask(OPERATOR, call_id)
    assert first.status is AnalysisStatus.PENDING
    await office.settled()
    done = await office.analysis(call_id)
    assert done.status is AnalysisStatus.DONE
    anew = await office.service.ask(OPERATOR, call_id)
    assert (anew.id, anew.status, anew.summary) == (done.id, AnalysisStatus.PENDING, "")
    await office.settled()
    assert (await office.analysis(call_id)).summary == done.summary
    assert len(await office.events("call.analysed")) == 2


async def test_what_cannot_be_analysed_cannot_be_asked_for(office: AnalysingOffice) -> None:
    with pytest.raises(NotFound):
        await office.service.ask(OPERATOR, "nothing")
    with pytest.raises(Conflict, match="not answered"):
        await office.service.ask(OPERATOR, await office.ended_call(answered=False))
    call_id = await office.ended_call()
    office.memory.ids.add(call_id)
    with pytest.raises(Conflict, match="not ended"):
        await office.service.ask(OPERATOR, call_id)
    office.memory.ids.clear()
    office.service.on = False
    with pytest.raises(Conflict, match="switched off"):
        await office.service.ask(OPERATOR, call_id)


async def test_an_owner_is_notified_of_what_they_want(office: AnalysingOffice) -> None:
    wanting = await office.agent(AnalysisSettings(notify=(Notice.NEGATIVE, Notice.FAILED)))
    content = await office.agent(AnalysisSettings())
    bad = await office.ended_call(BAD_CALL, agent_id=wanting)
    await office.ended_call(BAD_CALL, agent_id=content)
    await office.settled()
    async with office.database.read() as tx:
        told = await NOTIFICATIONS.all(tx, OPERATOR_ID)
    assert [(each.type, each.call_id) for each in told] == [("call.negative", bad)]
    assert (await office.analysis(bad)).sentiment is Sentiment.NEGATIVE
    office.desk.failures = [AnalystDied("it fell") for _ in range(4)]
    await office.ended_call(BAD_CALL, agent_id=wanting)
    await office.settled()
    await office.pass_time(sum(PAUSES_S) + 60)
    async with office.database.read() as tx:
        told = await NOTIFICATIONS.all(tx, OPERATOR_ID)
    assert [each.type for each in told] == ["call.negative", "call.analysis_failed"]


async def test_a_low_score_is_told_with_what_was_not_met(office: AnalysingOffice) -> None:
    asks = Check(question="Is the name asked for?", rule=CheckRule.ASKS, phrases=("name",))
    wanted = AnalysisSettings(checklist=(asks,), notify=(Notice.LOW_SCORE,))
    await office.ended_call(BAD_CALL, agent_id=await office.agent(wanted))
    content = AnalysisSettings(checklist=(asks,), notify=(Notice.LOW_SCORE,), notify_below=0.0)
    await office.ended_call(BAD_CALL, agent_id=await office.agent(content))
    await office.settled()
    async with office.database.read() as tx:
        (told,) = await NOTIFICATIONS.all(tx, OPERATOR_ID)
    assert told.type == "call.low_score"
    assert told.title.endswith("has a QA score of 0")
    assert told.message == "Not met:\nIs the name asked for?"


async def test_a_long_call_is_read_in_slices(office: AnalysingOffice) -> None:
    lines = [f"Caller: sentence {number} is good" for number in range(250)]
    call_id = await office.ended_call(lines)
    await office.settled()
    assert [turn.index for turn in office.desk.asked[0].turns] == list(range(250))
    assert len((await office.analysis(call_id)).sentiment_points) == 250


# --- by a language model --------------------------------------------------------------------------

BY_MODEL = AnalysisSettings(
    provider=PROVIDER,
    checklist=(Check(question="Is it kind?"),),
    outcomes=(PossibleOutcome(name="refunded"), PossibleOutcome(name="lost")),
)


async def test_a_language_model_analyses(asking: AnalysingOffice, server: OpenAIServer) -> None:
    server.script.append(says())
    call_id = await asking.ended_call(agent_id=await asking.agent(BY_MODEL))
    await asking.settled()
    analysis = await asking.analysis(call_id)
    assert analysis.status is AnalysisStatus.DONE
    assert (analysis.provider, analysis.model) == (PROVIDER, "acme-large")
    assert (analysis.summary, analysis.outcome) == ("A parcel was lost.", "refunded")
    assert analysis.qa_score == 100.0
    assert server.requests[0].body["model"] == "acme-large"
    schema = server.requests[0].body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["outcome"]["enum"] == ["refunded", "lost"]


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Behaviour(pieces=(completion(content="Certainly! Here it is:"),)), "not the JSON"),
        (says(outcome="stolen"), "no such outcome"),
        (Behaviour(pieces=(completion(refusal="No."),)), "refuses: No."),
        (refusal(401, "invalid_api_key"), "rejects the key"),
        (refusal(500, "oops"), "HTTP 500"),
        (Behaviour(pieces=(b"{}",)), "no answer"),
    ],
)
async def test_a_model_that_fails_is_asked_again_later(
    asking: AnalysingOffice, server: OpenAIServer, behaviour: Behaviour, error: str
) -> None:
    server.script.extend([behaviour, says()])
    call_id = await asking.ended_call(agent_id=await asking.agent(BY_MODEL))
    await asking.settled()
    failed = await asking.analysis(call_id)
    assert failed.status is AnalysisStatus.PENDING
    assert error in failed.error
    assert (failed.summary, failed.provider) == ("", "")
    await asking.pass_time(PAUSES_S[0])
    assert (await asking.analysis(call_id)).status is AnalysisStatus.DONE


async def test_what_every_answer_of_a_model_took_is_part_of_the_calls_cost(
    asking: AnalysingOffice, server: OpenAIServer
) -> None:
    price = ProviderCosts(name=PROVIDER, llm_per_1000_tokens_in=1.0, llm_per_1000_tokens_out=0.5)
    asking.costs = CostSettings(currency="EUR", providers=(price,))
    await asking.runner.aclose()
    await asking.restart()
    nonsense = Behaviour(pieces=(completion(content="Certainly! Here it is:"),))
    server.script.extend([nonsense, refusal(500, "oops"), says()])
    call_id = await asking.ended_call(agent_id=await asking.agent(BY_MODEL))
    await asking.settled()
    for pause_s in PAUSES_S[:2]:
        await asking.pass_time(pause_s)
    assert (await asking.analysis(call_id)).status is AnalysisStatus.DONE
    async with asking.database.read() as tx:
        call = await SUMMARIES.get(tx, call_id, None)
    assert call is not None
    assert call.usage is not None
    assert call.cost is not None
    # Two answers of one token each way; the refusal was none.
    used = call.usage
    assert (used.analysis_provider, used.analysis_tokens_in, used.analysis_tokens_out) == (
        PROVIDER,
        2,
        2,
    )
    assert (call.cost.currency, call.cost.analysis, call.cost.total) == ("EUR", 0.003, 0.003)
    async with asking.database.write() as tx:
        await refresh(tx, [call_id])
        row = (await tx.execute(select(CALL_FIGURES.c.cost_llm))).scalar_one()
    assert row == 0.003


async def test_a_busy_model_is_given_the_time_it_asks_for(
    asking: AnalysingOffice, server: OpenAIServer
) -> None:
    server.script.extend([refusal(429, "rate_limit_exceeded", retry_after="120"), says()])
    call_id = await asking.ended_call(agent_id=await asking.agent(BY_MODEL))
    await asking.settled()
    assert (await asking.analysis(call_id)).next_try_wall == asking.clock.wall() + 120
    await asking.pass_time(119)
    assert len(server.requests) == 1
    await asking.pass_time(1)
    assert (await asking.analysis(call_id)).status is AnalysisStatus.DONE


async def test_an_accounts_own_key_goes_first_and_its_limit_is_kept(
    asking: AnalysingOffice, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_ENV)
    asking.own_key = KEY
    agent_id = await asking.agent(BY_MODEL)
    server.script.append(says())
    first = await asking.ended_call(agent_id=agent_id)
    await asking.settled()
    assert (await asking.analysis(first)).status is AnalysisStatus.DONE
    asking.keys_used_up = True
    second = await asking.ended_call(agent_id=agent_id)
    await asking.settled()
    waiting = await asking.analysis(second)
    assert waiting.status is AnalysisStatus.PENDING
    assert "limits of the day" in waiting.error
    assert waiting.next_try_wall == asking.clock.wall() + 7200
    assert len(server.requests) == 1


async def test_a_model_that_does_not_answer_is_given_up(
    asking: AnalysingOffice, server: OpenAIServer
) -> None:
    quick = msgspec.structs.replace(asking.config, timeout_s=0.05)
    await asking.runner.aclose()
    asking.config = quick
    await asking.restart()
    server.script.append(Behaviour(pieces=(STALL,)))
    call_id = await asking.ended_call(agent_id=await asking.agent(BY_MODEL))
    await asking.settled()
    assert "0.05 s without an answer" in (await asking.analysis(call_id)).error


async def test_who_analyses_is_the_agents_choice_then_the_configurations(
    office: AnalysingOffice,
) -> None:
    async def who(settings: AnalysisSettings, **fields: Any) -> tuple[str, str]:
        agent_id = await office.agent(settings, **fields)
        call_id = await office.ended_call(end_is_told=False, agent_id=agent_id)
        job = await office.steps.job(await office.service.ask(OPERATOR, call_id))
        assert job is not None
        analyst = office.analysts.analyst_of(job.agent)
        return analyst.provider, analyst.model

    await office.runner.aclose()
    by_acme = {"llm": LanguageModel(provider=PROVIDER)}
    assert await who(AnalysisSettings()) == ("embedded", "")
    assert await who(AnalysisSettings(provider=PROVIDER)) == (PROVIDER, "acme-large")
    assert await who(AnalysisSettings(provider=PROVIDER, model="s")) == (PROVIDER, "s")
    assert await who(AnalysisSettings(), **by_acme) == (PROVIDER, "acme-large")
    assert await who(AnalysisSettings(provider="embedded"), **by_acme) == ("embedded", "")
    assert await who(AnalysisSettings(provider="unknown")) == ("embedded", "")
    office.config = msgspec.structs.replace(office.config, provider=PROVIDER, model="t")
    await office.restart()
    await office.runner.aclose()
    assert await who(AnalysisSettings()) == (PROVIDER, "t")
    assert await who(AnalysisSettings(provider="embedded")) == ("embedded", "")
