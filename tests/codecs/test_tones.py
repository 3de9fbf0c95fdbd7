import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs import pcm, tones
from offhook.codecs.errors import CodecError

EVERY_TONE = [
    (name, region) for region, known in tones.TONES.items() for name in tones.COMMON | known
]


def sounding(signal: NDArray[np.int16], rate_hz: int) -> list[tuple[bool, int]]:
    """Runs of tone and silence in ms, from the level of each 5 ms."""
    size = rate_hz // 200
    loud = pcm.rms_dbov(signal[: len(signal) // size * size].reshape(-1, size)) > -40
    edges = [0, *(np.flatnonzero(np.diff(loud)) + 1).tolist(), len(loud)]
    pairs = zip(edges, edges[1:], strict=False)
    return [(bool(loud[begin]), (end - begin) * 5) for begin, end in pairs]


def peaks(signal: NDArray[np.int16], rate_hz: int) -> set[int]:
    """The frequencies within 12 dB of the strongest, to 1 Hz; the signal is one second long."""
    assert len(signal) == rate_hz
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal))))
    local = (spectrum[1:-1] > spectrum[:-2]) & (spectrum[1:-1] > spectrum[2:])
    return {int(n) + 1 for n in np.flatnonzero(local & (spectrum[1:-1] > spectrum.max() / 4))}


@pytest.mark.parametrize(("name", "region"), EVERY_TONE)
def test_every_tone_sounds_at_the_right_frequencies_and_ends_in_time(
    name: str, region: str
) -> None:
    cadence = tones.cadence(name, region)
    generator = tones.ToneGenerator(name, region, 8000)
    one_round = generator.read(round(cadence.duration_s * 8000))
    begin = 0
    for step in cadence.steps:
        end = begin + round(step.duration_s * 8000)
        part = one_round[begin:end].astype(float)
        begin = end
        if not step.frequencies_hz:
            assert not part.any()
            continue
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 16))
        strongest = spectrum.argmax() * 8000 / (1 << 16)
        assert min(abs(strongest - hz) for hz in step.frequencies_hz) < 3
    assert generator.finished is not cadence.repeats
    assert generator.read(80).any() == cadence.repeats


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize(
    ("name", "region", "frequencies", "on_off_ms"),
    [
        ("ringback", "us", {440, 480}, (2000, 4000)),
        ("busy", "us", {480, 620}, (500, 500)),
        ("congestion", "us", {480, 620}, (250, 250)),
        ("ringback", "etsi", {425}, (1000, 4000)),
        ("busy", "etsi", {425}, (500, 500)),
        ("busy", "uk", {400}, (375, 375)),
        ("busy", "in", {400}, (750, 750)),
    ],
)
def test_cadences_are_those_of_the_networks(
    rate_hz: int, name: str, region: str, frequencies: set[int], on_off_ms: tuple[int, int]
) -> None:
    signal = tones.generate(name, region, rate_hz, 2.5 * sum(on_off_ms) / 1000)
    runs = sounding(signal, rate_hz)
    assert [loud for loud, _ in runs[:4]] == [True, False, True, False]
    assert [ms for _, ms in runs[:4]] == pytest.approx([*on_off_ms, *on_off_ms], abs=10)
    tone_only = signal[: on_off_ms[0] * rate_hz // 1000]
    assert peaks(np.resize(tone_only, rate_hz), rate_hz) == frequencies or len(tone_only) < rate_hz


def test_double_ring_of_the_uk() -> None:
    runs = sounding(tones.generate("ringback", "uk", 8000, 6.0), 8000)
    expected = [(True, 400), (False, 200), (True, 400), (False, 2000)] * 2
    assert [loud for loud, _ in runs] == [loud for loud, _ in expected]
    assert [ms for _, ms in runs] == pytest.approx([ms for _, ms in expected], abs=10)


def test_dial_tone_is_continuous_and_has_both_frequencies() -> None:
    signal = tones.generate("dial", "us", 8000, 3.0)
    assert [loud for loud, _ in sounding(signal, 8000)] == [True]
    assert peaks(signal[8000:16000], 8000) == {350, 440}
    assert np.abs(np.diff(signal.astype(int))).max() < 4000  # no click between the rounds


def test_indian_dial_tone_is_modulated_by_25_hz() -> None:
    assert peaks(tones.generate("dial", "in", 8000, 1.0), 8000) == {375, 400, 425}


def test_special_information_tone_rises_in_thirds() -> None:
    signal = tones.generate("sit", "etsi", 8000, 2.0)
    for index, hz in enumerate((950, 1400, 1800)):
        part = signal[index * 2640 + 100 : index * 2640 + 2500].astype(float)
        assert np.abs(np.fft.rfft(part, 80000)).argmax() / 10 == pytest.approx(hz, abs=1)
    assert not signal[3 * 2640 + 100 : 2640 * 3 + 7900].any()


def test_level_is_what_was_asked_for() -> None:
    loud = tones.ToneGenerator("dial", "etsi", 8000, level_dbm0=-10.0).read(8000)
    assert pcm.rms_dbov(loud[np.newaxis])[0] == pytest.approx(-10 - pcm.DBM0_AT_DBOV, abs=0.05)


def test_pieces_of_any_length_are_the_same_as_the_whole() -> None:
    at_once = tones.generate("ringback", "uk", 8000, 4.0)
    generator = tones.ToneGenerator("ringback", "uk", 8000)
    pieces = [generator.read(n) for n in (1, 160, 7999, 160, 80, 23600)]
    assert np.array_equal(np.concatenate(pieces), at_once)


def test_tones_begin_and_end_without_a_click() -> None:
    signal = tones.generate("busy", "etsi", 8000, 1.0).astype(int)
    assert abs(signal[0]) < 400
    assert abs(signal[3999]) < 400


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(CodecError, match="known: etsi, us, uk"):
        tones.generate("busy", "atlantis", 8000, 1.0)
    with pytest.raises(CodecError, match="no tone 'bang'.*ringback"):
        tones.generate("bang", "US", 8000, 1.0)
