"""Calls that come in, from ringing to their record, and callers who are handed to somebody else.

Real SIP and RTP on the loopback, a house agent, speech services by script.
"""

import asyncio
import gc
import re
import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import pytest

from offhook.control.agents.agents import AgentRuntime
from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.calls.holding import Holding
from offhook.control.calls.reception import Reception
from offhook.control.calls.registry import CallRegistry
from offhook.control.dialer.call_limits import CallLimits, Claim, Counted
from offhook.control.domain.agents import Agent
from offhook.control.domain.calls import Call, CallStatus as BusinessStatus, Outcome
from offhook.control.errors import FieldError, Problem, Unprocessable
from offhook.control.events.events import EventBus
from offhook.control.lines.routing import CallRefused, InboundRoute
from offhook.control.services.transcripts import Transcript, webvtt
from offhook.control.store.calls import RECORDINGS, CallStore
from offhook.control.telemetry.metrics import Metrics
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
from offhook.media.ports import HangUpCause, LegPort, LegRinging
from offhook.tests.kit.database import copy_database
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
        self.database = copy_database(folder)
        self.store = CallStore(self.database)
        self.registry = CallRegistry(
            self.store, self._bus, Metrics(), self.clock, folder / "recordings"
        )
        self._events = self._bus.subscribe()
        self.transfer_to = ""
        self.unfit = False
        self.kept: Call
        "The last one that has ended, as it is stored."
        self.speech = FakeSynthesizer(self.clock, delay_s=0.0)
        self.ears = FakeTranscriber(self.clock, delay_s=0.0)
        self.holding = Holding(self.registry, self.clock, folder / "recordings", self._dial)
        self.limits = CallLimits()
        self.claims: tuple[Claim, ...] = ()
        self.reception = Reception(
            self.holding, self._route, self._runtime, self.limits, self.clock
        )

    async def __aenter__(self) -> "House":
        await self.database.open()
        await self.registry.start()
        await self.station.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.holding.aclose()
        await self.station.__aexit__()
        await self.registry.aclose()
        await self.database.aclose()
        assert len(self.station.engine) == 0
        assert self.station.ports.in_use == 0

    def _dial(self, to: str, line: str) -> LegPort:
        return self.station.endpoint.call(to, line=line)

    async def _route(self, line: str, number: str) -> InboundRoute:
        if number == "nobody":
            raise LookupError(number)
        if number == "closed":
            raise CallRefused(HangUpCause.BUSY, "outside the number's hours")
        return InboundRoute(
            Agent(owner_id=OPERATOR_ID, name="desk"), OPERATOR_ID, None, self.claims
        )

    def _runtime(self, agent: Agent) -> AgentRuntime:
        if self.unfit:
            raise Unprocessable("the settings do not fit", [FieldError("house", "required")])
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
            await self.holding.settled()
        await self.registry.settled()
        found = await self.store.get(ended.call_id, OPERATOR_ID)
        assert found is not None
        assert found.record is not None
        self.kept = found
        return found.record


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
    kept = house.kept
    assert (kept.outcome, kept.status, kept.line) == (
        Outcome.COMPLETED,
        BusinessStatus.ENDED,
        record.line,
    )
    assert kept.duration_s is not None
    assert record.recording is not None
    assert kept.recording == record.recording
    await house.station.recorder.aclose()
    assert (tmp_path / "recordings" / record.recording).stat().st_size > 44 + 2 * 2 * 8000 // 10


