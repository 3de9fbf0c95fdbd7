"""Whole calls on a virtual clock: greet, ask, answer, interrupt, fall silent, press keys, fail."""

import asyncio

import pytest

from offhook.media.conversation.phrase_book import PhraseBook
from offhook.media.conversation.records import (
    AgentDucked,
    AgentResumed,
    AgentSpeaking,
    BargedIn,
    CallEnded,
    CallStatus,
    Role,
)
from offhook.media.conversation.settings import AgentSettings, TurnSettings
from offhook.media.errors import ProviderError, ProviderRejected
from offhook.media.events import DigitPressed, DigitSource, MediaLost, SpeechStarted
from offhook.media.ports import HangUpCause, LegDigit, LegHeld, LegResumed
from offhook.media.speech_ports import (
    AnyReplyPart,
    CollectDigits,
    HangUp,
    ReplyDone,
    ReplyRequest,
    ReplyText,
    Transfer,
)
from offhook.tests.kit.staged_call import StagedCall

STORY = "Call forwarding sends your calls to another number whenever you like it. " * 3


def story(request: ReplyRequest) -> list[AnyReplyPart]:
    return [ReplyText(STORY), ReplyDone()]


async def test_first_frame_after_the_answer_is_the_greeting() -> None:
    call = StagedCall(greeting="Hello, this is a test.")
    await call.answer()
    await call.run(20)
    assert call.lane.sent[0].at_samples == 0
    await call.run(3000)
    assert call.agent_said() == ["Hello, this is a test."]
    assert call.played_words() == ["Hello,", "this", "is", "a", "test."]
    greeting = call.record.turns[0]
    assert greeting.begin_samples == 0
    assert abs(greeting.end_samples - 18 * 60 * 8) <= 160
    await call.finish()
    assert call.record.status is CallStatus.ENDED


async def test_question_is_answered_with_a_staged_reply() -> None:
    call = StagedCall()
    await call.answer()
    call.say("call waiting", after_ms=500)
    await call.run(6000)
    assert call.caller_said() == ["call waiting"]
    assert call.agent_said() == ["You said call waiting."]
    latency = call.turns(Role.AGENT)[0].latency
    assert latency is not None
    assert latency.speculative
    assert latency.speech_ended_samples == (500 + 700) * 8
    moments = [
        latency.speech_ended_samples,
        latency.transcript_samples,
        latency.first_text_samples,
        latency.first_speech_samples,
        latency.decided_samples,
        latency.first_sample_samples,
    ]
    known = [moment for moment in moments if moment is not None]
    assert known == sorted(known)
    assert len(known) == len(moments)
    # Ready when decided: the caller waits for the configured silence and one frame.
    assert known[-1] - known[-2] <= 2 * 160
    assert len(call.responder.requests) == 1
    await call.finish()


async def test_memory_of_a_reply_reaches_the_next_request() -> None:
    call = StagedCall()
    await call.answer()
    call.say("call waiting", after_ms=100)
    await call.run(5000)
    call.say("thank you")
    await call.run(5000)
    first, second = call.responder.requests
    assert first.memory is None
    assert second.memory == 0
    assert [message.text for message in second.history] == [
        "call waiting",
        "You said call waiting.",
    ]
    await call.finish()


async def test_reply_staged_for_half_a_turn_is_dropped_and_nobody_hears_of_it() -> None:
    call = StagedCall(agent=AgentSettings(turn=TurnSettings(min_endpointing_ms=600)))
    await call.answer()
    call.say("hello there friend", after_ms=100)
    call.say("how are you", after_ms=100 + 1050 + 500)
    await call.run(9000)
    assert call.caller_said() == ["hello there friend how are you"]
    assert call.agent_said() == ["You said hello there friend how are you."]
    assert call.record.speculations == 2
    assert call.record.speculations_dropped == 1
    assert {sent.epoch for sent in call.lane.sent} == {2}
    assert call.responder.requests[1].memory is None
    assert call.responder.running == call.synthesizer.running == 0
    await call.finish()


