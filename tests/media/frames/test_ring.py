"""The ring of samples against a plain dict of places."""

import numpy as np

from offhook.media.frames.ring import ABSENT, Ring


def column(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


def test_reads_what_was_written_and_absent_elsewhere() -> None:
    ring = Ring(2, 8000)
    pcm = np.array([[1, 2, 3], [4, 5, 6]], np.int16)
    ring.write(column(0, 1), column(10, 20), pcm, column(3, 2), column(0, 0))
    assert ring.read(column(0, 1), column(9, 19), 5).tolist() == [
        [ABSENT, 1, 2, 3, ABSENT],
        [ABSENT, 4, 5, ABSENT, ABSENT],
    ]


def test_the_marker_itself_can_be_no_sample() -> None:
    ring = Ring(1, 8000)
    pcm = np.full((1, 2), ABSENT, np.int16)
    ring.write(column(0), column(0), pcm, column(2), column(0))
    assert ring.read(column(0), column(0), 3).tolist() == [[ABSENT + 1, ABSENT + 1, ABSENT]]


def test_leaves_out_what_is_played_or_too_far() -> None:
    ring = Ring(1, 8000)
    pcm = np.array([[1, 2, 3, 4]], np.int16)
    ring.write(column(0), column(98), pcm, column(4), column(100))
    assert ring.read(column(0), column(98), 4).tolist() == [[ABSENT, ABSENT, 3, 4]]
    ring.write(column(0), column(98 + ring.size), pcm, column(4), column(100))
    assert ring.read(column(0), column(98), 4).tolist() == [[1, 2, 3, 4]]
    ring.write(column(0), column(50), pcm, column(4), column(100))
    ring.write(column(0), column(50 + 2 * ring.size), pcm, column(4), column(100))
    assert (ring.samples != ABSENT).sum() == 4


def test_does_as_a_dict_of_places_does() -> None:
    rng = np.random.default_rng(3)
    rows, ring = 3, Ring(2, 8000)
    ring.grow(rows)
    plain: dict[tuple[int, int], int] = {}
    floor = np.zeros(rows, np.int64)
    for _ in range(400):
        chosen = np.flatnonzero(rng.random(rows) < 0.7)
        width = int(rng.choice([80, 160, 333]))
        pcm = rng.integers(-30000, 30000, (len(chosen), width)).astype(np.int16)
        lengths = np.where(rng.random(len(chosen)) < 0.7, width, width // 3)
        at = floor[chosen] + rng.integers(-200, ring.size + 100, len(chosen))
        ring.write(chosen, at, pcm, lengths, floor[chosen])
        for index, row in enumerate(chosen.tolist()):
            for offset in range(lengths[index]):
                place = int(at[index]) + offset
                if floor[row] <= place < floor[row] + ring.size:
                    plain[row, place] = int(pcm[index, offset])
        everything = np.arange(rows)
        read = ring.read(everything, floor, 160)
        for row in range(rows):
            expected = [plain.get((row, int(floor[row]) + n), ABSENT) for n in range(160)]
            assert read[row].tolist() == expected
        if rng.random() < 0.5:
            ring.blank_frames(everything, floor, 160)
            floor += 160
        else:
            lengths = rng.integers(0, 400, rows)
            ring.blank(everything, floor, lengths)
            floor += lengths


def test_packet_lengths_made_up_by_a_far_end_do_not_fill_memory() -> None:
    ring = Ring(1, 8000)
    for width in range(1, 500):
        pcm = np.ones((1, width), np.int16)
        ring.write(column(0), column(0), pcm, column(width), column(0))
    assert len(ring._views) <= 16
