"""Who has answered the call that we placed: a person, a machine, a menu, a fax, nobody? Pure.

One table (`TABLE`): a state of knowledge and a reason lead to the next state. Reasons come from
what a lane tells, on its sample axis: how long the first utterance is and what silence follows it,
words, tones, and what was heard before the answer. A verdict is the kind of the new state, told
whenever it is another one, and so revised as more becomes known: `hello?` and silence is a person,
and a beep after it makes a machine of them. What counts more comes later in this picture:

    RINGING -> WAITING -> SPEAKING -> HUMAN                   short, then silence
                  |           '-> SUSPECTED -> TALKER         2.4 s, 6.5 s of speech without a pause
                  '-> QUIET
    most of these: by words -> GREETING, MENU, MESSAGE;  by tones -> BEEPED, FAX, MESSAGE

Nobody waits for this: the agent converses meanwhile. Not here: what is done about a verdict
(voicemail.py), which tones there are (frames/tones.py) and mean (tone_meaning.py), what words mean
(machine_words.py).
"""

import enum

import msgspec

from ..events import SpeechEnded, SpeechStarted, ToneEnded, ToneHeard
from .endpointing import normalised
from .machine_words import Says, what_says
from .records import AnsweredBy
from .tone_meaning import Meaning, ToneMeaning
from .turn_events import AnyTurnEvent, WordsHeard

LONG_MS = 2400
"A person who says more than that before the first pause is a machine, maybe."
LONGER_MS = 6500
"""... and most likely. Of 280 people in `offhook bench machines` 10 spoke for 5 s, over noise 16,
all of them businesses; for 6 s 1 and 7; for 6.5 none. Machines are told 1.5 s later for that."""
PAUSE_MS = 1000
"A shorter silence is a part of the utterance."
LONG_PAUSE_MS = 1600
"After long speech: machines draw breath as well."
QUIET_MS = 6000
"Neither side has said anything for so long."
EARLY_SPEECH_MS = 1500
"Speech before the answer that is no ringing tone gone wrong."
MENU_AGAIN_MS = 2500
"A machine that was silent for so long, without a beep, and speaks again, offers its menu again."
SHORTEST_MS = 80
"What is shorter is a click."
TONE_ALONE_MS = 250
"Speech that began so shortly before a tone was the tone: the voice activity dates it back."
WATCH_HUMAN_MS = 30_000
"Since the answer; after that a beep is something in the room."
WATCH_MS = 120_000


class State(enum.Enum):
    """What is known."""

    RINGING = enum.auto()
    ANNOUNCED = enum.auto()
    "A voice, or the tones before one, instead of ringing."
    WAITING = enum.auto()
    "Answered; nobody has spoken."
    SPEAKING = enum.auto()
    "The first utterance."
    SUSPECTED = enum.auto()
    "It is long."
    QUIET = enum.auto()
    HUMAN = enum.auto()
    TALKER = enum.auto()
    "A machine by the length of its speech."
    GREETING = enum.auto()
    "A machine by its words."
    MENU = enum.auto()
    MESSAGE = enum.auto()
    "The network's."
    BEEPED = enum.auto()
    FAX = enum.auto()
    OVER = enum.auto()
    "The call is over, or nobody listens any more."


class Reason(enum.Enum):
    """What has moved the state; the names are told to the API."""

    VOICE_BEFORE_ANSWER = "voice_before_answer"
    ANSWER = "answer"
    SPEECH = "speech"
    SHORT_UTTERANCE = "short_utterance"
    "A short utterance, then silence."
    LONG_SPEECH = "long_speech"
    LONGER_SPEECH = "longer_speech"
    SILENCE_AFTER_LONG_SPEECH = "silence_after_long_speech"
    "Somebody waits for an answer: a machine would have beeped or gone on."
    NOBODY_SPEAKS = "nobody_speaks"
    SPEECH_AGAIN = "speech_again"
    TONE_WORDS = "tone_words"
    MAILBOX_WORDS = "mailbox_words"
    ABSENCE_WORDS = "absence_words"
    MENU_WORDS = "menu_words"
    NETWORK_WORDS = "network_words"
    BEEP = "beep"
    FAX_TONE = "fax_tone"
    SPECIAL_INFORMATION_TONE = "special_information_tone"
    BUSY_TONE = "busy_tone"
    END = "end"


