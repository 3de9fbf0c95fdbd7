"""The life of a reply: staged, committed, audible, over; or dropped, retried, apologised for.

Part of the reducer in turn.py: functions change the draft of one step. A reply begins only when
what was heard of the one before is known, so there is never more than one.
"""

import msgspec

from ..events import PlayoutFinished, PlayoutStarted
from ..ports import HangUpCause
from ..speech_ports import Message, ReplyRequest
from .actions import (
    AddTurn,
    Announce,
    CancelTurn,
    CloseReply,
    CommitReply,
    DropReply,
    Duck,
    EndUtterance,
    Generate,
    HangUpCall,
    Phrase,
    Say,
    ShowReply,
    StopSpeaking,
    TransferCall,
    Unduck,
)
from .announcement import Announcement
from .floor import Caller, Draft, Phase, Reply, Stage, joined
from .latency import TurnMoments, latency, noted
from .records import Role, Turn
from .turn_events import (
    ReplyFailed,
    ReplyHeard,
    ReplySpeechBegan,
    ReplyTextBegan,
    ReplyVoiced,
    ReplyWritten,
)

MAX_FAILURES = 3
"Failed turns in a row after which the call ends without another word."


def generate(d: Draft, request: ReplyRequest, *, speculative: bool = False) -> None:
    """Ask the responder; the reply waits behind the gate."""
    s = d.state
    s.epoch += 1
    s.reply = Reply(
        epoch=s.epoch,
        stage=Stage.STAGED,
        request=request,
        informed=s.reply_wanted,
        speculative=speculative,
    )
    d.do(Generate(s.epoch, request))


def say(d: Draft, phrase: Phrase, hang_up: HangUpCause | None = None) -> None:
    """Say a phrase, now."""
    s = d.state
    s.epoch += 1
    s.reply = Reply(epoch=s.epoch, stage=Stage.STAGED, phrase=phrase, hang_up=hang_up)
    d.do(Say(s.epoch, phrase))
    commit(d)


def announce(d: Draft) -> None:
    """Say what has waited longest, now."""
    first, *rest = d.state.announcements
    d.state.announcements = tuple(rest)
    _say_announcement(d, first)


def _say_announcement(d: Draft, announcement: Announcement) -> None:
    s = d.state
    s.epoch += 1
    s.reply = Reply(epoch=s.epoch, stage=Stage.STAGED, announcement=announcement)
    d.do(Announce(s.epoch, announcement))
    commit(d)


def commit(d: Draft) -> None:
    """Open the gate for the staged reply."""
    if d.state.ducked or d.state.dipped:
        d.state.ducked = d.state.dipped = False
        d.do(Unduck(0, resumed=False))
    reply = d.reply(stage=Stage.COMMITTED)
    d.do(CommitReply(reply.epoch))


def drop(d: Draft) -> None:
    """Forget the reply, of which nothing has been heard."""
    reply = d.state.reply
    assert reply is not None, "there is no reply to drop"
    assert not reply.holds_floor, "what was heard cannot be dropped"
    if reply.speculative:
        d.state.speculations_dropped += 1
    if reply.announcement is not None:  # it has not been said: that is still to come
        d.state.announcements = (reply.announcement, *d.state.announcements)
    d.do(DropReply(reply.epoch))
    d.state.reply = None


def cut(d: Draft, fade_ms: int, *, barged_in: bool = True) -> None:
    """End the audible reply for good."""
    reply = d.reply(stage=Stage.CLOSING)
    d.state.judge_samples = None
    if barged_in:
        d.state.barge_ins += 1
    d.do(StopSpeaking(reply.epoch, fade_ms, barged_in))


def seal(d: Draft, *, owed: bool = False) -> None:
    """The caller's turn is closed: it is told, and part of the history.

    `owed`: its answer is still to be asked for, and it is no part of the history before that.
    """
    caller = d.state.caller
    if caller is None:
        return
    d.state.caller = None
    ended = caller.began_samples if caller.typed else caller.ended_samples
    if caller.typed and caller.ended_samples is not None:
        ended = caller.ended_samples
    if caller.keys is not None:
        ended = max(ended or 0, caller.keys.last_samples)
    if not caller.noted or caller.said or len(caller.digits) > caller.noted_digits:
        _add_turn(d, _caller_turn(d, caller, d.now if ended is None else ended))
    text = joined(caller.words, caller.digits)
    if text and not owed:
        d.remember(Message("caller", text))


def note_backchannel(d: Draft) -> None:
    """What was said over the agent is in the transcript, and wants no answer."""
    caller = d.state.caller
    d.state.caller = None
    if caller is not None and caller.said and not caller.rejected:
        _add_turn(d, _caller_turn(d, caller, caller.ended_samples or d.now))


def apologise(d: Draft) -> None:
    """Something of ours failed: say so once, then take leave. Never silence."""
    s = d.state
    failed, s.reply = s.reply, None
    s.failures += 1
    voiceless = failed is not None and failed.phrase is not None
    leaving = failed is not None and failed.hang_up is not None
    if s.failures > MAX_FAILURES or leaving or (voiceless and s.failures > 1):
        _hang_up_now(d, HangUpCause.ERROR)
    elif s.failures > 1:
        say(d, Phrase.FAREWELL, HangUpCause.ERROR)
    else:
        say(d, Phrase.APOLOGY)


