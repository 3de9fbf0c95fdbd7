"""The whole server in this process: what /metrics tells of it, and what it does when it is late."""

import asyncio
import gc
import re
import weakref
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
from msgspec.structs import replace

from offhook.control.configuration.config import LEAST_SECOND_LEGS
from offhook.control.wiring import Server
from offhook.media.ports import LegRinging
from offhook.tests.kit.exposition import parse
from offhook.tests.kit.station import LIMIT_S, Party, Station
from offhook.tests.kit.whole_server import on_free_ports, started

READY = ("http=", "sip=sip:")


class Running:
    """A server on free ports of the loopback, and where it is found."""

    def __init__(self, server: Server) -> None:
        self.server = server
        words = server.ready_line().split()
        self.http, self.sip = (
            word.removeprefix(prefix) for word, prefix in zip(words[1:], READY, strict=True)
        )

    async def get(self, path: str) -> tuple[int, bytes]:
        async with aiohttp.ClientSession() as client, client.get(self.http + path) as answer:
            return answer.status, await answer.read()

    async def metrics(self) -> dict[str, float]:
        _, text = await self.get("/metrics")
        lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with started(on_free_ports(tmp_path, SIP_OPEN="loopback")) as server:
        yield Running(server)


KEPT = (
    "offhook_lanes",
    "offhook_rtp_port_pairs",
    "offhook_live_calls",
    'offhook_calls_in_memory{kind="session"}',
    'offhook_calls_in_memory{kind="leg"}',
    'offhook_sip_kept{kind="sessions"}',
)


async def call(caller: Station, running: Running) -> Party:
    """A call on which the agent can be heard."""
    party = caller.call(f"sip:agent@{running.sip}")
    await party.answered()
    await party.hear()
    return party


async def test_what_a_call_holds_is_told_and_given_back(running: Running) -> None:
    async with Station() as caller:
        before = await running.metrics()
        party = await call(caller, running)
        during = await running.metrics()
        assert {name: during[name] - before[name] for name in KEPT} == dict.fromkeys(KEPT, 1.0)
        assert during["offhook_tasks"] > before["offhook_tasks"]
        party.leg.hang_up()
        async with asyncio.timeout(LIMIT_S):
            await running.server.holding.settled()
        after = await running.metrics()
        assert {name: after[name] for name in KEPT} == dict.fromkeys(KEPT, 0.0)
        assert after['offhook_calls_ended_total{cause="normal"}'] == 1


async def test_a_server_that_has_closed_is_freed(tmp_path: Path) -> None:
    async with started(on_free_ports(tmp_path, SIP_OPEN="loopback")) as server, Station() as caller:
        party = await call(caller, Running(server))
        party.leg.hang_up()
        async with asyncio.timeout(LIMIT_S):
            await server.holding.settled()
        parts = (server, server.engine, server.registry, server.holding, server.lines)
        kept = {type(part).__name__: weakref.ref(part) for part in parts}
        del party, server, parts
    gc.collect()
    assert [name for name, part in kept.items() if part() is not None] == []


async def test_calls_that_ring_count_among_those_that_are_taken(tmp_path: Path) -> None:
    settings = on_free_ports(tmp_path, SIP_OPEN="loopback", LIMITS_MAX_CALLS="2")
    async with started(settings) as server, Station() as caller:
        running = Running(server)
        ringing = [caller.call(f"sip:ringing@{running.sip}") for _ in range(2)]
        for each in ringing:
            await each.wait_for(LegRinging)
        assert len(server.engine) == 0, "they have no lanes yet"
        refused = caller.call(f"sip:agent@{running.sip}")
        assert (await refused.ended()).status == 503
        for each in ringing:
            each.leg.hang_up()


