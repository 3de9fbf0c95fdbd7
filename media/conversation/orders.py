"""What others ask of the agent in a running call: say this, know that, be quiet, come back.

Part of the reducer in turn.py. The order of things:

- An announcement never talks over the caller, and waits for what the agent is saying. Where a
  caller's turn is due, it is said *before* the answer, and the answer is made after it: nobody's
  question is lost because somebody else had something to say, and the answer knows of it.
- With `interrupt` it is said *instead*: of what the agent says, of what else waits to be said, and
  of the answer that is due. Who takes the word out of the agent's mouth speaks for it; an answer
  that knows nothing of these words could contradict them.
- A typed message is the caller's turn, and certain: like a key it interrupts the agent.
- While a machine greets us the agent has no part in the call; then it leaves its message and goes.
- Muted, the caller is not heard, but their keys are. Paused, the agent has no part in the call:
  what it was saying and was to say is over, what the caller had said is in the history.
"""

from ..speech_ports import Message
from . import overlap, rules
from .actions import CancelTurn, EndUtterance, ShowWords
from .floor import Caller, Draft, Phase, Stage, joined
from .replies import cut, drop, seal
from .turn_events import (
    AgentWasPaused,
    AgentWasResumed,
    AnnouncementOrdered,
    CallerWasMuted,
    CallerWasUnmuted,
    ContextGiven,
    MachineAnswered,
    MachineGone,
    MessageDue,
    MessageTyped,
)

SPEAKING = (Stage.AUDIBLE, Stage.YIELDED)


def receive_announcement(d: Draft, event: AnnouncementOrdered) -> None:
    """It waits for the floor; rules.py gives it."""
    s = d.state
    if s.paused:
        return
    if not event.interrupt:
        s.announcements = (*s.announcements, event.announcement)
        return
    if s.caller is not None and s.caller.echo:
        overlap.end_echo(d)
    reply = s.reply
    if reply is not None and not reply.holds_floor:
        drop(d)
    s.announcements = (event.announcement,)
    if reply is not None and reply.stage in SPEAKING:
        cut(d, s.settings.fade_ms, barged_in=False)


def receive_context(d: Draft, event: ContextGiven) -> None:
    """The next reply knows it; one that was made ready without it is none any more."""
    s = d.state
    d.remember(Message("system", event.text))
    s.reply_wanted |= event.reply
    if s.reply is not None and s.reply.stage is Stage.STAGED:
        drop(d)


def receive_typed(d: Draft, event: MessageTyped) -> None:
    """A turn, or a part of the one that is being spoken."""
    s = d.state
    if s.absent:
        return
    reply = s.reply
    if reply is not None and not reply.holds_floor:
        drop(d)
    if s.caller is not None and s.caller.echo:
        overlap.end_echo(d)
    if s.caller is None:
        s.turn += 1
        s.caller = Caller(number=s.turn, began_samples=d.now)
    typed = joined(s.caller.typed, event.text)
    caller = d.caller(typed=typed, decided_samples=None, overlapping=False)
    d.do(ShowWords(caller.words))
    if reply is not None and reply.stage in SPEAKING:
        cut(d, s.settings.fade_ms)


def receive_muted(d: Draft, event: CallerWasMuted) -> None:
    """What was said until now is a turn, and will be answered."""
    s = d.state
    s.muted = True
    overlap.forget_suspicion(d)
    if s.caller is None or not s.caller.talking:
        return
    if s.caller.echo:
        overlap.end_echo(d)
    else:
        rules.end_utterance(d, d.now)
        overlap.weigh(d)


def receive_unmuted(d: Draft, event: CallerWasUnmuted) -> None:
    d.state.muted = False
    _begin_to_hear(d)


def receive_paused(d: Draft, event: AgentWasPaused) -> None:
    """The agent gives the floor up at once, and what was not said will not be said."""
    s = d.state
    s.paused, s.awaits_beep = True, False
    _give_up_the_floor(d)


def _give_up_the_floor(d: Draft) -> None:
    """At once; what the caller has said is in the history."""
    s = d.state
    s.collect = s.judge_samples = None
    s.reply_wanted = False
    if s.phase is Phase.CLOSING:
        s.phase, s.closing_samples = Phase.LIVE, None  # whoever takes the caller keeps them
    overlap.forget_suspicion(d)
    _stop_hearing(d)
    reply = s.reply
    if reply is not None and not reply.holds_floor:
        drop(d)
    s.announcements = ()
    if reply is not None and reply.stage in SPEAKING:
        cut(d, s.settings.fade_ms, barged_in=False)
    elif s.reply is None:
        seal(d)


def _stop_hearing(d: Draft) -> None:
    """The caller's running turn ends here, with the words that are known of it."""
    s = d.state
    caller = s.caller
    if caller is None:
        return
    if caller.talking:
        s.captured_samples = d.now
        d.do(EndUtterance(caller.number))
    if caller.talking or caller.finals_due:
        d.do(CancelTurn(caller.number))
    noted = caller.noted or not (caller.said or caller.keys)  # sounds alone are no turn
    d.caller(talking=False, finals_due=0, overlapping=False, noted=noted)
    if caller.echo or not (caller.words or caller.keys):
        s.caller = None


def receive_machine(d: Draft, event: MachineAnswered) -> None:
    """Nothing is said over a machine's greeting: it would be lost, and the beep is waited for."""
    if not d.state.absent:
        d.state.awaits_beep = True
        _give_up_the_floor(d)


def receive_message_due(d: Draft, event: MessageDue) -> None:
    """What others wanted said while the machine spoke comes first; then the message, and the end.

    Whoever has taken the call over meanwhile keeps it.
    """
    s = d.state
    if not s.awaits_beep:
        return
    s.awaits_beep = False
    s.muted = True  # a recorder's clicks and second beep are no turn
    s.idle_samples = d.now
    s.announcements = (*s.announcements, event.message)


def receive_machine_gone(d: Draft, event: MachineGone) -> None:
    d.state.awaits_beep = False
    _begin_to_hear(d)


def receive_resumed(d: Draft, event: AgentWasResumed) -> None:
    d.state.paused = False
    _begin_to_hear(d)


def _begin_to_hear(d: Draft) -> None:
    """From here on, and nothing of what came before."""
    d.state.captured_samples = d.now
    d.state.idle_samples = d.now
