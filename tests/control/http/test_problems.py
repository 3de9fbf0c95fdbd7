"""Problems as responses."""

import json

import pytest
from aiohttp.test_utils import make_mocked_request

from offhook.control.errors import (
    FieldError,
    Forbidden,
    Problem,
    TooManyRequests,
    Unavailable,
    Unprocessable,
)
from offhook.control.http.problems import of_error

REQUEST = make_mocked_request("POST", "/v1/things")


def body_of(error: Problem) -> dict[str, object]:
    response = of_error(REQUEST, "r", error)
    assert isinstance(response.body, bytes)
    body: dict[str, object] = json.loads(response.body)
    assert body["status"] == response.status
    return body


def test_all_fields_at_fault_are_told() -> None:
    fields = [FieldError("name", "is missing"), FieldError("voice.rate", "at most 4")]
    body = body_of(Unprocessable("not allowed", fields))
    assert body["status"] == 422
    assert body["errors"] == [
        {"field": "name", "message": "is missing"},
        {"field": "voice.rate", "message": "at most 4"},
    ]
    assert "field" not in body
    assert body_of(Unprocessable("not allowed", fields[:1]))["field"] == "name"


def test_a_problem_without_fields_has_no_errors() -> None:
    assert set(body_of(Forbidden("not yours"))) == {
        *("type", "title", "status", "code", "instance", "request_id", "detail")
    }


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TooManyRequests("slower", 0.2), "1"),
        (TooManyRequests("slower", 60.0), "60"),
        (TooManyRequests("slower", 60.01), "61"),
        (Unavailable("busy", 2.0), "2"),
        (Forbidden("not yours"), None),
    ],
)
def test_when_to_come_back_is_told_in_whole_seconds_never_too_early(
    error: Problem, told: str | None
) -> None:
    assert of_error(REQUEST, "r", error).headers.get("Retry-After") == told
