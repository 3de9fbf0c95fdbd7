"""Old events and ended deliveries go; what is still to be delivered stays."""

import pathlib

from offhook.control.configuration.config_events import EventSettings
from offhook.control.events.event_retention import BATCH, DAY_S, EventRetention
from offhook.tests.kit.webhook_bench import WebhookBench
from offhook.tests.kit.webhook_receiver import Receiver

SETTINGS = EventSettings(retention_days=7.0, max_kept=1000)


def retention(bench: WebhookBench) -> EventRetention:
    return EventRetention(bench.events, bench.queue, bench.clock, SETTINGS)


async def test_what_is_old_goes_with_its_deliveries(tmp_path: pathlib.Path) -> None:
    async with WebhookBench(tmp_path) as bench, Receiver() as receiver:
        await bench.hook(receiver.url())
        await bench.start()
        await bench.tell(bench.happened("c", "1"), bench.happened("c", "2"))
        await bench.queue.wait(2)
        bench.clock.advance(7 * DAY_S + 1)
        await bench.tell(bench.happened("c", "3"))
        await bench.queue.wait(3)
        assert await retention(bench).sweep() == 2
        assert await bench.events.kept() == (3, 3)
        assert len(await bench.deliveries()) == 1


async def test_what_a_webhook_still_waits_for_stays(tmp_path: pathlib.Path) -> None:
    async with WebhookBench(tmp_path) as bench, Receiver(lambda _: 500) as receiver:
        await bench.hook(receiver.url(), "call.*")
        await bench.start()
        await bench.tell(bench.happened("c", "1"))
        await bench.queue.wait(1)
        bench.clock.advance(8 * DAY_S)
        await bench.queue.wait(2)  # too old by now: it has failed
        await bench.tell(bench.happened("c", "2"))
        await bench.queue.wait(3)
        assert bench.sender is not None
        await bench.sender.aclose()
        bench.clock.advance(8 * DAY_S)
        await bench.tell(bench.happened("c", "3"))
        assert await retention(bench).sweep() == 1
        assert await bench.events.kept() == (2, 3)


async def test_more_than_so_many_are_not_kept(tmp_path: pathlib.Path) -> None:
    async with WebhookBench(tmp_path) as bench:
        for _ in range(4):
            await bench.tell(*(bench.happened("c", f"{n}") for n in range(BATCH)))
        assert await retention(bench).sweep() == 4 * BATCH - SETTINGS.max_kept
        assert await bench.events.kept() == (4 * BATCH - SETTINGS.max_kept + 1, 4 * BATCH)


async def test_it_looks_again_every_hour(tmp_path: pathlib.Path) -> None:
    async with WebhookBench(tmp_path) as bench:
        keeper = retention(bench)
        keeper.start()
        await keeper._loop.idle.wait()
        await bench.tell(bench.happened("c", "1"))
        bench.clock.advance(8 * DAY_S)
        await bench.tell(bench.happened("c", "2"))
        assert await bench.events.kept() == (1, 2)
        bench.clock.advance(3600.0)
        await keeper._loop.idle.wait()
        assert await bench.events.kept() == (2, 2)
        await keeper.aclose()
