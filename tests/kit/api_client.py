"""The HTTP API as a client sees it: plain JSON, and the event stream."""

import asyncio
import contextlib
from typing import Any, Self

import aiohttp
import msgspec

from offhook.bench.load.server_process import TOKEN

PATIENCE_S = 60.0
"Nothing here takes a second on a free machine; machines are not always free."


class ApiClient:
    """`async with ApiClient(http) as api`: connected to the events from then on."""

    def __init__(self, http: str) -> None:
        self._http = http
        self._stack = contextlib.AsyncExitStack()
        self._client: aiohttp.ClientSession | None = None
        self._events: aiohttp.ClientWebSocketResponse | None = None

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self._client = await self._stack.enter_async_context(
            aiohttp.ClientSession(headers=headers, raise_for_status=True)
        )
        self._events = await self._stack.enter_async_context(
            self._client.ws_connect(f"{self._http}/v1/events")
        )
        await self._events.receive()  # the cursor: from now on nothing is missed
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def get(self, path: str) -> Any:
        """A JSON document."""
        return msgspec.json.decode(await self._read(path))

    async def call(self, call_id: str) -> Any:
        """What is known of a call."""
        return await self.get(f"/v1/calls/{call_id}")

    async def gauge(self, name: str) -> float:
        """One figure of /metrics."""
        for line in (await self._read("/metrics")).decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        raise KeyError(name)

    async def event(self, kind: str, **fields: object) -> dict[str, Any]:
        """The next event of that type with those values; others are passed over."""
        assert self._events is not None, "entered first"
        seen: list[object] = []
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    event: dict[str, Any] = (await self._events.receive_json())["event"]
                    if event["type"] == kind and all(event[k] == v for k, v in fields.items()):
                        return event
                    seen.append(event)
        except TimeoutError:
            raise AssertionError(f"no {kind} {fields} came, only {seen}") from None

    async def ended_call(self) -> Any:
        """The next call that ends, with all that is known of it."""
        return await self.call((await self.event("call.ended"))["call_id"])

    async def _read(self, path: str) -> bytes:
        assert self._client is not None, "entered first"
        async with self._client.get(f"{self._http}{path}") as answer:
            return await answer.read()
