"""What must hold whatever happens: thousands of random calls, plausible and not, on a virtual axis.

The world around the reducer is synchronous: the fake lane, replies with random delays, lengths and
failures, a caller who speaks, coughs, presses keys at random, and events that should not occur.
"""

import copy
import random
from collections.abc import Callable

import numpy as np
import pytest

from offhook.media.conversation import actions as act
from offhook.media.conversation.floor import Phase, Stage, TurnState
from offhook.media.conversation.records import Role
from offhook.media.conversation.reply_speech import ReplySpeech
from offhook.media.conversation.settings import TurnSettings
from offhook.media.conversation.turn import step
from offhook.media.conversation.turn_events import (
    Answered,
    AnyTurnEvent,
    HearingFailed,
    LegWasEnded,
    LegWasHeld,
    LegWasResumed,
    LineMeasured,
    ReplyFailed,
    ReplyHeard,
    ReplySpeechBegan,
    ReplyTextBegan,
    ReplyVoiced,
    ReplyWritten,
    TransferFailed,
    WordsHeard,
)
from offhook.media.events import (
    DigitPressed,
    DigitSource,
    MediaLost,
    PlayoutFinished,
    PlayoutStarted,
    SpeechEnded,
    SpeechStarted,
    SpeechSuspected,
    SuspicionDropped,
)
from offhook.media.ports import CollectDigits
from offhook.tests.kit.fake_lane import FakeLane

RATE = 8000
SAYINGS = ["", "mm-hm", "yeah", "stop", "call forwarding", "I would like to", "five five", "what?"]
REPLY = "One two three four five six seven eight nine ten."
MOST_ACTIONS = 20
"More for one event is a loop."


