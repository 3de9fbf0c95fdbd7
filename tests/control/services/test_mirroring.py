"""What stands in the configuration is in the store as well."""

import pathlib
from collections.abc import AsyncIterator

import pytest

from offhook.control.auth.principal import OPERATOR, OPERATOR_ID
from offhook.control.configuration.config import AgentConfig, ModemSettings, Settings
from offhook.control.configuration.configured import BUILT_IN_ID
from offhook.control.domain.accounts import Account
from offhook.control.domain.agents import Agent
from offhook.control.domain.calls import Call, CallStatus
from offhook.control.domain.numbers import PhoneNumber
from offhook.control.errors import Conflict
from offhook.control.services.accounts import ACCOUNTS
from offhook.control.services.agents import AGENTS, AgentService
from offhook.control.services.mirroring import mirror
from offhook.control.services.modems import MODEMS
from offhook.control.services.numbers import NUMBERS
from offhook.control.store import schema
from offhook.control.store.database import Database
from offhook.control.store.rows import Rows
from offhook.media.clock import VirtualClock
from offhook.tests.kit.database import copy_database

CALLS = Rows(schema.CALLS, Call)


class Store:
    """A database, and a server that starts on it again and again."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = VirtualClock()

    async def start(self, settings: Settings) -> None:
        self.clock.advance(60)
        await mirror(settings, self.database, self.clock)

    async def agents(self) -> dict[str, Agent]:
        async with self.database.read() as tx:
            return {agent.name: agent for agent in await AGENTS.all(tx, None)}

    async def numbers(self) -> dict[str, PhoneNumber]:
        async with self.database.read() as tx:
            return {number.number: number for number in await NUMBERS.all(tx, None)}


@pytest.fixture
async def store(tmp_path: pathlib.Path) -> AsyncIterator[Store]:
    database = copy_database(tmp_path)
    await database.open()
    yield Store(database)
    await database.aclose()


DESK = AgentConfig("desk", greeting="Hi.", instructions="Be brief.")
SHOP = AgentConfig("shop")


async def test_agents_and_numbers_of_the_file_are_the_operators(store: Store) -> None:
    await store.start(Settings(agents=(DESK, SHOP), numbers={"+49 30": "desk"}))
    agents = await store.agents()
    assert set(agents) == {"offhook", "desk", "shop"}
    assert agents["offhook"].id == BUILT_IN_ID
    desk = agents["desk"]
    assert (desk.owner_id, desk.greeting, desk.system_prompt, desk.from_configuration) == (
        OPERATOR_ID,
        "Hi.",
        "Be brief.",
        True,
    )
    number = (await store.numbers())["+4930"]
    assert (number.agent_id, number.owner_id, number.from_configuration) == (
        desk.id,
        OPERATOR_ID,
        True,
    )


async def test_what_is_the_same_stays_and_what_is_changed_keeps_its_id(store: Store) -> None:
    await store.start(Settings(agents=(DESK, SHOP)))
    before = await store.agents()
    await store.start(Settings(agents=(AgentConfig("desk", greeting="Hello."), SHOP)))
    after = await store.agents()
    assert (after["shop"], after["offhook"]) == (before["shop"], before["offhook"])
    assert (after["desk"].id, after["desk"].greeting) == (before["desk"].id, "Hello.")
    assert after["desk"].updated_wall > before["desk"].updated_wall


async def test_an_agent_that_is_gone_is_deleted_or_switched_off_while_calls_refer_to_it(
    store: Store,
) -> None:
    await store.start(Settings(agents=(DESK, SHOP)))
    desk = (await store.agents())["desk"]
    async with store.database.write() as tx:
        call = Call(
            owner_id=OPERATOR_ID,
            inbound=True,
            from_number="1",
            to_number="2",
            agent_id=desk.id,
            status=CallStatus.ENDED,
        )
        await CALLS.add(tx, call)
    await store.start(Settings())
    agents = await store.agents()
    assert set(agents) == {"offhook", "desk"}
    assert not agents["desk"].is_active
    await store.start(Settings(agents=(DESK,)))
    back = (await store.agents())["desk"]
    assert (back.id, back.is_active) == (desk.id, True)


async def test_what_the_file_says_is_changed_there_and_what_is_gone_may_be_deleted(
    store: Store,
) -> None:
    service = AgentService(store.database, store.clock)
    await store.start(Settings(agents=(DESK,)))
    desk = (await store.agents())["desk"]
    with pytest.raises(Conflict, match="configuration"):
        await service.change(OPERATOR, desk.id, {"greeting": "No."})
    for id_ in (desk.id, BUILT_IN_ID):
        with pytest.raises(Conflict, match="configuration"):
            await service.delete(OPERATOR, id_)
    async with store.database.write() as tx:
        await AGENTS.update(tx, desk, is_active=False)  # as one that is gone
    await service.delete(OPERATOR, desk.id)


async def test_an_agent_of_the_api_with_the_same_name_is_another_one(store: Store) -> None:
    service = AgentService(store.database, store.clock)
    own = await service.create(OPERATOR, Agent(owner_id="", name="desk"))
    await store.start(Settings(agents=(DESK,)))
    await store.start(Settings())
    assert await service.get(OPERATOR, own.id) == own


async def test_a_number_follows_the_file_and_is_taken_from_whoever_had_it(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with store.database.write() as tx:
        other = await ACCOUNTS.add(tx, Account(email="a@b"))
        await NUMBERS.add(tx, PhoneNumber(owner_id=other.id, number="100"))
        await NUMBERS.add(tx, PhoneNumber(owner_id=other.id, number="101"))
    await store.start(Settings(agents=(DESK, SHOP), numbers={"100": "desk"}))
    numbers, agents = await store.numbers(), await store.agents()
    assert numbers["100"].owner_id == OPERATOR_ID
    assert numbers["101"].owner_id == other.id
    assert "a number of account" in caplog.text
    await store.start(Settings(agents=(DESK, SHOP), numbers={"100": "shop"}))
    assert (await store.numbers())["100"].agent_id == agents["shop"].id
    await store.start(Settings(agents=(DESK, SHOP)))
    assert set(await store.numbers()) == {"101"}


async def test_modems_follow_the_file_and_keep_whose_they_are(store: Store) -> None:
    await store.start(Settings())
    async with store.database.write() as tx:
        (modem,) = await MODEMS.all(tx, None)
        assert (modem.name, modem.simulated) == ("simulated-1", True)
    await store.start(Settings(modems=(ModemSettings("a", "+1"), ModemSettings("b"))))
    async with store.database.write() as tx:
        modem, _ = await MODEMS.all(tx, None)
        assert (modem.name, modem.number) == ("a", "+1")
        await MODEMS.update(tx, modem, assigned_account_id=OPERATOR_ID)
    await store.start(Settings(modems=(ModemSettings("a", "+2"),)))
    async with store.database.read() as tx:
        (again,) = await MODEMS.all(tx, None)
    assert (again.id, again.number, again.assigned_account_id) == (modem.id, "+2", OPERATOR_ID)
