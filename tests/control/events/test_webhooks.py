"""The sender of webhooks, with receivers on this machine: in order, again, through crashes."""

import pathlib
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from offhook.control.auth.principal import OPERATOR
from offhook.control.domain.events import AgentChanged, LineStateChanged, WebhookDisabled
from offhook.control.domain.webhooks import DeliveryStatus
from offhook.control.events import webhooks as webhooks_module
from offhook.control.events.event_filter import EventFilter
from offhook.control.events.webhook_delivery import RETRY_DELAYS_S
from offhook.control.events.webhooks import PER_WEBHOOK
from offhook.control.services.deliveries import DELIVERIES, ERROR_LOGS
from offhook.drivers.public_addresses import PublicResolver
from offhook.tests.kit.webhook_bench import WebhookBench
from offhook.tests.kit.webhook_receiver import Received, Receiver, is_signed

DELIVERED, FAILED = DeliveryStatus.DELIVERED, DeliveryStatus.FAILED


@pytest.fixture
async def bench(tmp_path: pathlib.Path) -> AsyncIterator[WebhookBench]:
    async with WebhookBench(tmp_path) as bench:
        yield bench


def names(received: list[Received]) -> list[str]:
    return [one.json["data"]["fields"][0] for one in received]


def agent_changed(bench: WebhookBench) -> AgentChanged:
    return AgentChanged(at_wall=bench.clock.wall(), agent_id="a", change="created")


async def test_an_event_comes_signed_and_the_delivery_is_kept(bench: WebhookBench) -> None:
    async with Receiver() as receiver:
        webhook, secret = await bench.hook(receiver.url())
        await bench.start()
        await bench.tell(agent_changed(bench))
        (received,) = await receiver.wait(1)
        await bench.queue.wait(1)
    assert is_signed(received, secret)
    assert not is_signed(received, secret + "x")
    (delivery,) = await bench.deliveries()
    assert (delivery.status, delivery.attempts) == (DELIVERED, 1)
    assert delivery.webhook_id == webhook.id
    assert received.json["id"] == received.headers["Offhook-Event-Id"] == delivery.event_id
    assert received.headers["Offhook-Delivery"] == delivery.id
    assert received.json["type"] == "agent.changed"
    assert received.json["data"]["agent_id"] == "a"


async def test_only_the_node_that_leads_sends_and_who_follows_it_goes_on_there(
    bench: WebhookBench, tmp_path: pathlib.Path
) -> None:
    leads = True
    other = bench.again()
    async with Receiver() as receiver:
        await bench.hook(receiver.url())
        await bench.start(leads=lambda: leads)
        await other.events.start()
        await other.start(leads=lambda: not leads)
        await bench.tell(bench.happened("c", "first"))
        await bench.queue.wait(1)
        leads = False
        for each in (bench, other):
            assert each.sender is not None
            each.sender.wake()
        await bench.tell(bench.happened("c", "second"))
        assert other.sender is not None
        other.sender.wake()
        await other.queue.wait(1)
        assert names(receiver.received) == ["first", "second"]
        await other.sender.aclose()
        await other.database.aclose()


async def test_only_the_wanted_events_of_its_account_come(bench: WebhookBench) -> None:
    ann = await bench.user("ann@example.org")
    async with Receiver() as receiver:
        await bench.hook(receiver.url("/operator"))
        await bench.hook(receiver.url("/calls"), "call.*")
        await bench.hook(receiver.url("/ann"), who=ann)
        await bench.tell(agent_changed(bench))
        await bench.tell(bench.happened("c", "x"), owner=ann.account_id)
        up = LineStateChanged(at_wall=bench.clock.wall(), line="l", state="up")
        await bench.tell(up, owner=None)
        await bench.tell(bench.happened("d", "y"))
        await bench.start()
        await bench.queue.wait(5)
        came = sorted((one.path, one.json["type"]) for one in receiver.received)
    assert came == [
        ("/ann", "call.updated"),
        ("/calls", "call.updated"),
        ("/operator", "agent.changed"),
        ("/operator", "call.updated"),
        ("/operator", "line.state"),
    ]


