"""The four transaction machines as tables, `state -> input -> next state` (RFC 3261 §17).

An input that a table lacks is ignored, as the RFC asks: late and repeated messages are no faults.
"""

import enum
from collections.abc import Mapping


class State(enum.Enum):
    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class Input(enum.Enum):
    """What moves a transaction."""

    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "3xx-6xx"
    ACK = "ACK"
    TIMER_B = "timer B"
    TIMER_D = "timer D"
    TIMER_F = "timer F"
    TIMER_H = "timer H"
    TIMER_I = "timer I"
    TIMER_J = "timer J"
    TIMER_K = "timer K"
    TIMER_L = "timer L"
    TIMER_M = "timer M"
    TRANSPORT_ERROR = "transport error"


Table = Mapping[State, Mapping[Input, State]]

INVITE_CLIENT: Table = {  # RFC 3261 figure 5, RFC 6026 figure 8
    State.CALLING: {
        Input.PROVISIONAL: State.PROCEEDING,
        Input.SUCCESS: State.ACCEPTED,
        Input.FAILURE: State.COMPLETED,
        Input.TIMER_B: State.TERMINATED,
        Input.TRANSPORT_ERROR: State.TERMINATED,
    },
    State.PROCEEDING: {
        Input.PROVISIONAL: State.PROCEEDING,
        Input.SUCCESS: State.ACCEPTED,
        Input.FAILURE: State.COMPLETED,
        Input.TRANSPORT_ERROR: State.TERMINATED,
    },
    State.COMPLETED: {
        Input.FAILURE: State.COMPLETED,
        Input.TIMER_D: State.TERMINATED,
        Input.TRANSPORT_ERROR: State.TERMINATED,
    },
    State.ACCEPTED: {Input.SUCCESS: State.ACCEPTED, Input.TIMER_M: State.TERMINATED},
    State.TERMINATED: {},
}
NON_INVITE_CLIENT: Table = {  # RFC 3261 figure 6
    State.TRYING: {
        Input.PROVISIONAL: State.PROCEEDING,
        Input.SUCCESS: State.COMPLETED,
        Input.FAILURE: State.COMPLETED,
        Input.TIMER_F: State.TERMINATED,
        Input.TRANSPORT_ERROR: State.TERMINATED,
    },
    State.PROCEEDING: {
        Input.PROVISIONAL: State.PROCEEDING,
        Input.SUCCESS: State.COMPLETED,
        Input.FAILURE: State.COMPLETED,
        Input.TIMER_F: State.TERMINATED,
        Input.TRANSPORT_ERROR: State.TERMINATED,
    },
    State.COMPLETED: {Input.TIMER_K: State.TERMINATED},
    State.TERMINATED: {},
}
INVITE_SERVER: Table = {  # RFC 3261 figure 7, RFC 6026 figure 7
    State.PROCEEDING: {
        Input.PROVISIONAL: State.PROCEEDING,
        Input.SUCCESS: State.ACCEPTED,
        Input.FAILURE: State.COMPLETED,
        Input.TRANSPORT_ERROR: State.TERMINATED,
    },
    State.ACCEPTED: {
        Input.SUCCESS: State.ACCEPTED,
        Input.ACK: State.ACCEPTED,
        Input.TIMER_L: State.TERMINATED,
    },
    State.COMPLETED: {
        Input.ACK: State.CONFIRMED,
        Input.TIMER_H: State.TERMINATED,
        Input.TRANSPORT_ERROR: State.TERMINATED,
    },
    State.CONFIRMED: {Input.TIMER_I: State.TERMINATED},
    State.TERMINATED: {},
}
NON_INVITE_SERVER: Table = {  # RFC 3261 figure 8
    State.TRYING: {
        Input.PROVISIONAL: State.PROCEEDING,
        Input.SUCCESS: State.COMPLETED,
        Input.FAILURE: State.COMPLETED,
    },
    State.PROCEEDING: {
        Input.PROVISIONAL: State.PROCEEDING,
        Input.SUCCESS: State.COMPLETED,
        Input.FAILURE: State.COMPLETED,
        Input.TRANSPORT_ERROR: State.TERMINATED,
    },
    State.COMPLETED: {
        Input.TIMER_J: State.TERMINATED,
        Input.TRANSPORT_ERROR: State.TERMINATED,
    },
    State.TERMINATED: {},
}
