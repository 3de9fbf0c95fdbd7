"""How a simulated far end behaves, by the last four digits of its number. Tables, no state.

A behaviour is a machine's table (state, input: next state; what it lacks is ignored) with its times
and words. The machine itself is far_end.py.

    callee       RINGING -> PICKED_UP ------------> SPEAKING -> LISTENING -> HEARING <-> PONDERING
    caller       CALLING -> PICKED_UP <-> GREETED ----^             |           |          |
                                                                    '-------> LEAVING <----'
    machine      RINGING -> PICKED_UP -> SPEAKING -> BEEPING -> RECORDING <-> RECORDED
    others       RINGING or TRYING                                        ... and all -> ENDED
"""

import enum
from collections.abc import Mapping

import msgspec

from ...media.ports import HangUpCause

ANSWER_S = 0.5
"From the call until it is answered, or until it fails."
RING_LIMIT_S = 30.0
"Who is not answered, or does not answer, for so long gives up."
TALK_LIMIT_S = 10.0
"A human hangs up at the latest so long after answering."
LEAVE_AFTER_S = 8.8
"... and says goodbye at the latest then, which takes 0.6 s."
GREETING_LIMIT_S = 4.0
"A caller hears a greeting of up to so long, and then talks over it."
SUFFIX_DIGITS = 4


class State(enum.Enum):
    """Where a far end is in its call."""

    TRYING = enum.auto()
    "Called; it does not even ring."
    RINGING = enum.auto()
    "Called."
    CALLING = enum.auto()
    "It has called us and waits for an answer."
    PICKED_UP = enum.auto()
    "The call is up, and it draws breath."
    GREETED = enum.auto()
    "The agent speaks first: it lets it finish."
    SPEAKING = enum.auto()
    "It says its sentence, whatever the agent does meanwhile."
    LISTENING = enum.auto()
    "The agent has not begun to answer."
    HEARING = enum.auto()
    "The agent answers."
    PONDERING = enum.auto()
    "The agent has paused: was that all?"
    LEAVING = enum.auto()
    "It says goodbye."
    BEEPING = enum.auto()
    RECORDING = enum.auto()
    "A recorder, until it is full."
    RECORDED = enum.auto()
    "A recorder that hears silence after a message."
    ENDED = enum.auto()


class Input(enum.Enum):
    """What moves a far end."""

    DUE = enum.auto()
    "Its state has lasted as long as it may."
    ANSWERED = enum.auto()
    SPEECH_BEGAN = enum.auto()
    "The agent's."
    SPEECH_ENDED = enum.auto()
    PLAYED_OUT = enum.auto()
    "What it was saying has been said."


Steps = Mapping[State, Mapping[Input, State]]

TALK: Steps = {
    State.PICKED_UP: {Input.DUE: State.SPEAKING, Input.SPEECH_BEGAN: State.GREETED},
    State.GREETED: {Input.DUE: State.SPEAKING, Input.SPEECH_ENDED: State.PICKED_UP},
    State.SPEAKING: {Input.PLAYED_OUT: State.LISTENING},
    # Speech that began before the sentence was over is no answer to it: its end is not awaited.
    State.LISTENING: {Input.SPEECH_BEGAN: State.HEARING, Input.DUE: State.LEAVING},
    State.HEARING: {Input.SPEECH_ENDED: State.PONDERING, Input.DUE: State.LEAVING},
    State.PONDERING: {Input.SPEECH_BEGAN: State.HEARING, Input.DUE: State.LEAVING},
    State.LEAVING: {Input.PLAYED_OUT: State.ENDED},
}
CALLEE: Steps = {State.RINGING: {Input.DUE: State.PICKED_UP}, **TALK}
CALLER: Steps = {
    State.CALLING: {Input.ANSWERED: State.PICKED_UP, Input.DUE: State.ENDED},
    **TALK,
}
MACHINE: Steps = {
    State.RINGING: {Input.DUE: State.PICKED_UP},
    State.PICKED_UP: {Input.DUE: State.SPEAKING},
    State.SPEAKING: {Input.PLAYED_OUT: State.BEEPING},
    State.BEEPING: {Input.PLAYED_OUT: State.RECORDING},
    State.RECORDING: {Input.SPEECH_ENDED: State.RECORDED},
    State.RECORDED: {Input.SPEECH_BEGAN: State.RECORDING, Input.DUE: State.ENDED},
}
UNANSWERED: Steps = {
    State.TRYING: {Input.DUE: State.ENDED},
    State.RINGING: {Input.DUE: State.ENDED},
}


class Behaviour(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of far end."""

    steps: Steps
    first: State = State.RINGING
    first_s: float = ANSWER_S
    "How long the first state lasts."
    cause: HangUpCause = HangUpCause.NORMAL
    "Why the call ends if it is not answered."
    reason: str = ""
    opening: str = ""
    "What it says when the call is up."
    goodbye: str = ""
    breath_s: float = 0.3
    "From the answer, or from a greeting's end, to its own first word."
    greeting_limit_s: float = 0.0
    "It waits at most so long for the agent's own greeting to end."
    talk_limit_s: float = TALK_LIMIT_S
    "From the answer to the end, whatever happens; a machine's counts from its beep."
    leave_after_s: float = LEAVE_AFTER_S
    "From the answer to its goodbye, at the latest."


HUMAN = Behaviour(
    steps=CALLEE,
    opening="Tell me about your opening hours, please.",
    goodbye="Goodbye.",
)
"""Its words are such as embedded recognition understands from an embedded voice (a "Hello, this is
Alex" before them is too much for the built-in agent's grammar). It speaks as soon as it has picked
up: a callee does not hear a caller's greeting out."""
HUMAN_CALLER = msgspec.structs.replace(
    HUMAN,
    steps=CALLER,
    first=State.CALLING,
    first_s=RING_LIMIT_S,
    cause=HangUpCause.CANCELLED,
    reason="the caller has given up",
    breath_s=1.0,
    greeting_limit_s=GREETING_LIMIT_S,
    talk_limit_s=GREETING_LIMIT_S + TALK_LIMIT_S,
    leave_after_s=GREETING_LIMIT_S + LEAVE_AFTER_S,
)
BUSY = Behaviour(
    steps=UNANSWERED, first=State.TRYING, cause=HangUpCause.BUSY, reason="the far end is busy"
)
NO_ANSWER = Behaviour(
    steps=UNANSWERED,
    first_s=RING_LIMIT_S,
    cause=HangUpCause.NO_ANSWER,
    reason="the far end did not answer",
)
NETWORK_FAILURE = Behaviour(
    steps=UNANSWERED,
    first=State.TRYING,
    cause=HangUpCause.NETWORK,
    reason="the network failed",
)
VOICEMAIL = Behaviour(
    steps=MACHINE,
    opening="You have reached the voicemail of Alex. Please leave a message after the tone.",
)

BY_SUFFIX: Mapping[str, Behaviour] = {
    "0010": BUSY,
    "0020": NO_ANSWER,
    "0030": NETWORK_FAILURE,
    "0040": VOICEMAIL,
}
"Every other number is a HUMAN's."


def behaviour_of(number: str) -> Behaviour:
    """Who answers at a number, however it is written (`+1 555-0010`)."""
    digits = "".join(filter(str.isdigit, number))
    return BY_SUFFIX.get(digits[-SUFFIX_DIGITS:], HUMAN)
