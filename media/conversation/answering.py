"""SHELL: finds out who has answered a call that we placed, beside the conversation.

Feeds machine_detection.py with what the lane and the transcriber tell, passes verdicts on, and does
what voicemail.py says. Decides nothing itself.
"""

from collections.abc import Callable

from ..events import AnyMediaEvent
from ..ports import HangUpCause, LanePort
from .announcement import Announcement
from .floor import Stage, TurnState
from .machine_detection import MachineDetector, Verdict
from .settings import AnsweringSettings
from .turn_events import AnyTurnEvent, MachineAnswered, MachineGone, MessageDue
from .voicemail import Course, Voicemail


class Answering:
    """One call's. `ring` where there is early media, `answer`, `receive` until `end`."""

    def __init__(
        self,
        settings: AnsweringSettings,
        expected: frozenset[str],
        report: Callable[[AnyTurnEvent], None],
        decided: Callable[[Verdict], None],
        hang_up: Callable[[HangUpCause], None],
    ) -> None:
        """`report` tells the turn taker; `decided` is told each verdict."""
        self._settings = settings
        self._expected = expected
        self._report = report
        self._decided = decided
        self._hang_up = hang_up
        self._lane: LanePort | None = None
        self._detector: MachineDetector | None = None
        self._voicemail: Voicemail | None = None
        self._missed = 0
        "Of the lane's time, as the detector knows."

    def ring(self, lane: LanePort) -> None:
        """Something is heard before the answer."""
        if self._detector is None:
            self._begin(lane)
            lane.sink = self._hear_early

    def answer(self, lane: LanePort) -> None:
        """The call is up; the lane's events come by `receive` from now on."""
        detector = self._begin(lane)
        self._voicemail = Voicemail(self._settings, lane.rate_hz)
        detector.receive_answer(lane.position_samples)

    def receive(self, event: AnyTurnEvent, state: TurnState) -> None:
        """What the turn taker was told just now, and where it stands since."""
        detector, voicemail = self._detector, self._voicemail
        if detector is None or voicemail is None:
            return
        self._notice_missed(detector)
        watched = detector.watches
        reply = state.reply
        detector.receive(
            event,
            echo=state.caller is not None and state.caller.echo,
            agent_speaks=reply is not None and reply.stage is Stage.AUDIBLE,
        )
        self._tell(detector)
        if state.paused:
            voicemail.abandon()
        for course in voicemail.courses(detector, event.at_samples):
            self._follow(course, event.at_samples)
        if watched and not detector.watches and self._lane is not None:
            self._lane.listen_for_tones(False)

    def get_timer(self) -> int | None:
        """When the lane is to wake us, whatever happens."""
        if self._detector is None or self._voicemail is None:
            return None
        timers = (self._detector.get_timer(), self._voicemail.get_timer(self._detector))
        return min((at for at in timers if at is not None), default=None)

    def end(self, at_samples: int) -> None:
        """The call is over."""
        if self._detector is not None:
            self._detector.receive_end(at_samples)
            self._tell(self._detector)
            self._detector = None

    def _begin(self, lane: LanePort) -> MachineDetector:
        self._lane = lane
        self._detector = MachineDetector(lane.rate_hz, self._expected)
        self._missed = lane.missed_samples
        lane.listen_for_tones(True)
        return self._detector

    def _hear_early(self, event: AnyMediaEvent) -> None:
        if self._detector is not None and self._lane is not None:
            self._notice_missed(self._detector)
            self._detector.receive(event)
            self._tell(self._detector)
            self._lane.set_alarm(self._detector.get_timer())

    def _notice_missed(self, detector: MachineDetector) -> None:
        if self._lane is not None and (missed := self._lane.missed_samples) != self._missed:
            detector.miss(missed - self._missed)
            self._missed = missed

    def _tell(self, detector: MachineDetector) -> None:
        while (verdict := detector.next_verdict()) is not None:
            self._decided(verdict)

    def _follow(self, course: Course, at_samples: int) -> None:
        match course:
            case Course.AWAIT_BEEP:
                self._report(MachineAnswered(at_samples))
            case Course.SAY_MESSAGE:
                message = Announcement(self._settings.message, last=True)
                self._report(MessageDue(at_samples, message))
            case Course.CONVERSE:
                self._report(MachineGone(at_samples))
            case Course.HANG_UP:
                self._hang_up(HangUpCause.NORMAL)