async def test_cues_lie_where_the_voices_are_in_the_recording(
    house: House, caller: Station, tmp_path: Path
) -> None:
    party = await call(caller, house)
    party.leg.send_digits("9")
    await party.ended()
    record = await house.record()
    assert record.recording is not None
    with wave.open(str(tmp_path / "recordings" / record.recording)) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    right = data.reshape(-1, 2)[:, 1]
    sounds = np.flatnonzero(right)
    # The agent speaks twice: where it falls silent for longest the first cue ends.
    gap = int(np.argmax(np.diff(sounds)))
    heard = [(sounds[0], sounds[gap] + 1), (sounds[gap + 1], sounds[-1] + 1)]
    cues = re.findall(
        r"(\d+):(\d+):(\d+)\.(\d+) --> (\d+):(\d+):(\d+)\.(\d+)\n<v Agent>(.*)</v>",
        webvtt(Transcript(record.id, tuple(record.turns), record.rate_hz)),
    )
    assert [cue[-1] for cue in cues] == ["Hi.", "Bye."]
    for cue, (begin, end) in zip(cues, heard, strict=True):
        hours, minutes, seconds, ms = map(int, cue[:4])
        begin_s = hours * 3600 + minutes * 60 + seconds + ms / 1000
        assert abs(begin_s - begin / 8000) <= 0.0005, "to the millisecond"
        hours, minutes, seconds, ms = map(int, cue[4:8])
        end_s = hours * 3600 + minutes * 60 + seconds + ms / 1000
        assert abs(end_s - end / 8000) <= 0.0205, "to the frame in which it is noticed"
    async with house.database.read() as tx:
        (row,) = await RECORDINGS.all(tx, None)
    assert (row.call_id, row.rate_hz) == (record.id, 8000)
    assert row.length_s == len(right) / 8000
    assert row.size_bytes == (tmp_path / "recordings" / record.recording).stat().st_size


@pytest.mark.parametrize(("user", "status"), [("busy", 486), ("decline", 603), ("closed", 486)])
async def test_local_numbers_that_refuse(
    house: House, caller: Station, user: str, status: int
) -> None:
    end = await caller.call(house.station.address(user)).ended()
    assert end.status == status
    assert house.registry.live() == []


async def test_a_call_beyond_a_limit_hears_busy_and_gives_nothing_back(
    house: House, caller: Station
) -> None:
    house.claims = (Claim(Counted.ACCOUNT, OPERATOR_ID, 1),)
    first = await call(caller, house)
    end = await caller.call(house.station.address("agent")).ended()
    assert end.status == 486
    assert house.limits.in_use(Counted.ACCOUNT, OPERATOR_ID) == 1
    first.leg.hang_up()
    await house.record()
    assert house.limits.in_use(Counted.ACCOUNT, OPERATOR_ID) == 0


async def test_a_caller_who_gives_up_while_it_rings(house: House, caller: Station) -> None:
    house.ears.fails = "hang"  # it rings until the transcriber is there
    party = caller.call(house.station.address("agent"))
    await party.wait_for(LegRinging)
    party.leg.hang_up()
    record = await house.record()
    assert (record.cause, record.answered_wall) == (HangUpCause.CANCELLED, None)
    assert house.kept.outcome is Outcome.NO_ANSWER, "a missed call"


async def test_an_agent_that_cannot_answer_is_not_available_and_somebody_is_told(
    house: House, caller: Station
) -> None:
    told: list[tuple[str, str]] = []

    async def tell(agent: Agent, problem: Problem) -> None:
        told.append((agent.name, problem.errors[0].field))

    house.unfit, house.reception.on_unfit = True, tell
    end = await caller.call(house.station.address("agent")).ended()
    assert end.status == 480
    assert told == [("desk", "house")]
    assert house.registry.live() == []


async def test_a_call_uses_its_accounts_own_keys_and_says_what_it_does_not_get(
    house: House, caller: Station
) -> None:
    async def keyed(agent: AgentRuntime) -> AgentRuntime:
        return msgspec.structs.replace(agent, substitutions=("llm far",))

    house.holding.keyed = keyed
    party = await call(caller, house)
    party.leg.hang_up()
    await house.record()
    assert house.kept.substitutions == ("llm far",)


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
    await house.holding.aclose()
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
        assert house.holding.in_memory() == {"session": 0, "leg": 0}
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
