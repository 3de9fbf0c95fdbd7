"""SHELL: the agent in one call. Carries out what turn.py decides; decides nothing itself.

    lane, leg, transcriber, responder, synthesizer --events--> step() --actions--> the same

One session a call. `prepare` while it rings, `start` when it is answered, `run` until it is over.
Nothing here happens per frame.
"""

import asyncio
import collections
import logging
from collections.abc import Callable
from typing import Any

from ..clock import Clock
from ..events import (
    AlarmDue,
    AnyMediaEvent,
    AudioCaptured,
    DigitPressed,
    DigitSource,
    PlayoutStarted,
)
from ..ports import (
    AnyLegEvent,
    HangUpCause,
    LanePort,
    LegAnswered,
    LegDigit,
    LegEnded,
    LegHeld,
    LegPort,
    LegResumed,
    LegRinging,
    Quality,
)
from ..speech_ports import ListenSettings, Responder, Synthesizer, Transcriber
from . import actions as act
from .answering import Answering
from .barge_in import loss_between
from .endpointing import normalised
from .floor import TurnState
from .listening import Listener
from .live_control import LiveControl
from .machine_detection import Verdict
from .phrase_book import PhraseBook
from .records import (
    AgentDucked,
    AgentResumed,
    AgentSpeaking,
    AnyCallEvent,
    BargedIn,
    CallAnswered,
    CallAnsweredBy,
    CallEnded,
    CallerPressed,
    CallerSaid,
    CallerSpeaking,
    CallRecord,
    CallStarted,
    CallStatus,
    TurnAdded,
)
from .settings import AgentSettings
from .speaking import Speaker
from .turn import step
from .turn_events import (
    Answered,
    AnyTurnEvent,
    LegWasEnded,
    LegWasHeld,
    LegWasResumed,
    LineMeasured,
    TransferFailed,
)

logger = logging.getLogger(__name__)

DEFAULT_RATE_HZ = 8000
"Assumed while it rings and the codec is not known."


