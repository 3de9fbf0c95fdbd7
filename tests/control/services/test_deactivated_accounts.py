"""What an account has waiting is not begun while it is switched off, and goes on afterwards."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import OPERATOR
from offhook.control.dialer.campaign_rules import Do
from offhook.control.dialer.dial_queue import Passed
from offhook.control.domain.calls import Call, Priority
from offhook.control.imports.csv_import import Sheet
from offhook.control.imports.csv_row import Row
from offhook.control.services.import_steps import Speakers
from offhook.control.services.imports import IMPORTS
from offhook.control.store.call_queue import CallQueue, claim
from offhook.tests.kit.api import Api

TO = "+15551234567"


class Ann:
    """An account that has something waiting."""

    def __init__(self, api: Api, token: str, id_: str) -> None:
        self.api = api
        self.token = token
        self.id = id_
        self.queue = CallQueue(api.database)

    async def switch(self, on: bool) -> None:
        """The account on or off."""
        await self.api.services.accounts.change(OPERATOR, self.id, {"is_active": on})

    async def post(self, path: str, body: dict[str, Any], status: int = 201) -> Any:
        """Something of hers."""
        return await self.api.want(status, "POST", path, body, token=self.token)

    async def waiting(self) -> list[Call]:
        """The calls that may be dialled."""
        return await self.queue.waiting(None, Passed(), 10)


@pytest.fixture
async def ann(tmp_path: pathlib.Path) -> AsyncIterator[Ann]:
    async with Api(tmp_path) as api:
        token = await api.user("ann@example.org")
        account = await api.services.sign_in.named("ann@example.org")
        assert account is not None
        yield Ann(api, token, account.id)


async def test_its_calls_are_neither_offered_nor_claimed(ann: Ann) -> None:
    await ann.post("/v1/calls", {"to": TO}, 202)
    others = await ann.api.want(202, "POST", "/v1/calls", {"to": TO})
    looked: list[str] = []
    ann.api.services.accounts.on_activated.append(lambda: looked.append("woken"))
    mine, _ = await ann.waiting()
    await ann.switch(False)
    assert [call.id for call in await ann.waiting()] == [others["id"]]
    async with ann.api.database.write() as tx:
        assert not await claim(tx, mine, ann.api.clock.wall())
    assert looked == []
    await ann.switch(True)
    assert looked == ["woken"]
    assert mine.id in [call.id for call in await ann.waiting()]
    async with ann.api.database.write() as tx:
        assert await claim(tx, mine, ann.api.clock.wall())


async def test_its_schedules_place_nothing_and_miss_what_passes(ann: Ann) -> None:
    schedules = ann.api.services.schedules
    body = {"to": TO, "recurrence": {"pattern": "daily", "time": "09:00", "timezone": "UTC"}}
    made = await ann.post("/v1/schedules", body)
    due = await schedules.next_due()
    assert due is not None
    await ann.switch(False)
    assert await schedules.next_due() is None
    ann.api.clock.advance(due - ann.api.clock.wall() + 3 * 86_400 + 7200)
    assert not await schedules.run_due()
    assert await ann.waiting() == []
    await ann.switch(True)
    await schedules.run_due()
    after = await ann.api.want(200, "GET", f"/v1/schedules/{made['id']}")
    assert (after["missed"], after["runs"]) == (4, 0)


async def test_its_campaigns_stand_still(ann: Ann) -> None:
    steps = ann.api.services.campaign_steps
    campaign = await ann.post("/v1/campaigns", {"name": "c", "numbers": [TO]})
    await ann.post(f"/v1/campaigns/{campaign['id']}/launch", {}, 200)
    await ann.switch(False)
    assert await steps.to_be_seen_to(True) == []
    assert (await steps.step(campaign["id"])).do is Do.NOTHING
    await ann.switch(True)
    assert await steps.to_be_seen_to(False) == [campaign["id"]]
    assert (await steps.step(campaign["id"])).do is Do.CALL


async def test_its_files_are_read_no_further(ann: Ann) -> None:
    steps = ann.api.services.import_steps
    sent = await ann.api.client.post(
        "/v1/imports",
        data=f"phone\n{TO}\n+15551234568\n".encode(),
        headers={"Authorization": f"Bearer {ann.token}", "Content-Type": "text/csv"},
    )
    assert sent.status == 202, await sent.text()
    job = await steps.next_job()
    assert job is not None
    assert await steps.begin(job.id, Sheet("utf-8", ",", ("phone",), ("phone",), 2))
    speakers = Speakers(job.owner_id, job.options)
    rows = [
        Row(at, number, "", None, "UTC", Priority.NORMAL, "", "", {}, {})
        for at, number in ((1, TO), (2, "+15551234568"))
    ]
    assert await steps.store(job.id, rows[:1], speakers)
    await ann.switch(False)
    assert await steps.next_job() is None
    assert not await steps.store(job.id, rows[1:], speakers)
    await ann.switch(True)
    assert await steps.store(job.id, rows[1:], speakers)
    async with ann.api.database.read() as tx:
        stored = await IMPORTS.get(tx, job.id, None)
    assert stored is not None
    assert stored.rows_done == 2
