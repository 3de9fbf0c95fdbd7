"""`/v1/provider-keys` as a client meets it, and how keys are taken."""

import pathlib
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import OPERATOR
from offhook.control.auth.secrets_box import SecretsBox
from offhook.control.errors import TooManyRequests
from offhook.control.services.provider_keys import ProviderKeyService
from offhook.tests.kit.api import Api
from offhook.tests.kit.sealing import a_box

ANN, BOB = "ann@example.org", "bob@example.org"
PATH = "/v1/provider-keys"
SECRET = "sk-0123456789abcdef"


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def make(api: Api, token: str, **more: Any) -> Any:
    body = {"provider": "openai", "secret": SECRET, **more}
    return await api.want(201, "POST", PATH, body, token=token)


async def stored(api: Api) -> list[str]:
    async with api.database.read() as tx:
        rows = await tx.exec_driver_sql("SELECT secret FROM provider_keys ORDER BY seq")
        return [row[0] for row in rows]


async def test_a_key_is_kept_sealed_and_shown_by_its_end(api: Api) -> None:
    ann = await api.user(ANN)
    made = await make(api, ann, name="main", daily_limit=5)
    assert (made["hint"], made["daily_limit"], made["used_today"]) == ("cdef", 5, 0)
    assert (await make(api, ann, secret="short"))["hint"] == ""
    path = f"{PATH}/{made['id']}"
    for address in (PATH, path):
        text = await (await api.ask("GET", address, token=ann)).text()
        assert SECRET not in text
        assert "ohs1" not in text
    (first, _) = await stored(api)
    assert SECRET not in first
    assert a_box().open(first, made["id"]) == SECRET
    changes = {"secret": "sk-another-0123456", "daily_limit": None}
    changed = await api.want(200, "PATCH", path, changes, token=ann)
    assert (changed["hint"], changed["daily_limit"]) == ("3456", None)
    assert a_box().open((await stored(api))[0], made["id"]) == changes["secret"]
    await api.want(204, "DELETE", path, token=ann)
    await api.want(404, "GET", path, token=ann)


async def test_keys_of_others_are_not_there(api: Api) -> None:
    ann, bob = await api.user(ANN), await api.user(BOB)
    path = f"{PATH}/{(await make(api, ann))['id']}"
    for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)):
        await api.want(404, method, path, body, token=bob)
    assert (await api.want(200, "GET", PATH, token=bob))["items"] == []
    await api.want(200, "GET", path)


async def test_keys_are_taken_in_turn_up_to_their_limits_of_a_day(api: Api) -> None:
    ann = await api.user(ANN)
    owner = (await make(api, ann, daily_limit=2, secret="first"))["owner_id"]
    await make(api, ann, daily_limit=1, secret="second")
    await make(api, ann, is_active=False, secret="off")
    await make(api, ann, provider="other", secret="other")
    keys = api.services.provider_keys

    async def take() -> str:
        taken = await keys.take(owner, "openai")
        assert taken is not None
        return taken.secret

    assert [await take() for _ in range(3)] == ["first", "second", "first"]
    with pytest.raises(TooManyRequests) as caught:
        await take()
    # 22:13:20 in the evening
    assert caught.value.retry_after_s == 6400
    page = await api.want(200, "GET", f"{PATH}?provider=openai&is_active=true", token=ann)
    assert [key["used_today"] for key in page["items"]] == [1, 2]
    api.clock.advance(6400)
    ann = await api.user(ANN)
    page = await api.want(200, "GET", f"{PATH}?provider=openai&is_active=true", token=ann)
    assert [key["used_today"] for key in page["items"]] == [0, 0]
    assert await take() == "first"
    assert await keys.take(owner, "nobody") is None
    assert await keys.take(OPERATOR.account_id, "openai") is None


async def test_what_a_retired_key_sealed_is_sealed_anew_when_it_is_taken(api: Api) -> None:
    ann = await api.user(ANN)
    made = await make(api, ann)
    box = SecretsBox([bytes(32), bytes(range(32))], random.Random(4))
    keys = ProviderKeyService(api.database, api.clock, lambda: box)
    taken = await keys.take(made["owner_id"], "openai")
    assert taken is not None
    assert (taken.id, taken.secret) == (made["id"], SECRET)
    (sealed,) = await stored(api)
    assert not box.needs_resealing(sealed)
    assert SecretsBox([bytes(32)], random.Random(5)).open(sealed, made["id"]) == SECRET


async def test_where_a_key_is_used_is_shown(api: Api) -> None:
    known = await make(api, await api.user(ANN))
    assert known["used_at"] == "https://api.openai.com/v1"
    gemini = await make(api, await api.user(ANN), provider="gemini")
    assert gemini["used_at"].endswith("googleapis.com/v1beta/openai")
    nowhere = await make(api, await api.user(ANN), provider="acme")
    assert (nowhere["base_url"], nowhere["used_at"]) == ("", None)
    assert await api.services.provider_keys.take(nowhere["owner_id"], "acme") is None
    path = f"{PATH}/{nowhere['id']}"
    changes = {"base_url": "https://acme.example/v1", "models": {"chat": "large"}}
    refused = await api.want(422, "PATCH", path, changes)
    assert [error["field"] for error in refused["errors"]] == ["secret"]
    changed = await api.want(200, "PATCH", path, changes | {"secret": SECRET})
    assert (changed["used_at"], changed["models"]["chat"]) == (changes["base_url"], "large")
    taken = await api.services.provider_keys.take_own(nowhere["owner_id"], "acme")
    assert taken is not None
    assert (taken.server.base_url, taken.server.models.chat) == (changes["base_url"], "large")
    assert taken.public_only


@pytest.mark.parametrize(
    "base_url",
    ["http://acme.example/v1", "https://127.0.0.1/v1", "https://[::1]/v1", "ftp://acme.example"],
)
async def test_a_key_names_no_address_of_this_network(api: Api, base_url: str) -> None:
    body = {"provider": "acme", "secret": SECRET, "base_url": base_url}
    problem = await api.want(422, "POST", PATH, body)
    assert [error["field"] for error in problem["errors"]] == ["base_url"]
    made = await make(api, await api.user(ANN))
    problem = await api.want(422, "PATCH", f"{PATH}/{made['id']}", {"base_url": base_url})
    assert [error["field"] for error in problem["errors"]] == ["base_url"]
