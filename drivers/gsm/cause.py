"""Why a mobile network has ended a call: the cause of call control (3GPP TS 24.008 §10.5.4.11).

Pure.

The numbers are those of ITU-T Q.850 but for a few. A modem tells them in words of its own
(`AT+CEER`, 3GPP TS 27.007 §6.10, has no format): who speaks to that modem reads them.
"""

from ...media.ports import HangUpCause, LegEnded

C = HangUpCause

# Table 10.5.123: its words, and ours for them.
CAUSES: dict[int, tuple[str, HangUpCause]] = {
    1: ("unassigned number", C.NOT_FOUND),
    3: ("no route to destination", C.NETWORK),
    6: ("channel unacceptable", C.NETWORK),
    8: ("operator determined barring", C.NETWORK),
    16: ("normal call clearing", C.NORMAL),
    17: ("user busy", C.BUSY),
    18: ("no user responding", C.NO_ANSWER),
    19: ("user alerting, no answer", C.NO_ANSWER),
    21: ("call rejected", C.DECLINED),
    22: ("number changed", C.NOT_FOUND),
    24: ("call rejected due to feature at the destination", C.DECLINED),
    25: ("pre-emption", C.OVERLOADED),
    26: ("non selected user clearing", C.NORMAL),
    27: ("destination out of order", C.NETWORK),
    28: ("invalid number format", C.NOT_FOUND),
    29: ("facility rejected", C.NETWORK),
    30: ("response to STATUS ENQUIRY", C.NORMAL),
    31: ("normal, unspecified", C.NORMAL),
    34: ("no circuit/channel available", C.OVERLOADED),
    38: ("network out of order", C.NETWORK),
    41: ("temporary failure", C.NETWORK),
    42: ("switching equipment congestion", C.OVERLOADED),
    43: ("access information discarded", C.NETWORK),
    44: ("requested circuit/channel not available", C.OVERLOADED),
    47: ("resources unavailable, unspecified", C.OVERLOADED),
    49: ("quality of service unavailable", C.NETWORK),
    50: ("requested facility not subscribed", C.NETWORK),
    55: ("incoming calls barred within the CUG", C.DECLINED),
    57: ("bearer capability not authorized", C.NETWORK),
    58: ("bearer capability not presently available", C.OVERLOADED),
    63: ("service or option not available, unspecified", C.NETWORK),
    65: ("bearer service not implemented", C.NETWORK),
    68: ("ACM equal to or greater than ACMmax", C.NETWORK),
    69: ("requested facility not implemented", C.NETWORK),
    70: ("only restricted digital information bearer capability is available", C.NETWORK),
    79: ("service or option not implemented, unspecified", C.NETWORK),
    81: ("invalid transaction identifier value", C.NETWORK),
    87: ("user not member of CUG", C.DECLINED),
    88: ("incompatible destination", C.ERROR),
    91: ("invalid transit network selection", C.NETWORK),
    95: ("semantically incorrect message", C.NETWORK),
    96: ("invalid mandatory information", C.NETWORK),
    97: ("message type non-existent or not implemented", C.NETWORK),
    98: ("message type not compatible with protocol state", C.NETWORK),
    99: ("information element non-existent or not implemented", C.NETWORK),
    100: ("conditional IE error", C.NETWORK),
    101: ("message not compatible with protocol state", C.NETWORK),
    102: ("recovery on timer expiry", C.NETWORK),
    111: ("protocol error, unspecified", C.NETWORK),
    127: ("interworking, unspecified", C.NETWORK),
}
UNSPECIFIED = (31, 47, 63, 79, 95, 111, 127)
"The last number of each class: what is in no table counts as that (24.008 §10.5.4.11)."

# Numbers that mean something else in Q.850: its own for the same, or None where it has none.
Q850_OF: dict[int, int | None] = {8: None, 25: 8, 68: None}


def known(cause: int) -> int:
    """The number that counts: its own, or that of its class."""
    if cause in CAUSES:
        return cause
    return next((last for last in UNSPECIFIED if 0 <= cause <= last), UNSPECIFIED[-1])


def q850_of(cause: int) -> int | None:
    """The same by Q.850; None: it has no number for that."""
    number = known(cause)
    return Q850_OF.get(number, number)


def ended(cause: int, *, by_us: bool = False) -> LegEnded:
    """The end of a leg that a network has told so of. `reason` has the words."""
    text, ours = CAUSES[known(cause)]
    return LegEnded(ours, by_us, reason=text, q850=q850_of(cause), gsm_cause=cause)
