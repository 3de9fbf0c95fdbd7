"""Turn taking: who has the floor, as a pure reducer on the lane's sample axis.

`step(state, event) -> (state, actions)`. An event changes what is known; then the rules below look
at all that is known and at the position, and decide; then the alarm is set for the next position
at which a rule could decide otherwise. So no rule depends on which event came last.

    the caller's turn      none -> talking -> silent -> decided -> sealed (its reply is audible)
                                     ^---------'-----------'  speaks on: the turns merge
    the agent's reply      none -> staged -> committed -> audible <-> yielded -> over
                                     '----------'----- dropped      (barge-in)

Not here: the rules (rules.py), speech over the agent (overlap.py), the reply's life (replies.py),
what others ask of the agent (orders.py).
"""

from collections.abc import Callable
from typing import Any

from ..events import (
    AlarmDue,
    AudioCaptured,
    DigitPressed,
    MediaLost,
    MediaStarted,
    PlayoutFinished,
    PlayoutStarted,
    SoundPassed,
    SoundRose,
    SpeechEnded,
    SpeechStarted,
    SpeechSuspected,
    SuspicionDropped,
)
from ..speech_ports import CollectDigits
from . import orders, overlap, replies, rules
from .actions import (
    AnyAction,
    BeginUtterance,
    CancelTurn,
    EndUtterance,
    MeasureLine,
    Phrase,
    ShowKey,
    ShowSpeech,
    ShowWords,
)
from .floor import Caller, Draft, Phase, Stage, TurnState
from .keypad import press
from .turn_events import (
    AgentWasPaused,
    AgentWasResumed,
    AnnouncementOrdered,
    Answered,
    AnyTurnEvent,
    CallerWasMuted,
    CallerWasUnmuted,
    ContextGiven,
    HearingFailed,
    LegWasEnded,
    LegWasHeld,
    LegWasResumed,
    LineMeasured,
    MachineAnswered,
    MachineGone,
    MessageDue,
    MessageTyped,
    ReplyFailed,
    ReplyHeard,
    ReplySpeechBegan,
    ReplyTextBegan,
    ReplyVoiced,
    ReplyWritten,
    TransferFailed,
    WordsHeard,
)


def step(state: TurnState, event: AnyTurnEvent) -> tuple[TurnState, tuple[AnyAction, ...]]:
    """The state after `event`, and what is to be done, in order. `state` itself is not changed."""
    d = Draft(state, event.at_samples)
    handler = _HANDLERS.get(type(event))
    if handler is not None and _heeded(d, event):
        handler(d, event)
        rules.settle(d)
        rules.set_alarm(d)
    return d.state, tuple(d.actions)


def _heeded(d: Draft, event: AnyTurnEvent) -> bool:
    """Before the answer and after the last words, little matters any more."""
    phase = d.state.phase
    if isinstance(event, LegWasEnded):
        return phase is not Phase.OVER
    if isinstance(event, Answered):
        return phase is Phase.WAITING
    if isinstance(event, TransferFailed):
        return phase is Phase.CLOSING
    if isinstance(event, ReplyHeard) and phase is Phase.OVER:
        return True
    if phase is Phase.CLOSING:  # a reply that begins now is still heard, until the leg has ended
        return isinstance(event, AlarmDue | PlayoutStarted | AgentWasPaused | AgentWasResumed)
    return phase is Phase.LIVE


# --- what happens --------------------------------------------------------------------------------


def _answered(d: Draft, event: Answered) -> None:
    d.state.phase = Phase.LIVE
    d.state.idle_samples = d.now
    if event.greets:
        replies.say(d, Phrase.GREETING)


def _speech_started(d: Draft, event: SpeechStarted) -> None:
    """The caller speaks: a new turn, or the running one goes on."""
    s = d.state
    s.voice = True
    s.suspected_samples = None
    if not s.hears or (s.caller is not None and s.caller.talking):
        return
    if s.reply is not None and not s.reply.holds_floor:
        replies.drop(d)
    if s.caller is None:
        s.turn += 1
        s.caller = Caller(number=s.turn, began_samples=event.began_samples)
    spoken = s.caller.spoken_samples
    if s.caller.ended_samples is not None:
        spoken += max(0, s.caller.ended_samples - s.caller.spurt_samples)
    caller = d.caller(
        talking=True, spurt_samples=event.began_samples, spoken_samples=spoken, decided_samples=None
    )
    pre_roll = event.began_samples - s.samples(s.settings.pre_roll_ms)
    d.do(BeginUtterance(caller.number, max(0, pre_roll, s.captured_samples)))
    d.do(ShowSpeech())
    if s.reply is not None:
        overlap.begin_overlap(d)


def _speech_ended(d: Draft, event: SpeechEnded) -> None:
    d.state.voice = False
    caller = d.state.caller
    if caller is None or not caller.talking:
        return
    if caller.echo:
        overlap.end_echo(d)
        return
    rules.end_utterance(d, event.ended_samples)
    if caller.overlapping:
        overlap.weigh(d)


def _words_heard(d: Draft, event: WordsHeard) -> None:
    caller = d.state.caller
    if caller is None or event.turn != caller.number:
        return
    if event.final:
        d.caller(
            finals_due=max(0, caller.finals_due - 1),
            rejected=event.rejected,
            confidence=event.confidence,
            transcript_samples=d.now,
        )
    if event.text != caller.text:
        caller = d.caller(text=event.text)
        d.do(ShowWords(caller.words))
    if caller.overlapping and not caller.echo:
        overlap.weigh(d)


def _hearing_failed(d: Draft, event: HearingFailed) -> None:
    caller = d.state.caller
    if caller is not None and event.turn == caller.number:
        d.caller(failed=True, finals_due=0)
        if caller.overlapping:
            overlap.weigh(d)


