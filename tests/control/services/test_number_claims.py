"""Which numbers an account may add: whoever has one hears the calls to it."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import OPERATOR
from offhook.control.configuration.config import LineSettings, ModemSettings, Settings
from offhook.control.services.mirroring import mirror
from offhook.tests.kit.api import Api

REAL = Settings(
    lines=(LineSettings("office", "sip:pbx.example", "1001", "secret"),),
    modems=(ModemSettings("first", number="+15550111"), ModemSettings("second")),
)
OWN = "+15550100"
OTHERS = "+15550200"


class Ann:
    """An account whose number is known, and not yet proved."""

    def __init__(self, api: Api, token: str, id_: str) -> None:
        self.api = api
        self.token = token
        self.id = id_

    async def add(self, status: int, number: str, **fields: Any) -> Any:
        """A number to hers."""
        body = {"number": number, **fields}
        return await self.api.want(status, "POST", "/v1/numbers", body, token=self.token)

    async def verify(self) -> None:
        """Her number is proved."""
        await self.api.services.accounts.change(OPERATOR, self.id, {"is_verified": True})

    async def assign(self, name: str) -> None:
        """A modem is hers."""
        modems = (await self.api.want(200, "GET", "/v1/modems"))["items"]
        (id_,) = [modem["id"] for modem in modems if modem["name"] == name]
        body = {"account_id": self.id}
        await self.api.want(200, "POST", f"/v1/modems/{id_}/assign", body)


async def ann_of(api: Api, settings: Settings) -> Ann:
    await mirror(settings, api.database, api.clock)
    token = await api.user("ann@example.org")
    account = await api.services.sign_in.named("ann@example.org")
    assert account is not None
    await api.services.accounts.change(OPERATOR, account.id, {"phone_number": OWN})
    return Ann(api, token, account.id)


@pytest.fixture
async def ann(tmp_path: pathlib.Path) -> AsyncIterator[Ann]:
    async with Api(tmp_path, REAL) as api:
        yield await ann_of(api, REAL)


async def test_a_number_that_a_line_serves_is_not_for_whoever_comes_first(ann: Ann) -> None:
    for fields in ({}, {"line": "office"}, {"line": "first"}):
        problem = await ann.add(403, OTHERS, **fields)
        assert problem["code"] == "forbidden"
    await ann.api.want(201, "POST", "/v1/numbers", {"number": OTHERS, "line": "office"})


async def test_ones_own_number_is_added_once_it_is_proved(ann: Ann) -> None:
    await ann.add(403, OWN)
    await ann.verify()
    made = await ann.add(201, "+1 (555) 0100", line="office")
    path = f"/v1/numbers/{made['id']}"
    await ann.api.want(200, "PATCH", path, {"label": "mine"}, token=ann.token)
    await ann.api.want(403, "PATCH", path, {"number": OTHERS}, token=ann.token)
    await ann.add(403, OTHERS)


async def test_the_number_of_a_modem_is_added_by_whom_it_is_assigned_to(ann: Ann) -> None:
    await ann.assign("first")
    await ann.assign("second")
    await ann.add(403, OTHERS, line="first")
    await ann.add(201, "+15550111", line="first")
    await ann.add(201, OTHERS, line="second")
    await ann.add(403, "+15550300")


async def test_an_administrator_gives_numbers_to_accounts(ann: Ann) -> None:
    agent = await ann.api.want(201, "POST", "/v1/agents", {"name": "a"}, token=ann.token)
    body = {"number": OTHERS, "account_id": ann.id, "agent_id": agent["id"]}
    made = await ann.api.want(201, "POST", "/v1/numbers", body)
    assert made["owner_id"] == ann.id
    path = f"/v1/numbers/{made['id']}"
    mine = (await ann.api.want(200, "GET", "/v1/me"))["id"]
    taken = {"account_id": mine, "agent_id": None}
    await ann.api.want(422, "PATCH", path, {"account_id": mine})
    await ann.api.want(404, "PATCH", path, {"account_id": mine}, token=ann.token)
    assert (await ann.api.want(200, "PATCH", path, taken))["owner_id"] == mine
    await ann.api.want(404, "GET", path, token=ann.token)
    nobody = {"number": "+15550400", "account_id": "nobody"}
    await ann.api.want(404, "POST", "/v1/numbers", nobody)
    await ann.add(404, "+15550400", account_id=mine)


async def test_while_all_lines_are_simulated_anybody_may_try_any(tmp_path: pathlib.Path) -> None:
    async with Api(tmp_path) as api:
        ann = await ann_of(api, Settings())
        await ann.add(201, OTHERS)


async def test_what_the_configuration_says_counts(ann: Ann) -> None:
    ann.api.services.numbers.claims = "admins"
    await ann.verify()
    await ann.add(403, OWN)
    ann.api.services.numbers.claims = "open"
    await ann.add(201, OWN)
    await ann.add(201, OTHERS, line="office")
