"""Every endpoint of callingplatform's document: method, path, status, names and types."""

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
    walk,
    walk_refusals,
)
from offhook.tests.kit.tenant import EMAIL

BASE = "/api/v1"
PAGES = {"total": "int", "page": "int", "limit": "int", "pages": "int"}
USER = {"user": {"_id": "user_", "email": "email", "name": "text"}, "token": "jwt"}
AGENT: dict[str, Shape] = {
    "_id": "agent_",
    "name": "text",
    "systemPrompt": "text",
    "voice": "text",
    "model": "text",
    "temperature": "number",
    "maxTokens": "int",
    "isActive": "bool",
    "userId": "user_",
    "createdAt": "millis",
}
PHONE: dict[str, Shape] = {
    "_id": "phone_",
    "phoneNumber": "phone",
    "agentId": "agent_|null",
    "isActive": "bool",
}
CALL: dict[str, Shape] = {
    "_id": "call_",
    "toPhone": "text",
    "agentId": "agent_|null",
    "status": "=scheduled|=in-progress|=completed|=failed|=cancelled",
    "createdAt": "millis",
}
SCHEDULE: dict[str, Shape] = {
    "_id": "schedule_",
    "agentId": "agent_|null",
    "toPhone": "phone",
    "pattern": "=daily|=weekly|=monthly",
    "time": "time",
    "isActive": "bool",
    "nextRunAt": "seconds|null",
}
RULE: Shape = {"maxAttempts": "int", "initialDelay": "int", "backoffMultiplier": "number"}
DOCUMENT: dict[str, Shape] = {
    "_id": "doc_",
    "title": "text",
    "fileName": "text",
    "agentId": "agent_",
    "status": "=processing|=ready|=failed",
    "createdAt": "millis",
}
DATES = "startDate=2023-11-01&endDate=2023-11-30T00:00:00Z"
CSV = (
    b"phoneNumber,agentId,userId,scheduledFor,timezone,priority\n"
    b"+919876543210,{agent},user_123,2023-11-02T10:00:00Z,Asia/Kolkata,high\n"
    b"+919876543211,{agent},user_123,,UTC,normal\n"
)


def said(message: str, data: Shape | None = None) -> Shape:
    """A success with a message."""
    body: dict[str, Any] = {"success": "any", "message": f"={message}"}
    return body if data is None else body | {"data": data}


def plain(data: Shape) -> Shape:
    """A success without one."""
    return {"success": "any", "data": data}


def endpoint(method: str, path: str, status: int, shape: Shape, **more: Any) -> Endpoint:
    return Endpoint(method=method, path=f"{BASE}{path}", status=status, shape=shape, **more)


