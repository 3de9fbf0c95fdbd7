"""Every endpoint of smsagent's document: method, path, status, names and types; what it refuses."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.domain.accounts import Role
from offhook.tests.kit.api import PASSWORD, Api
from offhook.tests.kit.dialects import token_for
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

BOSS = "boss@example.com"
USER: dict[str, Shape] = {
    "phone_number": "phone",
    "tier": "=free|=premium|=enterprise",
    "email": "email|null",
    "full_name": "text|null",
    "created_at": "seconds",
    "last_active": "seconds",
    "total_requests": "int",
    "monthly_requests": "int",
    "timezone": "text",
    "preferences": "object",
}
DETAILS = USER | {
    "rate_limit_reset": "seconds|null",
    "stats": {
        "success_rate": "number",
        "avg_response_time": "number",
        "favorite_categories": ["text"],
    },
}
TASK: dict[str, Shape] = {
    "id": "int",
    "user_phone": "phone",
    "sms_content": "text",
    "ai_response": "text|null",
    "category": "text",
    "processing_time": "number|null",
    "tokens_used": "int",
    "complexity_score": "number",
    "success": "bool",
    "error_message": "text|null",
    "created_at": "seconds",
    "completed_at": "seconds|null",
    "metadata": "object",
}
ERROR: dict[str, Shape] = {
    "id": "int",
    "user_phone": "phone|null",
    "task_id": "int|null",
    "error_type": "text",
    "error_message": "text",
    "stack_trace": "text|null",
    "timestamp": "seconds",
    "resolved": "bool",
    "metadata": "object",
}


def sheet(item: Shape) -> Shape:
    return {"count": "int", "next": "url|null", "previous": "url|null", "results": [item]}


def get(path: str, shape: Shape, query: str = "", *, open: bool = False) -> Endpoint:
    return Endpoint(method="GET", path=path, status=200, shape=shape, query=query, open=open)


def post(path: str, status: int, shape: Shape, body: Any, *, open: bool = False) -> Endpoint:
    return Endpoint(method="POST", path=path, status=status, shape=shape, body=body, open=open)


def patch(path: str, shape: Shape, body: Any) -> Endpoint:
    return Endpoint(method="PATCH", path=path, status=200, shape=shape, body=body)


RATES: Shape = {"count": "int", "success_rate": "number", "avg_processing_time": "number"}
ENDPOINTS = (
    post(
        "/api/auth/token/",
        200,
        {"token": "token40", "user_id": "int", "username": "text"},
        {"username": BOSS, "password": PASSWORD},
        open=True,
    ),
    post(
        "/api/users/",
        201,
        USER | {"total_requests": "int"},
        {
            "phone_number": "+1987654321",
            "tier": "free",
            "email": "newuser@example.com",
            "full_name": "Jane Smith",
            "timezone": "America/New_York",
            "preferences": {"notifications": True, "language": "en"},
        },
    ),
    get("/api/users/", sheet(USER), "page=1&tier=free"),
    get("/api/users/{contact}/", DETAILS),
    patch("/api/users/{contact}/", DETAILS, {"tier": "premium", "preferences": {"language": "es"}}),
    post(
        "/api/users/{contact}/update_tier/",
        200,
        {
            "phone_number": "phone",
            "tier": "=enterprise",
            "previous_tier": "=premium",
            "reason": "text",
            "updated_at": "seconds",
        },
        {"tier": "enterprise", "reason": "Upgrade for increased usage"},
    ),
    post(
        "/api/users/{contact}/send_message/",
        200,
        {
            "message_id": "msg_",
            "phone_number": "phone",
            "message_type": "=notification",
            "status": "=queued|=sent|=delivered|=failed",
            "created_at": "seconds",
        },
        {"message": "Welcome to premium tier!"},
    ),
    get(
        "/api/tasks/",
        sheet(TASK),
        "user_phone=+15557000001&category=general&success=false"
        "&created_after=2023-01-01T00:00:00Z&created_before=2100-01-01&page=1&page_size=10",
    ),
    get("/api/tasks/{sms_task}/", TASK),
    post(
        "/api/tasks/",
        201,
        TASK,
        {
            "user_phone": "+1234567890",
            "sms_content": "Create a Python function to sort a list",
            "category": "coding",
        },
    ),
    get(
        "/api/tasks/analytics/",
        {
            "total_tasks": "int",
            "successful_tasks": "int",
            "success_rate": "number",
            "avg_processing_time": "number",
            "avg_tokens_used": "number",
            "category_breakdown": {"general": RATES},
            "daily_stats": [
                {
                    "date": "date",
                    "total_tasks": "int",
                    "successful_tasks": "int",
                    "avg_processing_time": "number",
                }
            ],
        },
        "start_date=2023-01-01&end_date=2100-01-01",
    ),
    get(
        "/api/analytics/overview/",
        {
            "total_users": "int",
            "active_users_24h": "int",
            "active_users_7d": "int",
            "total_tasks": "int",
            "tasks_24h": "int",
            "success_rate": "number",
            "avg_response_time": "number",
            "tier_distribution": {"free": "int", "premium": "int", "enterprise": "int"},
            "top_categories": [{"category": "text", "count": "int"}],
        },
        "start_date=2023-01-01",
    ),
    get(
        "/api/analytics/users/",
        {
            "total_users": "int",
            "new_users_period": "int",
            "active_users_period": "int",
            "retention_rate": "number",
            "tier_upgrades": "int",
            "tier_downgrades": "int",
            "geographic_distribution": {"US": "int", "CA": "int", "UK": "int", "Other": "int"},
            "usage_patterns": {
                "avg_requests_per_user": "number",
                "most_active_hours": ["int"],
                "peak_day": "text|null",
            },
        },
        "tier=free",
    ),
    get(
        "/api/analytics/performance/",
        {
            "response_times": {"avg": "number", "p50": "number", "p95": "number", "p99": "number"},
            "error_rates": {
                "total_errors": "int",
                "error_rate": "number",
                "common_errors": [{"type": "text", "count": "int"}],
            },
            "resource_usage": {
                "cpu_avg": "number",
                "memory_avg": "number",
                "database_connections": "int",
            },
        },
    ),
    post(
        "/api/messaging/broadcast/",
        200,
        {
            "message_id": "text",
            "recipients_count": "int",
            "estimated_delivery": "seconds",
            "status": "=queued",
        },
        {
            "message": "System maintenance scheduled for tonight at 2 AM EST.",
            "tier_filter": ["premium", "enterprise"],
            "message_type": "announcement",
        },
    ),
    get(
        "/api/messaging/status/{broadcast}/",
        {
            "message_id": "text",
            "status": "=queued|=sending|=completed|=failed",
            "sent_count": "int",
            "failed_count": "int",
            "delivery_rate": "number",
            "created_at": "seconds",
            "completed_at": "seconds|null",
        },
    ),
    get(
        "/api/error-logs/",
        sheet(ERROR),
        "error_type=sms&resolved=false&start_date=1970-01-01&end_date=2100-01-01",
    ),
    patch(
        "/api/error-logs/{error_log}/",
        ERROR | {"resolution_notes": "=Fixed", "resolved_at": "seconds"},
        {"resolved": True, "resolution_notes": "Fixed"},
    ),
    get(
        "/api/health/",
        {
            "status": "=healthy",
            "timestamp": "seconds",
            "services": {
                "database": {"status": "text", "response_time": "number", "connections": "int"},
                "redis": {"status": "text", "response_time": "number", "memory_usage": "text"},
                "openai": {
                    "status": "text",
                    "response_time": "number",
                    "rate_limit_remaining": "int",
                },
                "twilio": {"status": "text", "response_time": "number", "account_balance": "text"},
            },
            "version": "text",
            "uptime": "int",
        },
        open=True,
    ),
    get(
        "/api/system/stats/",
        {
            "system": {
                "cpu_usage": "number",
                "memory_usage": "number",
                "disk_usage": "number",
                "uptime": "int",
            },
            "database": {
                "total_size": "text",
                "connections": "int",
                "slow_queries": "int",
                "cache_hit_ratio": "number",
            },
            "queues": {"pending_tasks": "int", "failed_tasks": "int", "completed_today": "int"},
        },
    ),
    Endpoint(
        method="POST",
        path="/api/sms/receive/",
        status=200,
        open=True,
        form={
            "From": "+1234567890",
            "To": "+1987654321",
            "Body": "Help me debug this Python code",
            "MessageSid": "SM1234567890abcdef",
            "AccountSid": "AC1234567890abcdef",
        },
        content="application/xml",
    ),
)


@pytest.fixture
async def world(tmp_path: pathlib.Path) -> AsyncIterator[World]:
    async with Api(tmp_path) as api:
        world = await settled(api, dialect_of("smsagent"))
        world.token = await token_for(api, "smsagent", BOSS, Role.ADMIN)
        contact = await api.want(200, "GET", f"/v1/contacts/{world.ids['contact']}")
        world.ids["contact"] = contact["phone_number"]
        made = await api.want(200, "GET", f"/v1/broadcasts/{world.ids['broadcast']}")
        world.ids["broadcast"] = f"broadcast_{made['created_at'][:10].replace('-', '')}_001"
        yield world


def test_all_21_are_there() -> None:
    assert len(ENDPOINTS) == 21
    assert lacking(dialect_of("smsagent"), ENDPOINTS) == set()


async def test_every_endpoint_answers_as_the_document_says(world: World) -> None:
    assert await walk(world, ENDPOINTS) == []


async def test_every_endpoint_refuses_in_the_documents_form(world: World) -> None:
    allowed = ("PATCH /api/users/", "PATCH /api/error-logs/")
    faults = await walk_refusals(world, ENDPOINTS)
    # A change of nothing is one.
    assert [f for f in faults if not (f.startswith(allowed) and "an empty body: 200" in f)] == []