async def test_committed_reply_is_superseded_when_the_caller_goes_on() -> None:
    call = StagedCall()
    call.responder.delay_s = 1.5
    await call.answer()
    call.say("tell me about call waiting.", after_ms=100)
    call.say("and call forwarding", after_ms=100 + 1750 + 900)
    await call.run(12000)
    assert call.caller_said() == ["tell me about call waiting. and call forwarding"]
    assert len(call.agent_said()) == 1
    assert call.record.barge_ins == 0
    await call.finish()


async def test_real_words_over_the_agent_stop_it_and_history_is_what_was_heard() -> None:
    call = StagedCall(
        lambda r: story(r) if "forwarding" in r.text else [ReplyText("Sure."), ReplyDone()]
    )
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    began = call.lane.position_samples
    call.say("stop that please")
    await call.run(6000)
    ducked = next(at for at, gain in call.lane.levels if gain < 0)
    assert ducked - began <= 60 * 8
    last = max(sent.at_samples for sent in call.lane.sent if sent.epoch == 1)
    assert last - began <= 280 * 8
    cut = call.turns(Role.AGENT)[0]
    assert cut.interrupted
    assert STORY.startswith(cut.text)
    assert cut.text
    assert cut.planned_text == STORY.strip()
    # The turn ends where the voice did, not where the decision fell.
    assert 0 <= cut.end_samples - last <= 160
    played = call.played_words()
    assert cut.text.split() == played[: len(cut.text.split())]
    assert call.responder.requests[-1].text == "stop that please"
    assert call.responder.requests[-1].history[-1].text == cut.text
    assert call.agent_said()[1] == "Sure."
    assert [event.heard for event in call.events(BargedIn)] == [cut.text]
    assert call.record.barge_ins == 1
    await call.finish()


async def test_heard_text_is_less_by_the_delay_to_the_far_end() -> None:
    heard = []
    for delay_ms in (0, 600):
        call = StagedCall(story)
        call.lane.delay_samples = delay_ms * 8
        await call.answer()
        call.say("call forwarding", after_ms=100)
        await call.run(3500)
        call.say("stop that please")
        await call.run(2000)
        heard.append(call.agent_said()[0])
        await call.finish()
    assert heard[0].startswith(heard[1])
    assert len(heard[1]) < len(heard[0])


@pytest.mark.parametrize(("words", "ms"), [("", 160), ("", 400), ("mm-hm", 400), ("yeah", 300)])
async def test_cough_or_backchannel_does_not_take_the_floor(words: str, ms: int) -> None:
    call = StagedCall(story)
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    call.say(words, ms=ms)
    await call.run(20000)
    assert call.agent_said() == [STORY.strip()]
    assert call.record.barge_ins == 0
    assert call.record.false_barge_ins == 1
    assert len(call.events(AgentDucked)) == len(call.events(AgentResumed)) == 1
    assert set(STORY.split()) <= set(call.played_words())
    assert [len(request.text) > 0 for request in call.responder.requests[:1]] == [True]
    assert "mm-hm" not in [request.text for request in call.responder.requests]
    assert call.lane.levels[-1][1] == 0.0
    await call.finish()


async def test_a_click_lowers_the_agent_a_little_for_a_moment_and_is_no_event_of_the_call() -> None:
    call = StagedCall(story)
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    before = len(call.lane.levels)
    call.lane.click(0)
    await call.run(1000)
    (dipped_at, dip_db), (back_at, full_db) = call.lane.levels[before:]
    assert (dip_db, full_db) == (TurnSettings().dip_gain_db, 0.0)
    assert 0 < back_at - dipped_at <= 8 * 200
    assert call.events(AgentDucked) == []
    await call.run(20_000)
    assert call.record.false_barge_ins == 0
    assert call.agent_said() == [STORY.strip()]
    await call.finish()


async def test_speech_that_is_found_to_be_an_echo_does_not_lower_the_agent() -> None:
    call = StagedCall(story)
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    before, now = len(call.lane.levels), call.lane.position_samples
    call.lane.echo = 0.9
    call.lane.expect(SpeechStarted(now + 800, now))
    await call.run(600)
    assert call.lane.levels[before:] == []
    call.lane.echo = 0.1  # the caller speaks into it, louder
    call.lane.click(0)
    await call.run(100)
    lower = TurnSettings().dip_gain_db, TurnSettings().duck_gain_db
    assert tuple(level for _, level in call.lane.levels[before:]) == lower
    await call.finish()


