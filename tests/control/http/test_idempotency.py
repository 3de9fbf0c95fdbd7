"""A POST that is sent twice with one key is done once."""

import asyncio
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse

from offhook.control.domain.entity import Entity
from offhook.control.errors import KeyUsedBefore, StillAnswering, StoreError
from offhook.control.services.idempotency import (
    CLAIM_S,
    KEPT_S,
    MAX_BODY_CHARS,
    Claim,
    IdempotencyService,
    KeptAnswer,
)
from offhook.control.store import schema
from offhook.tests.kit.api import Api
from offhook.tests.kit.sealing import a_box

AGENT = {"name": "Anna"}


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def post(api: Api, key: str, body: Any = AGENT, path: str = "/v1/agents") -> ClientResponse:
    return await api.ask("POST", path, body, headers={"Idempotency-Key": key})


async def agents_of(api: Api) -> list[str]:
    page = await api.want(200, "GET", "/v1/agents")
    return [agent["id"] for agent in page["items"]]


async def test_the_same_request_is_done_once_and_answered_twice(api: Api) -> None:
    first, again = await post(api, "k"), await post(api, "k")
    assert (first.status, again.status) == (201, 201)
    assert await first.read() == await again.read()
    assert again.content_type == "application/json"
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await agents_of(api) == [(await first.json())["id"]]
    assert (await post(api, "other")).status == 201
    assert len(await agents_of(api)) == 2


async def test_another_request_with_the_key_is_refused(api: Api) -> None:
    await post(api, "k")
    for body, path in (({"name": "Bob"}, "/v1/agents"), (AGENT, "/v1/agents?x=1")):
        response = await post(api, "k", body, path)
        if response.status == 400:  # a parameter that the route does not know
            continue
        assert response.status == 422
        assert (await response.json(content_type=None))["code"] == "idempotency_mismatch"
    assert len(await agents_of(api)) == 1


async def test_keys_are_each_account_s_own(api: Api) -> None:
    token = await api.user("b@example.com")
    mine = await (await post(api, "k")).json()
    headers = {"Idempotency-Key": "k"}
    theirs = await api.want(201, "POST", "/v1/agents", AGENT, token=token, headers=headers)
    assert theirs["id"] != mine["id"]


@pytest.mark.parametrize("key", ["", " ", "ä", "x" * 256, "a b"])
async def test_a_key_that_cannot_be_kept_is_a_fault(api: Api, key: str) -> None:
    response = await post(api, key)
    assert response.status == 400
    assert (await response.json(content_type=None))["field"] == "Idempotency-Key"
    assert await agents_of(api) == []


async def test_a_client_s_own_fault_is_told_again_and_a_broken_body_keeps_no_key(api: Api) -> None:
    broken = {"name": "Anna", "house": {"nothing": 1}}  # told by the service, after the claim
    first, again = await post(api, "k", broken), await post(api, "k", broken)
    assert (first.status, again.status) == (422, 422)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content_type == "application/problem+json"
    assert await first.read() == await again.read()
    assert (await post(api, "l", {})).status == 422
    assert (await post(api, "l")).status == 201


