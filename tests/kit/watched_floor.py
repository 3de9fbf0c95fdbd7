"""Everything around the turn taker, synchronous, and the watch over what it asks for.

The fake lane, and replies with random delays, lengths and failures. What was heard is read from the
audio that left, not from the code that is tested.
"""

import copy
import random
from collections.abc import Callable

import numpy as np

from offhook.media.conversation import actions as act
from offhook.media.conversation.announcement import Announcement
from offhook.media.conversation.endpointing import normalised
from offhook.media.conversation.floor import Phase, Stage, TurnState
from offhook.media.conversation.records import Role
from offhook.media.conversation.reply_speech import ReplySpeech
from offhook.media.conversation.settings import TurnSettings
from offhook.media.conversation.turn import step
from offhook.media.conversation.turn_events import (
    AnnouncementOrdered,
    AnyTurnEvent,
    HearingFailed,
    LegWasEnded,
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
from offhook.media.events import SoundPassed, SoundRose
from offhook.media.speech_ports import CollectDigits
from offhook.tests.kit.fake_lane import FakeLane
from offhook.tests.kit.made_reply import RATE, MadeReply

SAYINGS = ["", "mm-hm", "yeah", "stop", "call forwarding", "I would like to", "five five", "what?"]
SETTINGS = TurnSettings(silence_prompt_ms=2500, hang_up_tail_ms=100)
MOST_ACTIONS = 20
"More for one event is a loop."


class World:
    """Everything around the reducer, and the watch over what it asks for."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.lane = FakeLane(RATE)
        self.lane.sink = self.receive
        self.lane.delay_samples = rng.choice([0, 0, 400, 2400])
        self.state = TurnState(settings=SETTINGS, rate_hz=RATE)
        self.speech: ReplySpeech | None = None
        self.made = MadeReply(rng)
        self.heard: list[str] = []
        "What the far end has heard of each reply, by its audio."
        self.agent_turns: list[str] = []
        self.decided = 0
        self.owed = False
        "A turn was decided, and nothing has been heard that answers it."
        self.hung_up = False
        self.capturing: int | None = None
        self.gain_db = 0.0
        self.sounding = False
        "A sound has risen that has not passed."
        self.allowed: set[int] = set()
        "Epochs that may be heard: their gate was opened, and they are not over."
        self.ordered: list[Announcement] = []
        "What is to be said, or is being said."
        self._watched = 0
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
        self.lane.tick()
        self._watch_gate()

    def _watch_gate(self) -> None:
        """Whatever has left since the last look must have been allowed to."""
        for sent in self.lane.sent[self._watched :]:
            assert sent.epoch in self.allowed, "audio of an old or unopened epoch left"
        self._watched = len(self.lane.sent)

    def _forbid(self, epoch: int) -> None:
        self._watch_gate()
        self.allowed.discard(epoch)

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
        if isinstance(event, SoundRose | SoundPassed):
            self.sounding = isinstance(event, SoundRose)
        if isinstance(event, AnnouncementOrdered) and self.state.phase is Phase.LIVE:
            kept = [] if event.interrupt else self.ordered
            self.ordered = [] if self.state.absent else [*kept, event.announcement]
        before = copy.copy(self.state)
        state, actions = step(self.state, event)
        assert self.state == before, "the given state was changed"
        assert step(before, event) == (state, actions), "the same event had another outcome"
        assert len(actions) <= MOST_ACTIONS
        self.state = state
        for action in actions:
            getattr(self, type(action).__name__)(action)
        caller = state.caller
        if caller is not None and (caller.talking or caller.keys or caller.typed):
            self.owed &= caller.decided_samples is not None  # superseded: the caller goes on
        if state.absent:
            self.owed = False  # somebody else has the caller
            self.ordered = []

    def _check(self) -> None:
        s = self.state
        if s.alarm_samples is not None:
            assert s.alarm_samples > self.lane.position_samples - self.lane.frame
        speaks = s.reply is not None and s.reply.stage in (Stage.COMMITTED, Stage.AUDIBLE)
        assert speaks or not self.lane.playing, "talking while stopped"
        if speaks and s.reply is not None and self.speech is not None:
            assert self.speech.on_lane, "stopped while talking"
            assert s.reply.epoch in self.allowed, "stopped while talking"
            assert self.gain_db == self._level(), "the level is not what it seems"
            if s.caller is None and s.suspected_samples is None:
                assert not s.ducked, "quiet for nobody"
                assert not s.dipped or self.sounding, "quiet for nobody"
        if self.owed and s.phase is Phase.LIVE:
            answered = s.reply is not None and s.reply.stage is not Stage.STAGED
            answered &= (
                s.reply is None
                or s.reply.announcement is None
                or (
                    s.reply.announcement.instead or s.reply.owed is not None or s.caller is not None
                )
            )
            still_open = s.caller is not None and s.caller.told
            assert answered or still_open, "a turn was neither answered nor superseded"
        if s.phase is Phase.LIVE:
            saying = s.reply.announcement if s.reply is not None else None
            known = [saying, *s.announcements]
            assert all(each in known for each in self.ordered), "an announcement was forgotten"
        if s.absent:
            assert s.reply is None or s.reply.stage is Stage.CLOSING, "speaks while it has no part"
            assert s.caller is None, "hears while it has no part"
        if s.muted:
            assert s.caller is None or not s.caller.talking, "hears while muted"
        if s.phase is Phase.LIVE and not (s.held or s.muted or s.absent):
            busy = self.pending or self.lane.playing or s.alarm_samples is not None
            assert busy or not s.reply or not self.speech or not self.speech.voiced, "asleep"
            assert busy or s.reply is not None, "asleep"
        if s.reply is not None and s.reply.stage is Stage.STAGED:
            assert s.caller is not None, "a reply to nobody is staged"
            assert s.caller.decided_samples is None
        talking = s.caller is not None and s.caller.talking
        assert talking == (self.capturing is not None), "the ear and the floor disagree"

    def _level(self) -> float:
        assert not (self.state.ducked and self.state.dipped), "lower in two ways"
        if self.state.dipped:
            return SETTINGS.dip_gain_db
        return SETTINGS.duck_gain_db if self.state.ducked else 0.0

    def check_transcript(self) -> None:
        assert self.agent_turns == self.heard, "the transcript is not what was played"

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

    def Announce(self, action: act.Announce) -> None:
        assert not self.state.absent, "speaks in somebody else's conversation"
        self._make(action.epoch)

    def CommitReply(self, action: act.CommitReply) -> None:
        assert self.speech is not None
        assert self.speech.epoch == action.epoch
        reply, caller = self.state.reply, self.state.caller
        asked = reply.request if reply is not None else None
        if asked is not None and caller is not None and not self.state.held:
            assert normalised(asked.text) == normalised(caller.words), "answers other words"
            assert asked.digits == caller.digits, "answers other keys"
        self.allowed.add(action.epoch)
        self.speech.open_gate()

    def DropReply(self, action: act.DropReply) -> None:
        assert self.speech is not None
        assert self.speech.epoch == action.epoch
        assert not self.speech.played, "what was heard was dropped"
        self.speech.drop()
        self._forbid(action.epoch)
        self.speech = None

    def YieldFloor(self, action: act.YieldFloor) -> None:
        assert self.speech is not None
        self.speech.halt(action.fade_ms)
        self._forbid(action.epoch)

    def TakeBack(self, action: act.TakeBack) -> None:
        assert self.speech is not None
        self.made.epochs.append(action.new_epoch)
        self.allowed.add(action.new_epoch)
        left = self.speech.go_on(action.new_epoch)
        if self.speech.voiced:
            self.tell(ReplyVoiced, action.new_epoch, left)

    def StopSpeaking(self, action: act.StopSpeaking) -> None:
        assert self.speech is not None
        self.speech.halt(action.fade_ms)
        self._over(action.epoch, interrupted=True)

    def CloseReply(self, action: act.CloseReply) -> None:
        self._over(action.epoch, interrupted=False)

    def Dip(self, action: act.Dip) -> None:
        assert self.gain_db == 0.0, "lowered twice"
        self.gain_db = action.gain_db

    def Duck(self, action: act.Duck) -> None:
        self.gain_db = action.gain_db

    def Unduck(self, action: act.Unduck) -> None:
        self.gain_db = 0.0

    def MeasureLine(self, action: act.MeasureLine) -> None:
        echo = 0.9 if self.rng.random() < 0.1 else 0.1 * self.rng.random()
        packets = self.rng.randrange(3)
        self.tell(LineMeasured, echo, self.rng.choice([0.0, 0.0, 0.1]), packets)

    def SetAlarm(self, action: act.SetAlarm) -> None:
        self.lane.set_alarm(action.at_samples)

    def ShowWords(self, action: act.ShowWords) -> None:
        self.decided += action.final
        self.owed |= action.final

    def ShowReply(self, action: act.ShowReply) -> None:
        reply = self.state.reply
        self.owed &= reply is not None and reply.owed is not None

    def AddTurn(self, action: act.AddTurn) -> None:
        turn = action.turn
        assert turn.begin_samples <= turn.end_samples <= self.lane.position_samples
        if turn.role is Role.AGENT:
            self.agent_turns.append(turn.text)

    def HangUpCall(self, action: act.HangUpCall) -> None:
        assert not self.hung_up, "hung up twice"
        self.hung_up = True
        self.owed = False
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
        made = self.made = MadeReply(rng)
        made.epochs.append(epoch)
        if rng.random() < 0.1:
            made.spoken = 0
            self.later(rng.randrange(2000), lambda: self._fail(speech))
            return
        wait = rng.choice([0, 20, 200, 1500])
        self.later(wait, lambda: self._voice(speech, made))

    def _voice(self, speech: ReplySpeech, made: MadeReply) -> None:
        """Makers learn late that nobody wants the reply any more: what they make goes nowhere."""
        wanted = speech is self.speech and speech.epoch is not None
        if wanted:
            self.tell(ReplyTextBegan, speech.epoch)
        if made.words:
            breaks_off = self.rng.random() < 0.1
            if breaks_off:
                made.spoken = self.rng.randint(1, len(made.words))
            self._add_words(speech, made)
            if wanted:
                self.tell(ReplySpeechBegan, speech.epoch)
            if breaks_off:
                self._fail(speech)
                return
            speech.spoken.end_piece()
        if not wanted:
            return
        collect = CollectDigits(3) if self.rng.random() < 0.3 else None
        hang_up, transfer = self.rng.random() < 0.03, self.rng.random() < 0.03
        to = "+1" if transfer else None
        self.tell(ReplyWritten, speech.epoch, collect, hang_up, to, self.rng.random())
        speech.end()
        self.tell(ReplyVoiced, speech.epoch, speech.spoken.samples)

    def _add_words(self, speech: ReplySpeech, made: MadeReply) -> None:
        text = " ".join(made.words)
        speech.spoken.write(text)
        speech.spoken.begin_piece(len(text))
        end = 0
        for index in range(made.spoken):
            end = text.index(made.words[index], end) + len(made.words[index])
            speech.spoken.add_word(made.begins[index], end)
            speech.add_audio(np.full(made.samples[index], index + 1, np.int16))

    def _fail(self, speech: ReplySpeech) -> None:
        if speech is self.speech and speech.epoch is not None:
            self._said()
            speech.end()
            self.tell(ReplyFailed, speech.epoch, self.rng.random() < 0.7)

    def _said(self) -> None:
        """The announcement, if it is one, is over, or cannot be made."""
        reply = self.state.reply
        said = reply.announcement if reply is not None else None
        self.ordered = [each for each in self.ordered if each is not said]

    def _over(self, epoch: int, *, interrupted: bool) -> None:
        assert self.speech is not None
        speech, self.speech = self.speech, None
        self._said()
        text = speech.heard() if interrupted else speech.heard_to_its_end()
        speech.detach()
        self._forbid(epoch)
        reply = self.state.reply
        self.owed &= reply is not None and reply.owed is not None
        late = self.lane.delay_samples
        if heard := self.made.heard(self.lane.sent, late, interrupted=interrupted):
            self.heard.append(heard)
        planned = speech.spoken.text
        self.tell(ReplyHeard, epoch, text, planned, interrupted)