async def test_the_noise_after_an_echo_does_not_make_a_caller_of_it() -> None:
    call = StagedCall(story)
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    call.lane.echo = 0.9
    call.say("sends " * 30, ms=1500)
    await call.run(1600)
    call.lane.echo = 0.1  # the line's noise, until the VAD tells of the end
    await call.run(18_000)
    assert call.record.barge_ins == 0
    assert call.agent_said() == [STORY.strip()]
    await call.finish()


async def test_ducked_agent_loses_no_sample() -> None:
    call = StagedCall(story)
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    call.lane.talk(0, 60)
    await call.run(16000)
    assert call.played_words() == STORY.split()
    assert call.record.false_barge_ins == 1
    await call.finish()


async def test_agent_that_yielded_to_a_cough_goes_on_from_the_broken_word() -> None:
    call = StagedCall(story)
    call.transcriber.interim = False
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    call.say("", ms=400)
    await call.run(15000)
    epochs = [sent.epoch for sent in call.lane.sent]
    assert sorted(set(epochs)) == [1, 2]
    played = call.played_words()
    # The story, with at most one word said twice.
    words = STORY.split()
    assert len(played) - len(words) in (0, 1)
    assert call.agent_said() == [STORY.strip()]
    assert not call.turns(Role.AGENT)[0].interrupted
    await call.finish()


async def test_own_echo_does_not_stop_the_agent() -> None:
    call = StagedCall(story)
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    call.lane.echo = 0.9
    call.say("call forwarding sends your calls", ms=2500)
    await call.run(20000)
    assert call.record.barge_ins == 0
    assert call.agent_said() == [STORY.strip()]
    assert len(call.responder.requests) == 1 + len(
        [request for request in call.responder.requests if request.silence]
    )
    await call.finish()


async def test_a_pause_between_two_words_of_an_echo_is_no_caller() -> None:
    call = StagedCall(story)
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    call.say("call forwarding sends your calls", ms=2500)
    for _ in range(4):
        call.lane.echo = 0.9
        await call.run(400)
        call.lane.echo = None
        await call.run(200)
    await call.run(18000)
    assert call.record.barge_ins == 0
    assert call.agent_said() == [STORY.strip()]
    assert not any(piece.fading for piece in call.lane.sent), "it never fell silent"
    await call.finish()


async def test_an_echo_that_is_too_faint_to_tell_once_the_agent_is_lowered_stops_nothing() -> None:
    call = StagedCall(story)
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    call.lane.echo = 0.9
    call.say("call forwarding", ms=400)
    await call.run(120)
    call.lane.echo = None
    await call.run(300)
    assert len(call.events(AgentDucked)) == len(call.events(AgentResumed)) == 1
    await call.run(18000)
    assert call.record.barge_ins == 0
    assert call.agent_said() == [STORY.strip()]
    assert not any(piece.fading for piece in call.lane.sent), "it never fell silent"
    await call.finish()


async def test_caller_who_speaks_on_through_the_echo_is_heard() -> None:
    call = StagedCall(
        lambda r: story(r) if "forwarding" in r.text else [ReplyText("Sure."), ReplyDone()]
    )
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    call.lane.echo = 0.9
    call.say("stop that now please thanks", ms=3000)
    await call.run(1000)
    call.lane.echo = 0.1
    await call.run(6000)
    assert call.record.barge_ins == 1
    assert call.agent_said()[1] == "Sure."
    await call.finish()


async def test_backchannel_after_the_reply_is_an_answer() -> None:
    call = StagedCall()
    await call.answer()
    call.say("call waiting", after_ms=100)
    await call.run(4000)
    call.say("yeah")
    await call.run(4000)
    assert call.agent_said() == ["You said call waiting.", "You said yeah."]
    await call.finish()


async def test_silence_is_prompted_twice_and_then_ends_the_call() -> None:
    call = StagedCall(greeting="Hello.")
    await call.answer()
    await call.run(40_000)
    assert call.agent_said() == [
        "Hello.",
        "Are you still there?",
        "Are you still there?",
        "I have to end the call now. Goodbye.",
    ]
    assert [request.silence for request in call.responder.requests] == [1, 2]
    assert call.leg.ended is not None
    assert call.leg.ended.by_us
    assert call.leg.ended.cause is HangUpCause.NORMAL
    await call.finish()