async def test_a_failure_of_ours_is_not_kept(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise StoreError("disk", "full")

    with monkeypatch.context() as patched:
        patched.setattr(type(api.services.agents), "create", fail)
        assert (await post(api, "k")).status == 500
    assert (await post(api, "k")).status == 201


async def test_a_get_takes_no_key(api: Api) -> None:
    for _ in range(2):
        response = await api.ask("GET", "/v1/agents", headers={"Idempotency-Key": "k"})
        assert response.status == 200
        assert "Idempotency-Replayed" not in response.headers


async def test_of_many_at_once_one_is_done(api: Api) -> None:
    responses = await asyncio.gather(*(post(api, "k") for _ in range(10)))
    assert len(await agents_of(api)) == 1
    for response in responses:
        if response.status == 409:
            problem = await response.json(content_type=None)
            assert problem["code"] == "idempotency_in_progress"
            assert response.headers["Retry-After"] == "1"
        else:
            assert response.status == 201


# --- the service ----------------------------------------------------------------------------------


@pytest.fixture
def keys(api: Api) -> IdempotencyService:
    return api.services.idempotency


async def owner_of(api: Api) -> str:
    await api.user("c@example.com")
    account = await api.services.sign_in.named("c@example.com")
    assert isinstance(account, Entity)
    return account.id


async def claimed(keys: IdempotencyService, owner: str, request: bytes = b"r") -> Claim:
    claim = await keys.claim(owner, "k", request)
    assert isinstance(claim, Claim)
    return claim


async def test_while_the_first_is_answered_the_next_is_told_so(
    api: Api, keys: IdempotencyService
) -> None:
    owner = await owner_of(api)
    claim = await claimed(keys, owner)
    with pytest.raises(StillAnswering):
        await keys.claim(owner, "k", b"r")
    with pytest.raises(KeyUsedBefore):
        await keys.claim(owner, "k", b"other")
    await keys.release(claim)
    await claimed(keys, owner, b"other")


async def test_a_claim_of_a_process_that_died_is_void_after_a_minute(
    api: Api, keys: IdempotencyService
) -> None:
    owner = await owner_of(api)
    dead = await claimed(keys, owner)
    api.clock.advance(CLAIM_S - 1)
    with pytest.raises(StillAnswering):
        await keys.claim(owner, "k", b"r")
    api.clock.advance(1)
    await claimed(keys, owner, b"another")
    # Should it have lived after all, its answer is not the key's any more.
    await keys.keep(dead, 201, {}, b"{}")
    with pytest.raises(StillAnswering):
        await keys.claim(owner, "k", b"another")


async def test_an_answer_is_kept_a_day_and_then_deleted(api: Api, keys: IdempotencyService) -> None:
    owner = await owner_of(api)
    await keys.keep(await claimed(keys, owner), 201, {"Content-Type": "text/plain"}, b"x")
    api.clock.advance(KEPT_S - 1)
    kept = await keys.claim(owner, "k", b"r")
    assert kept == KeptAnswer(status=201, headers={"Content-Type": "text/plain"}, body="x")
    api.clock.advance(1)
    await claimed(keys, owner, b"fresh")
    api.clock.advance(2 * KEPT_S)
    await keys.claim(owner, "another", b"r")
    async with api.database.read() as tx:
        rows = (await tx.execute(schema.IDEMPOTENCY_KEYS.select())).all()
    assert [row.key for row in rows] == ["another"]


async def test_what_is_kept_is_sealed(api: Api, keys: IdempotencyService) -> None:
    owner = await owner_of(api)
    await keys.keep(await claimed(keys, owner), 201, {}, b'{"secret": "whsec_x"}')
    async with api.database.read() as tx:
        row = (await tx.execute(schema.IDEMPOTENCY_KEYS.select())).one()
    assert "whsec_x" not in str(row)
    assert a_box().open(row.body, f"{owner} k") == '{"secret": "whsec_x"}'


@pytest.mark.parametrize("body", [b"\xff", b"x" * (MAX_BODY_CHARS + 1)])
async def test_an_answer_that_cannot_be_kept_is_not_made_up(
    api: Api, keys: IdempotencyService, body: bytes
) -> None:
    owner = await owner_of(api)
    await keys.keep(await claimed(keys, owner), 201, {}, body)
    kept = await keys.claim(owner, "k", b"r")
    assert isinstance(kept, KeptAnswer)
    assert kept.body is None


async def test_a_client_that_leaves_finds_its_answer_when_it_comes_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    create = type(api.services.agents).create

    async def slow(*args: Any) -> msgspec.Struct:
        begun.set()
        await go_on.wait()
        return await create(*args)

    monkeypatch.setattr(type(api.services.agents), "create", slow)
    request = asyncio.create_task(post(api, "k"))
    await begun.wait()
    request.cancel()
    await asyncio.wait([request])
    assert (await post(api, "k")).status == 409
    go_on.set()
    while (again := await post(api, "k")).status == 409:
        pass
    assert again.status == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await agents_of(api)) == 1