class Session(LiveControl):
    """The running conversation of one call. Owns its record until the call has ended."""

    def __init__(
        self,
        leg: LegPort,
        transcriber: Transcriber,
        responder: Responder,
        synthesizer: Synthesizer,
        agent: AgentSettings,
        clock: Clock,
        tell: Callable[[AnyCallEvent], None],
        record: CallRecord,
        *,
        transfer: Callable[[str], None] | None = None,
        phrase_book: PhraseBook | None = None,
        begin_recording: Callable[[], None] | None = None,
    ) -> None:
        """`transfer` hands the caller over to a number; without it, the agent apologises.

        `phrase_book` is best one for all calls: what one call has said, the others need not make.
        `begin_recording` records the lane from now on, where it was not from the beginning.
        """
        self.record = record
        self._leg = leg
        self._lane: LanePort | None = None
        self._agent = agent
        self._clock = clock
        self._tell = tell
        self._transfer = transfer
        self._begin_recording = begin_recording
        self._quality = Quality()
        "The line when the caller last began to speak."
        self._phrases = responder.phrases()
        book = PhraseBook() if phrase_book is None else phrase_book
        self._speaker = Speaker(
            responder, synthesizer, agent, clock, self._receive, book, record.use
        )
        self._listener = Listener(
            transcriber,
            clock,
            agent.limits.open_s,
            self._position,
            self._receive,
            record.use,
        )
        self._state = TurnState(
            settings=agent.turn,
            rate_hz=DEFAULT_RATE_HZ,
            expected=frozenset(normalised(phrase) for phrase in self._phrases),
            english=agent.language.partition("-")[0].lower() == "en",
        )
        self._answering: Answering | None = None
        "Who has answered: of calls that we place."
        if agent.turn.answering.detect and not leg.inbound:
            self._answering = Answering(
                agent.turn.answering,
                self._state.expected,
                self._receive,
                self._note_verdict,
                leg.hang_up,
            )
        self._alarm: int | None = None
        self._inbox: collections.deque[AnyTurnEvent] = collections.deque()
        self._draining = False
        self._over = asyncio.Event()
        self._rate_hz = DEFAULT_RATE_HZ
        self._now_samples = 0
        leg.sink = self.receive_leg_event

    # --- the call's course -----------------------------------------------------------------------

    async def prepare(self, rate_hz: int | None = None) -> None:
        """While it rings: connect the transcriber, make the greeting. Swallows provider errors.

        Returns as well when the caller gives up meanwhile.
        """
        lane = self._leg.lane
        self._rate_hz = rate_hz or (lane.rate_hz if lane is not None else DEFAULT_RATE_HZ)
        at_wall = self.record.started_wall
        record = self.record
        self._tell(
            CallStarted(
                record.id,
                at_wall,
                0,
                record.from_number,
                record.to_number,
                record.line,
                record.inbound,
            )
        )
        self._speaker.prepare(self._rate_hz)
        ready = asyncio.create_task(self._make_ready(), name="prepare call")
        over = asyncio.create_task(self._over.wait(), name="caller gives up")
        try:
            await asyncio.wait((ready, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            over.cancel()
        if not ready.cancelled() and ready.done():
            ready.result()  # a bug of ours is told

    async def _make_ready(self) -> None:
        await self._listener.open(self._listen_settings())
        await self._speaker.prepared()

    def start(self, lane: LanePort) -> None:
        """The call is answered: take the lane, and speak. Once; LegAnswered does it as well."""
        if self._lane is not None or self._over.is_set():
            return
        self._lane = lane
        if lane.rate_hz != self._rate_hz:
            self._rate_hz = lane.rate_hz
            self._listener.reopen(self._listen_settings())
        self._state.rate_hz = lane.rate_hz
        self._speaker.attach(lane)
        lane.sink = self._receive_media
        self.record.status = CallStatus.LIVE
        self.record.answered_wall = self._clock.wall()
        self.record.rate_hz = lane.rate_hz
        self._tell(CallAnswered(*self._head(), self.record.codec or "", lane.rate_hz))
        if self._answering is not None:
            self._answering.answer(lane)
        self._receive(Answered(lane.position_samples, self._speaker.greets))

    async def run(self) -> None:
        """Until the leg has ended and everything is closed."""
        try:
            await self._over.wait()
        finally:
            await self.aclose()

    def hang_up(self, cause: HangUpCause = HangUpCause.NORMAL) -> None:
        """End the call now."""
        self._leg.hang_up(cause)

    def transfer_failed(self) -> None:
        """Nobody took the caller who was handed over: the agent has them again."""
        self._receive(TransferFailed(self._position()))

    async def aclose(self) -> None:
        """End what runs; a call that is still up is hung up."""
        if not self._over.is_set():
            self._leg.hang_up(HangUpCause.ERROR)
        await self._speaker.aclose()
        await self._listener.aclose()
        self._leg.sink = None  # lets the session go

    # --- events in -------------------------------------------------------------------------------

    def receive_leg_event(self, event: AnyLegEvent) -> None:
        """The leg's sink."""
        match event:
            case LegAnswered():
                if self._leg.lane is not None:
                    self.start(self._leg.lane)
            case LegRinging(early_media=True):
                if self._answering is not None and self._leg.lane is not None:
                    self._answering.ring(self._leg.lane)
            case LegHeld():
                self._receive(LegWasHeld(self._position()))
            case LegResumed():
                self._receive(LegWasResumed(self._position()))
            case LegDigit(digit):
                self._receive(DigitPressed(self._position(), digit, DigitSource.INFO))
            case LegEnded():
                self._end(event)
            case _:
                pass

    def _receive_media(self, event: AnyMediaEvent) -> None:
        """The lane's sink, on the tick."""
        if isinstance(event, AudioCaptured):
            self._listener.push(event.pcm)
            return
        if isinstance(event, PlayoutStarted):
            self._speaker.receive_started(event)
        self._receive(event)

    def _receive(self, event: AnyTurnEvent) -> None:
        """One event at a time through the reducer; what its actions cause queues behind it."""
        self._inbox.append(event)
        if self._draining:
            return
        self._draining = True
        try:
            while self._inbox:
                event = self._inbox.popleft()
                self._now_samples = max(self._now_samples, event.at_samples)
                self._state, actions = step(self._state, event)
                for action in actions:
                    _CARRY_OUT[type(action)](self, action)
                self._find_out(event)
        except Exception:
            # A bug of ours ends this call, not the tick that serves all the others.
            logger.exception("turn taking failed", extra={"call": self.record.id})
            self._inbox.clear()
            self._leg.hang_up(HangUpCause.ERROR)
        finally:
            self._draining = False
            self._count()

    def _find_out(self, event: AnyTurnEvent) -> None:
        """Who has answered, as far as this event tells."""
        if self._answering is None or self._lane is None:
            return
        self._answering.receive(event, self._state)
        if isinstance(event, AlarmDue):
            self._alarm = None  # one alarm for two: it has rung for both
        self._set_alarm()

    # --- what actions do -------------------------------------------------------------------------

    def _begin_utterance(self, action: act.BeginUtterance) -> None:
        lane = self._require_lane()
        self._listener.begin(action.turn)
        lane.capture(action.from_samples)
        self._quality = lane.quality()

    def _end_utterance(self, action: act.EndUtterance) -> None:
        self._require_lane().end_capture()
        self._listener.end(action.turn)

    def _cancel_turn(self, action: act.CancelTurn) -> None:
        self._require_lane().end_capture()
        self._listener.cancel(action.turn)

    def _duck(self, action: act.Duck) -> None:
        self._require_lane().duck(action.gain_db, action.ramp_ms)
        self._tell(AgentDucked(*self._head()))

    def _unduck(self, action: act.Unduck) -> None:
        self._require_lane().duck(0.0, action.ramp_ms)
        if action.resumed:
            self._tell(AgentResumed(*self._head()))

    def _stop_speaking(self, action: act.StopSpeaking) -> None:
        heard = self._speaker.stop(action.epoch, action.fade_ms)
        if action.barged_in:
            self._tell(BargedIn(*self._head(), heard.text))
        self._receive(heard)

    def _measure_line(self, action: act.MeasureLine) -> None:
        lane = self._require_lane()
        score = lane.echo_score(action.window_ms)
        quality = lane.quality()
        loss = loss_between(self._quality, quality)
        self._receive(LineMeasured(self._position(), score, loss, quality.packets_received))

    def _set_alarm(self) -> None:
        """The lane's one alarm: for the turn taker, or to find out who has answered."""
        other = None if self._answering is None else self._answering.get_timer()
        wanted = [at for at in (self._state.alarm_samples, other) if at is not None]
        at = min(wanted, default=None)
        if at != self._alarm:
            self._alarm = at
            lane = self._require_lane()
            lane.set_alarm(None if at is None else max(at, lane.position_samples + 1))

    def _note_verdict(self, verdict: Verdict) -> None:
        record = self.record
        after = verdict.after_samples
        after_s = None if after is None else round(after / self._rate_hz, 3)
        record.answered_by, record.answered_by_after_s = verdict.answered_by, after_s
        self._tell(
            CallAnsweredBy(*self._head(), verdict.answered_by, verdict.reason.value, after_s)
        )

    def _show_key(self, action: act.ShowKey) -> None:
        self.record.digits += action.digit
        self._tell(CallerPressed(*self._head(), action.digit))

    def _add_turn(self, action: act.AddTurn) -> None:
        self.record.turns.append(action.turn)
        self._tell(TurnAdded(*self._head(), action.turn))

    def _transfer_call(self, action: act.TransferCall) -> None:
        if self._transfer is None:
            about = {"call": self.record.id}
            logger.warning("nobody can transfer to %s", action.to, extra=about)
            self.transfer_failed()
            return
        self.record.transferred_to = action.to
        self._transfer(action.to)

    def _show_words(self, action: act.ShowWords) -> None:
        self._tell(CallerSaid(*self._head(), action.text, action.final, action.rejected))

    def _show_reply(self, action: act.ShowReply) -> None:
        self._tell(AgentSpeaking(*self._head(), self._speaker.text, action.latency))

    # --- the rest --------------------------------------------------------------------------------

    def _end(self, event: LegEnded) -> None:
        if self._over.is_set():
            return
        self._receive(LegWasEnded(self._position()))
        if self._answering is not None:
            self._answering.end(self._position())
        record = self.record
        record.status = CallStatus.ENDED
        record.ended_wall = self._clock.wall()
        record.cause, record.ended_by_us = event.cause, event.by_us
        record.sip_status = event.status
        record.length_samples = self._position()
        if self._lane is not None:
            record.quality = self._lane.quality()
            self._lane.sink = None
        self._over.set()
        self._tell(CallEnded(*self._head(), event.cause, event.by_us, event.status))

    def _count(self) -> None:
        state, record = self._state, self.record
        record.barge_ins = state.barge_ins
        record.false_barge_ins = state.false_barge_ins
        record.speculations = state.speculations
        record.speculations_dropped = state.speculations_dropped

    def _position(self) -> int:
        """Now. An alarm comes before the lane's position has moved over the frame it tells of."""
        at = self._lane.position_samples if self._lane is not None else 0
        return max(at, self._now_samples)

    def _head(self) -> tuple[str, float, int]:
        return self.record.id, self._clock.wall(), self._position()

    def _listen_settings(self) -> ListenSettings:
        return ListenSettings(self._rate_hz, self._agent.language, self._phrases)

    def _require_lane(self) -> LanePort:
        assert self._lane is not None, "the turn taker acts only after the answer"
        return self._lane


_CARRY_OUT: dict[type[Any], Callable[[Session, Any], None]] = {
    act.AddTurn: Session._add_turn,
    act.Announce: lambda s, a: s._speaker.announce(a.epoch, a.announcement),
    act.BeginUtterance: Session._begin_utterance,
    act.CancelTurn: Session._cancel_turn,
    act.CloseReply: lambda s, a: s._receive(s._speaker.close(a.epoch)),
    act.CommitReply: lambda s, _: s._speaker.commit(),
    act.DropReply: lambda s, _: s._speaker.drop(),
    act.Dip: lambda s, a: s._require_lane().duck(a.gain_db, a.ramp_ms),
    act.Duck: Session._duck,
    act.EndUtterance: Session._end_utterance,
    act.Generate: lambda s, a: s._speaker.generate(a.epoch, a.request),
    act.HangUpCall: lambda s, a: s._leg.hang_up(a.cause),
    act.MeasureLine: Session._measure_line,
    act.Say: lambda s, a: s._speaker.say(a.epoch, a.phrase),
    act.SetAlarm: lambda s, _: s._set_alarm(),
    act.ShowKey: Session._show_key,
    act.ShowReply: Session._show_reply,
    act.ShowSpeech: lambda s, _: s._tell(CallerSpeaking(*s._head())),
    act.ShowWords: Session._show_words,
    act.StopSpeaking: Session._stop_speaking,
    act.TakeBack: lambda s, a: s._speaker.take_back(a.new_epoch),
    act.TransferCall: Session._transfer_call,
    act.Unduck: Session._unduck,
    act.YieldFloor: lambda s, a: s._speaker.yield_floor(a.fade_ms),
}
