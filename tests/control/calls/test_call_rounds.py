"""How often calls are stored: at once, and together where they come one after the other."""

import asyncio
from collections.abc import Sequence

from offhook.control.calls.call_rounds import REST_S, CallRounds
from offhook.control.domain.webhooks import StoredEvent
from offhook.control.events.events import EventBus
from offhook.control.store.calls import CallChange, Saved
from offhook.media.clock import VirtualClock
from offhook.tests.kit.call_records import call_of, call_record


class Store:
    """Counts what is stored together; is told how it went, too."""

    def __init__(self) -> None:
        self.rounds: list[int] = []

    async def save(self, changes: Sequence[CallChange], events: Sequence[StoredEvent]) -> Saved:
        self.rounds.append(len(changes))
        return Saved({}, ())

    def stored(self, call_id: str, seq: int | None) -> None: ...

    def lost(self, call_id: str) -> None: ...


class Bench:
    """Rounds that rest."""

    def __init__(self) -> None:
        self.store, self.clock = Store(), VirtualClock()
        self.rounds = CallRounds(self.store, EventBus(), self.clock, self.store, REST_S)
        self.running = asyncio.create_task(self.rounds.run())

    def change(self, number: int) -> None:
        self.rounds.change(CallChange(call_of(call_record(number))))

    async def turn(self) -> None:
        """Let what can be done now be done."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def aclose(self) -> None:
        self.rounds.close()
        await self.running


async def test_what_follows_a_round_closely_waits_and_is_stored_together() -> None:
    bench = Bench()
    bench.change(1)
    await bench.turn()
    assert bench.store.rounds == [1], "the first one at once"
    for number in range(2, 6):
        bench.change(number)
        await bench.turn()
    assert bench.store.rounds == [1]
    bench.clock.advance(REST_S)
    await bench.turn()
    assert bench.store.rounds == [1, 4]
    bench.clock.advance(REST_S)
    bench.change(6)
    await bench.turn()
    assert bench.store.rounds == [1, 4, 1], "it has rested already"
    await bench.aclose()


async def test_no_round_rests_while_somebody_waits_for_it_or_at_the_end() -> None:
    bench = Bench()
    bench.change(1)
    await bench.turn()
    bench.change(2)
    await bench.rounds.settled()
    assert bench.store.rounds == [1, 1]
    bench.change(3)
    await bench.aclose()
    assert bench.store.rounds == [1, 1, 1]
