"""Others in a call over real SIP and RTP: a supervisor listens, takes the caller, and leaves."""

import asyncio

import numpy as np

from offhook.control.calls.bridging import Bridging, Mode
from offhook.drivers.sip.leg import SipLeg
from offhook.media.conversation.records import (
    AnyCallEvent,
    CallEnded,
    CallRecord,
    CallStatus,
    LegChanged,
    LegState,
)
from offhook.media.conversation.session import Session
from offhook.media.conversation.settings import AgentSettings
from offhook.media.events import DigitPressed
from offhook.tests.kit.fake_speech import FakeResponder, FakeSynthesizer, FakeTranscriber
from offhook.tests.kit.station import Party, Station

LOUD_BEEP = np.tile(np.array([9000, -9000], np.int16), 4 * 20_000)


class House:
    """Answers one call; the agent says what it is told to."""

    def __init__(self) -> None:
        self.station = Station(self._take)
        self.told: list[AnyCallEvent] = []
        self.live = asyncio.Event()
        self.left = asyncio.Event()
        "Somebody who had joined is gone."
        self.session: Session
        self.bridging: Bridging

    def _take(self, leg: SipLeg) -> None:
        clock = self.station.clock
        record = CallRecord(
            id="call-1",
            line=leg.line,
            wire_id=leg.wire_id,
            inbound=True,
            from_number=leg.from_number,
            to_number=leg.to_number,
            agent="test",
            status=CallStatus.RINGING,
            started_wall=clock.wall(),
        )
        self.bridging = Bridging(leg, self._dial, record)
        self.session = Session(
            leg,
            FakeTranscriber(clock),
            FakeResponder(clock, lambda request: []),
            FakeSynthesizer(clock),
            AgentSettings(),
            clock,
            self._tell,
            record,
            transfer=self.bridging.begin,
        )
        self.bridging.agent = self.session
        leg.answer()
        self.live.set()

    def _tell(self, event: AnyCallEvent) -> None:
        self.told.append(event)
        if isinstance(event, LegChanged) and event.state is LegState.ENDED:
            self.left.set()

    def _dial(self, to: str, line: str) -> SipLeg:
        return self.station.endpoint.call(to, line=line)


async def pressed(party: Party, wanted: str) -> None:
    """Wait until these keys have arrived."""
    keys = asyncio.Queue[str]()
    party.lane.sink = lambda event: (
        keys.put_nowait(event.digit) if isinstance(event, DigitPressed) else None
    )
    async with asyncio.timeout(10):
        assert "".join([await keys.get() for _ in wanted]) == wanted


async def test_a_supervisor_over_real_lines() -> None:
    house = House()
    async with house.station, Station() as phone, Station() as desk:
        caller = phone.call(house.station.address("agent"))
        await caller.answered()
        await house.live.wait()
        house.session.play(LOUD_BEEP, 8000, "beep")
        await caller.hear()
        house.session.send_digits("1,2")
        await pressed(caller, "12")
        leg = house.bridging.call(desk.address("desk"), Mode.LISTEN, return_to_agent=True)
        supervisor = await desk.incoming()
        supervisor.leg.answer()
        await supervisor.answered()
        await supervisor.hear()
        house.session.say("Enough.", interrupt=True)
        house.bridging.change(leg, Mode.TALK)
        await caller.hear_from(supervisor)
        await supervisor.hear_from(caller)
        supervisor.leg.hang_up()
        async with asyncio.timeout(10):
            await house.left.wait()
        house.session.play(LOUD_BEEP, 8000, "beep")
        await caller.hear()
        caller.leg.hang_up()
        await house.session.run()
        house.bridging.end()
    assert isinstance(house.told[-1], CallEnded)
