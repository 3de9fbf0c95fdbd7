"""Texts that come in: each becomes one task, is answered by an agent, and its reply is sent."""

import asyncio
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.client_network import networks
from offhook.control.auth.principal import OPERATOR, OPERATOR_ID
from offhook.control.configuration.config import ModelNames, ProviderSettings, Settings
from offhook.control.domain.sms_tasks import SmsTask, TaskStatus
from offhook.control.messages.twilio_signature import HEADER, signature_of
from offhook.control.services.error_logs import ErrorLogFilter
from offhook.control.services.sms_task_steps import Answered, Unanswered
from offhook.control.services.sms_tasks import TaskFilter
from offhook.control.store.rows import PageQuery
from offhook.tests.kit.openai_server import KEY, Behaviour, OpenAIServer, chat, refusal
from offhook.tests.kit.texting import OURS, THEIRS, Scripted, Texting

LATER = Unanswered(type="llm_failed", error="busy", tokens=3)
DONE = Answered(reply="Here you are.", tokens=7, metadata={"model_used": "m"})


@pytest.fixture
async def texting(tmp_path: pathlib.Path) -> AsyncIterator[Texting]:
    async with asyncio.timeout(30), Texting(tmp_path) as texting:
        yield texting


async def scripted(folder: pathlib.Path, *said: Answered | Unanswered) -> Texting:
    return Texting(folder, answering=Scripted(*said))


async def test_a_text_is_answered_by_the_house_responder_and_replied_to(texting: Texting) -> None:
    assert "<Response></Response>" in await texting.arrives("What is call waiting?")
    (task,) = await texting.ended()
    assert task.status is TaskStatus.SUCCEEDED
    assert task.reply
    assert (task.category, task.owner_id, task.tokens) == ("general", OPERATOR_ID, 0)
    assert (task.phone_number, task.our_number) == (THEIRS, OURS)
    assert task.processing_s is not None
    assert task.metadata["model_used"] == "house"
    (reply,) = await texting.outbox(THEIRS)
    assert reply["body"] == task.reply
    sms = await texting.api.services.sms.get(OPERATOR, task.reply_message_id or "")
    assert (sms.kind, sms.from_number, sms.contact_id) == ("reply", OURS, task.contact_id)
    contact = await texting.api.want(200, "GET", f"/v1/contacts/{THEIRS}")
    assert (contact["tier"], contact["messages_in"], contact["messages_out"]) == ("free", 1, 1)


async def test_what_is_told_twice_is_answered_once(texting: Texting) -> None:
    for _ in range(3):
        await texting.arrives("Hello?", "SM7")
    await texting.arrives("Hello?", "SM8")
    assert len(await texting.ended(2)) == 2
    assert len(await texting.outbox(THEIRS)) == 2


async def test_an_accounts_number_has_its_own_agent(texting: Texting) -> None:
    api = texting.api
    token = await api.user("ann@example.org")
    house = {"greeting": "", "answers": [{"name": "a", "say": "At nine.", "phrases": ["open"]}]}
    agent = await api.want(201, "POST", "/v1/agents", {"name": "shop", "house": house}, token=token)
    await api.want(
        201, "POST", "/v1/numbers", {"number": OURS, "agent_id": agent["id"]}, token=token
    )
    await texting.arrives("When do you open?")
    await texting.ended()
    page = await api.want(200, "GET", "/v1/sms-tasks?total=true", token=token)
    (task,) = page["items"]
    assert (task["reply"], task["metadata"]["prompt_template"]) == ("At nine.", "shop")
    other = await api.user("bob@example.org")
    assert (await api.want(200, "GET", "/v1/sms-tasks", token=other))["items"] == []


async def test_a_signature_is_asked_for_where_there_is_a_secret(texting: Texting) -> None:
    inbound, client = texting.api.services.inbound_sms, texting.api.client
    inbound.auth_token = "the secret"
    form = {"From": THEIRS, "To": OURS, "Body": "Hello & good day", "MessageSid": "SM1"}
    path = "/v1/messages/twilio"
    for given in (
        {},
        {HEADER: signature_of("another", str(client.make_url(path)), [*form.items()])},
    ):
        refused = await client.post(path, data=form, headers=given)
        assert refused.status == 403
    right = signature_of("the secret", str(client.make_url(path)), [*form.items()])
    assert (await client.post(path, data=form, headers={HEADER: right})).status == 200
    changed = await client.post(path, data=form | {"Body": "x"}, headers={HEADER: right})
    assert changed.status == 403


