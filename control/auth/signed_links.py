"""Links that open one recording to whoever has them, until they expire. Pure: HMAC-SHA256.

    signature = HMAC(key, "recording" LF id LF format LF expiry)      in hexadecimal digits

Nothing of a link is stored: who has the key can make and check them. Not what a link opens.
"""

import enum
import hmac
from collections.abc import Sequence

import msgspec

KEY_FILE = "link_keys"
PURPOSE = "recording"
"Signed as well: a key that is used for something else one day makes no links."


class Link(msgspec.Struct, frozen=True):
    """What a link says."""

    recording_id: str
    format: str
    expires: int
    "Unix seconds."
    signature: str


class LinkVerdict(enum.Enum):
    """What is to be done with a link."""

    GOOD = "good"
    FORGED = "forged"
    EXPIRED = "expired"
    "We have made it, and it is over."


class SignedLinks:
    """Makes links with the first of `keys`, and takes those that any of them has made."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        assert keys, "a link needs a key"
        self._keys = tuple(keys)

    def make(self, recording_id: str, format_: str, expires: int) -> Link:
        """A link that is good until that second, which is no longer in it."""
        signature = _signature(self._keys[0], recording_id, format_, expires)
        return Link(recording_id, format_, expires, signature)

    def judge(self, link: Link, now_wall: float) -> LinkVerdict:
        """Whether we have made it, in a time that tells nothing; then whether it is still good."""
        parts = (link.recording_id, link.format, link.expires)
        given = link.signature.encode(errors="surrogateescape")
        ours = [hmac.compare_digest(_signature(key, *parts).encode(), given) for key in self._keys]
        if not any(ours):
            return LinkVerdict.FORGED
        return LinkVerdict.GOOD if now_wall < link.expires else LinkVerdict.EXPIRED


def _signature(key: bytes, recording_id: str, format_: str, expires: int) -> str:
    signed = "\n".join((PURPOSE, recording_id, format_, str(expires)))
    return hmac.digest(key, signed.encode(errors="surrogateescape"), "sha256").hex()
