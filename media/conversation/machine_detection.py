"""Who has answered the call that we placed: a person, a machine, a menu, a fax, nobody? Pure.

A state of knowledge and a reason lead to the next state (machine_states.py). Reasons come from what
a lane tells, on its sample axis: how long the first utterance is and what silence follows it,
words, tones, and what was heard before the answer.

Nobody waits for this: the agent converses meanwhile. Not here: what is done about a verdict
(voicemail.py), which tones there are (frames/tones.py) and mean (tone_meaning.py), what words mean
(machine_words.py).
"""

import msgspec

from ..events import SpeechEnded, SpeechStarted, ToneEnded, ToneHeard
from .endpointing import normalised
from .machine_states import KINDS, TABLE, TONE_REASONS, WORD_REASONS, Reason, State
from .machine_words import what_says
from .records import AnsweredBy
from .tone_meaning import ToneMeaning
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

S, R = State, Reason


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

    def miss(self, samples: int) -> None:
        """So much time up to now was not heard: it is neither speech nor silence, nor waiting.

        A far end whose words a stall of ours has torn apart is no machine for it.
        """
        self._silent_since += samples
        if self._answered is not None:
            self._answered += samples
        if self._run is not None:
            self._run += samples
        if self._spurt is not None:
            self._spurt += samples

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
            self._move(WORD_REASONS[says])

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
            self._move(TONE_REASONS[meaning])

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
