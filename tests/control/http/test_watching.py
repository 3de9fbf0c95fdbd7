"""Around every request: its id, its line in the log, its place in the metrics."""

import asyncio
import logging
import pathlib
from collections.abc import AsyncIterator

import pytest

from offhook.control.services.agents import AgentService
from offhook.control.store.calls import CallStore
from offhook.control.telemetry.logs import TextFormatter
from offhook.tests.kit.api import Api
from offhook.tests.kit.exposition import Family, parse


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.handler.setFormatter(TextFormatter())
    caplog.set_level(logging.DEBUG)
    return caplog


def lines_of(log: pytest.LogCaptureFixture, level: str) -> list[str]:
    watching = f" level={level} logger=offhook.control.http.watching "
    return [line for line in log.text.splitlines() if watching in line]


async def metrics_of(api: Api) -> dict[str, Family]:
    return parse(await (await api.ask("GET", "/metrics")).text())


def value(family: Family, **labels: str) -> float:
    return family.values[family.name, frozenset(labels.items())]


async def test_each_request_is_one_line_at_debug_with_its_id_and_account(
    api: Api, log: pytest.LogCaptureFixture
) -> None:
    token = await api.user("ann@x.example")
    me = await api.want(200, "GET", "/v1/me", token=token)
    log.clear()
    headers = {"X-Request-Id": "r-1"}
    response = await api.ask("GET", "/v1/agents?search=z", token=token, headers=headers)
    assert response.headers["X-Request-Id"] == "r-1"
    (line,) = lines_of(log, "debug")
    assert f' request=r-1 account={me["id"]} message="GET /v1/agents: 200 after ' in line
    assert lines_of(log, "info") == []


async def test_one_who_is_not_known_has_no_account(api: Api, log: pytest.LogCaptureFixture) -> None:
    await api.want(200, "GET", "/v1/agents")
    log.clear()
    await api.want(401, "GET", "/v1/agents", token="nobody")
    (line,) = lines_of(log, "debug")
    assert "account=" not in line
    assert "nobody" not in log.text


async def test_what_the_services_log_is_the_requests_too(
    api: Api, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def telling(*_: object) -> None:
        logging.getLogger("offhook.deep").warning("deep inside")
        raise RuntimeError

    monkeypatch.setattr(AgentService, "page", telling)
    await api.want(500, "GET", "/v1/agents", headers={"X-Request-Id": "r-2"})
    (line,) = [line for line in log.text.splitlines() if "deep inside" in line]
    assert " request=r-2 account=" in line


async def test_a_slow_request_is_told_at_info_with_its_time(
    api: Api, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = AgentService.page

    async def slow(self: AgentService, *rest: object) -> object:
        api.clock.advance(0.3)
        return await page(self, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(AgentService, "page", slow)
    await api.want(200, "GET", "/v1/agents")
    (line,) = lines_of(log, "info")
    assert "GET /v1/agents: 200 after 300.0 ms" in line
    assert lines_of(log, "debug") == []


async def test_requests_are_counted_by_template_and_status(api: Api) -> None:
    await api.want(404, "GET", "/v1/agents/one")
    await api.want(404, "GET", "/v1/agents/two")
    await api.want(404, "GET", "/v1/whatever/somebody/types")
    await api.want(404, "GET", "/v1/whatever/else")
    told = await metrics_of(api)
    requests = told["offhook_http_requests_total"]
    assert value(requests, method="GET", route="/v1/agents/{id}", status="404") == 2
    assert value(requests, method="any", route="none", status="404") == 2
    took = told["offhook_http_request_duration_seconds"]
    labels = frozenset({("method", "GET"), ("route", "/v1/agents/{id}")})
    assert took.values[f"{took.name}_count", labels] == 2


async def test_requests_in_flight_are_counted_while_they_are(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def waiting(*_: object) -> None:
        entered.set()
        await leave.wait()
        raise RuntimeError

    monkeypatch.setattr(CallStore, "get", waiting)
    asking = asyncio.create_task(api.want(500, "GET", "/v1/calls/x"))
    await entered.wait()
    # The request for the metrics is one itself.
    assert value((await metrics_of(api))["offhook_http_requests_in_flight"]) == 2
    leave.set()
    await asking
    assert value((await metrics_of(api))["offhook_http_requests_in_flight"]) == 1


async def test_requests_over_the_limit_are_counted_by_policy(tmp_path: pathlib.Path) -> None:
    async with Api(tmp_path, limited=True) as api:
        token = await api.user("ann@x.example")
        while (await api.ask("GET", "/v1/me", token=token)).status != 429:
            pass
        told = await metrics_of(api)
    assert value(told["offhook_http_rate_limited_total"], policy="api") == 1


async def test_an_account_of_one_request_is_not_the_next_ones(
    api: Api, log: pytest.LogCaptureFixture
) -> None:
    # Both come by one connection, which is one task of the server.
    await api.want(200, "GET", "/v1/agents")
    log.clear()
    await api.want(200, "GET", "/health")
    (line,) = lines_of(log, "debug")
    assert "account=" not in line
