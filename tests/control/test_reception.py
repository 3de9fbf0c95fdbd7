"""Calls that come in, from ringing to their record, and callers who are handed to somebody else.

Real SIP and RTP on the loopback, a house agent, speech services by script.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from offhook.control.agents import AgentRuntime
from offhook.control.events import EventBus
from offhook.control.metrics import Metrics
from offhook.control.reception import Reception
from offhook.control.registry import CallRegistry
from offhook.control.store.call_files import CallFiles
from offhook.drivers.llm.house import HouseResponder
from offhook.drivers.llm.house_settings import Answer, HouseSettings
from offhook.media.conversation.records import (
    AnyCallEvent,
    CallEnded,
    CallRecord,
    CallStatus,
    Role,
    TurnAdded,
)
from offhook.media.conversation.settings import AgentSettings, TurnSettings
from offhook.media.ports import HangUpCause, LegRinging
from offhook.tests.kit.fake_speech import FakeSynthesizer, FakeTranscriber
from offhook.tests.kit.station import LIMIT_S, Party, Station

IMPATIENT = TurnSettings(digits_timeout_ms=100, hang_up_tail_ms=60)

EventT = TypeVar("EventT", bound=AnyCallEvent)


class House:
    """A server's reception with one agent: key 1 hands over, key 2 says "Well.", 9 hangs up."""

    def __init__(self, folder: Path) -> None:
        self.station = Station(lambda leg: self.reception.incoming(leg))
        self.clock = self.station.clock
        self._bus = EventBus()
        self.registry = CallRegistry(
            CallFiles(folder), self._bus, Metrics(), self.clock, folder / "recordings"
        )
        self._events = self._bus.subscribe()
        self.transfer_to = ""
        self.speech = FakeSynthesizer(self.clock, delay_s=0.0)
        self.ears = FakeTranscriber(self.clock, delay_s=0.0)
        self.reception = Reception(
            self._agent_for, self.registry, self.clock, folder / "recordings"
        )

    async def __aenter__(self) -> "House":
        await self.registry.start()
        await self.station.__aenter__()
        self.reception.endpoint = self.station.endpoint
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.reception.aclose()
        await self.station.__aexit__()
        await self.registry.aclose()
        assert len(self.station.engine) == 0
        assert self.station.ports.in_use == 0

    async def _agent_for(self, line: str, number: str) -> AgentRuntime:
        if number == "nobody":
            raise LookupError(number)
        answers = (
            Answer(name="person", key="1", say="Wait.", transfer=self.transfer_to),
            Answer(name="other", key="2", say="Well."),
            Answer(name="bye", key="9", say="Bye.", hang_up=True),
        )
        settings = HouseSettings(greeting="Hi.", answers=answers)
        return AgentRuntime(
            AgentSettings(name="desk", apology="Sorry.", turn=IMPATIENT),
            self.ears,
            self.speech,
            lambda caller: HouseResponder(settings, self.clock, caller),
        )

    async def told(
        self, kind: type[EventT], wanted: Callable[[EventT], bool] = lambda event: True
    ) -> EventT:
        """The next event of that kind."""
        async with asyncio.timeout(LIMIT_S):
            async for published in self._events:
                if isinstance(published.event, kind) and wanted(published.event):
                    return published.event
        raise AssertionError("the bus was closed")

    async def agent_says(self, text: str) -> None:
        await self.told(
            TurnAdded, lambda event: event.turn.role is Role.AGENT and event.turn.text == text
        )

    async def record(self) -> CallRecord:
        """Of the call that has ended."""
        ended = await self.told(CallEnded)
        async with asyncio.timeout(LIMIT_S):
            await self.reception.settled()
        found = await self.registry.get(ended.call_id)
        assert found is not None
        return found


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path) as house:
        yield house


@pytest.fixture
async def caller() -> AsyncIterator[Station]:
    async with Station() as station:
        yield station


@pytest.fixture
async def person() -> AsyncIterator[Station]:
    async with Station() as station:
        yield station


async def call(caller: Station, house: House, user: str = "agent") -> Party:
    """A call that has been greeted."""
    party = caller.call(house.station.address(user))
    await party.answered()
    await house.agent_says("Hi.")
    return party


async def handed_over(caller: Station, house: House, person: Station) -> tuple[Party, Party]:
    """A caller whom the agent is handing over, and the other telephone, which rings."""
    house.transfer_to = person.address("person")
    party = await call(caller, house)
    party.leg.send_digits("1")
    return party, await person.incoming()


