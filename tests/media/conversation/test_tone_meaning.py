"""What tones mean: beeps, fax, busy, special information; and music, which means nothing."""

import pytest

from offhook.media.conversation.tone_meaning import Meaning, ToneMeaning
from offhook.media.events import ToneEnded, ToneHeard

RATE = 8000
TOLD_MS = 140

Burst = tuple[float, float, int, int]


def meanings(
    bursts: list[Burst], *, spoken: bool = False, until_ms: int = 20_000
) -> list[tuple[int, Meaning]]:
    """What becomes known when, in ms, of (low, high, begin ms, end ms)."""
    events: list[tuple[int, ToneHeard | ToneEnded]] = []
    for low, high, begin, end in bursts:
        if end - begin >= TOLD_MS:
            heard = ToneHeard((begin + TOLD_MS) * 8, begin * 8, low, high)
            events.append((begin + TOLD_MS, heard))
            events.append((end + 20, ToneEnded((end + 20) * 8, begin * 8, end * 8, low, high)))
    tones = ToneMeaning(RATE)
    found: list[tuple[int, Meaning]] = []
    for ms in range(0, until_ms, 10):
        tones.advance(ms * 8)
        while events and events[0][0] <= ms:
            tones.receive(events.pop(0)[1], spoken=spoken)
        while (meaning := tones.next_meaning()) is not None:
            found.append((ms, meaning))
    return found


def kinds(bursts: list[Burst], *, spoken: bool = False) -> list[Meaning]:
    return [meaning for _, meaning in meanings(bursts, spoken=spoken)]


@pytest.mark.parametrize("hz", [440.0, 700.0, 1000.0, 1100.0, 1400.0, 2000.0, 2100.0])
def test_beep_is_known_soon_after_its_end(hz: float) -> None:
    [(ms, meaning)] = meanings([(hz, 0.0, 1000, 1400)], spoken=True)
    assert meaning is Meaning.BEEP
    assert 1400 < ms <= 1400 + 400


def test_beep_of_two_pitches_is_one_beep() -> None:
    assert kinds([(800.0, 0.0, 0, 200), (1000.0, 0.0, 220, 420)]) == [Meaning.BEEP]


def test_two_beeps_apart_are_two() -> None:
    assert kinds([(800.0, 0.0, 0, 200), (800.0, 0.0, 900, 1100)]) == [Meaning.BEEP] * 2


def test_melody_is_no_beep() -> None:
    notes: list[Burst] = [
        (440.0 * 2 ** (step / 12), 0.0, at * 250, at * 250 + 230)
        for at, step in enumerate((0, 4, 7, 12, 7, 4, 0, 5, 9, 12, 9, 5))
    ]
    assert kinds(notes) == []


def test_long_tone_and_dialling_tones_are_no_beeps() -> None:
    assert kinds([(1000.0, 0.0, 0, 4000)]) == []
    assert kinds([(425.0, 0.0, 0, 1000), (425.0, 0.0, 5000, 6000)]) == []
    assert kinds([(697.0, 1209.0, 0, 300)]) == []


def test_special_information_tones_are_known_with_the_third() -> None:
    sit: list[Burst] = [(950.0, 0.0, 0, 330), (1400.0, 0.0, 330, 660), (1800.0, 0.0, 660, 990)]
    [(ms, meaning)] = meanings(sit)
    assert meaning is Meaning.SPECIAL_INFORMATION
    assert ms <= 1010
    assert kinds([sit[2], sit[1], sit[0]]) == []


def test_answering_fax_is_known_after_a_second_of_its_tone() -> None:
    [(ms, meaning)] = meanings([(2101.0, 0.0, 1000, 4000)])
    assert meaning is Meaning.FAX
    assert ms <= 2000


def test_calling_fax_is_known_by_its_second_tone() -> None:
    cng: list[Burst] = [(1100.0, 0.0, 500, 1000), (1100.0, 0.0, 4000, 4500)]
    found = meanings(cng)
    assert found[0][1] is Meaning.FAX
    assert 4000 < found[0][0] < 4300
    assert [meaning for _, meaning in found[1:]] in ([], [Meaning.BEEP])


def test_tone_of_that_pitch_that_is_not_repeated_was_a_beep() -> None:
    [(ms, meaning)] = meanings([(1100.0, 0.0, 500, 1000)])
    assert meaning is Meaning.BEEP
    assert ms > 4000
    [(ms, meaning)] = meanings([(1100.0, 0.0, 500, 1000)], spoken=True)
    assert ms < 1500


@pytest.mark.parametrize(
    ("low", "high", "on", "off"),
    [(425.0, 0.0, 500, 500), (480.0, 620.0, 250, 250), (425.0, 0.0, 200, 200)],
)
def test_busy_is_known_by_its_third_burst(low: float, high: float, on: int, off: int) -> None:
    bursts: list[Burst] = [(low, high, at * (on + off), at * (on + off) + on) for at in range(3)]
    assert kinds(bursts) == [Meaning.BUSY]
    assert kinds(bursts[:2]) == []
