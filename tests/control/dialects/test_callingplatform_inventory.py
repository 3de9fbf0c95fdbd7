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
    named,
    same_rows,
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
        body={"name": "Updated", "systemPrompt": "Updated prompt", "isActive": False},
        statuses_unfit=(),
    ),
    endpoint("DELETE", "/agents/{agent}", 200, said("Agent deleted successfully")),
)


@pytest.fixture
async def world(tmp_path: pathlib.Path) -> AsyncIterator[World]:
    async with Api(tmp_path) as api:
        yield await settled(api, dialect_of("callingplatform"))


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
async def test_answers_as_documented(world: World, endpoint: Endpoint) -> None:
    await walk(world, endpoint)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
async def test_refuses_in_its_form(world: World, endpoint: Endpoint) -> None:
    await walk_refusals(world, endpoint)


def test_the_dialect_has_every_endpoint() -> None:
    same_rows(dialect_of("callingplatform"), ENDPOINTS)