async def test_hold_stops_the_silence_timer() -> None:
    call = StagedCall(greeting="Hello.")
    await call.answer()
    await call.run(3000)
    call.leg.tell(LegHeld())
    await call.run(60_000)
    assert call.responder.requests == []
    call.leg.tell(LegResumed())
    await call.run(7900)
    assert call.responder.requests == []
    await call.run(200)
    assert [request.silence for request in call.responder.requests] == [1]
    await call.finish()


def keyed(request: ReplyRequest) -> list[AnyReplyPart]:
    if request.digits:
        return [ReplyText(f"Keys {request.digits}."), ReplyDone()]
    return [ReplyText("Please enter your number."), CollectDigits(4), ReplyDone()]


async def press(call: StagedCall, digits: str, gap_ms: int = 300) -> None:
    for digit in digits:
        at = call.lane.position_samples
        call.lane.expect(DigitPressed(at, digit, DigitSource.RTP_EVENT))
        await call.run(gap_ms)


@pytest.mark.parametrize(("digits", "expected"), [("12#", "12"), ("1234", "1234"), ("#", "#")])
async def test_asked_keys_end_by_terminator_or_number(digits: str, expected: str) -> None:
    call = StagedCall(keyed)
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(6000)
    await press(call, digits)
    await call.run(1000)
    assert call.responder.requests[-1].digits == expected
    assert call.record.digits == digits
    await call.finish()


async def test_asked_keys_end_by_time() -> None:
    call = StagedCall(keyed)
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(6000)
    await press(call, "12")
    await call.run(3500)
    assert len(call.responder.requests) == 1
    await call.run(500)
    assert call.responder.requests[-1].digits == "12"
    await call.finish()


async def test_key_interrupts_the_agent_and_stray_keys_are_a_turn() -> None:
    call = StagedCall(keyed, greeting=STORY)
    await call.answer()
    await call.run(2000)
    call.leg.tell(LegDigit("5"))
    await call.run(40)
    assert not call.lane.playing
    await call.run(4000)
    assert call.responder.requests[-1].digits == "5"
    assert call.agent_said()[1] == "Keys 5."
    assert call.turns(Role.AGENT)[0].interrupted
    await call.finish()


async def test_failed_responder_is_asked_again_and_then_apologised_for() -> None:
    failures = [ProviderError("fake-llm", "no"), ProviderError("fake-llm", "no")]

    def answers(request: ReplyRequest) -> list[AnyReplyPart | Exception]:
        return [failures.pop()] if failures else [ReplyText("Fine."), ReplyDone()]

    call = StagedCall(answers, AgentSettings(apology="Sorry.", turn=NO_SPECULATION))
    await call.answer()
    call.say("call waiting", after_ms=100)
    await call.run(4000)
    assert call.agent_said() == ["Sorry."]
    call.say("call waiting")
    await call.run(4000)
    assert call.agent_said() == ["Sorry.", "Fine."]
    await call.finish()


NO_SPECULATION = TurnSettings(max_speculations=0)


async def test_failure_that_persists_ends_the_call_politely() -> None:
    call = StagedCall(
        lambda r: [ProviderRejected("fake-llm", "wrong key")],
        AgentSettings(apology="Sorry.", farewell="Goodbye.", turn=NO_SPECULATION),
    )
    await call.answer()
    for _ in range(2):
        call.say("call waiting", after_ms=100)
        await call.run(4000)
    assert call.agent_said() == ["Sorry.", "Goodbye."]
    assert call.leg.ended is not None
    assert call.leg.ended.cause is HangUpCause.ERROR
    # Once a turn: what was rejected is not asked again.
    assert len(call.responder.requests) == 2
    await call.finish()


async def test_dead_synthesizer_ends_the_call_and_not_in_silence() -> None:
    call = StagedCall(greeting="Hello.")
    call.synthesizer.failures = [ProviderError("fake-tts", "dead")] * 50
    await call.answer()
    await call.run(3000)
    assert call.leg.ended is not None
    assert call.leg.ended.cause is HangUpCause.ERROR
    await call.finish()