async def test_the_address_is_that_which_a_proxy_of_ours_was_asked_by(texting: Texting) -> None:
    inbound = texting.api.services.inbound_sms
    inbound.auth_token = "the secret"
    form = {"From": THEIRS, "To": OURS, "Body": "Hello", "MessageSid": "SM1"}
    url = "https://phone.example.org/v1/messages/twilio"
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "phone.example.org"}
    headers = said | {HEADER: signature_of("the secret", url, [*form.items()])}
    path = "/v1/messages/twilio"
    refused = await texting.api.client.post(path, data=form, headers=headers)
    assert refused.status == 403
    inbound.trusted = networks(["127.0.0.1/32"])
    taken = await texting.api.client.post(path, data=form, headers=headers)
    assert taken.status == 200


async def test_beyond_a_tiers_quota_nothing_is_answered_until_the_next_hour(
    texting: Texting,
) -> None:
    texting.api.services.sms_tasks.quotas = {"free": 2}
    for number in range(2):
        assert "<Message>" not in await texting.arrives("Hello?", f"SM{number}")
    assert "too many" in await texting.arrives("Hello?", "SM2")
    assert len(await texting.ended(2)) == 2
    texting.api.clock.advance(3600)
    assert "<Message>" not in await texting.arrives("Hello?", "SM3")
    assert len(await texting.ended(3)) == 3
    other = await texting.arrives("Hello?", "SM4", from_="+15551230002")
    assert "<Message>" not in other


async def test_a_failure_is_tried_again_and_tokens_of_all_tries_count(
    tmp_path: pathlib.Path,
) -> None:
    async with asyncio.timeout(30), Texting(tmp_path, answering=Scripted(LATER, DONE)) as texting:
        await texting.arrives("Hello?")
        await texting.runner.settled()
        (waiting,) = (await texting.api.want(200, "GET", "/v1/sms-tasks"))["items"]
        assert (waiting["status"], waiting["attempts"]) == ("waiting", 1)
        assert waiting["error"] == "busy"
        texting.api.clock.advance(5.0)
        (task,) = await texting.ended()
        assert (task.status, task.attempts, task.tokens) == (TaskStatus.SUCCEEDED, 2, 10)
        assert (task.error, task.processing_s) == ("", 5.0)


async def test_after_the_last_try_it_has_failed_and_a_person_is_told(
    tmp_path: pathlib.Path,
) -> None:
    async with asyncio.timeout(30), Texting(tmp_path, answering=Scripted(LATER)) as texting:
        await texting.arrives("Hello?")
        for pause_s in (5.0, 30.0):
            await texting.runner.settled()
            texting.api.clock.advance(pause_s)
        (task,) = await texting.ended()
        assert (task.status, task.attempts, task.tokens) == (TaskStatus.FAILED, 3, 9)
        logs = texting.api.services.error_logs
        (entry,) = (await logs.page(OPERATOR, PageQuery(), ErrorLogFilter())).items
        assert (entry.type, entry.task_id, entry.phone_number) == ("llm_failed", task.id, THEIRS)
        assert await texting.outbox(THEIRS) == []


async def test_what_was_being_answered_when_the_server_ended_is_answered_after_it(
    tmp_path: pathlib.Path,
) -> None:
    answering = Scripted(DONE)
    answering.hold = asyncio.Event()
    async with asyncio.timeout(30), Texting(tmp_path, answering=answering) as texting:
        await texting.arrives("Hello?")
        await answering.asked.wait()
        answering.hold.set()
        answering.hold = None
        await texting.restart()
        (task,) = await texting.ended()
        assert task.status is TaskStatus.SUCCEEDED
        assert len(await texting.outbox(THEIRS)) == 1


