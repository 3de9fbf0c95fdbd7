"""Speech over the agent's voice: duck, judge, yield, stop or go on.

Part of the reducer in turn.py; the theory is in barge_in.py. Whoever learns something about the
overlap asks for a measurement of the line, and the verdict is given when that arrives, so there
is one place that decides.
"""

from ..events import SoundPassed, SoundRose, SpeechSuspected, SuspicionDropped
from .actions import (
    BeginUtterance,
    CancelTurn,
    Dip,
    EndUtterance,
    MeasureLine,
    TakeBack,
    Unduck,
    YieldFloor,
)
from .barge_in import Evidence, Verdict, judge
from .floor import Caller, Draft, Stage
from .replies import cut, duck, note_backchannel
from .turn_events import LineMeasured

ECHO_DOUBTS = 3
"""Between two words of an echo there is only the line's noise, which is no echo: one measurement
proves nothing, unless something louder than an echo has risen."""


def receive_sound_rose(d: Draft, event: SoundRose) -> None:
    """Whatever it is, the agent's voice makes a little room for it at once."""
    s = d.state
    audible = s.reply is not None and s.reply.stage is Stage.AUDIBLE
    if audible and s.hears and not (s.ducked or s.dipped):
        s.dipped = True
        d.do(Dip(s.settings.dip_gain_db, s.settings.dip_ramp_ms))


def receive_sound_passed(d: Draft, event: SoundPassed) -> None:
    _end_dip(d)


def _end_dip(d: Draft) -> None:
    if d.state.dipped:
        d.state.dipped = False
        d.do(Unduck(d.state.settings.undip_ramp_ms, resumed=False))


def receive_suspected(d: Draft, event: SpeechSuspected) -> None:
    """First sign of speech: the agent lowers its voice at once (not for music on hold)."""
    if not d.state.hears:
        return
    d.state.suspected_samples = event.at_samples
    reply = d.state.reply
    if reply is not None and reply.stage is Stage.AUDIBLE:
        duck(d)


def receive_suspicion_dropped(d: Draft, event: SuspicionDropped) -> None:
    forget_suspicion(d)


def forget_suspicion(d: Draft) -> None:
    """It was nothing: the agent is back at full level."""
    s = d.state
    s.suspected_samples = None
    _end_dip(d)
    if s.ducked and s.caller is None and s.reply is not None and s.reply.stage is Stage.AUDIBLE:
        _resume(d)


def begin_overlap(d: Draft) -> None:
    """A talkspurt over the agent is confirmed."""
    d.caller(overlapping=True)
    # An echo is measured before the agent is lowered: then too little of it would be left.
    weigh(d)


def weigh(d: Draft) -> None:
    """Something has become known of the overlap (or it is time): judge it."""
    d.state.judge_samples = None
    d.do(MeasureLine(d.state.settings.echo_window_ms))


def receive_measured(d: Draft, event: LineMeasured) -> None:
    """The verdict."""
    s = d.state
    caller, reply = s.caller, s.reply
    if caller is None or not caller.overlapping or reply is None:
        return
    if reply.stage not in (Stage.AUDIBLE, Stage.YIELDED):
        return
    if caller.talking and event.echo_score is None:
        # Between two words of an echo it is as silent as between two of a caller.
        _judge_again(d)
        return
    echo = (event.echo_score or 0.0) >= s.settings.echo_threshold
    if caller.echo and not echo:
        caller = d.caller(doubts=caller.doubts + 1)
        if caller.doubts < ECHO_DOUBTS and not s.dipped:
            _judge_again(d)
            return
        caller = restart(d)
    if caller.talking and not echo and reply.stage is Stage.AUDIBLE:
        duck(d)
    verdict = judge(_evidence(d, caller, event), s.settings)
    if verdict is Verdict.STOP:
        cut(d, s.settings.fade_ms)
    elif verdict is Verdict.RESUME:
        _go_on(d, caller, echo=echo)
    else:
        if verdict is Verdict.YIELD and reply.stage is Stage.AUDIBLE:
            d.reply(stage=Stage.YIELDED, yielded_samples=d.now)
            d.do(YieldFloor(reply.epoch, s.settings.fade_ms))
        _judge_again(d)


def restart(d: Draft) -> Caller:
    """What was heard so far was the agent; from here on it is the caller."""
    s = d.state
    old = s.caller
    assert old is not None, "only a running turn can begin again"
    begin = max(0, d.now - s.samples(s.settings.echo_window_ms), s.captured_samples)
    s.turn += 1
    s.caller = Caller(
        number=s.turn,
        began_samples=begin,
        spurt_samples=begin,
        talking=True,
        overlapping=old.overlapping,
    )
    d.do(CancelTurn(old.number))
    d.do(BeginUtterance(s.turn, begin))
    return s.caller


def _evidence(d: Draft, caller: Caller, event: LineMeasured) -> Evidence:
    s = d.state
    end = caller.ended_samples if not caller.talking else None
    now = d.now if end is None else end
    return Evidence(
        speech_ms=s.ms(caller.spoken_samples + max(0, now - caller.spurt_samples)),
        silent_ms=None if end is None else s.ms(max(0, d.now - end)),
        words=caller.text,
        final=not caller.talking and (caller.finals_due == 0 or caller.failed),
        rejected=caller.rejected,
        echo_score=(event.echo_score or 0.0) if caller.talking else 0.0,
        line_loss=event.line_loss,
    )


def _go_on(d: Draft, caller: Caller, *, echo: bool) -> None:
    """It was nothing: the agent comes back, and late words may still change that."""
    s = d.state
    _resume(d)
    if caller.talking:
        d.caller(echo=echo, doubts=0)
        _judge_again(d)
    elif caller.finals_due == 0 or caller.failed:
        note_backchannel(d)
    else:
        s.judge_samples = caller.asked_samples + s.samples(s.settings.transcript_limit_ms)


def end_echo(d: Draft) -> None:
    """The talkspurt that was the agent's own voice is over: nobody has said anything."""
    caller = d.state.caller
    assert caller is not None, "an echo has a running turn"
    d.do(EndUtterance(caller.number))
    d.do(CancelTurn(caller.number))
    d.state.caller = None
    d.state.judge_samples = None
    d.state.captured_samples = d.now
    if d.state.suspected_samples is None:
        forget_suspicion(d)


def _resume(d: Draft) -> None:
    """Come back, from wherever the steps have led."""
    s = d.state
    reply = s.reply
    assert reply is not None, "only a reply can come back"
    if reply.stage is Stage.YIELDED:
        s.epoch += 1
        d.do(TakeBack(reply.epoch, s.epoch))
        d.reply(epoch=s.epoch, stage=Stage.AUDIBLE, yielded_samples=None)
    if s.ducked:
        s.ducked = False
        s.false_barge_ins += 1
        d.do(Unduck(s.settings.unduck_ramp_ms, resumed=True))


def _judge_again(d: Draft) -> None:
    """Now and then; first when speech has lasted long enough to fall silent for."""
    s, caller = d.state, d.state.caller
    assert caller is not None, "only a running turn is judged"
    due = caller.spurt_samples + s.samples(s.settings.yield_after_ms)
    if not caller.talking or caller.echo or due <= d.now:
        due = d.now + s.samples(s.settings.judge_every_ms)
    s.judge_samples = due