class World:
    """Everything around the reducer, and the watch over what it asks for."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.lane = FakeLane(RATE)
        self.lane.sink = self.receive
        self.state = TurnState(settings=TurnSettings(), rate_hz=RATE)
        self.speech: ReplySpeech | None = None
        self.heard: list[str] = []
        self.agent_turns: list[str] = []
        self.decided = 0
        self.settled = 0
        self.hung_up = False
        self.capturing: int | None = None
        self.dead: dict[int, int] = {}
        "Epochs that are over, and how much had been sent then."
        self._busy = False
        self._inbox: list[AnyTurnEvent] = []
        self._later: list[tuple[int, int, Callable[[], object]]] = []
        self._count = 0

    # --- time ---

    def tick(self) -> None:
        now = self.lane.position_samples
        due = sorted(entry[:2] for entry in self._later if entry[0] <= now)
        for key in due:
            entry = next(entry for entry in self._later if entry[:2] == key)
            self._later.remove(entry)
            entry[2]()
        before = len(self.lane.sent)
        self.lane.tick()
        for index, sent in enumerate(self.lane.sent[before:], before):
            alive = index < self.dead.get(sent.epoch, len(self.lane.sent))
            assert alive or sent.fading, "audio of an old epoch left"

    def later(self, ms: int, call: Callable[[], object]) -> None:
        self._count += 1
        self._later.append((self.lane.position_samples + ms * 8, self._count, call))

    # --- the reducer ---

    def receive(self, event: AnyTurnEvent) -> None:
        self._inbox.append(event)
        if self._busy:
            return
        self._busy = True
        while self._inbox:
            self._step(self._inbox.pop(0))
        self._busy = False
        self._check()

    def _step(self, event: AnyTurnEvent) -> None:
        before = copy.copy(self.state)
        state, actions = step(self.state, event)
        assert self.state == before, "the given state was changed"
        assert step(before, event) == (state, actions), "the same event had another outcome"
        assert len(actions) <= MOST_ACTIONS
        self.state = state
        for action in actions:
            getattr(self, type(action).__name__)(action)

    def _check(self) -> None:
        s = self.state
        if s.phase is Phase.LIVE and not s.held:
            assert s.alarm_samples is not None or s.reply is not None or self.pending, "asleep"
        if s.alarm_samples is not None:
            assert s.alarm_samples > self.lane.position_samples - self.lane.frame
        if s.reply is None or s.reply.stage in (Stage.STAGED, Stage.YIELDED):
            assert not self.lane.playing, "talking while stopped"
        if s.reply is not None and s.reply.stage is Stage.STAGED:
            assert s.caller is not None, "a reply to nobody is staged"
            assert s.caller.decided_samples is None
        talking = s.caller is not None and s.caller.talking
        assert talking == (self.capturing is not None), "the ear and the floor disagree"

    @property
    def pending(self) -> bool:
        return bool(self._later)

    # --- the actions ---

    def BeginUtterance(self, action: act.BeginUtterance) -> None:
        assert self.capturing is None
        self.lane.capture(min(action.from_samples, self.lane.position_samples))
        self.capturing = action.turn

    def EndUtterance(self, action: act.EndUtterance) -> None:
        assert self.capturing == action.turn
        self.capturing = None
        turn, rng = action.turn, self.rng
        text, outcome = rng.choice(SAYINGS), rng.random()
        if outcome < 0.08:
            return  # the transcriber is silent for ever
        if outcome < 0.16:
            self.later(rng.randrange(500), lambda: self.tell(HearingFailed, turn))
            return
        if rng.random() < 0.5:
            self.later(rng.randrange(300), lambda: self.tell(WordsHeard, turn, text[:4]))
        rejected = rng.random() < 0.1
        delay = rng.randrange(300, 600) if rng.random() < 0.8 else rng.randrange(4000)
        self.later(delay, lambda: self.tell(WordsHeard, turn, text, True, rejected))

    def CancelTurn(self, action: act.CancelTurn) -> None:
        if self.capturing == action.turn:
            self.capturing = None

    def Generate(self, action: act.Generate) -> None:
        self._make(action.epoch)

    def Say(self, action: act.Say) -> None:
        self._make(action.epoch)

    def CommitReply(self, action: act.CommitReply) -> None:
        assert self.speech is not None
        assert self.speech.epoch == action.epoch
        self.speech.open_gate()

    def DropReply(self, action: act.DropReply) -> None:
        assert self.speech is not None
        assert self.speech.epoch == action.epoch
        assert not self.speech.played, "what was heard was dropped"
        self.speech.drop()
        self.dead[action.epoch] = len(self.lane.sent)
        self.speech = None
        self.settled = self.decided

    def YieldFloor(self, action: act.YieldFloor) -> None:
        assert self.speech is not None
        self.speech.halt(action.fade_ms)
        self.dead[action.epoch] = len(self.lane.sent)

    def TakeBack(self, action: act.TakeBack) -> None:
        assert self.speech is not None
        left = self.speech.go_on(action.new_epoch)
        if self.speech.voiced:
            self.tell(ReplyVoiced, action.new_epoch, left)

    def StopSpeaking(self, action: act.StopSpeaking) -> None:
        assert self.speech is not None
        self.speech.halt(action.fade_ms)
        self._over(action.epoch, interrupted=True)

    def CloseReply(self, action: act.CloseReply) -> None:
        self._over(action.epoch, interrupted=False)

    def Duck(self, action: act.Duck) -> None:
        self.lane.duck(action.gain_db, action.ramp_ms)

    def Unduck(self, action: act.Unduck) -> None:
        self.lane.duck(0.0, action.ramp_ms)

    def MeasureLine(self, action: act.MeasureLine) -> None:
        echo = 0.9 if self.rng.random() < 0.1 else 0.1 * self.rng.random()
        packets = self.rng.randrange(3)
        self.tell(LineMeasured, echo, self.rng.choice([0.0, 0.0, 0.1]), packets)

    def SetAlarm(self, action: act.SetAlarm) -> None:
        self.lane.set_alarm(action.at_samples)

    def ShowWords(self, action: act.ShowWords) -> None:
        self.decided += action.final

    def ShowReply(self, action: act.ShowReply) -> None:
        self.settled = self.decided

    def AddTurn(self, action: act.AddTurn) -> None:
        turn = action.turn
        assert turn.begin_samples <= turn.end_samples <= self.lane.position_samples
        if turn.role is Role.AGENT:
            self.agent_turns.append(turn.text)

    def HangUpCall(self, action: act.HangUpCall) -> None:
        assert not self.hung_up, "hung up twice"
        self.hung_up = True
        self.later(0, lambda: self.tell(LegWasEnded))

    def TransferCall(self, action: act.TransferCall) -> None:
        self.later(100, lambda: self.tell(TransferFailed))

    def ShowSpeech(self, action: act.ShowSpeech) -> None: ...

    def ShowKey(self, action: act.ShowKey) -> None: ...

    # --- replies ---

    def tell(self, kind: Callable[..., AnyTurnEvent], *fields: object) -> None:
        self.receive(kind(self.lane.position_samples, *fields))

    def _make(self, epoch: int) -> None:
        assert self.speech is None, "two replies at a time"
        speech = self.speech = ReplySpeech(RATE)
        speech.attach(self.lane, epoch)
        rng = self.rng
        if rng.random() < 0.1:
            self.later(rng.randrange(2000), lambda: self._fail(speech))
            return
        text = REPLY if rng.random() < 0.9 else ""
        wait = rng.choice([0, 20, 200, 1500])
        self.later(wait, lambda: self._voice(speech, text))

    def _voice(self, speech: ReplySpeech, text: str) -> None:
        if speech is not self.speech or speech.epoch is None:
            return
        self.tell(ReplyTextBegan, speech.epoch)
        if text:
            speech.spoken.write(text)
            speech.spoken.begin_piece(len(text))
            end = 0
            for index, word in enumerate(text.split()):
                end = text.index(word, end) + len(word)
                speech.spoken.add_word(index * 2000, end)
                speech.add_audio(np.full(2000, index + 1, np.int16))
            self.tell(ReplySpeechBegan, speech.epoch)
            if self.rng.random() < 0.1:
                self._fail(speech)
                return
            speech.spoken.end_piece()
        collect = CollectDigits(3) if self.rng.random() < 0.3 else None
        hang_up, transfer = self.rng.random() < 0.03, self.rng.random() < 0.03
        to = "+1" if transfer else None
        self.tell(ReplyWritten, speech.epoch, collect, hang_up, to, self.rng.random())
        speech.end()
        self.tell(ReplyVoiced, speech.epoch, speech.spoken.samples)

    def _fail(self, speech: ReplySpeech) -> None:
        if speech is self.speech and speech.epoch is not None:
            speech.end()
            self.tell(ReplyFailed, speech.epoch, self.rng.random() < 0.7)

    def _over(self, epoch: int, *, interrupted: bool) -> None:
        assert self.speech is not None
        speech, self.speech = self.speech, None
        text = speech.heard() if interrupted else speech.heard_to_its_end()
        speech.detach()
        self.dead[epoch] = len(self.lane.sent)
        self.settled = self.decided
        if text:
            self.heard.append(text)
        planned = speech.spoken.text
        self.tell(ReplyHeard, epoch, text, planned, interrupted)


def plausible(world: World) -> None:
    """The caller does something that callers do."""
    rng, lane = world.rng, world.lane
    what = rng.random()
    begin = rng.randrange(100)
    if what < 0.7:
        lane.talk(begin, begin + rng.choice([60, 150, 300, 500, 1200]))
    elif what < 0.9:
        at = lane.position_samples + begin * 8
        for index in range(rng.randint(1, 5)):
            digit = rng.choice("0123456789*#")
            lane.expect(DigitPressed(at + index * 1600, digit, DigitSource.RTP_EVENT))
    elif what < 0.95:
        world.tell(LegWasHeld)
        world.later(rng.randrange(3000), lambda: world.tell(LegWasResumed))
    else:
        world.tell(MediaLost, 5000)


def implausible(world: World) -> None:
    """Any event at all, whether it fits or not."""
    rng, at = world.rng, world.lane.position_samples
    number = rng.randrange(world.state.epoch + 2)
    stale = rng.randrange(world.state.epoch) if world.state.epoch else 0
    turn = rng.randrange(world.state.turn + 2)
    events: list[AnyTurnEvent] = [
        SpeechSuspected(at),
        SuspicionDropped(at),
        SpeechStarted(at, max(0, at - 800)),
        SpeechEnded(at, max(0, at - 1600)),
        WordsHeard(at, turn, rng.choice(SAYINGS), rng.random() < 0.5, rng.random() < 0.1),
        HearingFailed(at, turn),
        DigitPressed(at, rng.choice("12#"), DigitSource.INFO),
        LegWasHeld(at),
        LegWasResumed(at),
        PlayoutStarted(at, stale),
        PlayoutFinished(at, stale, 100),
        ReplyHeard(at, number, "never said", "never said", False),
        Answered(at, True),
        TransferFailed(at),
    ]
    world.receive(rng.choice(events))


def play(seed: int, ticks: int, happens: Callable[[World], None], rate: float) -> World:
    world = World(random.Random(seed))
    world.tell(Answered, world.rng.random() < 0.7)
    for _ in range(ticks):
        if world.state.phase is Phase.OVER:
            break
        if world.rng.random() < rate:
            happens(world)
        world.tick()
    return world


def finish(world: World) -> None:
    """Nothing happens any more: the call must come to its own end, all that is owed is paid."""
    world.tell(LegWasResumed)
    for _ in range(50 * 180):
        if world.state.phase is Phase.OVER:
            break
        world.tick()
    assert world.state.phase is Phase.OVER, "a silent call does not end"
    assert world.state.reply is None
    assert world.state.caller is None
    assert world.agent_turns == world.heard, "the transcript is not what was played"


@pytest.mark.parametrize("block", range(6))
def test_any_call_keeps_the_rules_and_ends(block: int) -> None:
    for seed in range(block * 35, block * 35 + 35):
        world = play(seed, 50 * 30, plausible, 0.02)
        finish(world)
        assert world.settled == world.decided, "a turn was neither answered nor superseded"


def test_events_that_should_not_occur_break_no_rule() -> None:
    for seed in range(40):
        world = play(seed, 50 * 12, implausible, 0.3)
        if world.state.caller is not None and world.state.caller.talking:
            world.tell(SpeechEnded, world.lane.position_samples)
        finish(world)


def test_hanging_up_at_any_moment_tells_what_was_heard() -> None:
    for seed in range(150):
        world = play(seed, random.Random(seed).randrange(50 * 12), plausible, 0.04)
        world.tell(LegWasEnded)
        assert world.state.phase is Phase.OVER
        assert world.agent_turns == world.heard
        assert world.state.alarm_samples is None
        assert step(world.state, SpeechStarted(world.lane.position_samples, 0))[1] == ()
