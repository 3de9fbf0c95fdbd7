"""Numbers, modems, lines and people: each account sees its own, administrators see all."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from offhook.control.auth.principal import OPERATOR, Principal, Role
from offhook.control.auth.scopes import EVERYTHING
from offhook.control.configuration.config import LineSettings, ModemSettings, Settings
from offhook.control.dialer.call_limits import Claim, Counted
from offhook.control.domain.accounts import Account
from offhook.control.domain.agents import Agent, AgentKind, Availability, OpenHours
from offhook.control.domain.numbers import ModemState, PhoneNumber
from offhook.control.errors import Conflict, NotFound, Unprocessable
from offhook.control.services.accounts import ACCOUNTS
from offhook.control.services.calls import NewCall
from offhook.control.services.mirroring import mirror
from offhook.control.services.numbers import NumberFilter
from offhook.control.store.rows import PageQuery
from offhook.drivers.sip.registration import RegistrationFailed
from offhook.tests.kit.api import Api
from offhook.tests.kit.fake_calls import FakeLoopbackCalls

SETTINGS = Settings(
    lines=(LineSettings("office", "sip:pbx.example", "1001", "secret"),),
    modems=(ModemSettings("first"), ModemSettings("second")),
)


class Owners(Api):
    """Two accounts beside the operator's."""

    anna: Principal
    bert: Principal

    async def __aenter__(self) -> "Owners":
        await super().__aenter__()
        self.lines.loopback = FakeLoopbackCalls()
        await mirror(SETTINGS, self.database, self.clock)
        self.services.numbers.claims = "open"
        self.anna, self.bert = await self.account("anna@b"), await self.account("bert@b")
        return self

    async def account(self, email: str) -> Principal:
        async with self.database.write() as tx:
            made = await ACCOUNTS.add(tx, Account(email=email))
        return Principal(made.id, Role.USER, EVERYTHING, "access")

    async def agent(self, who: Principal, name: str = "own", **fields: Any) -> Agent:
        agent = Agent(owner_id="", name=name, **fields)
        return await self.services.agents.create(who, agent)

    async def number(self, who: Principal, number: str, **fields: Any) -> PhoneNumber:
        return await self.services.numbers.create(
            who, PhoneNumber(owner_id="", number=number, **fields)
        )


@pytest.fixture
async def owners(tmp_path: pathlib.Path) -> AsyncIterator[Owners]:
    async with Owners(tmp_path, SETTINGS) as owners:
        yield owners


async def test_a_number_is_seen_by_its_owner_and_administrators(owners: Owners) -> None:
    numbers = owners.services.numbers
    made = await owners.number(owners.anna, "+1 (555) 0100")
    assert (made.number, made.owner_id) == ("+15550100", owners.anna.account_id)
    for who in (owners.anna, OPERATOR):
        assert await numbers.get(who, made.id) == made
        assert (await numbers.page(who, PageQuery(), NumberFilter())).items == (made,)
    assert (await numbers.page(owners.bert, PageQuery(), NumberFilter())).items == ()
    with pytest.raises(NotFound):
        await numbers.get(owners.bert, made.id)
    with pytest.raises(NotFound):
        await numbers.change(owners.bert, made.id, {"label": "mine"})
    with pytest.raises(NotFound):
        await numbers.delete(owners.bert, made.id)


async def test_a_number_is_there_once_for_all_accounts(owners: Owners) -> None:
    await owners.number(owners.anna, "+1 555 0100")
    other = await owners.number(owners.bert, "200")
    with pytest.raises(Conflict) as caught:
        await owners.number(owners.bert, "+15550100")
    assert caught.value.field == "number"
    with pytest.raises(Conflict):
        await owners.services.numbers.change(owners.bert, other.id, {"number": "+1-555-0100"})
    await owners.services.numbers.change(owners.bert, other.id, {"number": "200", "label": "x"})


async def test_the_agents_of_a_number_are_its_owners_and_programs(owners: Owners) -> None:
    foreign = await owners.agent(owners.bert)
    person = await owners.agent(owners.anna, kind=AgentKind.HUMAN)
    own = await owners.agent(owners.anna)
    for field in ("agent_id", "closed_agent_id"):
        for wrong in (foreign.id, person.id, "nobody"):
            with pytest.raises(Unprocessable) as caught:
                await owners.number(owners.anna, "200", **{field: wrong})
            assert [error.field for error in caught.value.errors] == [field]
    made = await owners.number(owners.anna, "200", agent_id=own.id, closed_agent_id=own.id)
    # An administrator changes it as its owner might.
    with pytest.raises(Unprocessable):
        await owners.services.numbers.change(OPERATOR, made.id, {"agent_id": foreign.id})


async def test_a_number_whose_agent_is_deleted_is_left_without(owners: Owners) -> None:
    own = await owners.agent(owners.anna)
    made = await owners.number(owners.anna, "200", agent_id=own.id)
    await owners.services.agents.delete(owners.anna, own.id)
    assert (await owners.services.numbers.get(owners.anna, made.id)).agent_id is None