async def test_hanging_responder_is_timed_out_and_closed() -> None:
    call = StagedCall(lambda r: [1000.0], AgentSettings(apology="Sorry."))
    await call.answer()
    call.say("call waiting", after_ms=100)
    await call.run(9000)
    assert call.agent_said() == ["Sorry."]
    assert call.responder.running == 0
    await call.finish()


@pytest.mark.parametrize("fails", ["open", "hang", "raise", "fail", "never"])
async def test_deaf_agent_says_so(fails: str) -> None:
    call = StagedCall(agent=AgentSettings(apology="Sorry."))
    call.transcriber.interim = False
    call.transcriber.fails = fails
    await call.answer()
    call.say("call waiting", after_ms=100)
    await call.run(6000)
    assert call.agent_said() == ["Sorry."]
    call.transcriber.fails = ""
    call.say("call waiting")
    await call.run(6000)
    call.say("call waiting")
    await call.run(6000)
    assert call.agent_said()[-1] == "You said call waiting."
    await call.finish()


async def test_reply_that_breaks_off_is_apologised_for_after_what_was_made() -> None:
    call = StagedCall(
        lambda r: [ReplyText("One two three. Four "), 0.5, ProviderError("fake-llm", "gone")],
        AgentSettings(apology="Sorry."),
    )
    await call.answer()
    call.say("call waiting", after_ms=100)
    await call.run(6000)
    assert call.agent_said()[-1] == "Sorry."
    assert "three." in call.played_words()
    await call.finish()


async def test_agent_hangs_up_when_its_goodbye_was_heard() -> None:
    call = StagedCall()
    await call.answer()
    call.say("goodbye", after_ms=100)
    await call.run(4000)
    assert call.played_words() == ["You", "said", "goodbye."]
    assert call.leg.ended is not None
    assert call.leg.ended.by_us
    last = call.lane.sent[-1]
    assert call.record.length_samples >= last.at_samples + 300 * 8
    assert isinstance(call.told[-1], CallEnded)
    await call.finish()


async def test_transfer_follows_the_reply() -> None:
    call = StagedCall(lambda r: [ReplyText("One moment."), Transfer("+1555"), ReplyDone()])
    await call.answer()
    call.say("call waiting", after_ms=100)
    await call.run(4000)
    assert call.transferred == ["+1555"]
    assert call.record.transferred_to == "+1555"
    assert call.agent_said() == ["One moment."]
    await call.finish()


async def test_reply_without_words_still_hangs_up() -> None:
    call = StagedCall(lambda r: [HangUp(), ReplyDone()])
    await call.answer()
    call.say("goodbye", after_ms=100)
    await call.run(3000)
    assert call.leg.ended is not None
    assert call.caller_said() == ["goodbye"]
    await call.finish()


async def test_lane_of_another_rate_than_prepared_for() -> None:
    call = StagedCall(greeting="Hello.", rate_hz=16000)
    await asyncio.wait_for(_prepare(call, 8000), 5)
    call.leg.answer()
    await call.run(2000)
    assert call.agent_said() == ["Hello."]
    assert sum(len(sent.pcm) for sent in call.lane.sent) == 6 * 60 * 16
    call.say("call waiting")
    await call.run(4000)
    assert call.caller_said() == ["call waiting"]
    call.leg.end(HangUpCause.NORMAL)
    await call.session.aclose()


async def _prepare(call: StagedCall, rate_hz: int) -> None:
    task = asyncio.create_task(call.session.prepare(rate_hz))
    while not task.done():
        await asyncio.sleep(0)
        call.clock.advance(0.02)


@pytest.mark.parametrize("after_ms", range(0, 6000, 240))
@pytest.mark.parametrize("by_us", [True, False])
async def test_hanging_up_at_any_moment_leaves_nothing_behind(after_ms: int, by_us: bool) -> None:
    before = len(asyncio.all_tasks())
    call = StagedCall(story, greeting="Hello there.")
    await call.answer()
    call.say("call forwarding", after_ms=1000)
    call.say("stop that please", after_ms=4000)
    await call.run(after_ms)
    if by_us:
        call.session.hang_up()
    await call.finish()
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before
    assert call.responder.running == call.synthesizer.running == 0
    assert call.transcriber.opened == call.transcriber.closed
    assert call.record.status is CallStatus.ENDED
    assert call.record.ended_by_us is by_us
    assert call.lane.sink is None
    # Whatever was heard is told, and nothing else.
    heard = " ".join(call.agent_said()).split()
    assert heard == call.played_words()[: len(heard)]
    assert len(call.played_words()) - len(heard) <= 2


