"""A call is handed to a person: who is rung next, for how long, and what ends it. Pure.

    status     input               next
    OPEN       begin               RINGING the first person; nobody: FAILED
    RINGING    joined              BRIDGED
    RINGING    failed, timer       RINGING the next person; none is left: FAILED
    RINGING    caller left, ended  FAILED: nobody has come
    BRIDGED    ended, caller left  CLOSED
    any        cancel              who rings or has joined is hung up; FAILED or CLOSED

CLOSED and FAILED take nothing more. What is told of a leg names its number: one that was given up
may still tell something, which is ignored.
"""

import collections
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from ..domain.calls import ESCALATIONS_OVER, EscalationStatus

NOBODY = "nobody is available"
NO_ANSWER = "no answer"
CALLER_LEFT = "the caller has hung up"

OVER = ESCALATIONS_OVER


class Person(msgspec.Struct, frozen=True):
    """Somebody who may take the call."""

    id: str
    "Agent.id."
    name: str
    target: str
    "Where they are called."


class Ring(msgspec.Struct, frozen=True):
    """Call this person; what becomes of it is told by the attempt's number."""

    attempt: int
    person: Person


class HangUp(msgspec.Struct, frozen=True):
    """End the leg of this attempt."""

    attempt: int


class Moved(msgspec.Struct, frozen=True):
    """The hand-over stands elsewhere now: as it is to be stored and told."""

    status: EscalationStatus
    person: Person | None
    "Who rings or has joined, or had."
    tried: tuple[str, ...]
    reason: str = ""
    "Of FAILED, in words."


Action: TypeAlias = Ring | HangUp | Moved


class HandOver:
    """One of them. `begin`, then what happens; after each, `next_action` until there is none."""

    def __init__(self, people: Sequence[Person], ring_s: float, nobody: str = NOBODY) -> None:
        """`people` in the order in which they are rung, each for `ring_s`; `nobody`: why not."""
        self._waiting = collections.deque(people)
        self._ring_s = ring_s
        self._nobody = nobody
        self._actions: collections.deque[Action] = collections.deque()
        self._person: Person | None = None
        self._attempt = 0
        self._deadline: float | None = None
        self._tried: list[str] = []
        self.status = EscalationStatus.OPEN

    def begin(self, now: float) -> None:
        """Ring the first of them."""
        self._ring_next(now)

    # --- what happens ---------------------------------------------------------------------------

    def receive_joined(self, attempt: int) -> None:
        """Who was rung is in the call."""
        if self._rings(attempt):
            self._deadline = None
            self._move(EscalationStatus.BRIDGED)

    def receive_ended(self, attempt: int, reason: str, now: float) -> None:
        """A leg has ended: who rang did not come, or who was in the call has left."""
        if self._rings(attempt):
            self._not_come(reason, now)
        elif self.status is EscalationStatus.BRIDGED and attempt == self._attempt:
            self._move(EscalationStatus.CLOSED)

    def receive_caller_left(self) -> None:
        """The call is over; its legs end without us."""
        if self.status is EscalationStatus.BRIDGED:
            self._move(EscalationStatus.CLOSED)
        else:
            self._fail(CALLER_LEFT)

    def cancel(self, reason: str) -> None:
        """Somebody does not want it any more."""
        if self.status in OVER:
            return
        if self._attempt:
            self._actions.append(HangUp(self._attempt))
        if self.status is EscalationStatus.BRIDGED:
            self._move(EscalationStatus.CLOSED)
        else:
            self._fail(reason)

    def get_timer(self) -> float | None:
        """When `handle_timer` is due."""
        return self._deadline

    def handle_timer(self, now: float) -> None:
        """Who rings has been let ring for long enough."""
        if self._deadline is not None and now >= self._deadline:
            self._actions.append(HangUp(self._attempt))
            self._not_come(NO_ANSWER, now)

    def next_action(self) -> Action | None:
        """What is to be done, in order; None: nothing more now."""
        return self._actions.popleft() if self._actions else None

    # --- inside ---------------------------------------------------------------------------------

    def _rings(self, attempt: int) -> bool:
        return self.status is EscalationStatus.RINGING and attempt == self._attempt

    def _not_come(self, reason: str, now: float) -> None:
        assert self._person is not None, "somebody rang"
        self._tried.append(f"{self._person.name}: {reason}")
        self._ring_next(now)

    def _ring_next(self, now: float) -> None:
        if not self._waiting:
            self._fail(self._tried[-1] if len(self._tried) == 1 else self._nobody)
            return
        self._person = self._waiting.popleft()
        self._attempt += 1
        self._deadline = now + self._ring_s
        self._move(EscalationStatus.RINGING)
        self._actions.append(Ring(self._attempt, self._person))

    def _fail(self, reason: str) -> None:
        self._move(EscalationStatus.FAILED, reason)

    def _move(self, status: EscalationStatus, reason: str = "") -> None:
        if self.status in OVER:
            return
        self.status = status
        if status in OVER:
            self._deadline = None
            self._waiting.clear()
        self._actions.append(Moved(status, self._person, tuple(self._tried), reason))
