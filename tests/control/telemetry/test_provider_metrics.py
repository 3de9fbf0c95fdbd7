"""Requests to services, counted by the client that makes them, against a real server."""

import random
from collections.abc import AsyncIterator

import pytest

from offhook.control.telemetry.prometheus import expose
from offhook.control.telemetry.provider_metrics import ProviderMetrics
from offhook.control.telemetry.spans import UNTRACED
from offhook.drivers.openai_client import OpenAIClient, OpenAISettings
from offhook.media.clock import VirtualClock
from offhook.media.errors import ProviderError
from offhook.tests.kit.exposition import Family, parse
from offhook.tests.kit.openai_server import KEY, Behaviour, OpenAIServer, refusal

LABELS = {"provider": "cloud", "kind": "it"}


class Asking:
    """One client that is watched; time passes while it waits."""

    def __init__(self, base_url: str) -> None:
        self.clock = VirtualClock()
        self.metrics = ProviderMetrics(self.clock, UNTRACED)
        settings = OpenAISettings(base_url, "OFFHOOK_TEST_KEY", retries=1, provider="cloud")
        self.client = OpenAIClient(
            "it", settings, random.Random(1), self._sleep, watch=self.metrics.watch
        )

    async def ask(self) -> bytes:
        async def once() -> bytes:
            async with self.client.post("/audio/speech", b'{"input": "x"}') as response:
                self.clock.advance(0.25)
                return await response.read()

        return await self.client.call(once)

    def told(self) -> dict[str, Family]:
        return parse(expose(self.metrics.families()))

    async def _sleep(self, _: float) -> None:
        """No pause between tries."""


def value(family: Family, name: str = "", **labels: str) -> float:
    return family.values[name or family.name, frozenset(labels.items())]


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIServer]:
    monkeypatch.setenv("OFFHOOK_TEST_KEY", KEY)
    async with OpenAIServer().running() as running:
        yield running


@pytest.fixture
async def asking(server: OpenAIServer) -> AsyncIterator[Asking]:
    asking = Asking(server.base_url)
    yield asking
    await asking.client.aclose()


async def test_an_answer_is_one_request_with_its_time(server: OpenAIServer, asking: Asking) -> None:
    server.script.append(Behaviour(pieces=(b"ab",)))
    assert await asking.ask() == b"ab"
    told = asking.told()
    assert value(told["offhook_provider_requests_total"], **LABELS) == 1
    first = told["offhook_provider_first_part_seconds"]
    assert value(first, f"{first.name}_sum", **LABELS) == pytest.approx(0.25)
    assert value(told["offhook_provider_errors_total"]) == 0


async def test_a_refusal_that_is_tried_again_is_two_requests_and_one_error(
    server: OpenAIServer, asking: Asking
) -> None:
    server.script += [refusal(503, "overloaded"), Behaviour(pieces=(b"ab",))]
    assert await asking.ask() == b"ab"
    told = asking.told()
    assert value(told["offhook_provider_requests_total"], **LABELS) == 2
    errors = told["offhook_provider_errors_total"]
    assert list(errors.values.values()) == [1]


async def test_a_refusal_for_good_has_no_first_part(server: OpenAIServer, asking: Asking) -> None:
    server.script.append(refusal(401, "invalid_api_key"))
    with pytest.raises(ProviderError):
        await asking.ask()
    told = asking.told()
    code = "provider_key_rejected"
    assert value(told["offhook_provider_errors_total"], code=code, **LABELS) == 1
    assert told["offhook_provider_first_part_seconds"].values == {}


async def test_an_answer_that_nobody_wants_any_more_is_no_error(
    server: OpenAIServer, asking: Asking
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    stream = asking.client.stream(parts)
    assert await anext(stream) == b"one"
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator
    told = asking.told()
    assert value(told["offhook_provider_requests_total"], **LABELS) == 1
    assert value(told["offhook_provider_errors_total"]) == 0


async def test_what_an_answer_says_of_further_requests_is_kept(
    server: OpenAIServer, asking: Asking
) -> None:
    said = {"x-ratelimit-remaining-requests": "4500"}
    server.script.append(Behaviour(pieces=(b"ab",), headers=said))
    await asking.ask()
    newest = asking.metrics.standings.newest(("it",))
    assert newest is not None
    assert (newest.response_s, newest.remaining(asking.clock.now())) == (0.25, 4500)


async def test_a_refusal_says_that_nothing_more_is_taken(
    server: OpenAIServer, asking: Asking
) -> None:
    said = {"x_ratelimit_remaining_requests": "0"}
    server.script += [refusal(429, "rate_limit_exceeded", **said)] * 2
    with pytest.raises(ProviderError):
        await asking.ask()
    newest = asking.metrics.standings.newest(("it",))
    assert newest is not None
    assert (newest.error, newest.remaining(asking.clock.now())) == ("provider_busy", 0)
