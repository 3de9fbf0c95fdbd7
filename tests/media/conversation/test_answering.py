"""Whole calls that we place: nobody waits for the verdict; a machine is left, or left a message."""

import pytest

from offhook.media.conversation.records import (
    AnsweredBy,
    CallAnsweredBy,
    CallEnded,
    Role,
)
from offhook.media.conversation.settings import (
    AgentSettings,
    AnsweringSettings,
    OnMachine,
    TurnSettings,
)
from offhook.media.errors import ProviderError
from offhook.media.events import ToneEnded, ToneHeard
from offhook.media.ports import HangUpCause, LegRinging
from offhook.tests.kit.staged_call import StagedCall

GREETING = "Hello, this is Anna of the shop."
MESSAGE = "Please call us back."


def placed(
    on_machine: OnMachine = "continue", *, message: str = MESSAGE, detect: bool = True
) -> StagedCall:
    answering = AnsweringSettings(on_machine=on_machine, message=message, detect=detect)
    agent = AgentSettings(turn=TurnSettings(answering=answering))
    return StagedCall(agent=agent, greeting=GREETING, inbound=False)


def beep(call: StagedCall, after_ms: int, ms: int = 400, hz: float = 1000.0) -> None:
    """A tone, as the lane tells of it."""
    lane = call.lane
    begin = lane.position_samples + after_ms * 8
    lane.expect(ToneHeard(begin + 140 * 8, begin, hz))
    lane.expect(ToneEnded(begin + (ms + 20) * 8, begin, begin + ms * 8, hz))


def verdicts(call: StagedCall) -> list[AnsweredBy]:
    return [event.answered_by for event in call.events(CallAnsweredBy)]


async def test_person_is_greeted_with_the_first_frame() -> None:
    call = placed("hang_up")
    await call.answer()
    await call.run(20)
    assert call.lane.sent[0].at_samples == 0
    call.say("hello", after_ms=200, ms=400)
    await call.run(6000)
    assert verdicts(call) == [AnsweredBy.HUMAN]
    assert call.record.answered_by is AnsweredBy.HUMAN
    assert call.record.answered_by_after_s == pytest.approx(1.62, abs=0.04)
    assert call.leg.ended is None
    assert not call.lane.tones_wanted or call.lane.position_samples < 30 * 8000
    await call.finish()


async def test_stalls_of_ours_make_no_machine_of_a_person() -> None:
    call = placed("hang_up")
    await call.answer()
    call.say("tell me about your opening hours please", after_ms=200, ms=9000)
    await call.run(1000)
    for _ in range(8):
        await call.run(900)
        call.lane.missed_samples += 800 * 8
    await call.run(4000)
    assert verdicts(call) == [AnsweredBy.HUMAN]
    assert call.leg.ended is None
    await call.finish()


async def test_machine_is_hung_up_on_when_it_is_known() -> None:
    call = placed("hang_up")
    await call.answer()
    call.say("you have reached the voicemail of Alex", after_ms=300)
    await call.run(6000)
    assert verdicts(call) == [AnsweredBy.MACHINE]
    assert call.leg.ended is not None
    assert call.leg.ended.by_us
    assert call.record.cause is HangUpCause.NORMAL
    # It was told before the call's end.
    kinds = [type(event) for event in call.told]
    assert kinds.index(CallAnsweredBy) < kinds.index(CallEnded)
    await call.finish()


async def test_message_is_left_after_the_beep_and_the_call_is_hung_up() -> None:
    call = placed("leave_message")
    await call.answer()
    call.say("this is Alex leave a message after the tone", after_ms=300)
    beep(call, 5000)
    await call.run(5000)
    spoken_before = len(call.lane.sent)
    await call.run(900)
    assert len(call.lane.sent) >= spoken_before
    await call.run(4000)
    assert call.agent_said()[-1] == MESSAGE
    message = call.turns(Role.AGENT)[-1]
    assert message.begin_samples >= 5400 * 8
    assert message.begin_samples <= (5400 + 600) * 8
    assert not message.interrupted
    assert call.leg.ended is not None
    assert call.leg.ended.by_us
    assert call.record.answered_by is AnsweredBy.MACHINE
    await call.finish()


async def test_nothing_is_said_to_a_machine_between_verdict_and_beep() -> None:
    call = placed("leave_message")
    await call.answer()
    call.say("this is Alex leave a message after the tone", after_ms=300, ms=8500)
    beep(call, 9000)
    await call.run(9200)
    known = call.events(CallAnsweredBy)[0].at_samples
    tail = 30 * 8 + 160  # a fade, and the frame of the verdict
    assert all(
        sent.at_samples <= known + tail for sent in call.lane.sent if sent.at_samples < 9000 * 8
    )
    assert len(call.responder.requests) <= 1, "its greeting is not conversed with"
    await call.run(4000)
    assert call.agent_said()[-1] == MESSAGE
    await call.finish()


