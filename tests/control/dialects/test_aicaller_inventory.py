"""Every endpoint of the AI Caller document: what it answers, what it refuses, in which form."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.tests.kit.api import PASSWORD, Api
from offhook.tests.kit.inventory import (
    Endpoint,
    Shape,
    World,
    dialect_of,
    lacking,
    settled,
    unlike,
    walk,
    walk_refusals,
)
from offhook.tests.kit.tenant import EMAIL

BASE = "/api/v1"
DONE = {"success": "bool", "message": "text"}
BUSINESS = {
    "id": "uuid",
    "name": "text",
    "type": "text",
    "config_data": "object",
    "created_at": "seconds",
    "updated_at": "seconds",
}
PERSON = {
    "id": "uuid",
    "name": "text",
    "email": "email|null",
    "phone_number": "phone|null",
    "department": "text|null",
    "skills": ["text"],
    "is_available": "bool",
    "is_active": "bool",
    "created_at": "seconds",
    "updated_at": "seconds",
}
CALL = {
    "id": "uuid",
    "call_id": "uuid",
    "business_id": "uuid|null",
    "agent_id": "uuid|null",
    "direction": "=inbound|=outbound",
    "status": "=queued|=ringing|=in_progress|=completed|=failed|=no_answer|=busy|=escalated"
    "|=cancelled",
    "from_number": "text|null",
    "to_number": "text",
    "phone_number": "text",
    "started_at": "seconds|null",
    "ended_at": "seconds|null",
    "duration_seconds": "int|null",
    "sentiment": "=positive|=neutral|=negative|null",
    "qa_score": "number|null",
    "is_escalated": "bool",
    "escalation": "object|null",
    "recording_url": "url|null",
    "summary": "text|null",
    "interactions": [{"id": "uuid", "speaker": "text", "text": "text", "timestamp": "seconds"}],
    "created_at": "seconds",
}
NOTE = {
    "id": "uuid",
    "call_id": "uuid",
    "note": "text",
    "category": "text|null",
    "tags": ["text"],
    "created_by": "uuid",
    "created_at": "seconds",
    "updated_at": "seconds",
}
NOTIFICATION = {
    "id": "uuid",
    "type": "text",
    "title": "text",
    "message": "text",
    "call_id": "uuid|null",
    "is_read": "bool",
    "created_at": "seconds",
    "read_at": "seconds|null",
}
CONNECTION = {"connected": "bool", "error": "text|null"}


def get(path: str, shape: Shape | None, query: str = "", content: str = "") -> Endpoint:
    more: dict[str, Any] = {"content": content} if content else {}
    return Endpoint(method="GET", path=BASE + path, status=200, shape=shape, query=query, **more)


def send(
    method: str, path: str, shape: Shape, body: object = None, status: int = 200, **more: object
) -> Endpoint:
    unfit = () if method != "POST" else (400,)
    fields: dict[str, Any] = {"statuses_unfit": unfit} | more
    return Endpoint(
        method=method, path=BASE + path, status=status, shape=shape, body=body, **fields
    )


# In this order: what is asked about is deleted at the end.
ENDPOINTS: tuple[Endpoint, ...] = (
    send(
        "POST",
        "/auth/login",
        {"access_token": "jwt", "refresh_token": "jwt", "token_type": "=bearer"},
        {"email": EMAIL, "password": PASSWORD},
        open=True,
    ),
    send("POST", "/auth/forgot-password", {"message": "text"}, {"email": EMAIL}, open=True),
    send(
        "POST",
        "/config/test-connection",
        {"openai": CONNECTION, "twilio": CONNECTION, "success": "bool"},
        {
            "openai_api_key": "sk-...",
            "twilio_account_sid": "AC0123",
            "twilio_auth_token": "...",
            "twilio_phone_number": "+1234567890",
        },
        statuses_unfit=(),
    ),
    get("/config/business", [BUSINESS]),
    send(
        "POST",
        "/config/business",
        BUSINESS,
        {"name": "Business Name", "type": "customer_support", "config_data": {}},
        201,
    ),
    get("/config/business/{agent}", BUSINESS),
    send("PUT", "/config/business/{agent}", BUSINESS | {"name": "=New Name"}, {"name": "New Name"}),
    get(
        "/config/business/{agent}/usage",
        {
            "business_id": "uuid",
            "is_in_use": "bool",
            "active_calls": "int",
            "total_calls": "int",
        },
    ),
    send(
        "POST",
        "/setup/complete",
        {
            "success": "bool",
            "message": "text",
            "business_config": BUSINESS,
            "agents": [PERSON],
            "knowledge_base": [{"id": "uuid", "title": "text"}],
        },
        {
            "business_config": {
                "name": "Business Name",
                "type": "customer_support",
                "config_data": {},
            },
            "agents": [{"name": "Jane"}],
            "knowledge_base": [{"title": "Hours", "content": "Nine to five."}],
            "api_config": {},
        },
    ),
    get(
        "/calls",
        {"items": [CALL], "total": "int", "page": "int", "limit": "int", "pages": "int"},
        "status=completed&direction=inbound&from_date=2020-01-01&to_date=2099-01-01&page=1&limit=5",
    ),
    get("/calls/{call}", CALL),
    send(
        "POST",
        "/calls/initiate",
        CALL | {"status": "=queued", "direction": "=outbound"},
        {"to_number": "+1555123456", "business_id": "{agent}", "metadata": {"campaign": "x"}},
        201,
    ),
    send("POST", "/calls/{call}/end", CALL | {"status": "=completed"}),
    get("/calls/{call}/notes", [NOTE]),
    send(
        "POST",
        "/calls/{call}/notes",
        NOTE,
        {"note": "Note text", "category": "Follow-up", "tags": ["important"]},
        201,
    ),
    send("PUT", "/calls/{call}/notes/{note}", NOTE | {"note": "=Updated"}, {"note": "Updated"}),
    get("/agents", [PERSON]),
    send("POST", "/agents", PERSON, {"name": "Jane Doe", "email": "jane@example.com"}, 201),
    get("/agents/{person}", PERSON),
    send("PUT", "/agents/{person}", PERSON | {"name": "=Jane Smith"}, {"name": "Jane Smith"}),
    get(
        "/agents/{person}/usage",
        {
            "agent_id": "uuid",
            "is_in_use": "bool",
            "active_escalations": "int",
            "active_calls": "int",
            "total_escalations": "int",
            "total_calls": "int",
        },
    ),
    get("/notifications", [NOTIFICATION], "unread_only=true&type=call"),
    get("/notifications/unread-count", {"unread_count": "int", "count": "int"}),
    send("PATCH", "/notifications/{notification}/read", NOTIFICATION),
    send(
        "PATCH",
        "/notifications/read-all",
        {"success": "bool", "updated": "int", "unread_count": "int"},
    ),
    get(
        "/analytics/dashboard",
        {
            "total_calls": "int",
            "active_calls": "int",
            "completed_calls": "int",
            "failed_calls": "int",
            "escalated_calls": "int",
            "calls_today": "int",
            "average_duration_seconds": "number",
            "average_qa_score": "number|null",
            "success_rate": "number",
            "sentiment_distribution": {"positive": "int", "neutral": "int", "negative": "int"},
            "unread_notifications": "int",
        },
    ),
    get(
        "/analytics/call-volume",
        {
            "total": "int",
            "group_by": "=day",
            "data": [{"date": "date", "total": "int", "inbound": "int", "outbound": "int"}],
        },
    ),
    get(
        "/analytics/qa-stats",
        {
            "average_score": "number|null",
            "total_scored": "int",
            "min_score": "number|null",
            "max_score": "number|null",
            "distribution": {"excellent": "int", "good": "int", "fair": "int", "poor": "int"},
        },
    ),
    get("/analytics/export", None, content="text/csv"),
    send("DELETE", "/notifications/{notification}", DONE),
    send("DELETE", "/calls/{call}/notes/{note}", DONE),
    send("DELETE", "/agents/{person}", DONE),
    send("DELETE", "/config/business/{agent}", DONE),
)
RESET = Endpoint(method="POST", path=f"{BASE}/auth/reset-password", status=200)
"Needs the token that was sent: asked below."
ESCALATE = Endpoint(method="POST", path=f"{BASE}/calls/{{call}}/escalate", status=200)
"Needs a live call: asked of a server with a line."


@pytest.fixture
async def world(tmp_path: pathlib.Path) -> AsyncIterator[World]:
    async with Api(tmp_path) as api:
        yield await settled(api, dialect_of("aicaller"))


async def test_all_endpoints_answer_as_documented(world: World) -> None:
    # The business configuration's queued call is cancelled with the last lines.
    *others, removal = ENDPOINTS
    assert await walk(world, others) == []
    refused = await world.api.ask("DELETE", _path(world, removal), token=world.token)
    assert (await refused.json())["error"]["code"] == "BUSINESS_IN_USE"


async def test_all_endpoints_refuse_in_the_documents_form(world: World) -> None:
    assert await walk_refusals(world, ENDPOINTS) == []


def test_the_dialect_has_every_endpoint() -> None:
    whole = (*ENDPOINTS, RESET, ESCALATE)
    assert len(whole) == 35
    assert lacking(dialect_of("aicaller"), whole) == set()


async def test_a_refresh_token_gives_new_tokens(world: World) -> None:
    sent = {"email": EMAIL, "password": PASSWORD}
    login = await world.api.want(200, "POST", "/aicaller/api/v1/auth/login", sent)
    path = "/aicaller/api/v1/auth/refresh"
    fresh = await world.api.want(200, "POST", path, {"refresh_token": login["refresh_token"]})
    assert unlike(fresh, {"access_token": "jwt", "refresh_token": "jwt"}) == []
    token = fresh["access_token"]
    await world.api.want(200, "GET", "/aicaller/api/v1/agents", token=token)


def _path(world: World, endpoint: Endpoint) -> str:
    return f"/aicaller{world.filled(endpoint.path)}"
