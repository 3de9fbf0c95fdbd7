"""A local server with OpenAI's `/embeddings`, whose model knows a few words that mean the same."""

import base64
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

MEANINGS = (
    ("car", "automobile", "vehicle"),
    ("mend", "repair", "fix"),
    ("price", "cost", "euros"),
    ("open", "hours", "noon"),
)


class EmbeddingServer:
    """`base_url` is set while it runs."""

    def __init__(self) -> None:
        self.base_url = ""
        self.asked: list[list[str]] = []
        self.as_numbers = False
        "Answers with numbers, as servers do that do not know base64."
        self.refuses = False
        self.width = len(MEANINGS) + 1
        "Of a vector."

    @asynccontextmanager
    async def running(self) -> AsyncIterator["EmbeddingServer"]:
        """While it is needed."""
        app = web.Application()
        app.router.add_post("/v1/embeddings", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()

    def vector(self, text: str) -> list[float]:
        """How much of each meaning is in it, and a little of nothing."""
        found = [float(sum(text.lower().count(word) for word in each)) for each in MEANINGS]
        return [*found, *[0.1] * (self.width - len(found))]

    async def _answer(self, request: web.Request) -> web.Response:
        asked: dict[str, Any] = await request.json()
        self.asked.append(asked["input"])
        if self.refuses:
            return web.json_response({"error": {"message": "no such model"}}, status=404)
        vectors = [self.vector(text) for text in asked["input"]]
        data = [
            {"object": "embedding", "index": at, "embedding": self._written(vector)}
            for at, vector in enumerate(vectors)
        ]
        return web.json_response({"object": "list", "data": data[::-1], "model": asked["model"]})

    def _written(self, vector: list[float]) -> str | list[float]:
        if self.as_numbers:
            return vector
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