async def test_a_call_is_placed_by_a_line_that_its_owner_may_use_or_not_at_all(
    owners: Owners,
) -> None:
    modems = owners.services.modems
    (first,) = [x for x in (await modems.page(OPERATOR, PageQuery())).items if x.name == "first"]
    await modems.assign(OPERATOR, first.id, owners.bert.account_id)
    for name in ("nowhere", "first"):
        with pytest.raises(Unprocessable) as caught:
            await owners.services.calls.place(owners.anna, NewCall(to="+15550100", line=name))
        assert [error.field for error in caught.value.errors] == ["line"]
    daily = {"pattern": "daily", "time": "09:00", "timezone": "Europe/Berlin"}
    for path, body in (
        ("/v1/schedules", {"to": "+15550100", "recurrence": daily}),
        ("/v1/campaigns", {"name": "Spring", "numbers": ["+15550100"]}),
    ):
        problem = await owners.want(422, "POST", path, body | {"line": "nowhere"})
        assert problem["field"] == "line"
        made = await owners.want(201, "POST", path, body | {"line": "office"})
        await owners.want(422, "PATCH", f"{path}/{made['id']}", {"line": "nowhere"})
    for who, name in ((owners.bert, "first"), (owners.anna, "second"), (owners.anna, "office")):
        await owners.services.calls.place(who, NewCall(to="+15550100", line=name))


async def test_a_numbers_line_is_one_that_its_owner_may_use(owners: Owners) -> None:
    (modem, _) = (await owners.services.modems.page(OPERATOR, PageQuery(sort="name"))).items
    await owners.services.modems.assign(OPERATOR, modem.id, owners.bert.account_id)
    await owners.number(owners.anna, "200", line="office")
    await owners.number(owners.anna, "201", line="second")
    await owners.number(owners.bert, "202", line="first")
    for line in ("first", "nothing"):
        with pytest.raises(Unprocessable) as caught:
            await owners.number(owners.anna, "203", line=line)
        assert [error.field for error in caught.value.errors] == ["line"]


async def test_a_modem_is_seen_by_whom_it_is_assigned_to(owners: Owners) -> None:
    modems = owners.services.modems
    first, second = (await modems.page(OPERATOR, PageQuery(sort="name"))).items
    assert (await modems.page(owners.anna, PageQuery())).items == ()
    assigned = await modems.assign(OPERATOR, first.id, owners.anna.account_id)
    assert (await modems.page(owners.anna, PageQuery())).items == (assigned,)
    assert await modems.by_seq(owners.anna, first.seq) == assigned
    for who, id_ in ((owners.anna, second.id), (owners.bert, first.id), (OPERATOR, "nothing")):
        with pytest.raises(NotFound):
            await modems.get(who, id_)
    with pytest.raises(NotFound):
        await modems.by_seq(owners.anna, second.seq)
    with pytest.raises(Unprocessable):
        await modems.assign(OPERATOR, first.id, "nobody")
    assert (await modems.assign(OPERATOR, first.id, None)).assigned_account_id is None


async def test_a_modem_tells_what_its_line_does(owners: Owners) -> None:
    modems = owners.services.modems
    first = (await modems.page(OPERATOR, PageQuery(sort="name"))).items[0]
    assert first.state is ModemState.IDLE
    seat = owners.limits.acquire(Claim(Counted.LINE, "first", 1))
    assert (await modems.get(OPERATOR, first.id)).state is ModemState.IN_CALL
    seat.release()
    owners.lines.loopback = None
    assert (await modems.get(OPERATOR, first.id)).state is ModemState.OFFLINE


async def test_lines_are_seen_without_addresses_and_others_modems(owners: Owners) -> None:
    owners.lines.tell_registration(RegistrationFailed("office", 403, "by pbx.example", 1.0))
    modem = (await owners.services.modems.page(OPERATOR, PageQuery(sort="name"))).items[0]
    await owners.services.modems.assign(OPERATOR, modem.id, owners.bert.account_id)
    lines = owners.services.lines
    assert (await lines.get(OPERATOR, "office")).address == "sip:pbx.example"
    seen = await lines.all(owners.anna)
    assert [line.name for line in seen] == ["office", "second", "loopback"]
    assert "example" not in msgspec.json.encode(seen).decode()
    assert "first" in [line.name for line in await lines.all(owners.bert)]
    with pytest.raises(NotFound):
        await lines.get(owners.anna, "first")


async def test_people_who_take_calls_are_those_who_are_there(owners: Owners) -> None:
    async def person(name: str, **fields: Any) -> None:
        human: dict[str, Any] = {"kind": AgentKind.HUMAN, "address": "sip:e@127.0.0.1"}
        await owners.agent(owners.anna, name, **(human | fields))

    # The clock shows Tuesday, 22:13 UTC.
    await person("first")
    await person("busy", availability=Availability.BUSY)
    await person("nowhere", address=None)
    await person("by telephone", address=None, phone_number="+15550100")
    await person("off", is_active=False)
    await person("by day", open_hours=OpenHours())
    await person("by night", open_hours=OpenHours(opens="22:00", closes="06:00"))
    await person("a program", kind=AgentKind.AI)
    await owners.agent(owners.bert, kind=AgentKind.HUMAN, address="100")
    found = await owners.services.agents.available_humans(
        owners.anna.account_id, owners.clock.wall()
    )
    assert [human.name for human in found] == ["first", "by telephone", "by night"]
