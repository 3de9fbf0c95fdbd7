"""SHELL: one simulated call: a far end and its timer, the audio between the ends, our leg."""

from collections.abc import Callable

from ...media.clock import Clock, Timer
from ...media.errors import MediaError
from ...media.events import AnyMediaEvent, PlayoutFinished, SpeechEnded, SpeechStarted
from ...media.frames.lane import Lane
from ...media.ports import AnyLegEvent, HangUpCause, LegAnswered, LegEnded, LegRinging
from .behaviour import State
from .far_end import Answer, AnyAction, Beep, FarEnd, HangUp, Ring, Say
from .leg import LoopbackLeg
from .media import LoopbackMedia
from .sounds import Pcm, Sounds


class LoopbackCall:
    """Runs one far end from the call to its end, by `begin`."""

    def __init__(
        self,
        far_end: FarEnd,
        media: LoopbackMedia,
        sounds: Sounds,
        clock: Clock,
        on_end: Callable[[], object],
    ) -> None:
        self._core = far_end
        self._media = media
        self._sounds = sounds
        self._clock = clock
        self._on_end = on_end
        self._leg: LoopbackLeg | None = None
        "None before the call has begun and after it has ended."
        self._lane: Lane | None = None
        "The far end's."
        self._epoch = 0
        self._draining = False
        self._timer: Timer | None = None
        self._timer_at: float | None = None

    def begin(self, leg: LoopbackLeg) -> None:
        """`leg` is our end; its first event comes when the loop goes on."""
        self._leg = leg
        self._sounds.prepare(self._core.behaviour.opening)
        self._drain_soon()

    # --- our end's signalling ---

    def answer(self) -> None:
        """We take its call."""
        if self._core.state is State.CALLING and self._connect():
            self._core.receive_answer(self._clock.now())
            self._drain()

    def hang_up(self, cause: HangUpCause) -> None:
        """We end the call."""
        self._end(LegEnded(cause, by_us=True))

    # --- the loop around the core ---

    def _hear(self, event: AnyMediaEvent) -> None:
        """The far end's lane, in the middle of a tick: what follows from it waits for its end."""
        now = self._clock.now()
        match event:
            case SpeechStarted():
                self._core.receive_speech_began(now)
            case SpeechEnded():
                self._core.receive_speech_ended(now)
            case PlayoutFinished(epoch=self._epoch):
                self._core.receive_played_out(now)
            case _:
                return
        self._drain_soon()

    def _on_timer(self) -> None:
        at, self._timer, self._timer_at = self._timer_at, None, None
        if at is not None:
            self._core.handle_timer(max(at, self._clock.now()))
            self._drain()

    def _drain_soon(self) -> None:
        self._clock.call_at(self._clock.now(), self._drain)

    def _drain(self) -> None:
        """After every call into the core: do what it says, re-arm the one timer."""
        if self._draining:
            return  # an owner's callback called a verb: the loop below goes on
        self._draining = True
        try:
            while (action := self._core.next_action()) is not None:
                self._do(action)
        finally:
            self._draining = False
        at = self._core.get_timer()
        if at != self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None if at is None else self._clock.call_at(at, self._on_timer)
            self._timer_at = at

    def _do(self, action: AnyAction) -> None:
        match action:
            case Ring():
                self._tell(LegRinging())
            case Answer():
                self._connect()
            case Say(text):
                self._sounds.sentence(text, self._play)
            case Beep():
                self._play(self._sounds.beep)
            case HangUp(cause, reason):
                self._end(LegEnded(cause, by_us=False, reason=reason))

    # --- audio ---

    def _connect(self) -> bool:
        """Let both ends hear each other, and tell that it is answered; False: no lane is free."""
        if self._leg is None:
            return False
        try:
            self._leg.lane, self._lane = self._media.join()
        except MediaError as exc:
            self._end(LegEnded(HangUpCause.OVERLOADED, by_us=True, reason=str(exc)))
            return False
        self._lane.sink = self._hear
        self._sounds.prepare(self._core.behaviour.goodbye)
        self._tell(LegAnswered())
        return self._leg is not None

    def _play(self, pcm: Pcm) -> None:
        """The far end says this; the call may be over since it was asked for."""
        if self._lane is None:
            return
        self._epoch += 1
        self._lane.play(self._epoch, pcm)
        self._lane.finish(self._epoch)
        self._lane.open_gate(self._epoch)

    # --- the end ---

    def _end(self, event: LegEnded) -> None:
        """The call is over, whoever ended it; a second end is nothing."""
        leg, self._leg = self._leg, None
        if leg is None:
            return
        self._core.receive_hang_up()
        self._lane = None
        self._media.close()
        self._on_end()
        self._drain()  # the timer
        leg.tell(event)

    def _tell(self, event: AnyLegEvent) -> None:
        if self._leg is not None:
            self._leg.tell(event)
