"""The page and the document behind it, as a browser asks for them."""

import pathlib
import re
from collections.abc import AsyncIterator

import pytest

from offhook.control.http.docs import FOLDER, files
from offhook.tests.kit.api import Api

ROOT = pathlib.Path(__file__).resolve().parents[3]
ELSEWHERE = re.compile(r"""(?:https?:)?//[\w.]+""")


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def test_the_document_is_served_once_and_then_known(api: Api) -> None:
    response = await api.client.get("/openapi.json")
    assert (response.status, response.content_type) == (200, "application/json")
    assert (await response.json())["openapi"] == "3.1.0"
    etag = response.headers["ETag"]
    for seen in (etag, f'"x", {etag}', "*"):
        again = await api.client.get("/openapi.json", headers={"If-None-Match": seen})
        assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", etag)
    other = await api.client.get("/openapi.json", headers={"If-None-Match": '"other"'})
    assert other.status == 200


async def test_the_document_is_compressed_for_who_takes_it(api: Api) -> None:
    packed = await api.client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    plain = await api.client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert await packed.read() == await plain.read()
    assert int(packed.headers["Content-Length"]) * 5 < int(plain.headers["Content-Length"])
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


async def test_the_page_and_all_that_it_names_is_served(api: Api) -> None:
    response = await api.client.get("/docs")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    page = await response.text()
    named = re.findall(r'(?:src|href)="(docs/[^"]+)"', page)
    assert {pathlib.PurePath(name).name for name in named} == set(files()) - {"index.html"}
    for name in named:
        part = await api.client.get(f"/{name}")
        assert part.status == 200
        assert part.content_type in ("text/css", "text/javascript")


async def test_the_page_may_run_its_own_files_and_nothing_else(api: Api) -> None:
    policy = (await api.client.get("/docs")).headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    page = (FOLDER / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", page), "would not run"


@pytest.mark.parametrize("name", ["../server.py", "%2e%2e/server.py", "nothing.js", ".."])
async def test_nothing_else_is_served(api: Api, name: str) -> None:
    assert (await api.client.get(f"/docs/{name}")).status == 404


def test_the_page_needs_no_network() -> None:
    for path in FOLDER.iterdir():
        text = path.read_text()
        found = [url for url in ELSEWHERE.findall(text) if "example.com" not in url]
        assert found == [], path.name


def test_the_page_is_part_of_the_package() -> None:
    assert "offhook.control.http = static/**" in (ROOT / "setup.cfg").read_text()