async def test_what_happened_before_a_webhook_was_made_is_not_told(bench: WebhookBench) -> None:
    await bench.tell(bench.happened("c", "before"))
    bench.clock.advance(1.0)
    async with Receiver() as receiver:
        await bench.hook(receiver.url())
        await bench.start()
        await bench.tell(bench.happened("c", "after"))
        assert names(await receiver.wait(1)) == ["after"]
    assert len(await bench.deliveries()) == 1


async def test_a_further_webhook_is_not_told_what_waits_for_the_first_one(
    bench: WebhookBench,
) -> None:
    async with Receiver() as receiver:
        await bench.hook(receiver.url("/first"))
        await bench.tell(bench.happened("c", "before"))
        bench.clock.advance(1.0)
        await bench.hook(receiver.url("/second"))
        await bench.tell(bench.happened("c", "after"))
        await bench.start()
        await bench.queue.wait(3)
        came = sorted((one.path, one.json["data"]["fields"]) for one in receiver.received)
    assert came == [("/first", ["after"]), ("/first", ["before"]), ("/second", ["after"])]


async def test_without_webhooks_nothing_is_read_and_the_first_one_begins_with_what_is_next(
    bench: WebhookBench,
) -> None:
    await bench.start()
    await bench.tell(bench.happened("c", "before"))
    assert not await bench.follower.follow()
    assert bench.follower.idle
    async with Receiver() as receiver:
        webhook, _ = await bench.hook(receiver.url())
        assert not bench.follower.idle
        await bench.tell(bench.happened("c", "1"))
        await bench.queue.wait(1)
        await bench.webhooks.change(OPERATOR, webhook.id, {"is_active": False})
        await bench.tell(bench.happened("c", "while it is off"))
        await bench.webhooks.change(OPERATOR, webhook.id, {"is_active": True})
        await bench.tell(bench.happened("c", "2"))
        await bench.queue.wait(2)
    assert names(receiver.received) == ["1", "2"]


async def test_what_happened_while_all_were_off_is_told_nobody_however_late_it_is_looked_at(
    bench: WebhookBench,
) -> None:
    async with Receiver() as receiver:
        webhook, _ = await bench.hook(receiver.url())
        await bench.tell(bench.happened("c", "1"))
        assert await bench.follower.follow()
        await bench.webhooks.change(OPERATOR, webhook.id, {"is_active": False})
        await bench.tell(bench.happened("c", "while it is off"))
        await bench.webhooks.change(OPERATOR, webhook.id, {"is_active": True})
        await bench.tell(bench.happened("c", "2"))
        await bench.start()
        # That of the first event was given up when it was switched off.
        await bench.queue.wait(1)
    assert names(receiver.received) == ["2"]


async def test_events_that_come_in_a_crowd_are_looked_for_together(bench: WebhookBench) -> None:
    async with Receiver() as receiver:
        await bench.hook(receiver.url())
        await bench.start(look_every_s=0.1)
        bench.clock.advance(1.0)
        await bench.tell(bench.happened("c", "1"))
        await bench.queue.wait(1)
        for number in range(2, 9):
            await bench.tell(bench.happened("c", f"{number}"))
        bench.clock.advance(0.1)
        await bench.queue.wait(8)
    assert names(receiver.received) == [f"{number}" for number in range(1, 9)]


async def test_events_of_a_call_keep_their_order_through_failures(bench: WebhookBench) -> None:
    refusals = 2

    def status(received: Received) -> int:
        nonlocal refusals
        if names([received]) == ["a1"] and refusals:
            refusals -= 1
            return 500
        return 204

    async with Receiver(status) as receiver:
        await bench.hook(receiver.url())
        await bench.start()
        await bench.tell(*(bench.happened("a", f"a{n}") for n in range(1, 4)))
        await bench.queue.wait(1)
        await bench.tell(*(bench.happened("b", f"b{n}") for n in range(1, 3)))
        await bench.queue.wait(3)
        assert names(receiver.received) == ["a1", "b1", "b2"]
        bench.clock.advance(RETRY_DELAYS_S[0] * 1.3)
        await bench.queue.wait(4)
        assert names(receiver.received)[3:] == ["a1"]
        bench.clock.advance(RETRY_DELAYS_S[1] * 1.3)
        await bench.queue.wait(7)
        assert names(receiver.received)[4:] == ["a1", "a2", "a3"]
    assert {delivery.status for delivery in await bench.deliveries()} == {DELIVERED}


