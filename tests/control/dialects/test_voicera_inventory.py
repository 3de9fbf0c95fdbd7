"""Every endpoint of voicera's document: method, path, status, names and types."""

import pathlib
from collections.abc import AsyncIterator

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

USER: dict[str, Shape] = {
    "id": "uuid",
    "email": "email",
    "first_name": "text",
    "last_name": "text",
    "created_at": "seconds",
}
AGENT: dict[str, Shape] = {
    "id": "uuid",
    "name": "text",
    "description": "text|null",
    "llm_provider": "text",
    "llm_model": "text",
    "status": "=active|=inactive",
    "created_at": "seconds",
}
LOG: dict[str, Shape] = {
    "id": "uuid",
    "campaign_id": "uuid|null",
    "phone_number": "text",
    "status": "=queued|=in_progress|=completed|=failed|=no_answer|=busy",
    "duration_seconds": "int|null",
    "sentiment": "=positive|=neutral|=negative|null",
    "emotions": ["text"],
    "transcript": "text|null",
    "created_at": "seconds",
}


def get(path: str, shape: Shape, query: str = "", *, open: bool = False) -> Endpoint:
    return Endpoint(method="GET", path=path, status=200, shape=shape, query=query, open=open)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/auth/register",
        status=201,
        shape=USER,
        open=True,
        body={
            "email": "new@example.com",
            "password": PASSWORD,
            "first_name": "John",
            "last_name": "Doe",
        },
    ),
    Endpoint(
        method="POST",
        path="/auth/login",
        status=200,
        shape={
            "token": "jwt",
            "refresh_token": "jwt",
            "expires_in": "int",
            "user": {"id": "uuid", "email": "email", "role": "=user|=admin"},
        },
        open=True,
        body={"email": EMAIL, "password": PASSWORD},
    ),
    get("/auth/me", USER | {"role": "=user|=admin"}),
    get(
        "/agents",
        {"total": "int", "skip": "int", "limit": "int", "items": [AGENT]},
        "skip=0&limit=10&search=ann&status=active",
    ),
    Endpoint(
        method="POST",
        path="/agents",
        status=201,
        shape={"id": "uuid", "name": "text", "status": "=active", "created_at": "seconds"},
        body={
            "name": "Support Agent",
            "description": "Handles customer support",
            "llm_provider": "openai",
            "llm_model": "gpt-4",
            "stt_provider": "deepgram",
            "tts_provider": "cartesia",
            "system_prompt": "You are a helpful support agent.",
            "language": "en",
            "voice_parameters": {
                "voice_id": "english_male",
                "speed": 1.0,
                "tone": "professional",
            },
        },
    ),
    get(
        "/agents/{agent}",
        AGENT
        | {
            "user_id": "uuid",
            "stt_provider": "text",
            "tts_provider": "text",
            "system_prompt": "text",
            "language": "text",
        },
    ),
    Endpoint(
        method="PUT",
        path="/agents/{agent}",
        status=200,
        shape={"id": "uuid", "name": "=Updated Name", "updated_at": "seconds"},
        body={"name": "Updated Name", "system_prompt": "New system prompt here"},
        statuses_unfit=(),
    ),
    get(
        "/campaigns",
        {
            "total": "int",
            "items": [
                {
                    "id": "uuid",
                    "name": "text",
                    "agent_id": "uuid|null",
                    "status": "=draft|=active|=paused|=completed",
                    "phone_numbers": ["phone"],
                    "start_time": "seconds|null",
                    "end_time": "seconds|null",
                    "created_at": "seconds",
                }
            ],
        },
        "skip=0&limit=20",
    ),
    Endpoint(
        method="POST",
        path="/campaigns",
        status=201,
        shape={"id": "uuid", "status": "=draft", "created_at": "seconds"},
        body={
            "name": "Q2 Marketing Campaign",
            "agent_id": "{agent}",
            "phone_numbers": ["+1234567890", "+1234567891"],
            "start_time": "2024-04-01T00:00:00Z",
            "end_time": "2024-06-30T23:59:59Z",
            "max_concurrent_calls": 50,
        },
    ),
    Endpoint(
        method="POST",
        path="/campaigns/{campaign}/launch",
        status=200,
        shape={"id": "uuid", "status": "=active", "launched_at": "seconds"},
    ),
    Endpoint(
        method="POST",
        path="/campaigns/{campaign}/pause",
        status=200,
        shape={"id": "uuid", "status": "=paused", "paused_at": "seconds"},
    ),
    get(
        "/call-logs",
        {"total": "int", "items": [LOG]},
        "status=completed&start_date=2023-01-01&end_date=2099-01-31&skip=0&limit=50",
    ),
    get(
        "/call-logs/{call}",
        LOG
        | {
            "summary": "text|null",
            "key_phrases": ["text"],
            "recording_url": "url|null",
            "cost": "number",
        },
    ),
    get(
        "/call-recordings/{call}",
        {
            "call_id": "uuid",
            "duration_seconds": "int",
            "format": "=wav",
            "size_bytes": "int",
            "download_url": "url",
            "transcript": "text",
            "metadata": {
                "agent_id": "uuid|null",
                "campaign_id": "uuid|null",
                "phone_number": "text",
            },
        },
    ),
    Endpoint(
        method="GET", path="/call-recordings/{call}/download", status=200, content="audio/wav"
    ),
    get(
        "/analytics/calls",
        {
            "total_calls": "int",
            "completed_calls": "int",
            "failed_calls": "int",
            "average_duration": "number",
            "success_rate": "number",
            "cost_per_call": "number",
        },
        "agent_id={agent}&days=30",
    ),
    get(
        "/analytics/sentiment",
        {
            "positive": "int",
            "neutral": "int",
            "negative": "int",
            "positive_percentage": "number",
            "neutral_percentage": "number",
            "negative_percentage": "number",
        },
        "days=7",
    ),
    get(
        "/analytics/top-phrases",
        [{"phrase": "text", "count": "int", "frequency": "number"}],
        "limit=20",
    ),
    get("/health", {"status": "=ok", "timestamp": "seconds"}, open=True),
    get("/readiness", {"database": "=ok", "storage": "=ok", "cache": "=ok"}, open=True),
    Endpoint(method="DELETE", path="/agents/{agent}", status=204),
)
REFRESH = ("POST", "/auth/refresh-token")
"The one that a refresh token is sent to: asked below."


