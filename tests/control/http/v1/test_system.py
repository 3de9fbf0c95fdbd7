"""`/v1/system`: the server in numbers, and the same where older products tell it."""

import pathlib
from collections.abc import AsyncIterator

import pytest

from offhook.control.dialects.callingplatform.stats import up
from offhook.tests.kit.api import Api


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def test_availability_is_all_since_the_first_start(api: Api) -> None:
    await api.services.availability.begin()
    api.clock.advance(600.0)
    system = await api.want(200, "GET", "/v1/system")
    assert (system["availability"], system["uptime_s"]) == (100.0, 600.0)
    assert system["available_from_at"] == "2023-11-14T22:13:20Z"


async def test_time_without_a_server_is_missing_from_the_availability(api: Api) -> None:
    await api.services.availability.begin()
    api.clock.advance(9000.0)
    await api.services.availability.beat(last=True)
    api.clock.advance(3.0)
    await api.services.availability.begin()
    api.clock.advance(997.0)
    assert (await api.want(200, "GET", "/v1/system"))["availability"] == 99.97
    stats = await api.want(200, "GET", "/callingplatform/api/v1/stats")
    assert stats["data"]["uptime"] == "99.97%"


def test_a_moment_without_a_server_is_never_rounded_away() -> None:
    assert up(1.0) == "100.00%"
    assert up(0.99999) == "99.99%"
    assert up(0.9995) == "99.95%"
    assert up(0.57) == "57.00%"
    assert up(0.0) == "0.00%"
