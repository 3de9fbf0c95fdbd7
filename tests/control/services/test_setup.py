"""The set-up of an installation: all or nothing, open to the first one who comes."""

import pathlib
from collections.abc import AsyncIterator

import msgspec
import pytest

from offhook.control.auth.principal import OPERATOR, OPERATOR_ID
from offhook.control.domain.agents import Agent, AgentKind
from offhook.control.errors import Conflict, Unauthorized, Unprocessable
from offhook.control.services.documents import DocumentFilter
from offhook.control.services.setup import Knowledge, NewKey, SetupService, Wanted
from offhook.control.store import schema
from offhook.control.store.rows import PageQuery, Rows
from offhook.tests.kit.api import Api

DOCUMENTS = DocumentFilter()
NOBODYS = ""
AGENT = Agent(owner_id=NOBODYS, name="Shop")
PERSON = Agent(owner_id=NOBODYS, name="Ann", kind=AgentKind.HUMAN)
WANTED = Wanted(
    agent=AGENT,
    people=(PERSON,),
    knowledge=(Knowledge(title="Hours", content="We open at nine."),),
    keys=(NewKey(provider="openai", secret="sk-0123456789abcdefgh"),),
)


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as found:
        yield found


def setup(api: Api) -> SetupService:
    return api.services.setup


async def test_the_first_one_needs_no_account_and_the_operator_has_it(api: Api) -> None:
    assert await setup(api).is_open()
    made = await setup(api).complete(None, WANTED)
    assert {made.agent.owner_id, made.people[0].owner_id} == {OPERATOR_ID}
    (document,) = made.documents
    assert document.agent_id == made.agent.id
    assert api.services.documents.path_of(document).read_text() == "We open at nine."
    (key,) = made.keys
    assert "sk-0123456789abcdefgh" not in key.secret
    assert not await setup(api).is_open()
    with pytest.raises(Unauthorized):
        await setup(api).complete(None, WANTED)


async def test_whoever_has_an_account_sets_up_again(api: Api) -> None:
    await setup(api).complete(None, WANTED)
    fresh = msgspec.structs.replace(
        WANTED, agent=Agent(owner_id=NOBODYS, name="Other"), people=(), keys=()
    )
    made = await setup(api).complete(OPERATOR, fresh)
    assert made.agent.name == "Other"
    found = await api.services.documents.page(OPERATOR, PageQuery(total=True), DOCUMENTS)
    assert found.total == 2


async def test_an_account_closes_it(api: Api) -> None:
    await api.user("ann@example.org")
    assert not await setup(api).is_open()
    with pytest.raises(Unauthorized):
        await setup(api).asker(None)


async def test_agents_that_cannot_be_are_refused_and_nothing_is_kept(api: Api) -> None:
    unfit = msgspec.structs.replace(AGENT, house={"no_such": 1})
    with pytest.raises(Unprocessable):
        await setup(api).complete(None, msgspec.structs.replace(WANTED, agent=unfit))
    assert await setup(api).is_open()


async def test_a_failure_at_the_end_takes_all_of_it_back(api: Api) -> None:
    many = tuple(NewKey(provider="openai", secret="sk-1") for _ in range(101))
    looked: list[None] = []
    api.services.documents.on_change = lambda: looked.append(None)
    with pytest.raises(Conflict):
        await setup(api).complete(None, msgspec.structs.replace(WANTED, keys=many))
    async with api.database.read() as tx:
        assert await Rows(schema.AGENTS, Agent).count(tx, None) == 0
    assert await setup(api).is_open()
    assert looked, "whoever tidies up is told of the file that no document has"