async def test_a_call_is_greeted_recorded_and_kept(
    house: House, caller: Station, tmp_path: Path
) -> None:
    party = await call(caller, house)
    party.leg.send_digits("9")
    end = await party.ended()
    assert (end.cause, end.by_us) == (HangUpCause.NORMAL, False)
    record = await house.record()
    assert (record.status, record.cause, record.ended_by_us) == (
        CallStatus.ENDED,
        HangUpCause.NORMAL,
        True,
    )
    assert (record.agent, record.codec, record.rate_hz, record.to_number) == (
        "desk",
        "PCMU",
        8000,
        "agent",
    )
    assert [turn.text for turn in record.turns if turn.role is Role.AGENT] == ["Hi.", "Bye."]
    assert record.recording is not None
    await house.station.recorder.aclose()
    assert (tmp_path / "recordings" / record.recording).stat().st_size > 44 + 2 * 2 * 8000 // 10


@pytest.mark.parametrize(("user", "status"), [("busy", 486), ("decline", 603)])
async def test_local_numbers_that_refuse(
    house: House, caller: Station, user: str, status: int
) -> None:
    end = await caller.call(house.station.address(user)).ended()
    assert end.status == status
    assert house.registry.live() == []


async def test_a_caller_who_gives_up_while_it_rings(house: House, caller: Station) -> None:
    house.ears.fails = "hang"  # it rings until the transcriber is there
    party = caller.call(house.station.address("agent"))
    await party.wait_for(LegRinging)
    party.leg.hang_up()
    record = await house.record()
    assert (record.cause, record.answered_wall) == (HangUpCause.CANCELLED, None)


async def test_a_bug_before_the_answer_ends_the_call(
    house: House, caller: Station, caplog: pytest.LogCaptureFixture
) -> None:
    end = await caller.call(house.station.address("nobody")).ended()
    assert end.status == 500
    assert "nobody" in caplog.text


async def test_closing_ends_live_calls_and_sends_ringing_ones_elsewhere(
    house: House, caller: Station
) -> None:
    live = await call(caller, house)
    house.ears.fails = "hang"
    ringing = caller.call(house.station.address("agent"))
    await ringing.wait_for(LegRinging)
    await house.reception.aclose()
    assert (await live.ended()).cause is HangUpCause.NORMAL
    assert (await ringing.ended()).status == 503
    assert house.registry.live() == []


async def test_an_ended_call_is_freed_without_the_collector(
    house: House, caller: Station, person: Station
) -> None:
    gc.collect()
    gc.disable()
    try:
        party, other = await handed_over(caller, house, person)
        other.leg.answer()
        await party.hear_from(other)
        party.leg.hang_up()
        await house.record()
        del party
        assert house.reception.in_memory() == {"session": 0, "leg": 0}
    finally:
        gc.enable()


# --- handed over ----------------------------------------------------------------------------------


async def test_a_caller_who_is_handed_over_and_the_person_hear_each_other(
    house: House, caller: Station, person: Station
) -> None:
    party, other = await handed_over(caller, house, person)
    other.leg.answer()
    await party.hear_from(other)
    await other.hear_from(party)
    party.leg.hang_up()
    assert (await other.ended()).by_us is False
    record = await house.record()
    assert record.transferred_to == person.address("person")
    assert record.ended_by_us is False


async def test_the_person_hangs_up_and_the_caller_is_let_go(
    house: House, caller: Station, person: Station
) -> None:
    party, other = await handed_over(caller, house, person)
    other.leg.answer()
    await party.hear_from(other)
    other.leg.hang_up()
    end = await party.ended()
    assert (end.cause, end.by_us) == (HangUpCause.NORMAL, False)
    assert (await house.record()).transferred_to == person.address("person")


async def test_a_person_who_declines_leaves_the_caller_to_the_agent(
    house: House, caller: Station, person: Station
) -> None:
    party, other = await handed_over(caller, house, person)
    other.leg.hang_up(HangUpCause.BUSY)
    await house.agent_says("Sorry.")
    party.leg.send_digits("2")
    await house.agent_says("Well.")
    party.leg.hang_up()
    record = await house.record()
    assert record.transferred_to is None
    assert record.cause is HangUpCause.NORMAL


async def test_a_number_that_cannot_be_dialled_leaves_the_caller_to_the_agent(
    house: House, caller: Station
) -> None:
    house.transfer_to = "4930123456"  # and no line that could dial it
    party = await call(caller, house)
    party.leg.send_digits("1")
    await house.agent_says("Sorry.")
    party.leg.send_digits("2")
    await house.agent_says("Well.")
    party.leg.hang_up()
    assert (await house.record()).transferred_to is None


async def test_a_caller_who_hangs_up_stops_the_other_telephone(
    house: House, caller: Station, person: Station
) -> None:
    party, other = await handed_over(caller, house, person)
    party.leg.hang_up()
    assert (await other.ended()).cause is HangUpCause.CANCELLED
    await house.record()
