"""One simulated far end: rings, answers, speaks, listens, leaves. Sans-IO.

A state machine on the tables of behaviour.py. Facts and `now` go in, actions come out: it has no
clock and no audio, and does not know who hears it.
"""

import logging
from collections import deque

import msgspec

from ...media.ports import HangUpCause
from .behaviour import Behaviour, Input, State

PONDER_S = 1.0
"An agent's pause of so long ends its answer."
RECORDER_SILENCE_S = 3.0
"A recorder hangs up so long after the message's last word."
MACHINE_LIMIT_S = 30.0
"From the answer to the beep: only a broken audio path takes so long."

UNANSWERED_STATES = (State.TRYING, State.RINGING, State.CALLING)

logger = logging.getLogger(__name__)


class Ring(msgspec.Struct, frozen=True, tag=True):
    """Tell the caller that it rings."""


class Answer(msgspec.Struct, frozen=True, tag=True):
    """Take the call."""


class Say(msgspec.Struct, frozen=True, tag=True):
    """Play a sentence; `receive_played_out` is wanted."""

    text: str


class Beep(msgspec.Struct, frozen=True, tag=True):
    """Play a recorder's tone; `receive_played_out` is wanted."""


class HangUp(msgspec.Struct, frozen=True, tag=True):
    """End the call, or refuse it; always the last action."""

    cause: HangUpCause
    reason: str = ""


AnyAction = Ring | Answer | Say | Beep | HangUp


class FarEnd:
    """The one at the other end of one call, which begins `now`."""

    def __init__(self, behaviour: Behaviour, now: float) -> None:
        self.behaviour = behaviour
        self.state = behaviour.first
        self._actions: deque[AnyAction] = deque()
        self._due_at: float | None = now + behaviour.first_s
        self._answered_at = 0.0
        self._end_at: float | None = None
        if self.state is State.RINGING:
            self._actions.append(Ring())

    # --- what happens to it ---

    def receive_answer(self, now: float) -> None:
        """Whom it called has answered."""
        self._step(Input.ANSWERED, now)

    def receive_speech_began(self, now: float) -> None:
        """The agent can be heard to speak."""
        self._step(Input.SPEECH_BEGAN, now)

    def receive_speech_ended(self, now: float) -> None:
        """The agent has paused."""
        self._step(Input.SPEECH_ENDED, now)

    def receive_played_out(self, now: float) -> None:
        """The last Say or Beep has been played to its end."""
        self._step(Input.PLAYED_OUT, now)

    def receive_hang_up(self) -> None:
        """The other side has ended the call, in whatever state it is: nothing more is done."""
        self._actions.clear()
        self._enter(State.ENDED)

    # --- time, and what it does ---

    def get_timer(self) -> float | None:
        """When `handle_timer` is wanted, seconds of the monotonic clock."""
        return min((at for at in (self._due_at, self._end_at) if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if self._end_at is not None and self._end_at <= now:
            self._leave()
        elif self._due_at is not None and self._due_at <= now:
            self._step(Input.DUE, now)

    def next_action(self) -> AnyAction | None:
        """What is to be done, in order."""
        return self._actions.popleft() if self._actions else None

    # --- the machine ---

    def _step(self, fact: Input, now: float) -> None:
        old, new = self.state, self.behaviour.steps.get(self.state, {}).get(fact)
        if new is None:
            return
        if new is State.ENDED:
            self._leave()
            return
        self._enter(new)
        if new is State.PICKED_UP and old in UNANSWERED_STATES:
            self._answered(now, by_us=old is State.RINGING)
        elif old is State.BEEPING:
            self._end_at = now + self.behaviour.talk_limit_s
        self._due_at = self._deadline(now)
        self._speak()

    def _enter(self, new: State) -> None:
        logger.debug("far end: %s -> %s", self.state.name, new.name)
        self.state = new
        if new is State.ENDED:
            self._due_at = self._end_at = None

    def _answered(self, now: float, *, by_us: bool) -> None:
        self._answered_at = now
        records = State.BEEPING in self.behaviour.steps
        self._end_at = now + (MACHINE_LIMIT_S if records else self.behaviour.talk_limit_s)
        if by_us:
            self._actions.append(Answer())

    def _deadline(self, now: float) -> float | None:
        """When the state that was entered `now` has lasted long enough."""
        behaviour, answered_at = self.behaviour, self._answered_at
        leave_at = answered_at + behaviour.leave_after_s
        match self.state:
            case State.PICKED_UP:
                patience_s = max(behaviour.greeting_limit_s, behaviour.breath_s)
                return min(now + behaviour.breath_s, answered_at + patience_s)
            case State.GREETED:
                return answered_at + behaviour.greeting_limit_s
            case State.LISTENING | State.HEARING:
                return leave_at
            case State.PONDERING:
                return min(now + PONDER_S, leave_at)
            case State.RECORDED:
                return now + RECORDER_SILENCE_S
        return None  # what is played comes to its own end

    def _speak(self) -> None:
        match self.state:
            case State.SPEAKING:
                self._actions.append(Say(self.behaviour.opening))
            case State.LEAVING:
                self._actions.append(Say(self.behaviour.goodbye))
            case State.BEEPING:
                self._actions.append(Beep())

    def _leave(self) -> None:
        """Hang up, or give up."""
        behaviour = self.behaviour
        if self.state in UNANSWERED_STATES:
            self._actions.append(HangUp(behaviour.cause, behaviour.reason))
        else:
            self._actions.append(HangUp(HangUpCause.NORMAL))
        self._enter(State.ENDED)
