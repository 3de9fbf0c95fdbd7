"""Notes are found by their tags, and calls by those of their notes."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.store import schema
from offhook.media.conversation.records import CallStatus
from offhook.tests.kit.api import Api
from offhook.tests.kit.call_records import call_of, call_record


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        for number in (1, 2):
            record = call_record(number)
            api.calls.add(call_of(record), record, lambda: None)
        await api.calls.settled()
        yield api


async def note(api: Api, number: int, *tags: str) -> Any:
    body = {"text": "Calls again.", "tags": tags}
    return await api.want(201, "POST", f"/v1/calls/call-{number}/notes", body)


async def calls(api: Api, query: str) -> list[str]:
    page = await api.want(200, "GET", f"/v1/calls?sort=created_at&{query}")
    return [call["id"] for call in page["items"]]


async def test_calls_are_found_by_a_tag_live_and_ended(api: Api) -> None:
    await note(api, 1, "vip", "billing", "vip")
    await note(api, 1, "vip")
    await note(api, 2, "billing")
    for status in ("live", "ended"):
        if status == "ended":
            for number in (1, 2):
                live = api.calls.find(f"call-{number}")
                assert live is not None
                live.record.status = CallStatus.ENDED
                api.calls.remove(live.id)
            await api.calls.settled()
        for query, found in (
            ("tag=vip", ["call-1"]),
            ("tag=billing", ["call-1", "call-2"]),
            (f"tag=billing&status={status}", ["call-1", "call-2"]),
            ("tag=VIP", []),
            ("tag=vi", []),
            ("tag=billing&search=nobody", []),
        ):
            assert await calls(api, query) == found, query
    await api.want(400, "GET", "/v1/calls?tag=")


async def test_tags_that_change_or_go_with_their_note_find_nothing_more(api: Api) -> None:
    made = await note(api, 1, "old", "both")
    path = f"/v1/calls/call-1/notes/{made['id']}"
    await api.want(200, "PATCH", path, {"tags": ["both", 'new "one"\\']})
    assert await calls(api, "tag=old") == []
    assert await calls(api, "tag=both") == ["call-1"]
    assert await calls(api, "tag=new+%22one%22%5C") == ["call-1"]
    await api.want(200, "PATCH", path, {"text": "Again."})
    assert await calls(api, "tag=both") == ["call-1"]
    await api.want(204, "DELETE", path)
    assert await calls(api, "tag=both") == []
    async with api.database.read() as tx:
        assert (await tx.execute(schema.NOTE_TAGS.select())).all() == []


async def test_a_calls_notes_are_filtered_by_a_tag(api: Api) -> None:
    first, second = await note(api, 1, "a", "b"), await note(api, 1, "b")
    await note(api, 2, "a")
    for query, found in (("tag=a", [first]), ("tag=b", [second, first]), ("tag=c", [])):
        page = await api.want(200, "GET", f"/v1/calls/call-1/notes?{query}")
        assert [item["id"] for item in page["items"]] == [each["id"] for each in found]
        assert page["items"] == found