async def test_speaking_event_carries_the_latency() -> None:
    call = StagedCall()
    await call.answer()
    call.say("call waiting", after_ms=100)
    await call.run(4000)
    (event,) = call.events(AgentSpeaking)
    assert event.text == "You said call waiting."
    assert event.latency == call.turns(Role.AGENT)[0].latency
    await call.finish()


async def test_cough_that_a_transcriber_took_for_words_does_not_take_the_floor() -> None:
    call = StagedCall(story)
    await call.answer()
    call.say("call forwarding", after_ms=100)
    await call.run(3500)
    call.say("goodbye", ms=400, rejected=True)
    await call.run(15_000)
    assert call.agent_said() == [STORY.strip()]
    assert call.record.barge_ins == 0
    assert call.record.false_barge_ins == 1
    await call.finish()


@pytest.mark.parametrize("comes_back", [True, False])
async def test_lost_media_ends_the_call_unless_it_comes_back(comes_back: bool) -> None:
    call = StagedCall(greeting="Hello.")
    await call.answer()
    call.lane.expect(MediaLost(8000, 5000))
    await call.run(2000)
    call.lane.packets = int(comes_back)
    await call.run(23_900)
    assert call.leg.ended is None
    await call.run(600)
    assert (call.leg.ended is None) == comes_back
    if call.leg.ended is not None:
        assert call.leg.ended.cause is HangUpCause.MEDIA_LOST
    await call.finish()


async def test_caller_who_could_not_be_handed_over_is_the_agents_again() -> None:
    call = StagedCall(lambda r: [ReplyText("One moment."), Transfer("+1555"), ReplyDone()])
    await call.answer()
    call.say("call waiting", after_ms=100)
    await call.run(4000)
    call.session.transfer_failed()
    await call.run(6000)
    assert len(call.agent_said()) == 2
    call.say("call waiting")
    await call.run(4000)
    assert call.transferred == ["+1555", "+1555"]
    await call.finish()


async def test_second_call_says_the_phrases_that_the_first_has_made() -> None:
    book = PhraseBook()
    made = []
    for _ in range(2):
        call = StagedCall(greeting="Hello, this is a test.", book=book)
        await call.answer()
        await call.run(3000)
        made.append(len(call.synthesizer.words) - 1)
        assert call.agent_said() == ["Hello, this is a test."]
        assert sum(len(sent.pcm) for sent in call.lane.sent) == 18 * 60 * 8
        await call.finish()
    assert made[0] > 0
    assert made[1] == 0


async def test_cough_in_silence_is_no_turn_whatever_it_was_taken_for() -> None:
    call = StagedCall(greeting="Hello.")
    await call.answer()
    call.say("goodbye", after_ms=1500, ms=200, rejected=True)
    await call.run(5000)
    assert call.agent_said() == ["Hello."]
    assert call.caller_said() == []
    assert call.record.speculations == call.record.speculations_dropped
    call.say("blah blah", rejected=True)
    await call.run(3000)
    assert call.responder.requests[-1].rejected
    assert call.turns(Role.CALLER)[0].rejected
    await call.finish()


async def test_turns_merge_when_not_a_word_of_the_answer_was_heard() -> None:
    call = StagedCall(agent=AgentSettings(turn=TurnSettings(yield_after_ms=120)))
    await call.answer()
    call.say("call waiting", after_ms=100)
    await call.run(1100)
    # The answer begins about now; the caller goes on at the same moment.
    call.say("and call forwarding please", after_ms=40)
    await call.run(8000)
    assert call.responder.requests[-1].text == "call waiting and call forwarding please"
    assert [message.text for message in call.responder.requests[-1].history] == []
    assert call.agent_said() == ["You said call waiting and call forwarding please."]
    await call.finish()
