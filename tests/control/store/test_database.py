"""The database and its rows, on SQLite in a folder of the test."""

import asyncio
import pathlib
import sqlite3
from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from offhook.control.domain.accounts import Account, Role, Telegram
from offhook.control.domain.agents import Agent, LanguageModel, OpenHours
from offhook.control.errors import BadRequest, Conflict, StoreError
from offhook.control.store import schema
from offhook.control.store.database import Database
from offhook.control.store.full_text import is_table
from offhook.control.store.rows import PageQuery, Rows

ACCOUNTS = Rows(schema.ACCOUNTS, Account)
AGENTS = Rows(schema.AGENTS, Agent)


@pytest.fixture
async def database(tmp_path: pathlib.Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/offhook.db")
    await database.open()
    yield database
    await database.aclose()


async def an_account(database: Database, email: str) -> Account:
    async with database.write() as tx:
        return await ACCOUNTS.add(tx, Account(email=email, telegram=Telegram(user_id=7)))


async def test_an_entity_comes_back_as_it_was_stored(database: Database) -> None:
    account = await an_account(database, "ann@example.org")
    agent = Agent(
        owner_id=account.id,
        name="Anna",
        llm=LanguageModel(provider="acme", temperature=0.5),
        config_data={"a": [1, {"b": None}]},
        open_hours=OpenHours(days=(1, 7)),
        created_wall=1_700_000_000.125,
    )
    async with database.write() as tx:
        stored = await AGENTS.add(tx, agent)
    async with database.read() as tx:
        assert await AGENTS.get(tx, agent.id, account.id) == stored
        assert await AGENTS.by_seq(tx, stored.seq, None) == stored
        read = await ACCOUNTS.get(tx, account.id, None)
    assert (stored.seq, account.seq) == (1, 1)
    assert read == account
    assert read is not None
    assert read.role is Role.USER


async def test_another_owner_finds_changes_and_deletes_nothing(database: Database) -> None:
    ann, bob = [await an_account(database, f"{name}@example.org") for name in ("ann", "bob")]
    async with database.write() as tx:
        agent = await AGENTS.add(tx, Agent(owner_id=ann.id, name="Anna"))
        assert await AGENTS.get(tx, agent.id, bob.id) is None
        assert (await AGENTS.page(tx, bob.id, PageQuery(total=True))).total == 0
        assert not await AGENTS.delete(tx, agent.id, bob.id)
        assert await AGENTS.update_where(tx, bob.id, name="mine") == 0
        assert await AGENTS.count(tx, ann.id) == 1
        assert await AGENTS.delete(tx, agent.id, ann.id)


async def test_what_was_raised_in_a_transaction_undoes_it(database: Database) -> None:
    async def fail_in_the_middle() -> None:
        async with database.write() as tx:
            await ACCOUNTS.add(tx, Account(email="ann@example.org"))
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        await fail_in_the_middle()
    async with database.read() as tx:
        assert await ACCOUNTS.count(tx, None) == 0


async def test_a_broken_rule_is_a_conflict_that_names_no_value(database: Database) -> None:
    await an_account(database, "ann@example.org")
    with pytest.raises(Conflict) as told:
        await an_account(database, "ann@example.org")
    assert "ann" not in str(told.value)
    with pytest.raises(Conflict, match="does not exist"):
        async with database.write() as tx:
            await AGENTS.add(tx, Agent(owner_id="nobody", name="Anna"))


async def test_writers_take_turns_and_none_is_lost(database: Database) -> None:
    await asyncio.gather(*(an_account(database, f"{n}@example.org") for n in range(50)))
    async with database.read() as tx:
        accounts = await ACCOUNTS.all(tx, None)
    assert [account.seq for account in accounts] == list(range(1, 51))
    assert database.waiting_writes == 0


@pytest.mark.parametrize("sort", ["-seq", "seq", "name", "-name", "-created_wall"])
async def test_pages_follow_each_other_without_gap_or_double(database: Database, sort: str) -> None:
    account = await an_account(database, "ann@example.org")
    async with database.write() as tx:
        names = [f"agent {n % 4}" for n in range(23)]
        await AGENTS.add_all(
            tx,
            [
                Agent(owner_id=account.id, name=name, created_wall=float(n // 3))
                for n, name in enumerate(names)
            ],
        )
        seen: list[Agent] = []
        cursor = None
        while True:
            query = PageQuery(limit=5, sort=sort, cursor=cursor, total=True)
            page = await AGENTS.page(tx, account.id, query)
            seen += page.items
            assert page.total == 23
            cursor = page.next
            if cursor is None:
                break
    assert len({agent.id for agent in seen}) == len(seen) == 23
    key = sort.removeprefix("-")
    values = [getattr(agent, key) for agent in seen]
    assert values == sorted(values, reverse=sort.startswith("-"))


@pytest.mark.parametrize("cursor", ["", "!", "AAAA", "W10", "WzEsMl0x", "x" * 9999])
async def test_a_cursor_that_is_none_is_named(database: Database, cursor: str) -> None:
    async with database.read() as tx:
        with pytest.raises(BadRequest) as told:
            await AGENTS.page(tx, None, PageQuery(cursor=cursor))
    assert told.value.field == "cursor"


async def test_an_unknown_sort_is_named(database: Database) -> None:
    async with database.read() as tx:
        with pytest.raises(BadRequest) as told:
            await AGENTS.page(tx, None, PageQuery(sort="password_hash"))
    assert told.value.field == "sort"


async def test_only_one_process_has_the_file(database: Database, tmp_path: pathlib.Path) -> None:
    with pytest.raises(StoreError, match="another Offhook"):
        await Database(f"sqlite+aiosqlite:///{tmp_path}/offhook.db").open()
    assert (tmp_path / "offhook.db").stat().st_mode & 0o777 == 0o600


async def test_what_was_stored_is_there_at_the_next_start(tmp_path: pathlib.Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/offhook.db"
    for expected in (0, 1, 2):
        database = Database(url)
        await database.open()
        async with database.read() as tx:
            assert await ACCOUNTS.count(tx, None) == expected
        await an_account(database, f"{expected}@example.org")
        await database.aclose()


async def test_a_database_of_a_newer_offhook_is_refused(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "offhook.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.close()
    database = Database(f"sqlite+aiosqlite:///{file}")
    with pytest.raises(StoreError, match="not known to this Offhook"):
        await database.open()
    await database.aclose()


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite+nothing:///x", "ftp://x/y"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(StoreError, match="address"):
        Database(url)


async def test_migrations_lead_to_the_schema(tmp_path: pathlib.Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/offhook.db")
    await database.open()
    await database.aclose()
    engine = create_engine(f"sqlite:///{tmp_path}/offhook.db")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_table})
        assert compare_metadata(context, schema.METADATA) == []
    engine.dispose()
