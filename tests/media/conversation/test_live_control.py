"""Others steer a live call: what the caller hears of it, the responder learns, the record says."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from offhook.media.conversation import speaking
from offhook.media.conversation.records import (
    AgentLeft,
    AgentPressed,
    AgentReturned,
    BargedIn,
    CallerPressed,
    CallerSpeaking,
    MuteChanged,
    RecordingSwitched,
    Role,
)
from offhook.media.errors import AgentPaused, BadValue, CallNotLive, NotRecorded, ProviderError
from offhook.media.events import DigitPressed, DigitSource
from offhook.media.ports import HangUpCause
from offhook.media.speech_ports import AnyReplyPart, HangUp, ReplyDone, ReplyRequest, ReplyText
from offhook.tests.kit.staged_call import StagedCall

STORY = "Call forwarding sends your calls to another number whenever you like it. " * 3
RATE = 8000


def story(request: ReplyRequest) -> list[AnyReplyPart]:
    return [ReplyText(STORY), ReplyDone()]


def beep(ms: int, rate_hz: int = RATE) -> np.ndarray:
    return np.full(ms * rate_hz // 1000, 1000, np.int16)


async def answered(call: StagedCall) -> StagedCall:
    await call.answer()
    return call


# --- say -----------------------------------------------------------------------------------------


async def test_words_are_said_when_the_floor_is_free() -> None:
    call = await answered(StagedCall())
    call.session.say("Your time is up.")
    await call.run(2000)
    assert call.agent_said() == ["Your time is up."]
    assert call.played_words() == ["Your", "time", "is", "up."]
    assert call.responder.requests == []
    await call.finish()


async def test_words_wait_for_the_end_of_what_the_agent_says_in_their_order() -> None:
    call = await answered(StagedCall(greeting="Hello, this is a test."))
    await call.run(100)
    call.session.say("One more thing.")
    call.session.say("And another.")
    await call.run(6000)
    assert call.agent_said() == ["Hello, this is a test.", "One more thing.", "And another."]
    assert not any(turn.interrupted for turn in call.record.turns)
    await call.finish()


async def test_words_that_interrupt_cut_the_reply_to_what_was_heard() -> None:
    call = await answered(StagedCall(story))
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    call.session.say("Forgotten.")
    call.session.say("Listen to me now.", interrupt=True)
    await call.run(3000)
    cut, said = call.turns(Role.AGENT)
    assert cut.interrupted
    assert cut.planned_text.startswith(cut.text + " ")
    assert said.text == "Listen to me now."
    assert call.events(BargedIn) == [], "the caller has interrupted nobody"
    assert any(sent.fading for sent in call.lane.sent)
    assert call.record.barge_ins == 0
    await call.finish()


async def test_words_wait_for_the_caller_and_come_before_the_answer() -> None:
    call = await answered(StagedCall())
    call.say("call waiting", after_ms=100)
    await call.run(400)
    call.session.say("Please hold.")
    await call.run(8000)
    assert [(turn.role, turn.text) for turn in call.record.turns] == [
        (Role.CALLER, "call waiting"),
        (Role.AGENT, "Please hold."),
        (Role.AGENT, "You said call waiting."),
    ]
    assert call.turns(Role.AGENT)[0].begin_samples >= (100 + 700) * 8
    (asked,) = call.responder.requests
    assert asked.text == "call waiting"
    assert [(m.role, m.text) for m in asked.history] == [("agent", "Please hold.")]
    await call.finish()


async def test_words_that_interrupt_stand_in_place_of_the_answer() -> None:
    call = await answered(StagedCall())
    call.say("call waiting", after_ms=100)
    await call.run(400)
    call.session.say("I take this one.", interrupt=True)
    await call.run(5000)
    call.say("thank you")
    await call.run(5000)
    assert call.agent_said() == ["I take this one.", "You said thank you."]
    assert [m.text for m in call.responder.requests[-1].history] == [
        "call waiting",
        "I take this one.",
    ]
    await call.finish()


async def test_a_caller_who_speaks_over_words_that_came_first_is_answered_to_both() -> None:
    call = await answered(StagedCall())
    call.say("call waiting", after_ms=100)
    await call.run(400)
    call.session.say("This is a long announcement about nothing that matters to anybody at all.")
    await call.run(2500)
    call.say("and call forwarding")
    await call.run(8000)
    assert call.caller_said() == ["call waiting", "and call forwarding"]
    assert call.responder.requests[-1].text == "call waiting and call forwarding"
    assert call.turns(Role.AGENT)[0].interrupted
    assert call.agent_said()[-1] == "You said call waiting and call forwarding."
    await call.finish()


async def test_a_backchannel_does_not_stop_an_announcement() -> None:
    call = await answered(StagedCall())
    call.session.say("One two three four five six seven eight nine ten.")
    await call.run(800)
    call.say("mm-hm")
    await call.run(5000)
    assert call.agent_said() == ["One two three four five six seven eight nine ten."]
    await call.finish()


# --- play ----------------------------------------------------------------------------------------


async def test_a_recording_is_played_by_its_name() -> None:
    call = await answered(StagedCall())
    call.session.play(beep(1500), RATE, "terms")
    await call.run(2500)
    (turn,) = call.record.turns
    assert (turn.role, turn.text, turn.interrupted) == (Role.AGENT, "[terms]", False)
    assert sum(len(sent.pcm) for sent in call.lane.sent) == 1500 * 8
    await call.finish()


async def test_a_recording_of_another_rate_keeps_its_length() -> None:
    call = await answered(StagedCall())
    call.session.play(beep(2200, 44_100), 44_100, "jingle")
    await call.run(3500)
    assert call.agent_said() == ["[jingle]"]
    assert abs(sum(len(sent.pcm) for sent in call.lane.sent) - 2200 * 8) <= 80
    await call.finish()


async def test_a_recording_that_cannot_be_played_leaves_the_floor_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(sound: object, rate_hz: int) -> Iterator[np.ndarray]:
        yield beep(100)
        raise ValueError("broken")

    call = await answered(StagedCall())
    call.say("call waiting")
    await call.run(300)
    monkeypatch.setattr(speaking, "sound_chunks", broken)
    call.session.play(beep(2000), RATE, "terms")
    await call.run(6000)
    assert call.agent_said()[-1] == "You said call waiting."
    await call.finish()


async def test_a_synthesizer_that_fails_on_an_announcement_leaves_the_answer() -> None:
    call = await answered(StagedCall())
    call.say("call waiting")
    await call.run(300)
    call.session.say("Please hold.")
    call.synthesizer.failures = [ProviderError("fake-tts", "no") for _ in range(2)]
    await call.run(6000)
    assert call.agent_said() == ["You said call waiting."]
    assert call.caller_said() == ["call waiting"]
    await call.finish()


async def test_a_caller_stops_a_recording_like_speech() -> None:
    call = await answered(StagedCall())
    call.session.play(beep(9000), RATE, "terms")
    await call.run(1000)
    call.say("stop that please")
    await call.run(6000)
    turn = call.turns(Role.AGENT)[0]
    assert (turn.text, turn.interrupted) == ("[terms]", True)
    assert call.agent_said()[-1] == "You said stop that please."
    await call.finish()


async def test_a_recording_goes_on_where_a_false_alarm_has_stopped_it() -> None:
    call = await answered(StagedCall())
    ramp = np.arange(1, 4 * RATE + 1, dtype=np.int16)
    call.session.play(ramp, RATE, "ramp")
    await call.run(1000)
    call.say("cough", ms=300, rejected=True)
    await call.run(6000)
    assert call.agent_said() == ["[ramp]"]
    played = np.concatenate([sent.pcm for sent in call.lane.sent if not sent.fading])
    assert set(ramp.tolist()) <= set(played.tolist()), "no sample is lost"
    assert len(played) < len(ramp) + RATE // 10, "and it does not begin again"
    await call.finish()


# --- context, typed messages ---------------------------------------------------------------------


async def test_context_is_known_to_the_next_answer() -> None:
    call = await answered(StagedCall())
    call.session.inject("The shop closes at six.")
    await call.run(1000)
    assert call.responder.requests == []
    call.say("call waiting")
    await call.run(4000)
    (asked,) = call.responder.requests
    assert [(m.role, m.text) for m in asked.history] == [("system", "The shop closes at six.")]
    assert not asked.prompted
    await call.finish()


async def test_context_that_wants_a_reply_is_spoken_to_once() -> None:
    call = await answered(StagedCall(lambda r: [ReplyText("We close soon."), ReplyDone(r.memory)]))
    call.session.inject("The shop closes at six.", reply=True)
    await call.run(4000)
    (asked,) = call.responder.requests
    assert asked.prompted
    assert asked.history[-1].text == "The shop closes at six."
    assert call.agent_said() == ["We close soon."]
    await call.finish()


async def test_an_answer_made_ready_without_the_context_is_made_again() -> None:
    call = await answered(StagedCall())
    call.say("call waiting", after_ms=100)
    while not call.responder.requests:
        await call.run(20)
    call.session.inject("The shop closes at six.", reply=True)
    await call.run(4000)
    assert [len(r.history) for r in call.responder.requests] == [0, 1]
    assert call.agent_said() == ["You said call waiting."]
    await call.finish()


async def test_a_responder_that_fails_on_context_is_not_asked_for_ever() -> None:
    call = await answered(StagedCall(lambda r: [ValueError("no")]))
    call.session.inject("The shop closes at six.", reply=True)
    await call.run(6000)
    assert len(call.responder.requests) <= 2
    assert len(call.agent_said()) == 1, "it has apologised"
    await call.finish()


async def test_a_typed_message_is_a_turn_that_is_answered_aloud() -> None:
    call = await answered(StagedCall())
    call.session.user_message("what does it cost?")
    await call.run(3000)
    caller, agent = call.record.turns
    assert (caller.role, caller.text, caller.typed) == (Role.CALLER, "what does it cost?", True)
    assert agent.text == "You said what does it cost?."
    assert agent.latency is None
    await call.finish()


async def test_a_typed_message_interrupts_the_agent_and_joins_what_is_spoken() -> None:
    call = await answered(StagedCall(greeting=STORY))
    await call.run(1000)
    call.session.user_message("my number is 12")
    call.say("and that is all", after_ms=0)
    await call.run(8000)
    assert call.turns(Role.AGENT)[0].interrupted
    spoken = [turn for turn in call.turns(Role.CALLER) if turn.typed]
    assert "my number is 12" in spoken[0].text
    assert "my number is 12" in call.responder.requests[-1].text
    assert "and that is all" in call.responder.requests[-1].text
    await call.finish()


# --- keys, muting, recording ---------------------------------------------------------------------


async def test_keys_are_sent_and_told() -> None:
    call = await answered(StagedCall())
    call.session.send_digits("12,#a")
    assert call.lane.digits_sent == "12,#A"
    assert [event.digits for event in call.events(AgentPressed)] == ["12,#A"]
    for wrong in ("", "1x", "1 2", "," * 61, "5" * 151):
        with pytest.raises(BadValue):
            call.session.send_digits(wrong)
    await call.finish()


async def test_what_a_muted_agent_says_is_not_heard() -> None:
    call = await answered(StagedCall())
    call.session.mute(agent=True)
    call.session.mute(agent=True)
    assert call.lane.muted
    call.session.say("Nobody hears this.")
    await call.run(3000)
    assert call.record.turns == []
    call.session.mute(agent=False)
    call.session.say("But this.")
    await call.run(2000)
    assert call.agent_said() == ["But this."]
    told = [(event.agent, event.caller) for event in call.events(MuteChanged)]
    assert told == [(True, False), (False, False)]
    await call.finish()


async def test_what_was_silent_in_the_middle_of_a_reply_is_left_out_of_it() -> None:
    call = await answered(StagedCall())
    call.session.say("one two three four five six seven eight nine ten")
    await call.run(600)
    call.session.mute(agent=True)
    await call.run(600)
    call.session.mute(agent=False)
    await call.run(4000)
    (turn,) = call.record.turns
    before, after = turn.text.split(" … ")
    assert turn.planned_text.startswith(before)
    assert turn.planned_text.endswith(after)
    assert len(before.split()) + len(after.split()) < 10
    loud = [sent.at_samples for sent in call.lane.sent if not sent.muted]
    silent = [sent.at_samples for sent in call.lane.sent if sent.muted]
    assert len(silent) == 30
    assert min(loud) < min(silent) < max(silent) < max(loud)
    await call.finish()


async def test_a_muted_caller_is_not_heard_and_not_asked_whether_they_are_there() -> None:
    call = await answered(StagedCall())
    call.session.mute(caller=True)
    call.say("call waiting", after_ms=100)
    await call.run(20_000)
    assert call.record.turns == []
    assert call.events(CallerSpeaking) == []
    call.session.mute(caller=False)
    call.say("call forwarding", after_ms=100)
    await call.run(4000)
    assert call.caller_said() == ["call forwarding"]
    await call.finish()


async def test_what_was_said_before_muting_is_answered() -> None:
    call = await answered(StagedCall())
    call.say("call waiting please my friend")
    await call.run(800)
    call.session.mute(caller=True)
    await call.run(4000)
    assert call.caller_said() == ["call waiting"]
    assert call.agent_said() == ["You said call waiting."]
    await call.finish()


async def test_a_caller_who_is_unmuted_in_mid_sentence_is_heard_from_there() -> None:
    call = await answered(StagedCall())
    call.session.mute(caller=True)
    call.say("one two three four five six")
    await call.run(1100)
    call.session.mute(caller=False)
    await call.run(5000)
    assert call.caller_said() == ["four five six"]
    await call.finish()


async def test_recording_is_switched_and_begun() -> None:
    call = await answered(StagedCall())
    with pytest.raises(NotRecorded):
        call.session.keep_recording(True)
    call.lane.recording = True
    call.session.keep_recording(False)
    assert call.lane.recording is False
    call.session.keep_recording(True)
    assert call.lane.recording is True
    assert [event.on for event in call.events(RecordingSwitched)] == [False, True]
    await call.finish()


# --- the agent goes and comes --------------------------------------------------------------------


async def test_a_paused_agent_neither_hears_nor_speaks_and_comes_back() -> None:
    call = await answered(StagedCall(greeting=STORY))
    await call.run(1000)
    call.session.pause_agent()
    call.session.pause_agent()
    await call.run(100)
    assert call.turns(Role.AGENT)[0].interrupted
    sent = len(call.lane.sent)
    call.say("call waiting", after_ms=100)
    await call.run(30_000)
    assert len(call.lane.sent) == sent
    assert call.caller_said() == []
    call.session.resume_agent()
    call.say("call forwarding", after_ms=100)
    await call.run(4000)
    assert call.agent_said()[-1] == "You said call forwarding."
    assert len(call.events(AgentLeft)) == len(call.events(AgentReturned)) == 1
    await call.finish()


async def test_pausing_ends_the_callers_turn_unanswered_with_its_words() -> None:
    call = await answered(StagedCall())
    call.say("call waiting please my friend")
    await call.run(1000)
    call.session.pause_agent()
    await call.run(3000)
    assert call.caller_said() == ["call waiting"]
    assert call.responder.running == 0
    call.session.inject("The human has left.", reply=True)
    await call.run(1000)
    assert call.responder.requests == []
    call.session.resume_agent()
    await call.run(3000)
    (asked,) = call.responder.requests
    assert [m.text for m in asked.history] == ["call waiting", "The human has left."]
    await call.finish()


async def test_keys_are_told_while_the_agent_is_away_and_not_answered() -> None:
    call = await answered(StagedCall())
    call.session.pause_agent()
    call.lane.expect(DigitPressed(800, "5", DigitSource.RTP_EVENT))
    await call.run(4000)
    assert [event.digit for event in call.events(CallerPressed)] == ["5"]
    assert call.record.turns == []
    await call.finish()


async def test_whoever_takes_the_caller_keeps_them_when_the_agent_was_about_to_hang_up() -> None:
    call = await answered(StagedCall(lambda r: [ReplyText("Bye."), HangUp(), ReplyDone()]))
    call.say("goodbye")
    while not call.agent_said():
        await call.run(20)
    with pytest.raises(CallNotLive):
        call.session.say("Wait!")
    call.session.pause_agent()
    await call.run(3000)
    assert call.leg.ended is None
    await call.finish()


async def test_an_agent_that_is_away_is_asked_for_nothing() -> None:
    call = await answered(StagedCall())
    call.session.pause_agent()
    asks: list[Callable[[], None]] = [
        lambda: call.session.say("Hello."),
        lambda: call.session.play(beep(100), RATE, "x"),
        lambda: call.session.user_message("hello"),
    ]
    for ask in asks:
        with pytest.raises(AgentPaused):
            ask()
    await call.finish()


# --- what cannot be ------------------------------------------------------------------------------


async def test_a_call_that_is_not_live_cannot_be_steered() -> None:
    call = StagedCall()
    verbs: list[Callable[[], None]] = [
        lambda: call.session.say("Hello."),
        lambda: call.session.play(beep(100), RATE, "x"),
        lambda: call.session.send_digits("1"),
        lambda: call.session.mute(agent=True),
        lambda: call.session.inject("x"),
        lambda: call.session.user_message("x"),
        lambda: call.session.keep_recording(True),
        call.session.pause_agent,
        call.session.resume_agent,
    ]
    for verb in verbs:
        with pytest.raises(CallNotLive, match="not answered"):
            verb()
    await call.answer()
    call.leg.end(HangUpCause.NORMAL)
    for verb in verbs:
        with pytest.raises(CallNotLive, match="has ended"):
            verb()
    await call.finish()


async def test_values_that_cannot_be_are_refused_by_name() -> None:
    call = await answered(StagedCall())
    asks: list[tuple[str, Callable[[], None]]] = [
        ("text", lambda: call.session.say("  ")),
        ("text", lambda: call.session.inject("x" * 5001)),
        ("rate_hz", lambda: call.session.play(beep(100), 300, "x")),
        ("pcm", lambda: call.session.play(np.zeros(0, np.int16), RATE, "x")),
        ("pcm", lambda: call.session.play(np.zeros((2, 10), np.int16), RATE, "x")),
        ("pcm", lambda: call.session.play(np.zeros(121 * RATE, np.int16), RATE, "x")),
    ]
    for field, ask in asks:
        with pytest.raises(BadValue) as refused:
            ask()
        assert refused.value.field == field
    await call.finish()
