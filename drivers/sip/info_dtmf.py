"""Key presses in INFO bodies: application/dtmf-relay and application/dtmf.

Neither has an RFC; both are what Cisco and its followers send (draft-kaplan-dispatch-info-dtmf).
dtmf-relay holds lines `Signal=5` and `Duration=160`, dtmf the bare key. Some peers send `*` and `#`
as 10 and 11, A-D as 12-15 and a hook flash as 16, as RFC 4733 numbers them.
"""

import re

DTMF_RELAY = "application/dtmf-relay"
DTMF = "application/dtmf"
DURATION_MS = 160

_SIGNAL = re.compile(r"^\s*Signal\s*=\s*(\S+)\s*$", re.IGNORECASE | re.MULTILINE)
_KEYS = "0123456789*#ABCD"
_BY_NUMBER = {str(number): _KEYS[number] for number in range(10, 16)}
MAX_BODY_BYTES = 256
"A key needs 30; longer bodies are not read."


def parse_digit(content_type: str, body: bytes) -> str | None:
    """The key that an INFO body names, one of 0-9 * # A-D; None when it names none."""
    if len(body) > MAX_BODY_BYTES:
        return None
    text = body.decode("ascii", "replace")
    if content_type.lower() == DTMF_RELAY:
        found = _SIGNAL.search(text)
        text = found[1] if found else ""
    key = text.strip().upper()
    key = _BY_NUMBER.get(key, key)
    return key if len(key) == 1 and key in _KEYS else None


def write_digit(digit: str) -> bytes:
    """An application/dtmf-relay body. `digit` is one of 0-9 * # A-D."""
    assert len(digit) == 1, "one INFO carries one key"
    assert digit in _KEYS, f"{digit!r} is no key"
    return f"Signal={digit}\r\nDuration={DURATION_MS}\r\n".encode("ascii")
