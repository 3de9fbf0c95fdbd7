"""Who asks, by every kind of credential; how seldom the database is asked, how soon it is seen."""

import asyncio
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.errors import TokenExpired, TokenMalformed, TokenMisused, TokenRevoked
from offhook.control.auth.principal import OPERATOR, Principal
from offhook.control.auth.scopes import EVERYTHING
from offhook.control.domain.accounts import Account, Role
from offhook.control.errors import Unauthorized
from offhook.control.services.api_keys import KeyFilter
from offhook.control.services.authentication import Authentication
from offhook.control.store.database import Database
from offhook.control.store.rows import PageQuery
from offhook.tests.kit.api import TOKEN, Api

ANN = "ann@example.org"
PAGE, ALL_KEYS = PageQuery(), KeyFilter()


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


@pytest.fixture
async def ann(api: Api) -> Account:
    return await api.services.accounts.add(Account(email=ANN), None)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each transaction that reads."""
    seen: list[int] = []
    read = Database.read

    def counted(self: Database) -> Any:
        seen.append(1)
        return read(self)

    monkeypatch.setattr(Database, "read", counted)
    return seen


def sender(api: Api) -> Authentication:
    return api.services.authentication


async def key_of(api: Api, ann: Account, *scopes: str, expires_wall: float | None = None) -> str:
    who = Principal(ann.id, Role.USER, EVERYTHING, "access")
    _, text = await api.services.api_keys.create(who, "robot", scopes or ("*",), expires_wall)
    return text


async def test_every_kind_of_credential_is_known(api: Api, ann: Account) -> None:
    signed_in = await api.services.sign_in.begin(ann.id)
    key = await key_of(api, ann, "calls:read")
    token40 = await api.services.api_keys.issue_token40(ann.id)
    check = sender(api).principal
    assert await check(f"Bearer {TOKEN}") is OPERATOR
    session = await check(f"bearer  {signed_in.access.token} ")
    assert (session.account_id, session.kind, session.scopes) == (ann.id, "access", EVERYTHING)
    assert session.credential == signed_in.refresh.claims.family
    robot = await check(f"Bearer {key}")
    assert (robot.kind, robot.scopes) == ("api_key", frozenset({"calls:read"}))
    assert robot.credential == key.split("_")[1]
    for scheme in ("Token", "Bearer"):
        assert (await check(f"{scheme} {token40}")).kind == "token40"


@pytest.mark.parametrize(
    ("authorization", "error"),
    [
        (None, Unauthorized),
        ("", Unauthorized),
        ("Bearer", Unauthorized),
        (f"Basic {TOKEN}", Unauthorized),
        (TOKEN, Unauthorized),
        ("Bearer wrong", TokenMalformed),
        ("Bearer " + "x" * 5000, TokenMalformed),
        ("Bearer \udcff", TokenMalformed),
        ("Bearer ohk_abcdefgh_" + "x" * 43, Unauthorized),
        ("Token " + "0" * 40, Unauthorized),
    ],
)
async def test_what_proves_nothing_is_refused(
    api: Api, authorization: str | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await sender(api).principal(authorization)
    assert len(api.proofs.known) == 0


async def test_a_key_with_the_id_of_another_is_refused(api: Api, ann: Account) -> None:
    id_ = (await key_of(api, ann)).split("_")[1]
    with pytest.raises(Unauthorized):
        await sender(api).principal(f"Bearer ohk_{id_}_{'x' * 43}")


async def test_a_busy_client_costs_one_reading_in_seconds(
    api: Api, ann: Account, reads: list[int]
) -> None:
    token = (await api.services.sign_in.begin(ann.id)).access.token
    for credential in (await key_of(api, ann), token):
        reads.clear()
        for _ in range(100):
            await sender(api).principal(f"Bearer {credential}")
        assert len(reads) == 1
        api.clock.advance(5)
        await sender(api).principal(f"Bearer {credential}")
        assert len(reads) == 2


async def test_a_token_for_one_api_is_none_for_another(api: Api, ann: Account) -> None:
    native = (await api.services.sign_in.begin(ann.id)).access.token
    other = (await api.services.sign_in.begin(ann.id, "old")).access.token
    check = sender(api).principal
    await check(f"Bearer {native}")
    await check(f"Bearer {other}", "old")
    for token, audience in ((native, "old"), (other, "")):
        with pytest.raises(TokenMisused):
            await check(f"Bearer {token}", audience)


async def test_what_is_revoked_fails_at_once(api: Api, ann: Account) -> None:
    check, admin = sender(api).principal, OPERATOR
    token = (await api.services.sign_in.begin(ann.id)).access.token
    key, other = await key_of(api, ann), await key_of(api, ann)
    token40 = await api.services.api_keys.issue_token40(ann.id)
    everything = [f"Bearer {text}" for text in (token, key, other, token40)]
    for authorization in everything:
        await check(authorization)
    (stored,) = [
        row
        for row in (await api.services.api_keys.page(admin, PAGE, ALL_KEYS)).items
        if row.lookup == key.split("_")[1]
    ]
    await api.services.api_keys.revoke(admin, stored.id)
    with pytest.raises(TokenRevoked):
        await check(f"Bearer {key}")
    await check(f"Bearer {other}")
    await api.services.accounts.change(admin, ann.id, {"is_active": False})
    for authorization in everything:
        with pytest.raises(TokenRevoked):
            await check(authorization)
    await api.services.accounts.change(admin, ann.id, {"is_active": True})
    await check(f"Bearer {other}")
    with pytest.raises(TokenRevoked):
        await check(f"Bearer {token}")


async def test_a_new_role_is_seen_at_once(api: Api, ann: Account) -> None:
    key = await key_of(api, ann)
    assert not (await sender(api).principal(f"Bearer {key}")).is_admin
    await api.services.accounts.change(OPERATOR, ann.id, {"role": Role.ADMIN})
    assert (await sender(api).principal(f"Bearer {key}")).is_admin


async def test_a_key_ends_with_its_time_although_it_is_known(api: Api, ann: Account) -> None:
    key = await key_of(api, ann, expires_wall=api.clock.wall() + 3)
    await sender(api).principal(f"Bearer {key}")
    api.clock.advance(3)
    with pytest.raises(TokenExpired):
        await sender(api).principal(f"Bearer {key}")


async def test_when_a_key_was_used_is_kept_once_a_minute(api: Api, ann: Account) -> None:
    key = await key_of(api, ann)

    async def used(times: int) -> float | None:
        before = api.database.writes
        for _ in range(10):
            await sender(api).principal(f"Bearer {key}")
        await sender(api).aclose()
        assert api.database.writes - before == times
        (row,) = (await api.services.api_keys.page(OPERATOR, PAGE, ALL_KEYS)).items
        return row.last_used_wall

    first = api.clock.wall()
    assert await used(1) == first
    api.clock.advance(59)
    assert await used(0) == first
    api.clock.advance(5)  # it was known until then
    assert await used(1) == first + 64


async def test_the_oldest_of_too_many_tokens_of_40_digits_goes(api: Api, ann: Account) -> None:
    tokens = [await api.services.api_keys.issue_token40(ann.id) for _ in range(10)]
    await sender(api).principal(f"Token {tokens[0]}")
    await api.services.api_keys.issue_token40(ann.id)
    with pytest.raises(Unauthorized):
        await sender(api).principal(f"Token {tokens[0]}")
    await asyncio.gather(*(sender(api).principal(f"Token {token}") for token in tokens[1:]))
