"""The system's randomness, drawn in blocks: unguessable, and without a system call each time.

os.urandom gives the interpreter lock up, and beside a busy thread the event loop waits to get it
back (seen: 12 to 20 ms in the middle of an INVITE). A block lasts for a few hundred draws.
"""

import os
import random
from collections.abc import Callable

BLOCK_BYTES = 4096


class PooledRandom(random.SystemRandom):
    """random.SystemRandom by blocks. Not for several threads."""

    def __init__(self, read: Callable[[int], bytes] = os.urandom) -> None:
        """`read` gives so many random bytes."""
        super().__init__()
        self._read = read
        self._block = b""
        self._at = 0

    def randbytes(self, n: int) -> bytes:
        """`n` random bytes, each of them given once."""
        if n > BLOCK_BYTES:
            return self._read(n)
        if self._at + n > len(self._block):
            self._block, self._at = self._read(BLOCK_BYTES), 0
        drawn = self._block[self._at : self._at + n]
        self._at += n
        return drawn

    def getrandbits(self, k: int) -> int:
        """An integer of `k` random bits."""
        if k < 0:
            raise ValueError(f"{k} bits: there is no such number")
        count = (k + 7) // 8
        return int.from_bytes(self.randbytes(count), "big") >> (count * 8 - k)

    def random(self) -> float:
        """0 <= x < 1, of 53 random bits."""
        return self.getrandbits(53) * 2.0**-53
