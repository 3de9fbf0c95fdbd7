"""What is known of who has answered: states, reasons, and the one table that leads between them.

A verdict is the kind of the new state, told whenever it is another one, and so revised as more
becomes known: `hello?` and silence is a person, and a beep after it makes a machine of them. What
counts more comes later in this picture:

    RINGING -> WAITING -> SPEAKING -> HUMAN                   short, then silence
                  |           '-> SUSPECTED -> TALKER         2.4 s, 6.5 s of speech without a pause
                  '-> QUIET
    most of these: by words -> GREETING, MENU, MESSAGE;  by tones -> BEEPED, FAX, MESSAGE

Not here: when a reason arises (machine_detection.py).
"""

import enum

from .machine_words import Says
from .records import AnsweredBy
from .tone_meaning import Meaning


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

WORD_REASONS = {
    Says.TONE: R.TONE_WORDS,
    Says.NETWORK: R.NETWORK_WORDS,
    Says.MENU: R.MENU_WORDS,
    Says.MAILBOX: R.MAILBOX_WORDS,
    Says.ABSENCE: R.ABSENCE_WORDS,
}
TONE_REASONS = {
    Meaning.BEEP: R.BEEP,
    Meaning.FAX: R.FAX_TONE,
    Meaning.SPECIAL_INFORMATION: R.SPECIAL_INFORMATION_TONE,
    Meaning.BUSY: R.BUSY_TONE,
}
