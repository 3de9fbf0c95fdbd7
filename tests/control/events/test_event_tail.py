"""Events of several nodes, told at one of them: all, once, in the order of the table."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest

from offhook.control.domain.events import AgentChanged
from offhook.control.domain.webhooks import StoredEvent
from offhook.control.errors import StoreError
from offhook.control.events.event_filter import EventFilter
from offhook.control.events.event_tail import POLL_S, RETRY_S, EventTail
from offhook.control.events.events import EventBus, Subscription
from offhook.control.services.event_log import stored_event
from offhook.media.clock import VirtualClock
from offhook.media.conversation.records import CallerSpeaking

PASSING = CallerSpeaking("c", 0.0, 1)


class Table:
    """Stands for the table that the nodes share."""

    def __init__(self) -> None:
        self.events: list[StoredEvent] = []
        self.reads = 0
        self.away = False

    def store(self, seq: int) -> StoredEvent:
        """Whoever does."""
        event = AgentChanged(at_wall=float(seq), agent_id=f"a-{seq}", change="changed")
        self.events.append(msgspec.structs.replace(stored_event(event, "o"), seq=seq))
        return self.events[-1]

    async def kept(self) -> tuple[int, int]:
        """All of them."""
        seqs = [event.seq for event in self.events]
        return (min(seqs), max(seqs)) if seqs else (0, 0)

    async def after(self, seq: int, wanted: EventFilter, limit: int) -> Sequence[StoredEvent]:
        """The next ones."""
        self.reads += 1
        if self.away:
            raise StoreError("the database", "it is away")
        found = sorted(self.events, key=lambda event: event.seq)
        return [event for event in found if event.seq > seq][:limit]


class Node:
    """One of them."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.table = Table()
        self.bus = EventBus()
        self.tail = EventTail(self.bus, self.table, self.clock)
        self.news = 0
        self.tail.watch(self._told)

    def _told(self) -> None:
        self.news += 1

    def store(self, seq: int) -> None:
        """As this node does: committed, then published."""
        stored = self.table.store(seq)
        self.bus.publish(msgspec.convert(stored.body, AgentChanged), "o", stored)


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    node = Node()
    node.table.store(3)
    await node.tail.start()
    node.bus.begin_after(3)
    yield node
    await node.tail.aclose()


async def taken(subscription: Subscription, count: int) -> list[str]:
    """The places, `-` behind those of what is only told."""
    async with asyncio.timeout(5.0):
        published = [await anext(subscription) for _ in range(count)]
    return [each.cursor + ("" if each.id or each.event is None else "-") for each in published]


async def test_what_another_node_stored_before_is_told_before(node: Node) -> None:
    told = node.bus.subscribe()
    node.table.store(4)
    node.store(5)
    assert await taken(told, 3) == ["3", "4", "5"]
    assert node.news == 1


async def test_what_another_node_stores_is_told_in_time(node: Node) -> None:
    told = node.bus.subscribe()
    node.table.store(4)
    await settle()
    assert told.waiting == 0
    node.clock.advance(POLL_S)
    assert await taken(told, 2) == ["3", "4"]
    assert node.news == 1


async def test_own_events_are_no_news(node: Node) -> None:
    told = node.bus.subscribe()
    node.store(4)
    assert await taken(told, 2) == ["3", "4"]
    assert node.news == 0


async def test_what_is_only_told_stays_behind_what_was_stored_before_it(node: Node) -> None:
    told = node.bus.subscribe()
    node.bus.publish(PASSING, "o")
    node.store(4)
    node.bus.publish(PASSING, "o")
    node.store(5)
    assert await taken(told, 5) == ["3", "3-", "4", "4-", "5"]


async def test_an_event_that_was_read_before_it_was_published_is_told_once(node: Node) -> None:
    told = node.bus.subscribe()
    stored = node.table.store(4)
    node.clock.advance(POLL_S)
    assert await taken(told, 2) == ["3", "4"]
    node.bus.publish(msgspec.convert(stored.body, AgentChanged), "o", stored)
    node.store(5)
    assert await taken(told, 1) == ["5"]


async def test_an_event_that_was_deleted_keeps_nothing_back(node: Node) -> None:
    told = node.bus.subscribe()
    stored = node.table.store(4)
    node.table.events.remove(stored)
    node.bus.publish(msgspec.convert(stored.body, AgentChanged), "o", stored)
    node.bus.publish(PASSING, "o")
    assert await taken(told, 2) == ["3", "3-"]


async def test_a_database_that_is_away_is_asked_again(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    told = node.bus.subscribe()
    node.table.away = True
    node.store(4)
    await settle()
    assert "cannot be read" in caplog.text
    node.table.away = False
    node.clock.advance(RETRY_S)
    assert await taken(told, 2) == ["3", "4"]


async def test_more_than_a_page_is_told_whole(node: Node) -> None:
    told = node.bus.subscribe()
    for seq in range(4, 604):
        node.table.store(seq)
    node.clock.advance(POLL_S)
    assert await taken(told, 601) == [str(seq) for seq in range(3, 604)]


async def settle() -> None:
    """Let every task go on as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)
