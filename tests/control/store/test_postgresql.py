"""What PostgreSQL is asked for so that several nodes keep the promises of one."""

import asyncio
import pathlib
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.domain.agents import Agent
from offhook.control.domain.calls import Call, CallStatus
from offhook.control.errors import BadRequest, Conflict, StoreError
from offhook.control.services.agents import AGENTS
from offhook.control.store import schema
from offhook.control.store.call_queue import claim, place_retries, promote_due
from offhook.control.store.calls import CALLS, CallChange, CallStore
from offhook.control.store.database import Database, Transaction
from offhook.control.store.node_session import RETRY_S, NodeSession
from offhook.control.store.rows import PageQuery
from offhook.media.clock import VirtualClock
from offhook.tests.kit.database import copy_database, on_postgresql
from offhook.tests.kit.postgresql import cluster, needs_postgresql

pytestmark = [pytest.mark.interop, needs_postgresql()]

Pair = tuple[Database, Database]


@pytest.fixture
async def nodes(tmp_path: pathlib.Path) -> AsyncIterator[Pair]:
    """Two that share a database."""
    with on_postgresql():
        url = copy_database(tmp_path).url
        pair = Database(url, "one"), Database(url, "two")
        for database in pair:
            await database.open()
        yield pair
        for database in pair:
            await database.aclose()


def agent(name: str) -> Agent:
    return Agent(owner_id=OPERATOR_ID, name=name)


def call(status: CallStatus, **fields: object) -> Call:
    return Call(
        owner_id=OPERATOR_ID,
        inbound=False,
        from_number="",
        to_number="+4930",
        status=status,
        **fields,  # type: ignore[arg-type]
    )


async def test_places_are_given_in_the_order_of_commits_whichever_node_writes(
    nodes: Pair,
) -> None:
    seen: list[list[int]] = []

    async def write(database: Database, number: int) -> None:
        async with database.write() as tx:
            added = await AGENTS.add(tx, agent(f"{number}"))
        async with database.read() as tx:
            rows = await tx.execute(text("SELECT seq FROM agents ORDER BY seq"))
            seen.append(list(rows.scalars()))
            assert added.seq in seen[-1]

    await asyncio.gather(*(write(nodes[n % 2], n) for n in range(40)))
    longest = max(seen, key=len)
    # Whoever had read up to some place never finds one before it later.
    assert all(found == longest[: len(found)] for found in seen)


async def test_a_writer_waits_for_the_other_nodes(nodes: Pair) -> None:
    one, two = nodes
    async with one.write() as tx:
        await AGENTS.add(tx, agent("first"))
        other = asyncio.create_task(_count_and_add(two))
        await _until_a_writer_waits(one)
        assert not other.done()
    assert await other == 1


async def _count_and_add(database: Database) -> int:
    async with database.write() as tx:
        found = await AGENTS.count(tx, None)
        await AGENTS.add(tx, agent("second"))
        return found


async def _until_a_writer_waits(database: Database) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    async with asyncio.timeout(10.0):
        async with database.read() as tx:
            while not (await tx.execute(waiting)).scalar_one():
                pass


async def test_a_reader_sees_one_moment_and_cannot_write(nodes: Pair) -> None:
    one, two = nodes
    async with one.read() as tx:
        assert await AGENTS.count(tx, None) == 0
        async with two.write() as other:
            await AGENTS.add(other, agent("meanwhile"))
        assert await AGENTS.count(tx, None) == 0
    with pytest.raises(StoreError, match="read-only"):
        async with one.read() as tx:
            await AGENTS.add(tx, agent("by a reader"))


async def test_a_call_is_claimed_by_one_node_and_ended_by_no_other(nodes: Pair) -> None:
    one, two = nodes
    async with one.write() as tx:
        queued = await CALLS.add(tx, call(CallStatus.QUEUED))

    async def claimed(database: Database) -> bool:
        async with database.write() as tx:
            return await claim(tx, queued, 1.0)

    assert sorted(await asyncio.gather(claimed(one), claimed(two))) == [False, True]
    cut_off = [await CallStore(database).cut_off() for database in nodes]
    assert sorted(len(calls) for calls in cut_off) == [0, 1]


async def test_a_call_that_came_in_belongs_to_the_node_that_took_it(nodes: Pair) -> None:
    one, two = (CallStore(database) for database in nodes)
    await one.save([CallChange(call(CallStatus.RINGING), is_new=True)], ())
    assert (await two.cut_off()) == []
    assert [found.node for found in await one.cut_off()] == ["one"]