def _digit_pressed(d: Draft, event: DigitPressed) -> None:
    """A key interrupts the agent, and is a turn or a part of one."""
    s = d.state
    d.do(ShowKey(event.digit))
    if s.absent:
        return
    reply = s.reply
    collect = s.collect
    if reply is not None and reply.holds_floor:
        collect = reply.collect or collect
    elif reply is not None:
        replies.drop(d)
    if s.caller is None:
        s.turn += 1
        s.caller = Caller(number=s.turn, began_samples=d.now)
    stray = CollectDigits(
        s.settings.max_stray_digits, timeout_s=s.settings.digits_timeout_ms / 1000
    )
    keys = press(s.caller.keys, event.digit, collect or stray, d.now)
    d.caller(keys=keys, decided_samples=None, overlapping=False, echo=False)
    if reply is not None and reply.stage in (Stage.AUDIBLE, Stage.YIELDED):
        replies.cut(d, s.settings.fade_ms)


def _held(d: Draft, event: LegWasHeld) -> None:
    s = d.state
    s.held = True
    s.lost_samples = None
    overlap.forget_suspicion(d)
    if s.caller is not None and s.caller.talking:
        rules.end_utterance(d, d.now)
        overlap.weigh(d)


def _resumed(d: Draft, event: LegWasResumed) -> None:
    d.state.held = False
    d.state.idle_samples = d.now


def _media_lost(d: Draft, event: MediaLost) -> None:
    """It may come back (some phones send nothing in silence): count packets now and later."""
    s = d.state
    if not s.held and s.lost_samples is None:
        left = max(0, s.settings.media_lost_limit_ms - event.silent_ms)
        s.lost_samples = d.now + s.samples(left)
        s.lost_packets = None
        d.do(MeasureLine(s.settings.echo_window_ms))


def _media_started(d: Draft, event: MediaStarted) -> None:
    d.state.lost_samples = None


def _measured(d: Draft, event: LineMeasured) -> None:
    rules.receive_packet_count(d, event.packets_received)
    overlap.receive_measured(d, event)


def _transfer_failed(d: Draft, event: TransferFailed) -> None:
    d.state.phase = Phase.LIVE
    d.state.closing_samples = None
    replies.apologise(d)


def _ended(d: Draft, event: LegWasEnded) -> None:
    """The call is over: what was heard and said until now is told."""
    s = d.state
    s.phase = Phase.OVER
    if s.caller is not None and (s.caller.talking or s.caller.finals_due):
        if s.caller.talking:
            d.do(EndUtterance(s.caller.number))
        d.do(CancelTurn(s.caller.number))
    if s.caller is not None and not (s.caller.said or s.caller.keys):
        s.caller = None
    if s.reply is not None and s.reply.stage in (Stage.AUDIBLE, Stage.YIELDED):
        replies.cut(d, 0, barged_in=False)
        return
    if s.reply is not None and not s.reply.holds_floor:
        replies.drop(d)
    replies.seal(d)


def _unmuted(d: Draft, event: CallerWasUnmuted) -> None:
    orders.receive_unmuted(d, event)
    _hear_on(d)


def _agent_resumed(d: Draft, event: AgentWasResumed) -> None:
    orders.receive_resumed(d, event)
    _hear_on(d)


def _machine_gone(d: Draft, event: MachineGone) -> None:
    orders.receive_machine_gone(d, event)
    _hear_on(d)


def _hear_on(d: Draft) -> None:
    """Somebody is in the middle of a sentence: its rest is heard."""
    if d.state.voice and d.state.hears:
        _speech_started(d, SpeechStarted(d.now, d.now))


def _noticed(d: Draft, event: AnyTurnEvent) -> None:
    """Nothing but the time."""


def _alarm_due(d: Draft, event: AlarmDue) -> None:
    d.state.alarm_samples = None


_HANDLERS: dict[type[Any], Callable[[Draft, Any], None]] = {
    AgentWasPaused: orders.receive_paused,
    AgentWasResumed: _agent_resumed,
    MachineAnswered: orders.receive_machine,
    MachineGone: _machine_gone,
    MessageDue: orders.receive_message_due,
    AlarmDue: _alarm_due,
    AnnouncementOrdered: orders.receive_announcement,
    Answered: _answered,
    AudioCaptured: _noticed,
    CallerWasMuted: orders.receive_muted,
    CallerWasUnmuted: _unmuted,
    ContextGiven: orders.receive_context,
    DigitPressed: _digit_pressed,
    HearingFailed: _hearing_failed,
    LegWasEnded: _ended,
    LegWasHeld: _held,
    LegWasResumed: _resumed,
    LineMeasured: _measured,
    MediaLost: _media_lost,
    MediaStarted: _media_started,
    MessageTyped: orders.receive_typed,
    PlayoutFinished: replies.receive_playout_finished,
    PlayoutStarted: replies.receive_playout_started,
    ReplyFailed: replies.receive_failed,
    ReplyHeard: replies.receive_heard,
    ReplySpeechBegan: replies.receive_speech,
    ReplyTextBegan: replies.receive_text,
    ReplyVoiced: replies.receive_voiced,
    ReplyWritten: replies.receive_written,
    SoundPassed: overlap.receive_sound_passed,
    SoundRose: overlap.receive_sound_rose,
    SpeechEnded: _speech_ended,
    SpeechStarted: _speech_started,
    SpeechSuspected: overlap.receive_suspected,
    SuspicionDropped: overlap.receive_suspicion_dropped,
    TransferFailed: _transfer_failed,
    WordsHeard: _words_heard,
}
