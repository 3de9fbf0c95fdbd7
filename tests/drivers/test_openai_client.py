import asyncio
import gzip
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from offhook.drivers.openai_client import MAX_WRITE_BYTES, OpenAIClient, OpenAISettings, proxy_of
from offhook.media.errors import ProviderRejected

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"


class BareServer:
    """Answers each request with one chunk, and with the answer's end when it is told to."""

    def __init__(self) -> None:
        self.connections = 0
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.may_end = asyncio.Event()
        self.base_url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["BareServer"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base_url = "http://{}:{}".format(*server.sockets[0].getsockname())
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head.decode())
                lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
                self.bodies.append(await reader.readexactly(int(lines["Content-Length"])))
                writer.write(HEAD + b"2\r\nok\r\n")
                await self.may_end.wait()
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def client_of(server: BareServer) -> AsyncIterator[OpenAIClient]:
    client = OpenAIClient("it", OpenAISettings(server.base_url), random.Random(1))
    try:
        yield client
    finally:
        await client.aclose()


async def first_bytes(client: OpenAIClient, body: bytes = b"{}") -> bytes:
    async with client.post("/", body) as response:
        return await response.content.readany()


async def test_an_answer_whose_end_comes_later_keeps_its_connection() -> None:
    async with BareServer().running() as server, client_of(server) as client:
        assert await first_bytes(client) == b"ok"
        endings = [task for task in asyncio.all_tasks() if "end of an answer" in task.get_name()]
        server.may_end.set()
        await asyncio.gather(*endings)
        assert await first_bytes(client) == b"ok"
        assert len(server.bodies) == 2
        assert server.connections == 1


async def test_closing_does_not_wait_for_answers_that_do_not_end() -> None:
    async with BareServer().running() as server:
        async with client_of(server) as client:
            assert await first_bytes(client) == b"ok"
        assert not [task for task in asyncio.all_tasks() if "answer" in task.get_name()]
        server.may_end.set()


async def test_a_long_body_arrives_whole() -> None:
    body = bytes(range(256)) * (MAX_WRITE_BYTES // 128)
    async with BareServer().running() as server, client_of(server) as client:
        server.may_end.set()
        await first_bytes(client, body)
        assert server.bodies == [body]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_the_environment_s_proxy_is_used(environment: pytest.MonkeyPatch) -> None:
    assert proxy_of("https://models.example/v1") is None
    environment.setenv("https_proxy", "http://me:secret@proxy.example:3128")
    environment.setenv("no_proxy", "127.0.0.1,.local")
    assert proxy_of("https://models.example/v1") == URL("http://me:secret@proxy.example:3128")
    assert proxy_of("https://models.local/v1") is None
    assert proxy_of("http://models.example/v1") is None


async def test_a_proxy_is_asked_with_its_own_password(environment: pytest.MonkeyPatch) -> None:
    async with BareServer().running() as proxy:
        environment.setenv("http_proxy", proxy.base_url.replace("//", "//me:secret@"))
        settings = OpenAISettings("http://models.example/v1")
        client = OpenAIClient("it", settings, random.Random(1))
        proxy.may_end.set()
        assert await first_bytes(client) == b"ok"
        await client.aclose()
    assert proxy.heads[0].startswith("POST http://models.example/v1/ HTTP/1.1\r\n")
    assert "\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n" in proxy.heads[0]


def test_a_proxy_for_everything_is_used_and_one_of_another_kind_is_not(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("all_proxy", "http://proxy.example:3128")
    assert proxy_of("http://models.example/v1") == URL("http://proxy.example:3128")
    environment.setenv("all_proxy", "socks5://proxy.example:1080")
    assert proxy_of("http://models.example/v1") is None


@pytest.mark.parametrize("status", [302, 307])
async def test_an_address_that_somebody_else_has_named_leads_nowhere_else(status: int) -> None:
    asked: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", redirect)
    async with TestServer(app) as server:
        settings = OpenAISettings(str(server.make_url("/v1")), public_only=True)
        client = OpenAIClient("it", settings, random.Random(1))
        with pytest.raises(ProviderRejected, match=f"HTTP {status}"):
            await first_bytes(client)
        await client.aclose()
    assert asked == ["/v1/"]


async def test_what_somebody_elses_server_has_packed_stays_packed() -> None:
    packed = gzip.compress(bytes(1_000_000))

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        settings = OpenAISettings(str(server.make_url("/v1")), public_only=True)
        client = OpenAIClient("it", settings, random.Random(1))
        got = await first_bytes(client)
        assert got
        assert packed.startswith(got)
        await client.aclose()