@pytest.fixture
async def world(tmp_path: pathlib.Path) -> AsyncIterator[World]:
    async with Api(tmp_path) as api:
        yield await settled(api, dialect_of("voicera"))


async def test_all_endpoints_answer_as_documented(world: World) -> None:
    assert await walk(world, ENDPOINTS) == []


async def test_all_endpoints_refuse_in_the_documents_form(world: World) -> None:
    assert await walk_refusals(world, ENDPOINTS) == []


async def test_a_refresh_token_gives_new_tokens_and_stays_good(world: World) -> None:
    sent = {"email": EMAIL, "password": PASSWORD}
    login = await world.api.want(200, "POST", "/voicera/auth/login", sent)
    path = f"/voicera{REFRESH[1]}"
    for _ in range(2):
        fresh = await world.api.want(200, "POST", path, token=login["refresh_token"])
        assert unlike(fresh, {"token": "jwt", "expires_in": "int"}) == []
        assert fresh["expires_in"] == login["expires_in"] == 86_400
        await world.api.want(200, "GET", "/voicera/auth/me", token=fresh["token"])
    for wrong in (login["token"], "none"):
        refused = await world.api.want(401, "POST", path, token=wrong)
        assert refused["error"]["code"] == "AUTH_003"
    refused = await world.api.want(401, "GET", "/voicera/auth/me", token=login["refresh_token"])
    assert refused["error"]["code"] == "AUTH_003"
    world.api.clock.advance(86_400.0)
    expired = await world.api.want(401, "GET", "/voicera/auth/me", token=login["token"])
    assert expired["error"]["code"] == "AUTH_002"


def test_the_dialect_has_every_endpoint() -> None:
    refresh = Endpoint(method=REFRESH[0], path=REFRESH[1], status=200)
    assert len(ENDPOINTS) + 1 == 22
    assert lacking(dialect_of("voicera"), (*ENDPOINTS, refresh)) == set()