async def test_machine_without_a_beep_gets_its_message_after_silence() -> None:
    call = placed("leave_message")
    await call.answer()
    call.say("this is the mailbox of Alex", after_ms=300, ms=2000)
    await call.run(12_000)
    message = call.turns(Role.AGENT)[-1]
    assert message.text == MESSAGE
    assert 6300 * 8 <= message.begin_samples <= 7000 * 8
    await call.finish()


async def test_second_beep_and_clicks_do_not_interrupt_the_message() -> None:
    call = placed("leave_message")
    await call.answer()
    call.say("this is Alex leave a message after the tone", after_ms=300)
    beep(call, 5000)
    call.say("stop", after_ms=6100, ms=600)
    await call.run(9000)
    assert call.agent_said()[-1] == MESSAGE
    assert not call.turns(Role.AGENT)[-1].interrupted
    await call.finish()


async def test_message_that_cannot_be_spoken_ends_the_call() -> None:
    call = placed("leave_message")
    await call.answer()
    call.say("this is Alex leave a message after the tone", after_ms=300)
    beep(call, 5000)
    await call.run(5000)
    call.synthesizer.failures = [ProviderError("fake-tts", "no voice")] * 4
    await call.run(5000)
    assert MESSAGE not in call.agent_said()
    assert call.leg.ended is not None
    await call.finish()


async def test_without_a_message_a_machine_is_hung_up_on() -> None:
    call = placed("leave_message", message="")
    await call.answer()
    call.say("this is the mailbox of Alex", after_ms=300)
    await call.run(6000)
    assert call.leg.ended is not None
    await call.finish()


async def test_agent_that_goes_on_converses_with_a_machine() -> None:
    call = placed()
    await call.answer()
    call.say("this is the mailbox of Alex", after_ms=2500)
    await call.run(10_000)
    assert verdicts(call) == [AnsweredBy.MACHINE]
    assert call.agent_said()[-1] == "You said this is the mailbox of Alex."
    assert call.leg.ended is None
    await call.finish()


async def test_menu_has_the_agent_back() -> None:
    call = placed("leave_message")
    await call.answer()
    call.say("welcome to the house of fine things made of wood and stone", after_ms=300, ms=7000)
    call.say("for sales press one", after_ms=10_500, ms=2000)
    await call.run(18_000)
    assert verdicts(call) == [AnsweredBy.MACHINE, AnsweredBy.IVR]
    assert call.leg.ended is None
    assert call.agent_said()[-1].startswith("You said")
    await call.finish()


async def test_somebody_who_takes_the_call_over_keeps_it() -> None:
    call = placed("leave_message")
    await call.answer()
    call.say("this is Alex leave a message after the tone", after_ms=300)
    await call.run(4500)
    call.session.pause_agent()
    beep(call, 500)
    await call.run(70_000)
    assert MESSAGE not in call.agent_said()
    assert call.leg.ended is None
    call.session.resume_agent()
    call.say("hello again", after_ms=100)
    await call.run(4000)
    assert call.agent_said()[-1] == "You said hello again."
    await call.finish()


async def test_announcement_before_the_answer_is_the_networks() -> None:
    call = placed("hang_up")
    await call.ring()
    call.leg.lane = call.lane
    call.leg.tell(LegRinging(early_media=True))
    assert call.lane.tones_wanted
    call.say("the number you have dialed", after_ms=500, ms=4000)
    for _ in range(200):
        call.lane.tick()
    assert verdicts(call) == [AnsweredBy.NETWORK]
    assert call.record.answered_by_after_s is None
    assert call.leg.ended is None, "the network ends it, with its own reason"
    call.leg.end(HangUpCause.NOT_FOUND)
    assert call.record.answered_by is AnsweredBy.NETWORK
    await call.session.aclose()


async def test_calls_that_come_in_are_not_judged() -> None:
    call = StagedCall(greeting=GREETING)
    await call.answer()
    call.say("this is Alex leave a message after the tone", after_ms=300)
    await call.run(6000)
    assert verdicts(call) == []
    assert call.record.answered_by is None
    assert not call.lane.tones_wanted
    await call.finish()


async def test_agent_may_not_want_to_know() -> None:
    call = placed(detect=False)
    await call.answer()
    call.say("hello", after_ms=300)
    await call.run(4000)
    assert verdicts(call) == []
    await call.finish()