S, R = State, Reason
_WORDS = {
    R.TONE_WORDS: S.GREETING,
    R.MAILBOX_WORDS: S.GREETING,
    R.MENU_WORDS: S.MENU,
    R.NETWORK_WORDS: S.MESSAGE,
}
_TONES = {
    R.BEEP: S.BEEPED,
    R.FAX_TONE: S.FAX,
    R.SPECIAL_INFORMATION_TONE: S.MESSAGE,
}
_ANY = {**_WORDS, **_TONES, R.BUSY_TONE: S.MESSAGE}

TABLE: dict[State, dict[Reason, State]] = {
    S.RINGING: {
        R.VOICE_BEFORE_ANSWER: S.ANNOUNCED,
        R.SPECIAL_INFORMATION_TONE: S.ANNOUNCED,
        R.ANSWER: S.WAITING,
    },
    S.ANNOUNCED: {R.ANSWER: S.WAITING},
    S.WAITING: {R.SPEECH: S.SPEAKING, R.NOBODY_SPEAKS: S.QUIET, **_ANY, R.END: S.OVER},
    S.SPEAKING: {
        R.SHORT_UTTERANCE: S.HUMAN,
        R.LONG_SPEECH: S.SUSPECTED,
        **_ANY,
        R.END: S.OVER,
    },
    S.SUSPECTED: {
        R.SILENCE_AFTER_LONG_SPEECH: S.HUMAN,
        R.LONGER_SPEECH: S.TALKER,
        R.ABSENCE_WORDS: S.GREETING,
        **_ANY,
        R.END: S.OVER,
    },
    S.QUIET: {R.SPEECH: S.SPEAKING, **_ANY},
    # A person who has hung up leaves a busy tone on some lines.
    S.HUMAN: {**_WORDS, **_TONES},
    S.TALKER: {R.ABSENCE_WORDS: S.GREETING, R.SPEECH_AGAIN: S.MENU, **_WORDS, **_TONES},
    S.GREETING: {R.BEEP: S.BEEPED},
    S.MENU: {R.TONE_WORDS: S.GREETING, R.BEEP: S.BEEPED},
    S.MESSAGE: {R.TONE_WORDS: S.GREETING, R.BEEP: S.BEEPED},
    S.BEEPED: {},
    S.FAX: {},
    S.OVER: {},
}
"What a state lacks is ignored in it."

KINDS: dict[State, AnsweredBy | None] = {
    S.RINGING: None,
    S.ANNOUNCED: AnsweredBy.NETWORK,
    S.WAITING: None,
    S.SPEAKING: None,
    S.SUSPECTED: None,
    S.QUIET: AnsweredBy.SILENCE,
    S.HUMAN: AnsweredBy.HUMAN,
    S.TALKER: AnsweredBy.MACHINE,
    S.GREETING: AnsweredBy.MACHINE,
    S.MENU: AnsweredBy.IVR,
    S.MESSAGE: AnsweredBy.NETWORK,
    S.BEEPED: AnsweredBy.MACHINE,
    S.FAX: AnsweredBy.FAX,
    S.OVER: AnsweredBy.UNKNOWN,
}
"None: nothing is told yet, what was told before the answer or before speech stands."

_WORD_REASONS = {
    Says.TONE: R.TONE_WORDS,
    Says.NETWORK: R.NETWORK_WORDS,
    Says.MENU: R.MENU_WORDS,
    Says.MAILBOX: R.MAILBOX_WORDS,
    Says.ABSENCE: R.ABSENCE_WORDS,
}
_TONE_REASONS = {
    Meaning.BEEP: R.BEEP,
    Meaning.FAX: R.FAX_TONE,
    Meaning.SPECIAL_INFORMATION: R.SPECIAL_INFORMATION_TONE,
    Meaning.BUSY: R.BUSY_TONE,
}