async def test_when_all_calls_are_in_use_somebody_can_still_be_called_into_one(
    tmp_path: Path,
) -> None:
    own = {"LIMITS_MAX_CALLS": "1", "API_TOKEN": "a token", "LOOPBACK": "false"}
    own |= {"SIP_OPEN": "loopback", "SIP_ALLOW_PRIVATE": "true"}
    settings = on_free_ports(tmp_path, **own)
    headers = {"Authorization": "Bearer a token"}
    async with (
        started(settings) as server,
        Station() as caller,
        Station() as people,
        aiohttp.ClientSession(Running(server).http, headers=headers) as client,
    ):
        assert server.engine.settings.max_lanes == 1 + LEAST_SECOND_LEGS
        speaker = await call(caller, Running(server))
        assert server.health.refusal() == "all 1 calls are in use"
        async with client.get("/v1/calls") as answer:
            (live,) = (await answer.json())["items"]
        wanted = {"to": people.address("anna"), "mode": "listen"}
        async with client.post(f"/v1/calls/{live['id']}/bridge", json=wanted) as answer:
            assert answer.status == 202, await answer.text()
        listener = await people.incoming()
        listener.leg.answer()
        await listener.answered()
        await listener.hear_from(speaker)
        assert len(server.engine) == 2
        refused = caller.call(f"sip:agent@{Running(server).sip}")
        assert (await refused.ended()).status == 503


WANTED = {
    "offhook_calls_started_total",
    "offhook_turn_latency_seconds",
    "offhook_http_requests_total",
    "offhook_http_request_duration_seconds",
    "offhook_http_requests_in_flight",
    "offhook_http_rate_limited_total",
    "offhook_db_transactions_total",
    "offhook_db_transaction_duration_seconds",
    "offhook_db_write_wait_seconds",
    "offhook_db_writers_waiting",
    "offhook_db_file_bytes",
    "offhook_dial_queue_calls",
    "offhook_webhook_deliveries",
    "offhook_outbox_messages",
    "offhook_call_analyses",
    "offhook_provider_requests_total",
    "offhook_provider_errors_total",
    "offhook_provider_first_part_seconds",
}


async def test_the_metrics_are_such_as_a_strict_reader_takes(running: Running) -> None:
    await running.get("/v1/agents")
    _, text = await running.get("/metrics")
    told = parse(text.decode())
    assert told.keys() >= WANTED
    requests = told["offhook_http_requests_total"].values
    labels = frozenset({("method", "GET"), ("route", "/v1/agents"), ("status", "401")})
    assert requests["offhook_http_requests_total", labels] == 1


async def test_worker_processes_are_told(running: Running) -> None:
    metrics = await running.metrics()
    workers = {name: value for name, value in metrics.items() if "offhook_worker_" in name}
    assert workers['offhook_worker_ready{worker="espeak-0"}'] == 1
    assert workers['offhook_worker_restarts_total{worker="espeak-0"}'] == 0
    assert workers['offhook_worker_ready{worker="pocketsphinx-0"}'] == 1


async def test_a_late_clock_refuses_calls_and_keeps_the_live_one(running: Running) -> None:
    async with Station() as caller:
        live = await call(caller, running)
        engine = running.server.engine
        limits, engine.settings = engine.settings, replace(engine.settings, max_lateness_ms=1e-6)
        async with asyncio.timeout(LIMIT_S):
            # The first second of ticks is not judged.
            while (await running.get("/health"))[0] == 200:
                pass
        status, body = await running.get("/health")
        health = msgspec.json.decode(body)
        assert (status, health["status"], health["live_calls"]) == (503, "busy", 1)
        assert "late" in health["reason"]
        refused = caller.call(f"sip:agent@{running.sip}")
        assert (await refused.ended()).status == 503
        await live.hear()
        engine.settings = limits
        again = await call(caller, running)
        again.leg.hang_up()
        live.leg.hang_up()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SIP_OPEN": "loopback", "SIP_HOST": "0.0.0.0"}, r"call sip:agent@127\.0\.0\.1:[1-9]\d*$"),
        ({"TRUNKS_0_NAME": "t", "TRUNKS_0_ADDRESSES": "192.0.2.1"}, "from the trunks and lines"),
        ({}, "nobody can call yet: set OFFHOOK_SIP_OPEN=loopback"),
    ],
)
async def test_who_starts_it_is_told_how_to_call(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    async with started(on_free_ports(tmp_path, **environment)) as server:
        assert re.search(said, server.how_to_call())
