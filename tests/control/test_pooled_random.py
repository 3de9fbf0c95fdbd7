"""Randomness in blocks: as good as the system's, and rarely asked for."""

import pytest

from offhook.control.pooled_random import BLOCK_BYTES, PooledRandom


class Source:
    """Bytes that count up, so that what is given twice or left out is seen."""

    def __init__(self) -> None:
        self.reads: list[int] = []
        self._next = 0

    def read(self, count: int) -> bytes:
        self.reads.append(count)
        data = bytes((self._next + at) % 251 for at in range(count))
        self._next += count
        return data


def test_no_byte_is_given_twice() -> None:
    source = Source()
    rng = PooledRandom(source.read)
    first = [rng.randbytes(8) for _ in range(BLOCK_BYTES // 8)]
    assert b"".join(first) == Source().read(BLOCK_BYTES)
    assert source.reads == [BLOCK_BYTES]
    assert rng.randbytes(3) == bytes((BLOCK_BYTES + at) % 251 for at in range(3))
    assert source.reads == [BLOCK_BYTES, BLOCK_BYTES]


def test_what_is_left_of_a_block_is_not_stretched() -> None:
    source = Source()
    rng = PooledRandom(source.read)
    rng.randbytes(BLOCK_BYTES - 2)
    assert len(rng.randbytes(5)) == 5
    assert len(rng.randbytes(BLOCK_BYTES + 1)) == BLOCK_BYTES + 1
    assert source.reads == [BLOCK_BYTES, BLOCK_BYTES, BLOCK_BYTES + 1]


def test_numbers_come_from_all_their_bits() -> None:
    rng = PooledRandom(lambda count: b"\xff" * count)
    assert [rng.getrandbits(k) for k in (0, 1, 7, 9, 32)] == [0, 1, 127, 511, 2**32 - 1]
    assert rng.random() == 1 - 2.0**-53
    with pytest.raises(ValueError, match="-1 bits"):
        rng.getrandbits(-1)


def test_the_systems_numbers_differ_and_spread() -> None:
    rng = PooledRandom()
    values = [rng.random() for _ in range(4000)]
    assert len(set(values)) == 4000
    assert 0.45 < sum(values) / 4000 < 0.55  # six standard deviations
    assert len({rng.randrange(6) for _ in range(400)}) == 6