ENDPOINTS = (
    endpoint(
        "POST",
        "/auth/register",
        201,
        said("User registered successfully", USER),
        open=True,
        body={"email": "new@example.com", "password": PASSWORD, "name": "John Doe"},
    ),
    endpoint(
        "POST",
        "/auth/login",
        200,
        said("Login successful", USER),
        open=True,
        body={"email": EMAIL, "password": PASSWORD},
    ),
    endpoint(
        "POST",
        "/agents",
        201,
        said("Agent created successfully", AGENT),
        body={
            "name": "Customer Support Agent",
            "systemPrompt": "You are a helpful customer support agent.",
            "voice": "Rachel",
            "model": "gpt-4",
            "temperature": 0.7,
            "maxTokens": 150,
            "isActive": True,
        },
    ),
    endpoint(
        "GET",
        "/agents",
        200,
        plain(
            {
                "agents": [
                    {"_id": "agent_", "name": "text", "isActive": "bool", "createdAt": "millis"}
                ],
                "pagination": PAGES,
            }
        ),
        query="isActive=true&page=1&limit=10",
    ),
    endpoint("GET", "/agents/{agent}", 200, plain(AGENT)),
    endpoint(
        "PUT",
        "/agents/{agent}",
        200,
        said("Agent updated successfully", AGENT),
        body={"name": "Updated", "systemPrompt": "Updated prompt", "isActive": True},
        statuses_unfit=(),
    ),
    endpoint(
        "POST",
        "/phones",
        201,
        said(
            "Phone number registered successfully",
            PHONE | {"userId": "user_", "createdAt": "millis"},
        ),
        body={"phoneNumber": "+919876543210", "agentId": "{agent}"},
    ),
    endpoint(
        "GET",
        "/phones",
        200,
        plain([PHONE | {"agentId": "object|null"}]),
    ),
    endpoint(
        "PUT",
        "/phones/{number}",
        200,
        said("Phone number updated successfully", PHONE),
        body={"agentId": "{agent}", "isActive": False},
        statuses_unfit=(),
    ),
    endpoint(
        "POST",
        "/calls/outbound",
        201,
        said(
            "Call initiated successfully",
            CALL | {"scheduledFor": "seconds", "timezone": "=Asia/Kolkata", "priority": "=high"},
        ),
        body={
            "toPhone": "+919876543210",
            "agentId": "{agent}",
            "context": "Customer callback regarding order #12345",
            "scheduledFor": "2023-11-02T10:00:00Z",
            "timezone": "Asia/Kolkata",
            "priority": "high",
        },
    ),
    endpoint(
        "GET",
        "/calls/outbound",
        200,
        plain({"calls": [CALL | {"duration": "int|null"}], "pagination": PAGES}),
        query="agentId={agent}&startDate=2020-01-01T00:00:00Z&endDate=2099-01-01&page=1&limit=5",
    ),
    endpoint(
        "GET",
        "/calls/outbound/{call}",
        200,
        plain(
            CALL
            | {
                "duration": "int|null",
                "transcript": [{"role": "text", "content": "text", "timestamp": "millis"}],
                "metadata": {"voicemailDetected": "bool|null", "callQuality": "text|null"},
            }
        ),
    ),
    endpoint(
        "POST",
        "/scheduling/recurring",
        201,
        said("Recurring call scheduled successfully", SCHEDULE | {"timezone": "=Asia/Kolkata"}),
        body={
            "agentId": "{agent}",
            "toPhone": "+919876543210",
            "pattern": "daily",
            "time": "10:00",
            "timezone": "Asia/Kolkata",
            "startDate": "2025-11-01",
            "endDate": "2025-11-30",
            "businessHoursOnly": True,
        },
    ),
    endpoint("GET", "/scheduling/list", 200, plain([SCHEDULE])),
    endpoint(
        "DELETE",
        "/scheduling/recurring/{schedule}",
        200,
        said("Recurring schedule cancelled successfully"),
    ),
    endpoint(
        "GET",
        "/scheduling/stats",
        200,
        plain(
            {
                "queue": {"waiting": "int", "active": "int", "completed": "int", "failed": "int"},
                "scheduledCalls": {"next24Hours": "int", "nextWeek": "int"},
            }
        ),
    ),
    endpoint(
        "GET",
        "/retry/config/{agent}",
        200,
        plain(
            {
                "agentId": "agent_",
                "retryConfig": {"no_answer": RULE, "busy": RULE, "failed": RULE},
            }
        ),
    ),
    endpoint(
        "PUT",
        "/retry/config/{agent}",
        200,
        said("Retry configuration updated successfully"),
        body={"no_answer": {"maxAttempts": 5, "initialDelay": 600000}},
        statuses_unfit=(),
    ),
    endpoint(
        "GET",
        "/retry/pending",
        200,
        plain(
            [
                {
                    "_id": "call_",
                    "toPhone": "phone|text",
                    "retryAttempt": "int",
                    "nextRetryAt": "seconds",
                    "failureReason": "=no_answer|=busy|=failed",
                }
            ]
        ),
    ),
    endpoint(
        "POST",
        "/retry/manual/{retry}",
        200,
        said(
            "Call retry initiated successfully",
            {
                "_id": "call_",
                "originalCallId": "call_",
                "retryAttempt": "int",
                "status": "=scheduled",
            },
        ),
    ),
    endpoint(
        "POST",
        "/bulk/import/validate",
        200,
        said(
            "CSV validation successful",
            {
                "totalRows": "int",
                "validRows": "int",
                "invalidRows": "int",
                "errors": [{"row": "int", "error": "text"}],
                "preview": [
                    {"phoneNumber": "phone", "agentId": "agent_", "scheduledFor": "seconds|null"}
                ],
            },
        ),
        form={"file": ("contacts.csv", CSV), "skipHeader": "true"},
    ),
    endpoint(
        "POST",
        "/bulk/import",
        202,
        said(
            "CSV import started",
            {"importId": "import_", "totalRows": "int", "status": "=processing"},
        ),
        form={"file": ("contacts.csv", CSV), "skipHeader": "true", "autoSchedule": "true"},
    ),
    endpoint(
        "GET",
        "/bulk/import/{import}/status",
        200,
        plain(
            {
                "importId": "import_",
                "status": "=processing|=completed|=failed",
                "totalRows": "int",
                "successfulRows": "int",
                "failedRows": "int",
                "errors": [{"row": "int", "error": "text"}],
                "createdAt": "millis",
                "completedAt": "millis|null",
            }
        ),
    ),
    endpoint(
        "GET",
        "/analytics/calls",
        200,
        plain(
            {
                "summary": {
                    "totalCalls": "int",
                    "successfulCalls": "int",
                    "failedCalls": "int",
                    "successRate": "number",
                    "averageDuration": "number",
                },
                "byStatus": {
                    "completed": "int",
                    "no_answer": "int",
                    "busy": "int",
                    "failed": "int",
                },
                "byDate": [{"date": "date", "calls": "int", "successRate": "number"}],
            }
        ),
        query=f"{DATES}&groupBy=week",
    ),
    endpoint(
        "GET",
        "/analytics/agents/{agent}",
        200,
        plain(
            {
                "agentId": "agent_",
                "agentName": "text",
                "totalCalls": "int",
                "successRate": "number",
                "averageDuration": "number",
                "voicemailDetectionRate": "number",
                "retrySuccessRate": "number",
                "topFailureReasons": [{"reason": "text", "count": "int"}],
            }
        ),
        query=DATES,
    ),
    endpoint(
        "GET",
        "/analytics/costs",
        200,
        plain(
            {
                "totalCost": "number",
                "costPerCall": "number",
                "breakdown": {
                    "stt": "number",
                    "llm": "number",
                    "tts": "number",
                    "exotel": "number",
                },
                "byAgent": [
                    {
                        "agentId": "agent_|null",
                        "agentName": "text",
                        "totalCost": "number",
                        "calls": "int",
                    }
                ],
            }
        ),
        query=DATES,
    ),
    endpoint(
        "POST",
        "/knowledge-base/upload",
        201,
        said("Document uploaded successfully", DOCUMENT),
        form={
            "file": ("manual.pdf", b"%PDF-1.4\n"),
            "agentId": "{agent}",
            "title": "Product Manual",
        },
    ),
    endpoint(
        "GET",
        "/knowledge-base",
        200,
        plain([DOCUMENT | {"vectorCount": "int"}]),
        query="agentId={agent}",
    ),
    endpoint("DELETE", "/knowledge-base/{document}", 200, said("Document deleted successfully")),
    endpoint(
        "POST",
        "/knowledge-base/search",
        200,
        plain(
            {
                "results": [
                    {
                        "content": "text",
                        "score": "number",
                        "documentId": "doc_",
                        "documentTitle": "text",
                    }
                ]
            }
        ),
        body={"query": "What is the return policy?", "agentId": "{agent}", "limit": 5},
    ),
    endpoint(
        "GET",
        "/stats",
        200,
        plain(
            {
                "calls": {
                    "total": "int",
                    "inbound": "int",
                    "outbound": "int",
                    "successRate": "number",
                },
                "agents": {"total": "int", "active": "int"},
                "queue": {"waiting": "int", "active": "int"},
                "uptime": "percent",
                "version": "text",
            }
        ),
    ),
    endpoint(
        "POST",
        "/exotel/webhook/incoming",
        200,
        said("Webhook received"),
        open=True,
        body={
            "CallSid": "exotel_call_sid",
            "From": "+919876543210",
            "To": "+919876543211",
            "CallStatus": "in-progress",
            "Direction": "inbound",
        },
    ),
    endpoint(
        "DELETE",
        "/calls/outbound/{waiting}",
        200,
        said("Call cancelled successfully"),
    ),
    endpoint("DELETE", "/agents/{agent}", 200, said("Agent deleted successfully")),
)


@pytest.fixture
async def world(tmp_path: pathlib.Path) -> AsyncIterator[World]:
    async with Api(tmp_path) as api:
        yield await settled(api, dialect_of("callingplatform"))


async def test_all_endpoints_answer_as_documented(world: World) -> None:
    assert await walk(world, ENDPOINTS) == []


async def test_all_endpoints_refuse_in_the_documents_form(world: World) -> None:
    assert await walk_refusals(world, ENDPOINTS) == []


def test_the_dialect_has_every_endpoint() -> None:
    assert len(ENDPOINTS) == 34
    assert lacking(dialect_of("callingplatform"), ENDPOINTS) == set()
