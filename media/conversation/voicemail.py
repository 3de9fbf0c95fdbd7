"""What an agent does about a machine that has answered: go on, hang up, or leave a message. Pure.

    NOTHING_YET --a machine--> AWAITING --beep, or long silence--> SPOKEN
        |            '-- it is a menu after all --'  '--> GONE      too long
        '----------------- to hang up on --------------> GONE

Not here: who has answered (machine_detection.py), and how the message is said (orders.py).
"""

import enum

from .machine_detection import MachineDetector
from .machine_states import KINDS, State
from .records import AnsweredBy
from .settings import AnsweringSettings

HUNG_UP_ON = (AnsweredBy.FAX, AnsweredBy.NETWORK)
"Nobody hears a message there."


class Course(enum.Enum):
    """What is to be done now."""

    AWAIT_BEEP = "await_beep"
    "Say nothing, hear nothing."
    SAY_MESSAGE = "say_message"
    CONVERSE = "converse"
    "As with anybody."
    HANG_UP = "hang_up"


class Stage(enum.Enum):
    """How far it is."""

    NOTHING_YET = enum.auto()
    AWAITING = enum.auto()
    SPOKEN = enum.auto()
    GONE = enum.auto()


class Voicemail:
    """One call's. Ask it after everything that its detector was told."""

    def __init__(self, settings: AnsweringSettings, rate_hz: int) -> None:
        self.stage = Stage.NOTHING_YET
        self._settings = settings
        self._rate_hz = rate_hz
        self._since = 0
        "Since when the beep is awaited."

    def get_timer(self, detector: MachineDetector) -> int | None:
        """When time alone decides something."""
        if self.stage is not Stage.AWAITING:
            return None
        late = self._since + self._ms(self._settings.wait_ms)
        if detector.speaking:
            return late
        silent = max(self._since, detector.silent_since)
        return min(late, silent + self._ms(self._settings.no_beep_ms))

    def courses(self, detector: MachineDetector, now: int) -> list[Course]:
        """What is to be done, in order; mostly nothing."""
        if self._settings.on_machine == "continue":
            return []
        kind = KINDS[detector.state]
        if self.stage is Stage.NOTHING_YET:
            return self._begin(detector, kind, now)
        if self.stage is Stage.AWAITING:
            return self._go_on(detector, kind, now)
        return []

    def abandon(self) -> None:
        """Somebody else has taken the call over."""
        self.stage = Stage.GONE

    def _begin(self, detector: MachineDetector, kind: AnsweredBy | None, now: int) -> list[Course]:
        if kind in HUNG_UP_ON:
            return self._hang_up()
        if kind is not AnsweredBy.MACHINE:
            return []
        leaves = self._settings.on_machine == "leave_message" and self._settings.message
        if not leaves:
            return self._hang_up()
        self.stage, self._since = Stage.AWAITING, now
        return [Course.AWAIT_BEEP, *self._go_on(detector, kind, now)]

    def _go_on(self, detector: MachineDetector, kind: AnsweredBy | None, now: int) -> list[Course]:
        if kind in HUNG_UP_ON:
            return self._hang_up()
        if kind is AnsweredBy.IVR:
            self.stage = Stage.NOTHING_YET
            return [Course.CONVERSE]
        due = self.get_timer(detector)
        if detector.state is not State.BEEPED and (due is None or now < due):
            return []
        if detector.speaking and detector.state is not State.BEEPED:
            return self._hang_up()
        self.stage = Stage.SPOKEN
        return [Course.SAY_MESSAGE]

    def _hang_up(self) -> list[Course]:
        self.stage = Stage.GONE
        return [Course.HANG_UP]

    def _ms(self, ms: int) -> int:
        return ms * self._rate_hz // 1000