async def test_a_receiver_that_never_answers_slows_nobody_else(bench: WebhookBench) -> None:
    async with Receiver(lambda _: 0) as dead, Receiver() as alive:
        await bench.hook(dead.url())
        await bench.hook(alive.url())
        await bench.start()
        await bench.tell(*(bench.happened(f"c{n}", "x") for n in range(100)))
        await bench.queue.wait(100)
        assert len(alive.received) == 100
        assert len(await dead.wait(PER_WEBHOOK)) == PER_WEBHOOK
        dead.let_go.set()
        await bench.queue.wait(200)
        assert len(dead.received) == 100


async def test_after_the_last_try_it_has_failed_and_the_next_one_goes(bench: WebhookBench) -> None:
    async with Receiver(lambda one: 500 if names([one]) == ["bad"] else 204) as receiver:
        webhook, _ = await bench.hook(receiver.url())
        await bench.start()
        await bench.tell(bench.happened("c", "bad"), bench.happened("c", "good"))
        for number, delay in enumerate(RETRY_DELAYS_S, 1):
            await bench.queue.wait(number)
            bench.clock.advance(delay * 1.3)
        await bench.queue.wait(9)
    assert names(receiver.received) == ["bad"] * 8 + ["good"]
    failed, good = await bench.deliveries()
    assert (failed.status, failed.attempts, failed.response_status) == (FAILED, 8, 500)
    assert good.status is DELIVERED
    async with bench.database.read() as tx:
        (logged,) = await ERROR_LOGS.all(tx, None)
    assert logged.message == "an event was not delivered: answered with 500"
    assert (logged.call_id, logged.context["webhook_id"]) == ("c", webhook.id)


async def test_a_receiver_that_is_gone_is_told_nothing_more(bench: WebhookBench) -> None:
    told = bench.bus.subscribe(EventFilter(types=("webhook.*",)))
    async with Receiver(lambda _: 410) as gone, Receiver() as alive:
        webhook, _ = await bench.hook(gone.url())
        await bench.start()
        await bench.tell(bench.happened("c", "1"), bench.happened("c", "2"))
        await bench.queue.wait(1)
        await bench.hook(alive.url(), "call.*")
        await bench.tell(bench.happened("d", "3"))
        await alive.wait(1)
        assert names(gone.received) == ["1"]
    published = [await anext(told) for _ in range(2)]
    assert isinstance(published[1].event, WebhookDisabled)
    found = await bench.webhooks.get(OPERATOR, webhook.id)
    assert not found.is_active
    assert "410" in found.disabled_reason
    mine = [one for one in await bench.deliveries() if one.webhook_id == webhook.id]
    assert [delivery.status for delivery in mine] == [FAILED, FAILED]


async def test_killed_after_the_commit_it_is_delivered_by_the_next_start(
    tmp_path: pathlib.Path,
) -> None:
    async with Receiver() as receiver:
        async with WebhookBench(tmp_path) as first:
            await first.hook(receiver.url())
            await first.tell(*(first.happened("c", f"{n}") for n in range(3)))
        async with first.again() as second:
            await second.start()
            await second.queue.wait(3)
            assert names(receiver.received) == ["0", "1", "2"]
        async with second.again() as third:
            await third.start()
            await third.tell(third.happened("c", "3"))
            await third.queue.wait(1)
            assert names(receiver.received) == ["0", "1", "2", "3"]
            assert len(await third.deliveries()) == 4