class Verdict(msgspec.Struct, frozen=True):
    """Who has answered, as far as is known now."""

    at_samples: int
    answered_by: AnsweredBy
    reason: Reason
    after_samples: int | None
    "Since the answer; None: it was given before."


class MachineDetector:
    """One call's. Feed it every event of the lane in order, AlarmDue included; it has no clock."""

    def __init__(self, rate_hz: int, expected: frozenset[str] = frozenset()) -> None:
        """`expected`: normalised phrases of the agent, which a grammar hears in anything."""
        self.state = State.RINGING
        self._rate_hz = rate_hz
        self._expected = expected
        self._tones = ToneMeaning(rate_hz)
        self._now = 0
        self._answered: int | None = None
        self._told: AnsweredBy | None = None
        self._verdicts: list[Verdict] = []
        self._spurt: int | None = None
        "Where the talkspurt that goes on began."
        self._run: int | None = None
        "Where the utterance began: talkspurts without a pause."
        self._silent_since = 0
        "The end of the last talkspurt; or of the agent's, or the answer."

    @property
    def speaking(self) -> bool:
        """The far end speaks."""
        return self._spurt is not None

    @property
    def silent_since(self) -> int:
        """Where the far end's last sound ended."""
        return max(self._silent_since, self._tones.ended)

    @property
    def watches(self) -> bool:
        """What follows may still change the verdict."""
        return self.state not in (S.BEEPED, S.FAX, S.OVER)

    def next_verdict(self) -> Verdict | None:
        """What has become known, in order."""
        return self._verdicts.pop(0) if self._verdicts else None

    # --- what happens ----------------------------------------------------------------------------

    def receive_answer(self, at_samples: int) -> None:
        """The call is up. What was heard before it is another matter."""
        self._advance(at_samples)
        if self._answered is None:
            self._answered = self._silent_since = self._now
            self._spurt = self._run = None
            self._tones = ToneMeaning(self._rate_hz)
            self._move(R.ANSWER)

    def receive_end(self, at_samples: int) -> None:
        """The call is over."""
        self._advance(at_samples)
        self._stop()

    def _stop(self) -> None:
        """Nobody listens any more: what was told stands."""
        self._move(R.END)
        self.state = S.OVER

    def receive(
        self, event: AnyTurnEvent, *, echo: bool = False, agent_speaks: bool = False
    ) -> None:
        """Something that the lane or the transcriber tells, or only that time has passed.

        `echo`: what is heard now is the agent itself. `agent_speaks`: it is being heard.
        """
        self._advance(event.at_samples)
        if not self.watches:
            return
        if agent_speaks and self._spurt is None and self._run is None:
            self._silent_since = self._now
        if echo:
            self._forget_spurt()
        match event:
            case SpeechStarted(began_samples=began):
                if not echo:
                    self._begin(began)
            case SpeechEnded(ended_samples=ended):
                self._end(ended)
            case ToneHeard() | ToneEnded():
                self._hear_tone(event)
            case WordsHeard(text=text, rejected=False):
                self._hear_words(text)
            case _:
                pass

    # --- time ------------------------------------------------------------------------------------

    def get_timer(self) -> int | None:
        """The next position at which time alone may decide something."""
        due = [at for at, _ in self._dues()]
        if (tone := self._tones.get_timer()) is not None and self.watches:
            due.append(tone)
        return min(due, default=None)

    def _dues(self) -> list[tuple[int, Reason]]:
        """When what becomes true if nothing else happens."""
        if not self.watches:
            return []
        dues: list[tuple[int, Reason]] = []
        run, since = self._run, self._silent_since
        if self._answered is not None:
            human = self.state is S.HUMAN
            limit = self._ms(WATCH_HUMAN_MS if human else WATCH_MS)
            dues.append((self._answered + limit, R.END))
        if self._spurt is not None and run is not None:
            if self.state is S.SPEAKING:
                dues.append((run + self._ms(LONG_MS), R.LONG_SPEECH))
            elif self.state is S.SUSPECTED:
                dues.append((run + self._ms(LONGER_MS), R.LONGER_SPEECH))
            elif self.state is S.RINGING:
                dues.append((run + self._ms(EARLY_SPEECH_MS), R.VOICE_BEFORE_ANSWER))
        elif run is not None and self.state is S.SPEAKING:
            dues.append((since + self._ms(PAUSE_MS), R.SHORT_UTTERANCE))
        elif run is not None and self.state is S.SUSPECTED:
            dues.append((since + self._ms(LONG_PAUSE_MS), R.SILENCE_AFTER_LONG_SPEECH))
        elif self._spurt is None and self.state is S.WAITING:
            dues.append((since + self._ms(QUIET_MS), R.NOBODY_SPEAKS))
        return dues

    def _advance(self, now: int) -> None:
        """Everything that is due up to now, in order."""
        while (at := self.get_timer()) is not None and at <= now:
            self._now = max(self._now, at)
            reasons = [reason for due, reason in self._dues() if due <= at]
            if R.END in reasons:
                self._stop()
            elif reasons:
                self._move(reasons[0])
            self._tones.advance(at)
            self._heed_tones()
        self._now = max(self._now, now)
        self._tones.advance(self._now)
        self._heed_tones()

    # --- speech ----------------------------------------------------------------------------------

    def _begin(self, began: int) -> None:
        if self._spurt is not None or self._tones.lasting:
            return
        earliest = 0 if self._answered is None else self._answered
        began = min(max(began, earliest, self._tones.ended), self._now)
        silent = began - self._silent_since
        if self._run is None or silent > self._ms(PAUSE_MS):
            self._run = began
        self._spurt = began
        again = silent > self._ms(MENU_AGAIN_MS)
        self._move(R.SPEECH_AGAIN if again and self.state is S.TALKER else R.SPEECH)

    def _end(self, ended: int) -> None:
        if self._spurt is None:
            return
        ended = min(max(ended, self._spurt), self._now)
        click = ended - self._spurt < self._ms(SHORTEST_MS)
        began, self._spurt = self._spurt, None
        if click and self._run == began:
            self._run = None
        else:
            self._silent_since = ended

    def _forget_spurt(self) -> None:
        """It was no speech of the far end's."""
        if self._run is not None and self._run == self._spurt:
            self._run = None
            if self.state in (S.SPEAKING, S.SUSPECTED):
                self.state = S.WAITING if self._told is None else S.QUIET
        if self._spurt is not None:
            self._silent_since = self._now
        self._spurt = None

    # --- words and tones -------------------------------------------------------------------------

    def _hear_words(self, text: str) -> None:
        if normalised(text) in self._expected:
            return
        says = what_says(text)
        if says is not None and self._answered is not None:
            self._move(_WORD_REASONS[says])

    def _hear_tone(self, tone: ToneHeard | ToneEnded) -> None:
        if self._spurt is not None and isinstance(tone, ToneHeard):
            # A tone at the end of speech prolongs it for the voice activity, or looks like some.
            if tone.began_samples - self._spurt < self._ms(TONE_ALONE_MS):
                self._forget_spurt()
            else:
                self._end(tone.began_samples)
        self._tones.receive(tone, spoken=self.state is not S.WAITING)
        self._heed_tones()

    def _heed_tones(self) -> None:
        while (meaning := self._tones.next_meaning()) is not None:
            self._move(_TONE_REASONS[meaning])

    # --- the table -------------------------------------------------------------------------------

    def _move(self, reason: Reason) -> None:
        to = TABLE[self.state].get(reason)
        if to is None:
            return
        self.state = to
        kind = KINDS[to]
        if reason is R.ANSWER:
            self._told = None  # what was announced before it has not come about
        if kind is None or kind is self._told:
            return
        self._told = kind
        after = None if self._answered is None else self._now - self._answered
        self._verdicts.append(Verdict(self._now, kind, reason, after))

    def _ms(self, ms: int) -> int:
        return ms * self._rate_hz // 1000
