"""What accounts are told by themselves: missed calls, campaigns, files, documents, webhooks."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.calls.calls import status_event
from offhook.control.domain.calls import Call, CallStatus, Outcome
from offhook.control.domain.campaigns import Campaign, CampaignStatus, Progress
from offhook.control.domain.documents import Document, DocumentStatus
from offhook.control.domain.events import DocumentProcessed, ImportEnded, WebhookDisabled
from offhook.control.domain.imports import ImportJob, ImportStatus
from offhook.control.services.documents import DOCUMENTS
from offhook.control.services.imports import IMPORTS
from offhook.control.services.news import News, campaign_ended, import_ended, missed_calls
from offhook.control.store.calls import CALLS
from offhook.tests.kit.api import Api

MISSED = Call(
    id="1",
    owner_id=OPERATOR_ID,
    inbound=True,
    from_number="+4930111",
    to_number="+4930222",
    status=CallStatus.ENDED,
    outcome=Outcome.NO_ANSWER,
    started_wall=1_700_000_000.0,
    ended_wall=1_700_000_012.0,
)


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


def news_of(api: Api) -> News:
    return News(api.database, api.services.events, api.services.notifications)


async def all_told(news: News) -> None:
    while await news.follow():
        pass


async def end(api: Api, **changes: Any) -> None:
    """A call has ended."""
    async with api.services.events.writing() as work:
        call = await CALLS.add(work.tx, msgspec.structs.replace(MISSED, **changes))
        work.tell(call.owner_id, status_event(call))


async def titles(api: Api) -> list[str]:
    page = await api.want(200, "GET", "/v1/notifications?sort=created_at")
    return [item["title"] for item in page["items"]]


async def test_a_missed_call_is_told_once_and_others_are_not(api: Api) -> None:
    news = news_of(api)
    await end(api, id="before anybody looked")
    await all_told(news)
    await end(api, id="missed")
    await end(api, id="taken", outcome=Outcome.COMPLETED, answered_wall=1_700_000_005.0)
    await end(api, id="ours", inbound=False)
    await end(api, id="cut off", outcome=Outcome.FAILED, answered_wall=1_700_000_005.0)
    await all_told(news)
    await all_told(news_of(api))  # another one, after a crash
    page = await api.want(200, "GET", "/v1/notifications?type=call.missed")
    (item,) = page["items"]
    assert (item["call_id"], item["title"]) == ("missed", "A call from +4930111 was missed")
    assert item["message"] == "It rang for 12 s at +4930222."
    assert (await api.want(200, "GET", "/v1/notifications/unread-count"))["unread"] == 1


async def test_many_missed_calls_are_one_notification(api: Api) -> None:
    news = news_of(api)
    await all_told(news)
    for number in range(5):
        await end(api, id=f"{number}", from_number=f"+493011{number % 2}")
    await all_told(news)
    assert await titles(api) == ["5 calls were missed"]


async def test_what_was_read_in_vain_or_in_part_is_told(api: Api) -> None:
    news = news_of(api)
    await all_told(news)
    now = api.clock.wall()
    async with api.services.events.writing() as work:
        job = ImportJob(
            owner_id=OPERATOR_ID,
            file_name="calls.csv",
            size_bytes=1,
            content_hash="0" * 64,
            status=ImportStatus.COMPLETED,
            rows_done=3,
            rows_ok=1,
            rows_failed=2,
        )
        job = await IMPORTS.add(work.tx, job)
        document = await DOCUMENTS.add(
            work.tx,
            Document(owner_id=OPERATOR_ID, title="Prices", size_bytes=1, content_hash="0" * 64),
        )
        ended = ImportEnded(
            at_wall=now, import_job_id=job.id, status=job.status, rows_ok=1, rows_failed=2
        )
        work.tell(OPERATOR_ID, ended)
        for status in (DocumentStatus.READY, DocumentStatus.FAILED):
            read = DocumentProcessed(
                at_wall=now,
                document_id=document.id,
                agent_id=None,
                status=status,
                chunks=0,
                error="there is no text in it",
            )
            work.tell(OPERATOR_ID, read)
        work.tell(OPERATOR_ID, WebhookDisabled(at_wall=now, webhook_id="deleted", reason="gone"))
    await all_told(news)
    assert await titles(api) == ["calls.csv was read", "Prices cannot be read"]


def test_a_campaign_tells_what_became_of_its_numbers() -> None:
    campaign = Campaign(owner_id="a", name="spring", numbers=7, status=CampaignStatus.COMPLETED)
    piece = campaign_ended(campaign, Progress(numbers=7, completed=4, no_answer=2, waiting=1))
    assert (piece.type, piece.title) == ("campaign.completed", "Campaign spring is completed")
    assert piece.message == "7 numbers: 4 completed, 2 no answer, 1 not called."
    piece = campaign_ended(campaign, Progress(numbers=7, failed=7))
    assert (piece.type, piece.title) == ("campaign.failed", "Campaign spring has reached nobody")


def test_a_file_that_cannot_be_read_tells_why() -> None:
    job = ImportJob(owner_id="a", size_bytes=1, content_hash="", status=ImportStatus.FAILED)
    piece = import_ended(msgspec.structs.replace(job, error="it has no column for numbers"))
    assert (piece.title, piece.message) == (
        "The uploaded file cannot be read",
        "It has no column for numbers.",
    )
    done = msgspec.structs.replace(
        job, file_name="a.csv", status=ImportStatus.COMPLETED, rows_done=1, rows_ok=1
    )
    assert import_ended(done).message == "1 call made of 1 row."


def test_why_a_call_was_not_answered_is_told() -> None:
    failed = msgspec.structs.replace(
        MISSED, outcome=Outcome.FAILED, failure_reason="the server was cut off"
    )
    (piece,) = missed_calls([failed])
    assert piece.message.endswith("Why it was not answered: the server was cut off.")