# --- what happens to the reply -------------------------------------------------------------------


def receive_text(d: Draft, event: ReplyTextBegan) -> None:
    if reply := _of(d, event.epoch):
        d.reply(moments=noted(reply.moments, "first_text_samples", d.now))


def receive_speech(d: Draft, event: ReplySpeechBegan) -> None:
    if reply := _of(d, event.epoch):
        d.reply(moments=noted(reply.moments, "first_speech_samples", d.now))


def receive_written(d: Draft, event: ReplyWritten) -> None:
    reply = _of(d, event.epoch)
    if reply is None:
        return
    d.reply(
        written=True,
        collect=event.collect,
        hang_up=HangUpCause.NORMAL if event.hang_up else reply.hang_up,
        transfer_to=event.transfer_to,
        sources=event.sources,
        memory=event.memory,
    )


def receive_voiced(d: Draft, event: ReplyVoiced) -> None:
    if _of(d, event.epoch):
        d.reply(voiced_samples=event.samples)


def receive_failed(d: Draft, event: ReplyFailed) -> None:
    """A failure costs a retry, then words; what is already heard plays to its end first."""
    reply = _of(d, event.epoch)
    if reply is None:
        return
    if reply.holds_floor:
        d.reply(failed=True)
    elif reply.stage is Stage.STAGED:
        drop(d)
    elif reply.attempt == 0 and event.retryable:
        _again(d, reply)
    else:
        d.do(DropReply(reply.epoch))
        _answer_no_more_wanted(d, reply)
        if reply.announcement is None:
            apologise(d)
            return
        d.state.reply = None  # the conversation goes on as if it had not been ordered
        if reply.announcement.last:
            _hang_up_now(d, HangUpCause.ERROR)


def receive_playout_started(d: Draft, event: PlayoutStarted) -> None:
    """The reply is audible: the turn that it answers is closed."""
    s = d.state
    reply = _of(d, event.epoch)
    if reply is None or reply.stage is not Stage.COMMITTED:
        return
    moments = noted(reply.moments, "first_sample_samples", event.at_samples)
    announced = reply.announcement
    turn = _moments(s.caller) if s.caller is not None and announced is None else None
    measured = latency(turn, moments, speculative=reply.speculative) if turn else None
    owed = s.caller if announced is not None and not announced.instead else None
    _answer_no_more_wanted(d, reply)
    d.reply(stage=Stage.AUDIBLE, moments=moments, latency=measured, owed=owed, informed=False)
    seal(d, owed=owed is not None)
    d.do(ShowReply(reply.epoch, measured))
    if s.suspected_samples is not None:
        duck(d)


def duck(d: Draft) -> None:
    """Someone may be interrupting."""
    if not d.state.ducked:
        d.state.ducked, d.state.dipped = True, False
        d.do(Duck(d.state.settings.duck_gain_db, d.state.settings.duck_ramp_ms))


def receive_playout_finished(d: Draft, event: PlayoutFinished) -> None:
    reply = _of(d, event.epoch)
    if reply is not None and reply.stage in (Stage.COMMITTED, Stage.AUDIBLE):
        close(d)


def close(d: Draft) -> None:
    """The reply has come to its own end."""
    reply = d.reply(stage=Stage.CLOSING)
    d.state.judge_samples = None
    d.do(CloseReply(reply.epoch))


def receive_heard(d: Draft, event: ReplyHeard) -> None:
    """The reply is over: keep what was heard of it, and do what was to follow it."""
    s = d.state
    reply = _of(d, event.epoch)
    if reply is None or reply.stage is not Stage.CLOSING:
        return
    s.reply = None
    s.idle_samples = d.now
    _answer_no_more_wanted(d, reply)
    if reply.moments.first_sample_samples is None and _answers(reply):
        seal(d)  # it never had a voice, and still was the answer
    if event.text:
        _add_turn(d, _agent_turn(d, reply, event))
        d.remember(Message("agent", event.text))
    unheard = event.interrupted and not event.text and reply.request is not None
    if reply.written and reply.request is not None and not unheard:
        s.memory = reply.memory
    if reply.owed is not None:
        _owe(d, reply.owed)
    if s.phase is Phase.OVER or s.absent:
        seal(d)
        return
    if reply.announcement is None:
        s.collect = reply.collect or (s.collect if unheard else None)
    if s.caller is not None:
        d.caller(overlapping=False)
        if unheard and reply.request is not None and reply.request.text:
            _carry_over(d, reply.request.text)
    if not event.interrupted or _is_last(reply):
        _follow(d, reply)