async def test_rows_that_somebody_holds_are_passed_over_when_calls_become_due(
    nodes: Pair,
) -> None:
    one, _ = nodes
    async with one.write() as tx:
        held, free = await CALLS.add_all(
            tx, [call(CallStatus.SCHEDULED, scheduled_wall=float(n)) for n in (1, 2)]
        )
        await CALLS.add(tx, call(CallStatus.ENDED, next_retry_wall=3.0))
    async with one._engine.connect() as somebody:  # by hand, beside all that Offhook does
        row = schema.CALLS.select().where(schema.CALLS.c.id == held.id)
        await somebody.execute(row.with_for_update())
        async with one.write() as tx:
            assert [found.id for found in await promote_due(tx, 5.0, 10)] == [free.id]
            assert len(await place_retries(tx, 5.0, 10)) == 1
        await somebody.rollback()
    async with one.write() as tx:
        assert [found.id for found in await promote_due(tx, 5.0, 10)] == [held.id]


async def test_a_nul_in_a_text_is_replaced(nodes: Pair) -> None:
    one, _ = nodes
    async with one.write() as tx:
        added = await AGENTS.add(tx, agent("a\0b"))
    async with one.read() as tx:
        found = await AGENTS.get(tx, added.id, None)
    assert found is not None
    assert found.name == "a\N{REPLACEMENT CHARACTER}b"


async def test_an_error_about_a_value_does_not_tell_it(nodes: Pair) -> None:
    one, _ = nodes
    with pytest.raises(StoreError, match="holds no such value") as caught:
        async with one.write() as tx:
            await AGENTS.add(tx, agent("secret \ud800"))
    assert "secret" not in str(caught.value)


async def test_broken_rules_are_conflicts(nodes: Pair) -> None:
    one, two = nodes
    async with one.write() as tx:
        added = await AGENTS.add(tx, agent("a"))
    with pytest.raises(Conflict, match="already"):
        async with two.write() as tx:
            await AGENTS.add(tx, added)
    with pytest.raises(Conflict, match="does not exist"):
        async with two.write() as tx:
            await AGENTS.add(tx, Agent(owner_id="nobody", name="b"))


async def test_a_cursor_of_another_column_is_the_clients_fault(nodes: Pair) -> None:
    one, _ = nodes
    async with one.write() as tx:
        await AGENTS.add_all(tx, [agent(name) for name in ("a", "b", "c")])
    async with one.read() as tx:
        page = await AGENTS.page(tx, None, PageQuery(limit=1, sort="name"))
        assert [found.name for found in page.items] == ["a"]
        with pytest.raises(BadRequest):
            await AGENTS.page(tx, None, PageQuery(sort="-seq", cursor=page.next))


async def test_a_database_that_cannot_be_reached_is_a_store_error() -> None:
    database = Database(cluster().url("there_is_no_such_one"))
    with pytest.raises(StoreError, match="does not exist"):
        await database.open()
    await database.aclose()


async def test_a_name_is_one_process_and_the_next_leads_when_the_leader_is_gone(
    nodes: Pair,
) -> None:
    clock = VirtualClock()
    one, two = (NodeSession(database, clock) for database in nodes)
    again = NodeSession(nodes[0], clock, name_wait_ms=1)
    leading = {session: asyncio.Event() for session in (one, two)}
    for session, event in leading.items():
        session.watch(event.set)
    await one.start()
    async with asyncio.timeout(10.0):
        await leading[one].wait()
    with pytest.raises(StoreError, match="'one'"):
        await again.start()
    await two.start()
    await _until_a_writer_waits(nodes[0])
    assert (one.leads, two.leads) == (True, False)
    await one.aclose()
    async with asyncio.timeout(10.0):
        await leading[two].wait()
    assert (one.leads, two.leads) == (False, True)
    await two.aclose()


async def test_a_lost_connection_costs_the_lead_and_is_made_again(nodes: Pair) -> None:
    clock = VirtualClock()
    session = NodeSession(nodes[0], clock)
    changes: asyncio.Queue[bool] = asyncio.Queue()
    session.watch(lambda: changes.put_nowait(session.leads))
    await session.start()
    async with asyncio.timeout(20.0):
        assert await changes.get()
        async with nodes[0].write() as tx:
            await _cut_off_everybody_else(tx)
        assert not await changes.get()
        while changes.empty():
            clock.advance(RETRY_S)
            await asyncio.sleep(0)
        assert await changes.get()
    await session.aclose()


async def _cut_off_everybody_else(tx: Transaction) -> None:
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    await tx.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