async def test_a_text_that_was_claimed_when_the_server_was_killed_waits_again(
    texting: Texting,
) -> None:
    await texting.runner.aclose()
    await texting.arrives("Hello?")
    steps = texting.api.services.sms_task_steps
    assert len(await steps.claim(10)) == 1
    assert await steps.claim(10) == []
    await texting.restart()
    (task,) = await texting.ended()
    assert (task.status, task.attempts) == (TaskStatus.SUCCEEDED, 2)


async def test_a_language_model_is_told_what_was_said_before_and_counted(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAR_KEY", KEY)
    async with asyncio.timeout(30), OpenAIServer().running() as server:
        far = ProviderSettings("far", server.base_url, "openai", "FAR_KEY", ModelNames(chat="m"))
        async with Texting(tmp_path, Settings(providers=(far,))) as texting:
            agent = await texting.api.want(
                201,
                "POST",
                "/v1/agents",
                {"name": "bot", "llm": {"provider": "far"}, "system_prompt": "Be kind."},
            )
            server.script += [Behaviour(pieces=(chat(text),)) for text in ("One.", "Two.")]
            server.script.append(refusal(400, "invalid", "no such model"))
            made: dict[str, Any] = {"number": THEIRS, "agent_id": agent["id"]}
            tasks: list[SmsTask] = []
            for number, words in enumerate(("First?", "Second?", "Third?"), 1):
                sent = made | {"body": words, "replies_by_sms": False}
                await texting.api.want(201, "POST", "/v1/sms-tasks", sent)
                tasks = await texting.ended(number)
            assert [task.reply for task in tasks] == ["One.", "Two.", None]
            assert [task.tokens for task in tasks] == [2, 2, 0]
            assert tasks[2].status is TaskStatus.FAILED
            assert tasks[2].error_type == "llm_rejected"
            messages = server.requests[1].body["messages"]
            said = [message["content"] for message in messages]
            assert said[0].startswith("Be kind.")
            assert said[-4:-1][:2] == ["First?", "One."]
            assert said[-1] == "Second?"
            assert await texting.outbox(THEIRS) == []


async def test_a_reply_that_cannot_be_sent_is_told(texting: Texting) -> None:
    await texting.arrives("Hello?", from_="+15551230030")
    (task,) = await texting.ended()
    assert task.status is TaskStatus.SUCCEEDED
    sms = await texting.api.services.sms.get(OPERATOR, task.reply_message_id or "")
    assert sms.status.value == "failed"
    logs = texting.api.services.error_logs
    (entry,) = (await logs.page(OPERATOR, PageQuery(), ErrorLogFilter())).items
    assert (entry.type, entry.phone_number) == ("sms_failed", "+15551230030")


async def test_faults_of_a_task_that_is_made_by_hand_are_told_together(texting: Texting) -> None:
    wrong = {"number": "x", "body": " ", "agent_id": "00000000-0000-4000-8000-00000000dead"}
    refused = await texting.api.want(422, "POST", "/v1/sms-tasks", wrong)
    assert [error["field"] for error in refused["errors"]] == ["phone_number", "body", "agent_id"]


async def test_tasks_are_found_by_what_they_are(texting: Texting) -> None:
    tasks = texting.api.services.sms_tasks
    for number, body in ((THEIRS, "A bug"), ("+15551230002", "Hello"), (THEIRS, "Hello")):
        sent = {"number": number, "body": body}
        await texting.api.want(201, "POST", "/v1/sms-tasks", sent)
    first, *_ = await texting.ended(3)
    for wanted, count in (
        (TaskFilter(phone_number="15551230001"), 2),
        (TaskFilter(category="debug"), 1),
        (TaskFilter(is_success=True), 3),
        (TaskFilter(is_success=False), 0),
        (TaskFilter(to_wall=first.created_wall), 0),
        (TaskFilter(from_wall=first.created_wall), 3),
    ):
        assert len((await tasks.page(OPERATOR, PageQuery(), wanted)).items) == count, wanted
    counted = await tasks.requests_of([first.contact_id or ""])
    assert counted[first.contact_id or ""].total == 2
    assert counted[first.contact_id or ""].this_month == 2