async def test_killed_while_it_was_on_its_way_it_comes_again(tmp_path: pathlib.Path) -> None:
    async with Receiver(lambda _: 0) as receiver:
        async with WebhookBench(tmp_path) as first:
            await first.hook(receiver.url())
            await first.start()
            await first.tell(first.happened("c", "1"), first.happened("c", "2"))
            await receiver.wait(1)
        receiver.let_go.set()
        async with first.again() as second:
            await second.start()
            await second.queue.wait(2)
    assert names(receiver.received) == ["1", "1", "2"]
    ids = [one.headers["Offhook-Event-Id"] for one in receiver.received]
    assert ids[0] == ids[1] != ids[2]


async def test_an_address_of_this_machine_is_refused_when_it_is_sent_to(
    bench: WebhookBench,
) -> None:
    async with Receiver() as receiver:
        await bench.hook(receiver.url())  # written down when that was allowed
        await bench.start(allow_private=False)
        await bench.tell(agent_changed(bench))
        (delivery,) = await bench.queue.wait(1)
        assert receiver.received == []
    assert delivery is not None
    assert delivery.status is FAILED


async def test_redirects_are_not_followed(bench: WebhookBench) -> None:
    async with Receiver(lambda one: 307 if one.path == "/hook" else 204) as receiver:
        await bench.hook(receiver.url())
        await bench.start()
        await bench.tell(agent_changed(bench))
        (delivery,) = await bench.queue.wait(1)
    assert delivery is not None
    assert delivery.error == "answered with 307"
    assert [one.path for one in receiver.received] == ["/hook"]


async def test_no_answer_and_no_connection_are_told_apart(
    bench: WebhookBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks_module, "TIMEOUT_S", 0.05)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        async with Receiver(lambda _: 0) as silent:
            await bench.hook(silent.url())
            await bench.hook(f"http://127.0.0.1:{port}/")
            await bench.start()
            await bench.tell(agent_changed(bench))
            await bench.queue.wait(2)
    errors = sorted(delivery.error for delivery in await bench.deliveries())
    assert "Connect call failed" in errors[0]
    assert errors[1].startswith("no answer within")


async def test_a_webhook_deleted_on_the_way_is_no_trouble(bench: WebhookBench) -> None:
    async with Receiver(lambda _: 0) as receiver:
        webhook, _ = await bench.hook(receiver.url())
        await bench.start()
        await bench.tell(bench.happened("c", "1"), bench.happened("c", "2"))
        await receiver.wait(1)
        await bench.webhooks.delete(OPERATOR, webhook.id)
        receiver.let_go.set()
        assert await bench.queue.wait(1) == [None]
    assert await bench.deliveries() == []


async def test_a_stream_whose_first_one_is_lost_is_released_by_the_next_start(
    bench: WebhookBench,
) -> None:
    async with Receiver() as receiver:
        await bench.hook(receiver.url())
        await bench.tell(bench.happened("c", "1"), bench.happened("c", "2"), agent_changed(bench))
        await bench.follower.follow()
        assert await bench.queue.release_stuck() == 0
        first, *_ = await bench.deliveries()
        async with bench.database.write() as tx:
            await DELIVERIES.delete(tx, first.id, None)
        await bench.start()
        await bench.queue.wait(2)
        types = sorted(one.json["type"] for one in receiver.received)
    assert types == ["agent.changed", "call.updated"]


class Answers(AbstractResolver):
    """Knows some addresses."""

    def __init__(self, *hosts: str) -> None:
        self._hosts = hosts

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0)
            for one in self._hosts
        ]

    async def close(self) -> None:
        pass


async def test_a_name_that_leads_to_a_private_network_is_not_followed_there() -> None:
    resolver = PublicResolver(Answers("10.0.0.1", "9.9.9.9", "::1"), allow_private=False)
    assert [entry["host"] for entry in await resolver.resolve("x", 443)] == ["9.9.9.9"]
    with pytest.raises(OSError, match="private network"):
        await PublicResolver(Answers("127.0.0.1"), allow_private=False).resolve("x", 443)
    allowed = PublicResolver(Answers("127.0.0.1"), allow_private=True)
    assert len(await allowed.resolve("x", 443)) == 1
