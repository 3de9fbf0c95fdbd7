"""Webhooks of an account that is switched off: nothing leaves, and nothing of its own is lost."""

import pathlib
from collections.abc import AsyncIterator

import pytest

from offhook.control.auth.principal import Principal, Role
from offhook.control.domain.events import LineStateChanged
from offhook.control.domain.webhooks import DeliveryStatus
from offhook.control.services.accounts import ACCOUNTS
from offhook.tests.kit.webhook_bench import WebhookBench
from offhook.tests.kit.webhook_receiver import Receiver


@pytest.fixture
async def bench(tmp_path: pathlib.Path) -> AsyncIterator[WebhookBench]:
    async with WebhookBench(tmp_path) as bench:
        yield bench


async def switch(bench: WebhookBench, who: Principal, on: bool) -> None:
    """The account on or off, as its service stores it."""
    async with bench.database.write() as tx:
        account = await ACCOUNTS.get(tx, who.account_id, None)
        assert account is not None
        await ACCOUNTS.update(tx, account, is_active=on)


async def test_what_waits_and_what_happens_meanwhile_is_told_once_it_is_on_again(
    bench: WebhookBench,
) -> None:
    ann = await bench.user("ann@example.org")
    async with Receiver() as receiver:
        await bench.hook(receiver.url("/ann"), who=ann)
        await bench.hook(receiver.url("/operator"))
        await bench.tell(bench.happened("c", "before"), owner=ann.account_id)
        await switch(bench, ann, on=False)
        await bench.start()
        await bench.tell(bench.happened("c", "meanwhile"), owner=ann.account_id)
        await bench.tell(bench.happened("d", "another's"))
        await bench.queue.wait(1)
        assert [one.path for one in receiver.received] == ["/operator"]
        assert await bench.queue.next_due_wall((), ()) is None
        await switch(bench, ann, on=True)
        assert bench.sender is not None
        bench.sender.wake()
        await bench.queue.wait(3)
        told = [one.json["data"]["fields"] for one in receiver.received if one.path == "/ann"]
    assert told == [["before"], ["meanwhile"]]


async def test_an_administrator_who_is_switched_off_is_not_kept_what_is_nobodys(
    bench: WebhookBench,
) -> None:
    bob = await bench.user("bob@example.org")
    async with bench.database.write() as tx:
        account = await ACCOUNTS.get(tx, bob.account_id, None)
        assert account is not None
        await ACCOUNTS.update(tx, account, role=Role.ADMIN)
    async with Receiver() as receiver:
        await bench.hook(receiver.url("/bob"), who=bob)
        await bench.hook(receiver.url("/operator"))
        await switch(bench, bob, on=False)
        down = LineStateChanged(at_wall=bench.clock.wall(), line="l", state="down")
        await bench.tell(down, owner=None)
        await bench.start()
        await bench.queue.wait(1)
    (delivery,) = await bench.deliveries()
    assert delivery.status is DeliveryStatus.DELIVERED
    assert delivery.owner_id != bob.account_id
