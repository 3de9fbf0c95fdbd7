"""A call's use and cost are stored with its end, and shown by the API."""

import pathlib
from collections.abc import AsyncIterator

import pytest

from offhook.control.calls.registry import CallRegistry
from offhook.control.configuration.config_costs import CostSettings, LineCosts, ProviderCosts
from offhook.control.store.calls import CallStore
from offhook.media.conversation.records import CallStatus, ServiceUse
from offhook.tests.kit.api import Api
from offhook.tests.kit.call_records import call_of, call_record

COSTS = CostSettings(
    providers=(ProviderCosts(name="cloud", tts_per_1000_chars=15.0),),
    lines=(LineCosts(name="office", inbound_per_minute=0.5),),
)


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


def registry(api: Api) -> CallRegistry:
    store = CallStore(api.database)
    return CallRegistry(store, api.bus, api.metrics, api.clock, api.recordings, costs=COSTS)


async def test_the_end_of_a_call_is_charged(api: Api) -> None:
    calls = registry(api)
    await calls.start()
    record = call_record(1, use=ServiceUse(tts_provider="cloud", tts_chars=100))
    calls.add(call_of(record), record, lambda: None)
    await calls.settled()
    live = await api.want(200, "GET", "/v1/calls/call-1")
    assert (live["usage"], live["cost"]) == (None, None)
    record.use.tts_chars += 20
    record.status, record.ended_wall = CallStatus.ENDED, record.started_wall + 2 + 61
    calls.remove(record.id)
    await calls.settled()
    ended = await api.want(200, "GET", "/v1/calls/call-1")
    assert ended["cost"] == {
        "currency": "USD",
        "stt": 0,
        "llm": 0,
        "analysis": 0,
        "tts": 1.8,  # 0.12 · 15
        "carrier": 1.0,  # two minutes
        "total": 2.8,
    }
    usage = ended["usage"]
    assert (usage["tts_provider"], usage["tts_chars"]) == ("cloud", 120)
    assert (usage["line"], usage["carrier_s"]) == ("office", 61.0)
    (listed,) = (await api.want(200, "GET", "/v1/calls"))["items"]
    assert listed["cost"] == ended["cost"]
    await calls.aclose()


async def test_a_call_that_a_crash_cut_off_is_charged_for_what_is_known(api: Api) -> None:
    record = call_record(1, use=ServiceUse(tts_provider="cloud", tts_chars=1000))
    api.calls.add(call_of(record, answered_wall=record.answered_wall), record, lambda: None)
    await api.calls.settled()
    calls = registry(api)
    assert await calls.start() == 1
    await calls.settled()
    stored = await CallStore(api.database).summary("call-1", None)
    assert stored is not None
    assert stored.cost is not None
    assert stored.cost.tts == 15.0
    await calls.aclose()
