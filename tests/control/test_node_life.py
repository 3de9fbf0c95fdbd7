"""The record that a process is up, kept until it stops."""

import contextlib
import pathlib

from sqlalchemy import select

from offhook.control.node_life import NodeLife
from offhook.control.services.availability import BEAT_S, AvailabilityService
from offhook.control.store import schema
from offhook.control.store.database import Database
from offhook.media.clock import VirtualClock
from offhook.tests.kit.database import copy_database


async def kept(database: Database) -> tuple[float, float, bool]:
    """Of the one life: begun, seen, ended."""
    life = schema.NODE_LIVES.c
    query = select(life.begun_wall, life.seen_wall, life.is_ended)
    async with database.read() as tx:
        begun, seen, ended = (await tx.execute(query)).one()
    return begun, seen, ended


async def test_a_life_is_seen_to_go_on_and_to_end(tmp_path: pathlib.Path) -> None:
    database, clock = copy_database(tmp_path), VirtualClock()
    await database.open()
    begun = clock.wall()
    async with contextlib.AsyncExitStack() as stack:
        life = NodeLife(AvailabilityService(database, clock), clock)
        await life.start(stack)
        await life.idle.wait()
        clock.advance(BEAT_S)
        await life.idle.wait()
        assert await kept(database) == (begun, begun + BEAT_S, False)
        clock.advance(BEAT_S / 2)
    assert await kept(database) == (begun, begun + 1.5 * BEAT_S, True)
    await database.aclose()
