"""The API served from a thread of its own, for clients that block."""

import asyncio
import concurrent.futures
import pathlib
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

from .api import Api

ResultT = TypeVar("ResultT")


class RunningApi:
    """`with RunningApi(folder) as running`: it is served at `running.url`."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._loop: asyncio.AbstractEventLoop | None = None
        self._api: Api | None = None
        self._stop = asyncio.Event()
        self._ready: concurrent.futures.Future[str] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, name="serve the API")
        self.url = ""

    def __enter__(self) -> "RunningApi":
        self._thread.start()
        self.url = self._ready.result()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None, "entered first"
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def do(self, verb: Callable[[Api], Awaitable[ResultT]]) -> ResultT:
        """Do something in its loop; returns what it returns."""
        assert self._loop is not None, "entered first"
        assert self._api is not None, "entered first"
        api = self._api

        async def run() -> ResultT:
            return await verb(api)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as exc:
            if not self._ready.done():
                self._ready.set_exception(exc)
            raise

    async def _serve(self) -> None:
        async with Api(self._folder) as api:
            self._api, self._loop = api, asyncio.get_running_loop()
            self._ready.set_result(str(api.client.make_url("/")).rstrip("/"))
            await self._stop.wait()
