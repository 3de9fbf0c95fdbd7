"""What callers do to an agent, and providers to a call: each must end in an answer."""

import pytest

from offhook.media.conversation.records import Role
from offhook.media.conversation.settings import AgentSettings, TurnSettings
from offhook.media.events import (
    DigitPressed,
    DigitSource,
    SpeechEnded,
    SpeechStarted,
    SpeechSuspected,
)
from offhook.media.ports import LegHeld, LegResumed
from offhook.media.speech_ports import (
    AnyReplyPart,
    CollectDigits,
    ReplyDone,
    ReplyRequest,
    ReplyText,
)
from offhook.tests.kit.staged_call import StagedCall

STORY = "Call forwarding sends your calls to another number whenever you like it. " * 3


def story_or_sure(request: ReplyRequest) -> list[AnyReplyPart]:
    told = "forwarding" in request.text
    return [ReplyText(STORY if told else "Sure."), ReplyDone()]


async def telling_a_story() -> StagedCall:
    """A call in which the agent is in the middle of a long reply."""
    call = StagedCall(story_or_sure)
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    assert call.lane.playing
    return call


def press(call: StagedCall, digit: str, after_ms: int) -> None:
    at = call.lane.position_samples + after_ms * 8
    call.lane.expect(DigitPressed(at, digit, DigitSource.RTP_EVENT))


async def test_caller_who_speaks_into_the_greeting_is_answered() -> None:
    call = StagedCall(greeting=STORY)
    await call.answer()
    call.say("call waiting", after_ms=400)
    await call.run(5000)
    greeting = call.turns(Role.AGENT)[0]
    assert greeting.interrupted
    assert STORY.startswith(greeting.text)
    assert greeting.end_samples <= (400 + 350 * 2 + 300) * 8
    assert call.caller_said() == ["call waiting"]
    assert call.agent_said()[1] == "You said call waiting."
    await call.finish()


async def test_two_interruptions_within_a_second_are_both_heeded() -> None:
    call = await telling_a_story()
    call.say("stop", ms=300)
    call.say("no listen", after_ms=800, ms=500)
    await call.run(8000)
    asked = [request.text for request in call.responder.requests]
    assert asked[0] == "call forwarding"
    assert asked[-1].endswith("no listen")
    assert " ".join(call.caller_said()) == "call forwarding stop no listen"
    assert call.agent_said()[-1] == "Sure."
    assert sum(turn.interrupted for turn in call.turns(Role.AGENT)) == call.record.barge_ins >= 1
    epochs = [sent.epoch for sent in call.lane.sent]
    assert epochs == sorted(epochs), "nothing of a reply that was stopped"
    await call.finish()


async def test_a_key_in_the_middle_of_a_reply_stops_it_and_is_answered() -> None:
    call = await telling_a_story()
    press(call, "7", 0)
    await call.run(60)
    assert not call.lane.playing
    await call.run(5000)
    assert call.turns(Role.AGENT)[0].interrupted
    assert call.responder.requests[-1].digits == "7"
    assert call.agent_said()[1] == "Sure."
    await call.finish()


async def test_a_key_while_the_caller_speaks_is_one_turn_with_the_words() -> None:
    call = StagedCall()
    await call.answer()
    call.say("call waiting", after_ms=200, ms=900)
    press(call, "5", 600)
    await call.run(6000)
    (turn,) = call.turns(Role.CALLER)
    assert (turn.text, turn.digits) == ("call waiting", "5")
    request = call.responder.requests[-1]
    assert (request.text, request.digits) == ("call waiting", "5")
    assert len(call.agent_said()) == 1
    await call.finish()


async def test_asked_keys_end_the_turn_although_somebody_talks_on() -> None:
    def ask(request: ReplyRequest) -> list[AnyReplyPart]:
        if request.digits:
            return [ReplyText(f"Keys {request.digits}."), ReplyDone()]
        return [ReplyText("Please enter your number."), CollectDigits(4), ReplyDone()]

    call = StagedCall(ask)
    await call.answer()
    call.say("call waiting", after_ms=100)
    await call.run(5000)
    call.say("the television goes on and on", ms=6000)
    for index, digit in enumerate("12#"):
        press(call, digit, 500 + 300 * index)
    await call.run(2500)
    assert call.responder.requests[-1].digits == "12"
    await call.finish()


