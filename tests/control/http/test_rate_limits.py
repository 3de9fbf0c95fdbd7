"""How often one may ask, and what the headers say of it."""

import pathlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import make_mocked_request

from offhook.control.auth.principal import OPERATOR
from offhook.control.configuration.config import Settings
from offhook.control.configuration.config_http import HttpSettings, RateSettings, RatesSettings
from offhook.control.http.rate_limiting import RateLimiter, policies
from offhook.control.http.route import AnyRoute, Asked, Nothing, Route
from offhook.media.clock import VirtualClock
from offhook.tests.kit.api import TOKEN, Api

SETTINGS = Settings(
    http=HttpSettings(trusted_proxies=("127.0.0.0/8",)),
    rates=RatesSettings(api=RateSettings(60, burst=3)),
)


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path, SETTINGS, limited=True) as api:
        yield api


async def from_address(
    api: Api, address: str, token: str = "wrong", path: str = "/v1/agents"
) -> ClientResponse:
    return await api.ask("GET", path, token=token, headers={"X-Forwarded-For": address})


async def test_an_account_is_limited_wherever_it_asks_from(api: Api) -> None:
    token = await api.user("a@example.com")
    responses = [await from_address(api, f"203.0.113.{n}", token) for n in range(4)]
    assert [response.status for response in responses] == [200, 200, 200, 429]
    assert [r.headers["X-RateLimit-Remaining"] for r in responses] == ["2", "1", "0", "0"]
    assert {r.headers["X-RateLimit-Limit"] for r in responses} == {"60"}
    wall = api.clock.wall()
    assert [int(r.headers["X-RateLimit-Reset"]) - wall for r in responses] == [1, 2, 3, 3]
    assert responses[3].headers["Retry-After"] == "1"
    assert (await responses[3].json(content_type=None))["code"] == "too_many_requests"
    other = await api.user("b@example.com")
    assert (await from_address(api, "203.0.113.1", other)).status == 200
    api.clock.advance(1)
    assert (await from_address(api, "203.0.113.1", token)).status == 200
    assert (await from_address(api, "203.0.113.1", token)).status == 429


async def test_a_wrong_credential_counts_for_its_address(api: Api) -> None:
    guesses = [(await from_address(api, "203.0.113.1")).status for _ in range(5)]
    assert guesses == [401, 401, 401, 429, 429]
    assert (await from_address(api, "203.0.113.2")).status == 401
    token = await api.user("a@example.com")
    assert (await from_address(api, "203.0.113.1", token)).status == 200


async def test_whoever_has_a_64_is_one_client(api: Api) -> None:
    guesses = [(await from_address(api, f"2001:db8::{n}")).status for n in range(1, 5)]
    assert guesses == [401, 401, 401, 429]
    assert (await from_address(api, "2001:db8:0:1::1")).status == 401


async def test_the_operator_s_looking_on_is_not_limited_but_what_it_changes_is(api: Api) -> None:
    for _ in range(10):
        response = await api.ask("GET", "/v1/calls?status=live", token=TOKEN)
        assert response.status == 200
        assert "X-RateLimit-Limit" not in response.headers
    made = [(await api.ask("POST", "/v1/agents", {"name": "x"})).status for _ in range(4)]
    assert made == [201, 201, 201, 429]


async def test_health_and_metrics_are_not_counted(api: Api) -> None:
    for path in ("/health", "/metrics"):
        for _ in range(10):
            assert (await from_address(api, "203.0.113.1", path=path)).status == 200


async def test_addresses_that_are_no_route_count(api: Api) -> None:
    found = [(await from_address(api, "203.0.113.1", path="/nothing")).status for _ in range(4)]
    assert found == [404, 404, 404, 429]


def test_the_doors_are_counted_by_address_with_a_policy_of_their_own() -> None:
    clock = VirtualClock()
    limiter = RateLimiter(clock, policies(SETTINGS.rates))
    request, door = make_mocked_request("POST", "/door"), door_of("auth")
    for address in ("203.0.113.1", "203.0.113.2"):
        for count in range(12):
            decision = limiter.count(request, door, OPERATOR, address)
            assert decision is not None
            assert decision.allowed is (count < 10)


def door_of(rate: str) -> AnyRoute:
    async def enter(asked: Asked[Nothing, Nothing]) -> None: ...

    return Route(
        method="POST",
        path="/door",
        handler=enter,
        summary="",
        tag="",
        scope=None,
        rate=rate,
    )


async def test_without_limits_nobody_is_counted(tmp_path: pathlib.Path) -> None:
    async with Api(tmp_path, SETTINGS) as api:
        token = await api.user("a@example.com")
        for _ in range(10):
            response = await from_address(api, "203.0.113.1", token)
            assert response.status == 200
            assert "X-RateLimit-Limit" not in response.headers
