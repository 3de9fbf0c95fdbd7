"""How far something can be loaded: what a step shows, and which step comes next. Pure.

A step *holds* when the clock's p99 lateness stays within its limit and nothing is lost, refused or
left unanswered. It is *void* when the load itself was late or dropped packets, or when it failed
while something else took the server's core: then it does not tell of the server. The ramp rises by
a factor until a step fails, then halves the gap.
"""

import enum

import msgspec

LATE_LIMIT_MS = 5.0
"p99 of the frame clock."
LOAD_LATE_LIMIT_MS = 5.0
"p99 of the load's own clock: beyond it packets come in bursts that are the load's fault."
LOAD_STALL_MS = 20.0
"A load that stood still so long may itself be why a frame had to be concealed."
LOAD_BUSY_LIMIT = 0.95
"Of its core."
OTHERS_LIMIT = 0.03
"A server whose core others take may be late because of them."


class LoadHealth(msgspec.Struct, frozen=True):
    """Whether the load did what it was to do."""

    late_p99_ms: float
    late_max_ms: float
    send_errors: int
    "Packets that the kernel did not take."
    busy: float
    "Share of one core."
    waited: float = 0.0
    "Share of the time that it could have run and something else had its core."


class StepFigures(msgspec.Struct, frozen=True):
    """What a verdict is made of."""

    late_p99_ms: float
    load: LoadHealth
    others: float = 0.0
    "Share of the server's core that was neither the server's nor the network's."
    lost: int = 0
    "Frames concealed by the server, packets of the server's that did not come, skipped frames."
    refused: int = 0
    "Calls that were not taken, or ended by themselves."
    unanswered: int = 0
    "Turns."


class Outcome(enum.Enum):
    """Of a step."""

    HELD = "held"
    LATE = "late"
    LOST = "lost"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    VOID = "void"


class Verdict(msgspec.Struct, frozen=True):
    """What a step tells, and why."""

    outcome: Outcome
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.outcome.value}: {self.reason}" if self.reason else self.outcome.value


def judge(step: StepFigures, late_limit_ms: float = LATE_LIMIT_MS) -> Verdict:
    """The load is judged first: a step of a bad load says nothing of the server."""
    if fault := load_fault(step):
        return Verdict(Outcome.VOID, fault)
    failed = step.refused or step.lost or step.unanswered or step.late_p99_ms > late_limit_ms
    if failed and step.others > OTHERS_LIMIT:
        return Verdict(
            Outcome.VOID, f"something else took {100 * step.others:.0f} % of the server's core"
        )
    if step.refused:
        return Verdict(Outcome.REFUSED, f"{step.refused} calls")
    if step.lost:
        return Verdict(Outcome.LOST, f"{step.lost} frames")
    if step.unanswered:
        return Verdict(Outcome.UNANSWERED, f"{step.unanswered} turns")
    if step.late_p99_ms > late_limit_ms:
        return Verdict(Outcome.LATE, f"clock p99 {step.late_p99_ms:.1f} ms")
    return Verdict(Outcome.HELD)


def load_fault(step: StepFigures) -> str:
    """What was wrong with the load; empty: nothing."""
    load = step.load
    if load.send_errors:
        return f"the load could not send {load.send_errors} packets"
    if load.late_p99_ms > LOAD_LATE_LIMIT_MS:
        return f"the load itself was late (p99 {load.late_p99_ms:.1f} ms)"
    if load.busy > LOAD_BUSY_LIMIT:
        return f"the load's core was full ({100 * load.busy:.0f} %)"
    if step.lost and load.late_max_ms > LOAD_STALL_MS:
        return f"the load stood still for {load.late_max_ms:.0f} ms: what was lost may be its fault"
    return ""


class Ramp:
    """Tells the next step: `while (n := ramp.next()) is not None: ramp.tell(outcome of n)`."""

    def __init__(
        self,
        first: int,
        most: int,
        factor: float = 1.6,
        precision: float = 0.06,
        tries: int = 2,
    ) -> None:
        """`tries`: a step fails, or is void, when it has been so that often in a row.

        `precision`: the gap between the last that held and the first that failed, as a share.
        """
        self._next = min(first, most)
        self._most, self._factor = most, factor
        self._precision, self._tries = precision, tries
        self._failed: int | None = None
        self._tried = 0
        self._done = False
        self.held: int | None = None
        "The most that held."
        self.limit: Verdict | None = None
        "What the step above it showed; None: nothing was found that limits."

    def next(self) -> int | None:
        """How much the next step is, None when the limit is known."""
        return None if self._done else self._next

    def tell(self, verdict: Verdict) -> None:
        """What the step of `next()` has shown."""
        if verdict.outcome is Outcome.HELD:
            self._tried = 0
            self.held = self._next
            self._go_on()
            return
        self._tried += 1
        if self._tried < self._tries:
            return
        self._tried = 0
        self.limit, self._failed = verdict, self._next
        self._go_on()

    def _go_on(self) -> None:
        if self._failed is None:
            self._done = self._next >= self._most
            step = max(self._next + 1, round(self._next * self._factor))
            self._next = min(step, self._most)
            return
        low = self.held or 0
        self._done = self._failed - low <= max(1, self._precision * self._failed)
        self._next = (low + self._failed) // 2