def _follow(d: Draft, reply: Reply) -> None:
    """What a reply that was heard to its end has announced."""
    s = d.state
    if _is_last(reply):
        _leave(d, HangUpCause.NORMAL)
    elif reply.announcement is not None:
        return
    elif reply.failed and s.caller is None:
        s.reply = reply
        apologise(d)
    elif reply.failed:
        s.failures += 1  # the caller speaks already: their turn is answered instead
    elif reply.transfer_to is not None:
        _close_the_floor(d)
        d.do(TransferCall(reply.transfer_to))
    elif reply.hang_up is not None:
        _leave(d, reply.hang_up)
    elif reply.request is not None:
        s.failures = 0


def _leave(d: Draft, cause: HangUpCause) -> None:
    """Hang up when the far end's buffer has played out."""
    s = d.state
    _close_the_floor(d)
    s.closing_cause = cause
    s.closing_samples = d.now + s.samples(s.settings.hang_up_tail_ms)


def _is_last(reply: Reply) -> bool:
    return reply.announcement is not None and reply.announcement.last


def _close_the_floor(d: Draft) -> None:
    """The last words have been said; what the caller was saying over them is noted."""
    caller = d.state.caller
    d.state.phase = Phase.CLOSING
    if caller is not None:
        if caller.talking:
            d.do(EndUtterance(caller.number))
        d.do(CancelTurn(caller.number))
    note_backchannel(d)


def _carry_over(d: Draft, text: str) -> None:
    """Nothing of the answer was heard: the caller's words before and now are one turn."""
    history = list(d.state.history)
    for at in range(len(history) - 1, -1, -1):
        if history[at].role == "caller":
            del history[at]
        elif history[at].role == "system":  # it was told meanwhile
            continue
        break
    d.state.history = tuple(history)
    d.caller(carried=text)


def _owe(d: Draft, owed: Caller) -> None:
    """The announcement is over: the turn before it is to be answered now, or with the next one."""
    s = d.state
    rejected = owed.rejected and not (owed.carried or owed.typed)
    words = "" if rejected else owed.words
    if s.caller is not None:
        d.caller(carried=joined(words, s.caller.carried))
        if owed.digits:
            d.remember(Message("caller", owed.digits))
        return
    s.turn += 1
    s.caller = Caller(
        number=s.turn,
        began_samples=d.now,
        carried=words,
        keys=owed.keys,
        rejected=rejected,
        failed=owed.failed,
        told=True,
        noted=True,
        noted_digits=len(owed.digits),
    )


def _answers(reply: Reply) -> bool:
    """It takes the place of an answer to the caller, if there is something to answer."""
    return reply.announcement is None or reply.announcement.instead


def _answer_no_more_wanted(d: Draft, reply: Reply) -> None:
    """The agent has spoken to what the responder was told, or has tried."""
    if reply.informed:
        d.state.reply_wanted = False


def _hang_up_now(d: Draft, cause: HangUpCause) -> None:
    _close_the_floor(d)
    d.do(HangUpCall(cause))


def _again(d: Draft, reply: Reply) -> None:
    """The same reply once more, under a new epoch."""
    s = d.state
    d.do(DropReply(reply.epoch))
    if reply.announcement is not None:
        _say_announcement(d, reply.announcement)
    elif reply.request is not None:
        generate(d, reply.request, speculative=False)
        commit(d)
    elif reply.phrase is not None:
        say(d, reply.phrase, reply.hang_up)
    assert s.reply is not None
    s.reply = msgspec.structs.replace(s.reply, attempt=reply.attempt + 1)


def _of(d: Draft, epoch: int) -> Reply | None:
    """The running reply, if `epoch` is its; news of an old epoch is no news."""
    reply = d.state.reply
    return reply if reply is not None and reply.epoch == epoch else None


def _moments(caller: Caller) -> TurnMoments | None:
    if caller.typed or caller.noted:
        return None  # nobody waits for an answer since their last sound
    ended = caller.ended_samples
    if caller.keys is not None:
        ended = max(ended or 0, caller.keys.last_samples)
    if ended is None:
        return None
    return TurnMoments(ended, caller.transcript_samples, caller.decided_samples)


def _add_turn(d: Draft, turn: Turn) -> None:
    d.state.turns += 1
    d.do(AddTurn(turn))


def _caller_turn(d: Draft, caller: Caller, end_samples: int) -> Turn:
    return Turn(
        index=d.state.turns,
        role=Role.CALLER,
        text=caller.said,
        begin_samples=caller.began_samples,
        end_samples=max(end_samples, caller.began_samples),
        digits=caller.digits[caller.noted_digits :],
        rejected=caller.rejected and not caller.typed,
        typed=bool(caller.typed),
        confidence=caller.confidence if caller.text else None,
    )


def _agent_turn(d: Draft, reply: Reply, event: ReplyHeard) -> Turn:
    begin, silent = reply.moments.first_sample_samples, reply.yielded_samples
    return Turn(
        index=d.state.turns,
        role=Role.AGENT,
        text=event.text,
        begin_samples=event.at_samples if begin is None else begin,
        end_samples=event.at_samples if silent is None else silent,
        planned_text=event.planned,
        interrupted=event.interrupted,
        sources=reply.sources,
        latency=reply.latency,
    )