async def test_a_monologue_with_pauses_is_one_turn_and_is_answered_at_its_end() -> None:
    call = StagedCall(story_or_sure)
    await call.answer()
    for index in range(30):
        call.say("and then I and", after_ms=100 + index * 3000, ms=2200)
    call.say("that is all", after_ms=100 + 30 * 3000, ms=900)
    await call.run(90_000)
    assert call.agent_said() == []
    await call.run(8000)
    assert len(call.caller_said()) == len(call.agent_said()) == 1
    assert call.caller_said()[0].endswith("that is all")
    assert call.record.speculations <= TurnSettings().max_speculations
    await call.finish()


async def test_talk_or_noise_without_a_pause_is_answered_some_time() -> None:
    call = StagedCall(agent=AgentSettings(turn=TurnSettings(max_utterance_ms=10_000)))
    await call.answer()
    call.say("blah " * 20, ms=30_000)
    await call.run(13_000)
    assert len(call.agent_said()) == 1
    await call.finish()


@pytest.mark.parametrize("texts", [(), ("",), ("  ", "\n")])
async def test_a_reply_without_words_leaves_a_call_that_goes_on(texts: tuple[str, ...]) -> None:
    def answers(request: ReplyRequest) -> list[AnyReplyPart]:
        if request.text == "call waiting":
            return [*(ReplyText(text) for text in texts), ReplyDone()]
        return [ReplyText("Sure."), ReplyDone()]

    call = StagedCall(answers)
    await call.answer()
    call.say("call waiting", after_ms=100)
    await call.run(3000)
    assert call.caller_said() == ["call waiting"]
    assert call.agent_said() == []
    call.say("hello")
    await call.run(4000)
    assert call.caller_said() == ["call waiting", "hello"]
    assert call.agent_said() == ["Sure."]
    await call.finish()


@pytest.mark.parametrize(("language", "sooner"), [("en-GB", False), ("de-AT", True)])
async def test_the_agents_language_decides_what_is_known_of_words(
    language: str, sooner: bool
) -> None:
    call = StagedCall(agent=AgentSettings(language=language))
    await call.answer()
    call.say("ich komme am", after_ms=100)
    await call.run(100 + 1050 + 900)
    assert bool(call.lane.sent) is sooner
    await call.finish()


async def test_an_agent_without_greeting_listens_and_asks_when_nobody_speaks() -> None:
    call = StagedCall(agent=AgentSettings(greeting="  "), greeting="Never said.")
    await call.answer()
    await call.run(7900)
    assert call.lane.sent == []
    await call.run(1500)
    assert call.agent_said() == ["Are you still there?"] or call.lane.playing
    await call.finish()


async def test_music_on_hold_does_not_leave_the_agent_low() -> None:
    call = await telling_a_story()
    call.lane.expect(SpeechSuspected(call.lane.position_samples))
    await call.run(40)
    assert call.lane.levels[-1][1] < 0
    call.leg.tell(LegHeld())
    assert call.lane.levels[-1][1] == 0
    call.lane.talk(100, 3000)
    await call.run(2000)
    call.leg.tell(LegResumed())
    await call.run(3000)
    assert call.lane.levels[-1][1] == 0
    await call.finish()


@pytest.mark.parametrize("frames", [0, 1, 2])
async def test_the_end_of_an_echo_brings_the_agent_back_to_its_level(frames: int) -> None:
    call = await telling_a_story()
    call.lane.echo = 0.9
    now = call.lane.position_samples
    last = now + 8000 + frames * call.lane.frame
    call.lane.expect(SpeechStarted(now, now))
    call.lane.expect(SpeechSuspected(last))
    call.lane.expect(SpeechStarted(last, last - 800))
    call.lane.expect(SpeechEnded(last, last - 1000))
    await call.run(1500)
    assert call.lane.levels[-1][1] == 0
    assert call.record.barge_ins == 0
    await call.finish()
