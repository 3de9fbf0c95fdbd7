"""Simulated calls through real frames: what their owners hear, and that nothing stays behind."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.drivers.loopback import line as line_module
from offhook.drivers.loopback.leg import LoopbackLeg
from offhook.drivers.loopback.line import LoopbackLine
from offhook.drivers.loopback.sounds import MAKE_LIMIT_S
from offhook.media.errors import Refused
from offhook.media.events import AnyMediaEvent, AudioCaptured
from offhook.media.frames.engine import MIN_TICKS_TO_JUDGE
from offhook.media.frames.lane import Lane
from offhook.media.frames.vad import VadSettings
from offhook.media.ports import (
    AnyLegEvent,
    HangUpCause,
    LegAnswered,
    LegEnded,
    LegPort,
    LegRinging,
)
from offhook.tests.kit.loopback_rig import (
    SENTENCE_HZ,
    SENTENCE_S,
    SPEECH_FAILED,
    LoopbackRig,
    ToneSpeaker,
)
from offhook.tests.kit.synthetic_voice import to_int16, voice

HUMAN, BUSY, NO_ANSWER, NETWORK, VOICEMAIL = (
    "+15550100",
    "+15550010",
    "+15550020",
    "+15550030",
    "+15550040",
)
FRAME_MS = 20


class Rig(LoopbackRig):
    """A loopback line and its time."""

    def __init__(self, max_lanes: int = 1000, vad: VadSettings | None = None) -> None:
        super().__init__(max_lanes, vad)
        self.speaker = ToneSpeaker()
        self.arrived: list[Party] = []
        self.line = LoopbackLine(
            self.engine, self.wire, self.speaker, self.clock, self.rng, on_incoming=self.take
        )

    def take(self, leg: LoopbackLeg) -> None:
        self.arrived.append(Party(self, leg))

    def call(self, number: str) -> "Party":
        return Party(self, self.line.call(number, "+15559999"))

    @property
    def left(self) -> tuple[int, int, int]:
        """Lanes, port pairs and calls that are in use."""
        return len(self.engine), self.line.ports.in_use, len(self.line.legs)


class Party:
    """The owner of a leg: what it was told and when, and what it heard since the answer."""

    def __init__(self, rig: Rig, leg: LoopbackLeg) -> None:
        self.leg = leg
        self.events: list[AnyLegEvent] = []
        self.at: list[float] = []
        self.pieces: list[bytes] = []
        self.then: Callable[[AnyLegEvent], None] = lambda event: None
        self._rig = rig
        leg.sink = self._receive

    def _receive(self, event: AnyLegEvent) -> None:
        self.events.append(event)
        self.at.append(self._rig.clock.now())
        if isinstance(event, LegAnswered):
            self.lane.sink = self._hear
            self.lane.capture(0)
        self.then(event)

    def _hear(self, event: AnyMediaEvent) -> None:
        if isinstance(event, AudioCaptured):
            self.pieces.append(event.pcm)

    @property
    def lane(self) -> Lane:
        lane = self.leg.lane
        assert isinstance(lane, Lane), "the call has audio"
        return lane

    @property
    def ended(self) -> LegEnded:
        (ended,) = (event for event in self.events if isinstance(event, LegEnded))
        assert self.events[-1] is ended
        return ended

    def told_at(self, kind: type[AnyLegEvent]) -> float:
        (at,) = (at for at, e in zip(self.at, self.events, strict=True) if isinstance(e, kind))
        return at

    def tone_s(self, hz: float) -> list[tuple[float, float]]:
        """When a tone was heard, seconds after the answer: begin and length of each stretch."""
        heard = np.frombuffer(b"".join(self.pieces), "<i2").astype(float)
        frame = self.lane.rate_hz * FRAME_MS // 1000
        frames = heard[: len(heard) // frame * frame].reshape(-1, frame)
        wave = np.exp(-2j * np.pi * hz * np.arange(frame) / self.lane.rate_hz)
        loud = np.abs(frames @ wave) / frame > 500
        edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(int)))
        return [
            (begin * FRAME_MS / 1000, (end - begin) * FRAME_MS / 1000)
            for begin, end in edges.reshape(-1, 2).tolist()
        ]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    await made.line.start()
    yield made
    await made.line.aclose()
    assert made.left == (0, 0, 0)


@pytest.fixture
async def hearing() -> AsyncIterator[Rig]:
    """Far ends that hear the agent."""
    made = Rig(vad=VadSettings())
    await made.line.start()
    yield made
    await made.line.aclose()
    assert made.left == (0, 0, 0)


def speech(rate_hz: int, ms: int) -> NDArray[np.int16]:
    return to_int16(voice(rate_hz, ms, np.random.default_rng(3)))


def say(party: Party, ms: int, epoch: int = 1) -> None:
    party.lane.play(epoch, speech(party.lane.rate_hz, ms))
    party.lane.finish(epoch)
    party.lane.open_gate(epoch)


async def test_a_human_answers_says_its_sentence_and_leaves_after_the_agents_answer(
    hearing: Rig,
) -> None:
    party = hearing.call(HUMAN)
    leg: LegPort = party.leg  # it implements the port
    assert (leg.line, leg.inbound) == ("loopback", False)
    assert (leg.from_number, leg.to_number) == ("+15559999", HUMAN)
    assert leg.wire_id.startswith("loopback-")
    assert leg.expected_rate_hz == 16000
    assert leg.lane is None
    await hearing.run(3000)
    say(party, 1500)
    await hearing.run(5000)
    assert [type(event) for event in party.events] == [LegRinging, LegAnswered, LegEnded]
    assert party.told_at(LegAnswered) == pytest.approx(0.5)
    assert party.ended == LegEnded(HangUpCause.NORMAL, by_us=False)
    sentence, goodbye = party.tone_s(SENTENCE_HZ)
    assert sentence[0] == pytest.approx(0.3, abs=0.15)
    assert sentence[1] == pytest.approx(SENTENCE_S, abs=0.05)
    agents_last_word = 3.0 + 1.5 - party.told_at(LegAnswered)
    assert goodbye[0] == pytest.approx(agents_last_word + 1.3, abs=0.3)
    assert party.lane.quality().packets_received > 200
    assert hearing.left == (0, 0, 0)


async def test_a_human_hangs_up_ten_seconds_after_answering_at_the_latest(rig: Rig) -> None:
    party = rig.call(HUMAN)
    await rig.run(12_000)
    assert 8.8 < party.told_at(LegEnded) - party.told_at(LegAnswered) <= 10.01
    assert len(party.tone_s(SENTENCE_HZ)) == 2


async def test_a_recorder_is_heard_to_greet_and_beep_and_then_listens(hearing: Rig) -> None:
    party = hearing.call(VOICEMAIL)
    await hearing.run(3000)
    say(party, 2000)
    await hearing.run(6000)
    (greeting,) = party.tone_s(SENTENCE_HZ)
    (beep,) = party.tone_s(1000)
    assert greeting[1] == pytest.approx(SENTENCE_S, abs=0.05)
    assert beep[0] >= greeting[0] + greeting[1] - 0.02
    assert beep[1] == pytest.approx(0.4, abs=0.05)
    assert party.ended == LegEnded(HangUpCause.NORMAL, by_us=False)
    assert party.told_at(LegEnded) == pytest.approx(3.0 + 2.0 + 3.0, abs=0.5)


async def test_a_recorder_that_hears_no_message_hangs_up_when_it_is_full(rig: Rig) -> None:
    party = rig.call(VOICEMAIL)
    await rig.run(14_000)
    (beep,) = party.tone_s(1000)
    answered_at = party.told_at(LegAnswered)
    assert party.told_at(LegEnded) - answered_at == pytest.approx(beep[0] + 0.4 + 10, abs=0.15)


@pytest.mark.parametrize(
    ("number", "cause"), [(BUSY, HangUpCause.BUSY), (NETWORK, HangUpCause.NETWORK)]
)
async def test_a_call_that_fails_is_told_as_such_and_never_has_audio(
    rig: Rig, number: str, cause: HangUpCause
) -> None:
    party = rig.call(number)
    await rig.run(1000)
    assert party.events == [party.ended]
    assert (party.ended.cause, party.ended.by_us) == (cause, False)
    assert party.ended.reason
    assert party.leg.lane is None


async def test_who_does_not_answer_rings_until_half_a_minute_has_passed(rig: Rig) -> None:
    party = rig.call(NO_ANSWER)
    await rig.run(29_900)
    assert party.events == [LegRinging()]
    await rig.run(200)
    assert party.ended.cause is HangUpCause.NO_ANSWER


@pytest.mark.parametrize("after_ms", [0, 100, 600, 1200, 2500])
@pytest.mark.parametrize("number", [HUMAN, NO_ANSWER, VOICEMAIL])
async def test_our_hanging_up_ends_it_at_once_in_every_state(
    rig: Rig, number: str, after_ms: int
) -> None:
    party = rig.call(number)
    await rig.run(after_ms)
    party.leg.hang_up(HangUpCause.CANCELLED)
    assert party.ended == LegEnded(HangUpCause.CANCELLED, by_us=True)
    assert rig.left == (0, 0, 0)
    party.leg.hang_up()
    party.leg.answer()
    party.leg.send_digits("1")
    told = len(party.events)
    rig.clock.advance(60)
    await rig.run(100)
    assert len(party.events) == told


async def test_a_call_in_rings_until_it_is_answered_and_the_caller_speaks(hearing: Rig) -> None:
    hearing.line.call_in("+15550001", "+15550002")
    (party,) = hearing.arrived
    assert party.leg.inbound
    assert (party.leg.from_number, party.leg.to_number) == ("+15550001", "+15550002")
    party.leg.ring()
    await hearing.run(2000)
    assert party.events == []
    party.leg.answer()
    party.leg.answer()
    assert party.events == [LegAnswered()]
    say(party, 1500)
    await hearing.run(8000)
    say(party, 1000, epoch=2)
    await hearing.run(6000)
    sentence, goodbye = party.tone_s(SENTENCE_HZ)
    assert 2.5 < sentence[0] < 3.5, "a second after the greeting"
    assert goodbye[0] > 9.5, "a second after the answer"
    assert party.ended == LegEnded(HangUpCause.NORMAL, by_us=False)


async def test_a_caller_gives_up_and_can_be_declined(rig: Rig) -> None:
    rig.line.call_in("+15550001", "+15550002")
    rig.line.call_in("+15550001", "+15550002")
    first, second = rig.arrived
    second.leg.hang_up(HangUpCause.DECLINED)
    assert second.ended == LegEnded(HangUpCause.DECLINED, by_us=True)
    await rig.run(31_000)
    assert (first.ended.cause, first.ended.by_us) == (HangUpCause.CANCELLED, False)


async def test_verbs_called_by_what_is_told_keep_the_order_of_events(rig: Rig) -> None:
    def hang_up_first(event: AnyLegEvent) -> None:
        if isinstance(event, LegAnswered):
            leg.hang_up()
        told.append(type(event))

    told: list[type[AnyLegEvent]] = []
    leg = rig.line.call(HUMAN)
    leg.sink = hang_up_first
    await rig.run(1000)
    assert told == [LegRinging, LegAnswered, LegEnded]
    assert rig.left == (0, 0, 0)


async def test_events_before_there_is_a_sink_are_kept_for_it(rig: Rig) -> None:
    leg = rig.line.call(HUMAN)
    await rig.run(400)
    party = Party(rig, leg)
    await rig.run(400)
    assert party.events == [LegRinging(), LegAnswered()]


async def test_an_owner_that_fails_costs_its_own_call_only(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: AnyLegEvent) -> None:
        party.leg.hang_up()
        raise ValueError("a bug")

    party, other = rig.call(HUMAN), rig.call(HUMAN)
    party.then = fail
    await rig.run(2000)
    assert [type(event) for event in party.events] == [LegRinging, LegEnded]
    assert [type(event) for event in other.events] == [LegRinging, LegAnswered]
    assert "a bug" in caplog.text


async def test_who_takes_calls_and_fails_costs_that_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(leg: LoopbackLeg) -> None:
        legs.append(leg)
        raise ValueError("a bug")

    legs: list[LoopbackLeg] = []
    rig = Rig()
    rig.take = fail  # type: ignore[method-assign]
    line = LoopbackLine(rig.engine, rig.wire, rig.speaker, rig.clock, rig.rng, on_incoming=rig.take)
    await line.start()
    line.call_in("1", "2")
    assert len(legs) == 1
    assert (line.legs, line.ports.in_use) == ([], 0)
    assert "a bug" in caplog.text
    await line.aclose()


async def test_a_sentence_is_made_once_for_all_calls_and_shared(rig: Rig) -> None:
    parties = [rig.call(HUMAN) for _ in range(5)]
    await rig.run(3000)
    assert len({request.text for request in rig.speaker.requests}) == len(rig.speaker.requests)
    assert [len(party.tone_s(SENTENCE_HZ)) for party in parties] == [1] * 5


async def test_speech_that_is_late_is_said_late_and_not_at_all_after_the_end(rig: Rig) -> None:
    rig.speaker.gate = asyncio.Event()
    party, gone = rig.call(HUMAN), rig.call(HUMAN)
    await rig.run(3000)
    gone.leg.hang_up()
    rig.speaker.gate.set()
    await rig.run(3000)
    ((begin, _),) = party.tone_s(SENTENCE_HZ)
    assert begin >= 2.5
    assert gone.tone_s(SENTENCE_HZ) == []


async def test_without_speech_the_far_end_is_silent_and_the_next_call_tries_again(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.speaker.fails = SPEECH_FAILED
    mute = rig.call(HUMAN)
    await rig.run(12_000)
    assert mute.ended == LegEnded(HangUpCause.NORMAL, by_us=False)
    assert mute.tone_s(SENTENCE_HZ) == []
    assert "out of order" in caplog.text
    rig.speaker.fails = None
    party = rig.call(HUMAN)
    await rig.run(3000)
    assert len(party.tone_s(SENTENCE_HZ)) == 1


async def test_when_no_lane_is_free_the_call_is_refused_or_ends_as_overloaded() -> None:
    rig = Rig(max_lanes=3)
    await rig.line.start()
    first, second = rig.call(HUMAN), rig.call(HUMAN)
    await rig.run(1000)
    assert first.events == [LegRinging(), LegAnswered()]
    assert second.events[:1] == [LegRinging()]
    assert (second.ended.cause, second.ended.by_us) == (HangUpCause.OVERLOADED, True)
    assert rig.left == (2, 2, 1)
    third = Party(rig, rig.line.call(HUMAN))
    rig.line.call_in("1", "2")
    rig.arrived[0].leg.answer()
    assert rig.arrived[0].ended.cause is HangUpCause.OVERLOADED
    third.leg.hang_up()
    await rig.line.aclose()
    assert rig.left == (0, 0, 0)


async def test_somebody_is_called_into_a_live_call_while_the_clock_is_late(rig: Rig) -> None:
    for _ in range(MIN_TICKS_TO_JUDGE):
        rig.engine._frame_clock._window.add(0.010, 0.001)
    with pytest.raises(Refused, match="clock is late"):
        rig.line.call("+15550100")
    leg = rig.line.call("+15550100", admitted=True)
    leg.hang_up()


async def test_a_line_refuses_calls_when_it_is_full_or_closed_or_has_nobody_to_take_them(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "MAX_CALLS", 2)
    rig.call(NO_ANSWER)
    rig.call(NO_ANSWER)
    with pytest.raises(Refused, match="all 2 calls"):
        rig.call(NO_ANSWER)
    deaf = LoopbackLine(rig.engine, rig.wire, rig.speaker, rig.clock, rig.rng)
    with pytest.raises(Refused, match="closed"):
        deaf.call(HUMAN)
    await deaf.start()
    with pytest.raises(Refused, match="nobody takes calls"):
        deaf.call_in("1", "2")
    await deaf.aclose()


async def test_closing_the_line_ends_live_calls_and_makes_no_more_speech() -> None:
    rig = Rig()
    await rig.line.start()
    rig.speaker.gate = asyncio.Event()
    ringing, talking = rig.call(NO_ANSWER), rig.call(HUMAN)
    await rig.run(1000)
    async with asyncio.timeout(MAKE_LIMIT_S / 2):  # it does not wait for the speech
        await rig.line.aclose()
    assert ringing.ended.by_us
    assert talking.ended.by_us
    assert rig.left == (0, 0, 0)
    assert len(asyncio.all_tasks()) == 1


async def test_calls_that_are_placed_at_once_are_answered_one_after_the_other(rig: Rig) -> None:
    parties = [rig.call(HUMAN) for _ in range(20)]
    await rig.run(700)
    answered = [party.told_at(LegAnswered) for party in parties]
    assert answered == pytest.approx([0.5 + 0.005 * index for index in range(20)])


async def test_two_hundred_calls_leave_nothing_behind(rig: Rig) -> None:
    def begin(number: str) -> None:
        leg = rig.line.call(number)
        leg.sink = lambda event: ends.append(event) if isinstance(event, LegEnded) else None
        alive.add(leg)

    def end_all() -> None:
        for leg in rig.line.legs:
            leg.hang_up()

    numbers = [HUMAN, VOICEMAIL, BUSY, NETWORK, NO_ANSWER]
    alive: weakref.WeakSet[LoopbackLeg] = weakref.WeakSet()
    ends: list[LegEnded] = []
    for index in range(180):
        begin(numbers[index % len(numbers)])
    for _ in range(20):
        rig.line.call_in("1", "2")
        rig.arrived[-1].leg.answer()
    await rig.run(1600)
    assert len(rig.engine) == 2 * (36 + 36 + 20)
    end_all()
    rig.arrived.clear()
    await rig.run(100)
    assert len(ends) == 180
    assert rig.left == (0, 0, 0)
    assert rig.wire.send_errors == 0
    assert len(alive) == 0, "objects go without a garbage collection"
    assert [timer for *_, timer in rig.clock._due if timer.callback is not None] == []
    assert len(asyncio.all_tasks()) == 1
