"""What browsers ask and are told; and what every answer has, whatever it is."""

import asyncio
import gzip
import pathlib
from collections.abc import AsyncIterator

import pytest

from offhook.control.configuration.config import Settings
from offhook.control.configuration.config_http import HttpSettings
from offhook.control.http.compression import accepts_gzip, gzipped
from offhook.control.http.cors import Cors
from offhook.control.http.serving import BODY_TIMEOUT
from offhook.tests.kit.api import TOKEN, Api

PAGE = "https://app.example"
SETTINGS = Settings(http=HttpSettings(cors_origins=(PAGE,)))


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path, SETTINGS) as api:
        yield api


# --- CORS -----------------------------------------------------------------------------------------


def test_without_origins_nothing_is_said() -> None:
    assert Cors().headers(PAGE) == {}
    assert Cors().preflight(PAGE, ["GET"]) == {}


def test_everybody_may_ask_but_without_credentials() -> None:
    said = Cors(frozenset({"*", PAGE})).headers(PAGE)
    assert said["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in said


def test_an_origin_that_is_not_listed_learns_nothing() -> None:
    for origin in ("https://evil.example", "https://app.example.evil", "null", None):
        assert Cors(frozenset({PAGE})).headers(origin) == {"Vary": "Origin"}
        assert Cors(frozenset({PAGE})).preflight(origin, ["GET"]) == {}


async def test_a_preflight_needs_no_token_and_names_the_methods(api: Api) -> None:
    response = await api.client.options(
        "/v1/agents",
        headers={
            "Origin": PAGE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert response.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS, POST"
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    assert response.headers["Vary"] == "Origin"


async def test_a_page_may_read_answers_and_problems(api: Api) -> None:
    for token, status in ((TOKEN, 200), ("wrong", 401)):
        response = await api.ask("GET", "/v1/agents", token=token, headers={"Origin": PAGE})
        assert response.status == status
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
        assert "X-Request-Id" in response.headers["Access-Control-Expose-Headers"]
    response = await api.ask("GET", "/v1/agents", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in response.headers


# --- methods --------------------------------------------------------------------------------------


async def test_options_says_how_an_address_can_be_asked(api: Api) -> None:
    response = await api.client.options("/v1/agents/x")
    assert response.status == 204
    assert response.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    assert (await api.client.options("/nothing")).status == 404
    assert (await api.client.options("/v1/nothing")).status == 401


async def test_head_is_a_get_without_its_body(api: Api) -> None:
    for n in range(9):
        await api.want(201, "POST", "/v1/agents", {"name": f"agent {n}"})
    for accepted in ("identity", "gzip"):
        headers = {"Accept-Encoding": accepted}
        got = await api.ask("GET", "/v1/agents", headers=headers)
        head = await api.ask("HEAD", "/v1/agents", headers=headers)
        assert (head.status, await head.read()) == (200, b"")
        assert head.headers["Content-Length"] == got.headers["Content-Length"]
        assert head.headers.get("Content-Encoding") == got.headers.get("Content-Encoding")


# --- gzip -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("x-gzip", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("gzip;q=0.01", True),
    ],
)
def test_who_takes_gzip(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


@pytest.mark.parametrize("length", [600, 5_000, 19_000])
async def test_large_answers_are_compressed_for_who_takes_it(api: Api, length: int) -> None:
    """In the loop and, above 64 KiB, in a thread."""
    for _ in range(4):
        await api.want(201, "POST", "/v1/agents", {"name": "x", "description": "a" * length})
    plain = await api.ask("GET", "/v1/agents", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    packed = await api.ask("GET", "/v1/agents", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert await packed.read() == await plain.read()
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"])
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding, Origin"


async def test_small_answers_are_left_alone(api: Api) -> None:
    response = await api.ask("GET", "/v1/agents", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in response.headers


def test_gzip_is_what_others_read() -> None:
    assert gzip.decompress(gzipped(b"hello" * 100, 1)) == b"hello" * 100


# --- every answer ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health", "/metrics", "/v1/agents", "/v1/agents/x", "/nothing"])
async def test_every_answer_is_told_to_be_data(api: Api, path: str) -> None:
    for token in (TOKEN, "wrong"):
        headers = (await api.ask("GET", path, token=token)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Request-Id"]


async def test_a_body_without_a_length_is_bounded_as_well(api: Api) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 10_000

    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    response = await api.client.post("/v1/agents", data=chunks(), headers=headers)
    assert response.status == 413


async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: pathlib.Path) -> None:
    api = Api(tmp_path)
    app = api.client.app
    assert app is not None
    app[BODY_TIMEOUT] = 0.01
    async with api:
        over, headers = asyncio.Event(), {"Authorization": f"Bearer {TOKEN}"}

        async def trickle() -> AsyncIterator[bytes]:
            yield b'{"name": '
            await over.wait()

        headers["Content-Type"] = "application/json"
        response = await api.client.post("/v1/agents", data=trickle(), headers=headers)
        assert response.status == 408
        assert (await response.json(content_type=None))["code"] == "request_timeout"
        assert response.headers["Connection"] == "close"
        over.set()
