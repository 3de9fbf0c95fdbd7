"""The commands' way to a server, against the real API; and what they print."""

import argparse
import asyncio
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.cli.api_client import ApiClient, ApiError, client_of, told
from offhook.control.cli.tables import aligned, cell, print_item, print_items
from offhook.control.errors import ConfigError, UsageError
from offhook.tests.kit.api import TOKEN, Api


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


def client(api: Api, token: str = TOKEN) -> ApiClient:
    return ApiClient(str(api.client.make_url("")), token)


async def test_every_verb_reaches_the_server(api: Api) -> None:
    def use() -> Any:
        server = client(api)
        made = server.post("/v1/agents", {"name": "Anna"})
        path = f"/v1/agents/{made['id']}"
        changed = server.patch(path, {"name": "Berta"})
        assert server.get(path) == changed
        server.delete(path)
        with pytest.raises(ApiError, match="no agent"):
            server.get(path)
        return changed

    assert (await asyncio.to_thread(use))["name"] == "Berta"


async def test_a_list_is_read_to_its_end(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offhook.control.cli.api_client.PAGE", 2)
    for name in "abcde":
        await api.want(201, "POST", "/v1/agents", {"name": name})
    items = await asyncio.to_thread(client(api).all, "/v1/agents?sort=name")
    assert [item["name"] for item in items] == list("abcde")


@pytest.mark.parametrize(
    ("token", "path", "body", "kind", "said"),
    [
        (TOKEN, "/v1/agents", {"name": ""}, UsageError, "name: "),
        (TOKEN, "/v1/agents", {"name": "a", "turn": {"fade_ms": "x"}}, UsageError, "turn.fade_ms"),
        ("wrong", "/v1/agents", {"name": "a"}, ApiError, "the token is malformed"),
        (TOKEN, "/v1/nothing", {}, ApiError, "Not Found"),
    ],
)
async def test_what_a_server_refuses_is_told_in_its_words(
    api: Api, token: str, path: str, body: Any, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        await asyncio.to_thread(client(api, token).post, path, body)


def test_a_server_that_is_not_there_is_said_so() -> None:
    with pytest.raises(ApiError, match="is the server running"):
        ApiClient("http://127.0.0.1:9", "x").get("/v1/agents")


def test_a_refusal_that_is_no_problem_is_told_by_its_status() -> None:
    assert str(told(502, b"<html>")) == "the server answers 502"


def options(**given: Any) -> argparse.Namespace:
    return argparse.Namespace(**({"config": None, "url": None} | given))


def test_address_and_token_are_those_of_the_configuration(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFHOOK_DATA", str(tmp_path))
    with pytest.raises(UsageError, match="OFFHOOK_API_TOKEN"):
        client_of(options())
    assert not list(tmp_path.iterdir()), "no token is made"
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "api_token").write_text("kept\n")
    monkeypatch.setenv("OFFHOOK_HTTP_HOST", "0.0.0.0")
    assert vars(client_of(options())) | {"_opener": 0} == {
        "_url": "http://127.0.0.1:8000",
        "_token": "kept",
        "_opener": 0,
    }
    monkeypatch.setenv("OFFHOOK_API_TOKEN", "given")
    there = vars(client_of(options(url="http://there:1/")))
    assert (there["_url"], there["_token"]) == ("http://there:1", "given")
    monkeypatch.setenv("OFFHOOK_HTTP_PORT", "many")
    with pytest.raises(ConfigError):
        client_of(options())


def test_tables_have_columns_and_nothing_that_steers_a_terminal() -> None:
    assert aligned([["A", "BB"], ["aaa", ""]]) == ["A    BB", "aaa"]
    assert [cell(None), cell(""), cell(True), cell(0), cell((1, "x"))] == [
        "-",
        "-",
        "yes",
        "0",
        '[1,"x"]',
    ]
    assert cell("\x1b[2Jx") == " [2Jx"
    assert cell("x" * 100) == "x" * 59 + "…"


def test_things_are_printed_for_people_or_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    items = [{"id": "1", "voice": {"provider": "espeak"}, "name": ""}]
    print_items(items, ("id", "voice.provider", "name"), as_json=False)
    assert capsys.readouterr().out == "ID  PROVIDER  NAME\n1   espeak    -\n"
    print_items([], ("id",), as_json=False)
    assert capsys.readouterr().out == "ID\n"
    print_item(items[0], as_json=False)
    assert capsys.readouterr().out == 'id     1\nvoice  {"provider":"espeak"}\n'
    print_item(items[0], as_json=True)
    assert '"name": ""' in capsys.readouterr().out
