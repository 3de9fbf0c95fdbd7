"""Single steps of the reducer, where a whole call would hide the point."""

from offhook.media.conversation import actions as act
from offhook.media.conversation.floor import Caller, Phase, Reply, Stage, TurnState
from offhook.media.conversation.settings import TurnSettings
from offhook.media.conversation.turn import step
from offhook.media.conversation.turn_events import LegWasEnded, TransferFailed, WordsHeard
from offhook.media.events import AlarmDue, PlayoutStarted
from offhook.media.speech_ports import ReplyRequest

RATE = 8000


def decided(words: str) -> TurnState:
    """A turn is decided, its reply committed, and final words may still come."""
    asked = ReplyRequest(history=(), text=words)
    return TurnState(
        settings=TurnSettings(),
        rate_hz=RATE,
        phase=Phase.LIVE,
        turn=1,
        epoch=1,
        caller=Caller(
            number=1,
            began_samples=0,
            ended_samples=1600,
            text=words,
            decided_samples=4000,
            told=True,
            finals_due=1,
        ),
        reply=Reply(epoch=1, stage=Stage.COMMITTED, request=asked),
    )


def test_a_decided_turn_is_answered_although_its_words_come_to_nothing() -> None:
    state, actions = step(decided("yes"), WordsHeard(8000, 1, "", final=True, rejected=True))
    assert act.DropReply(1) in actions
    assert state.caller is not None, "short and wordless, but not a cough any more"
    assert state.reply is not None
    assert state.reply.request == ReplyRequest(history=(), text="", rejected=True)
    assert state.reply.stage is Stage.COMMITTED


def test_words_that_change_after_the_decision_are_answered_anew() -> None:
    state, actions = step(decided("yes"), WordsHeard(8000, 1, "yes stop", final=True))
    assert actions[0:2] == (act.ShowWords("yes stop"), act.DropReply(1))
    asked = [action.request.text for action in actions if isinstance(action, act.Generate)]
    assert asked == ["yes stop"]
    alarm = state.alarm_samples
    while state.reply is not None and state.reply.stage is Stage.STAGED:
        assert alarm is not None, "a staged reply is committed some time"
        state, actions = step(state, AlarmDue(alarm))
        alarm = state.alarm_samples
    assert state.reply is not None
    assert state.reply.stage is Stage.COMMITTED


def test_a_call_that_came_back_from_a_failed_transfer_does_not_hang_up_by_itself() -> None:
    state = TurnState(settings=TurnSettings(), rate_hz=RATE, phase=Phase.CLOSING)
    state.closing_samples = 9000
    state, _ = step(state, TransferFailed(8000))
    assert state.phase is Phase.LIVE
    _, actions = step(state, AlarmDue(9000))
    assert not any(isinstance(action, act.HangUpCall) for action in actions)


def test_a_reply_that_begins_while_the_call_is_given_up_is_told() -> None:
    state = decided("yes")
    state.phase = Phase.CLOSING
    state, _ = step(state, PlayoutStarted(8160, 1))
    state, actions = step(state, LegWasEnded(8320))
    assert act.StopSpeaking(1, 0, barged_in=False) in actions


def test_what_a_cough_was_taken_for_is_no_part_of_the_words_before_it() -> None:
    state = decided("stop")
    state.reply = None
    state.caller = Caller(
        number=1, began_samples=0, ended_samples=1600, text="stop", carried="hello", rejected=True
    )
    state, actions = step(state, AlarmDue(20_000))
    assert act.ShowWords("hello", final=True) in actions
    assert [each.request.text for each in actions if isinstance(each, act.Generate)] == ["hello"]
    _, actions = step(state, AlarmDue(20_160))
    assert actions == (), "the reply fits the words, and stays"
