"""The collections of requests: they can be run from their beginning to their end."""

from typing import Any

import pytest

from offhook.control.dialects.catalog import DIALECTS
from offhook.control.dialects.dialect import Dialect
from offhook.control.dialects.postman import LAST, tree
from offhook.control.http.openapi_schemas import Json


def folders_of(dialect: Dialect) -> dict[str, list[Json]]:
    found = tree(dialect, "http://localhost")
    return {
        folder["name"]: [item["request"] for item in folder["item"]] for folder in found["item"]
    }


def named(name: str) -> dict[str, list[Json]]:
    return folders_of(next(dialect for dialect in DIALECTS if dialect.name == name))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_nothing_is_taken_away_before_the_last_folder(dialect: Dialect) -> None:
    folders = folders_of(dialect)
    early = [request for name, some in folders.items() if name != LAST for request in some]
    assert [each["url"]["raw"] for each in early if each["method"] == "DELETE"] == []
    assert LAST not in folders or list(folders)[-1] == LAST


def test_what_was_made_last_is_taken_away_first() -> None:
    raws = [request["url"]["raw"] for request in named("callingplatform")[LAST]]
    assert raws == [
        "{{baseUrl}}/knowledge-base/:document",
        "{{baseUrl}}/scheduling/recurring/:schedule",
        "{{baseUrl}}/calls/outbound/:call",
        "{{baseUrl}}/agents/:agent",
    ]


def test_a_password_changes_when_no_request_needs_the_token_any_more() -> None:
    assert named("aetherium")[LAST][-1]["url"]["raw"].endswith("/change-password")


@pytest.mark.parametrize("name", ["aetherium", "callingplatform", "voicera"])
def test_no_request_makes_inactive_what_later_ones_use(name: str) -> None:
    said = [
        request.get("body", {}).get("raw", "") for some in named(name).values() for request in some
    ]
    assert [text for text in said if "false" in text] == []


def test_parameters_that_must_be_there_are_sent_with_an_example() -> None:
    def query(path: str) -> dict[str, Any]:
        found = next(
            r for r in named("callingplatform")["Analytics"] if r["url"]["raw"].endswith(path)
        )
        return {each["key"]: each for each in found["url"]["query"]}

    for path in ("/analytics/calls", "/analytics/agents/:agent", "/analytics/costs"):
        for name in ("startDate", "endDate"):
            assert query(path)[name] == {"key": name, "value": "2026-11-01"}
    assert query("/analytics/calls")["groupBy"]["disabled"] is True


def test_a_form_is_sent_as_its_example() -> None:
    body = named("callingplatform")["Webhooks"][0]["body"]
    assert {"key": "CallStatus", "value": "in-progress", "type": "text"} in body["urlencoded"]
