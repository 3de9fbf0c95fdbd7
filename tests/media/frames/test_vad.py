"""Voice activity: when speech is suspected, confirmed, dropped and over, and where its edges lie.

The state machine is driven by a model that reads its answer from the audio; the delays are measured
with whichever real model is installed, on a synthetic voice.
"""

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.media.frames.silero import Silero
from offhook.media.frames.silero_weights import VadUnavailable, load_weights
from offhook.media.frames.speech_model import WebrtcModel
from offhook.media.frames.vad import PHASES, Vad, VadSettings
from offhook.tests.kit.synthetic_voice import noise, to_int16, voice

FRAME = 160
WINDOW = 256
LOUD = 4000


class PitchModel:
    """Takes a window for speech by as much as its loud samples are positive; hears only those."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.windows: list[NDArray[np.float32]] = []
        self.cleared: list[int] = []

    def probabilities(
        self, windows: NDArray[np.float32], rows: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        self.heard += rows.tolist()
        self.windows += list(windows.copy())
        loud = np.abs(windows) > 0.5 * np.abs(windows).max(axis=1, keepdims=True)
        return np.asarray((loud & (windows > 0)).mean(axis=1), np.float32)

    def grow(self, capacity: int) -> None:
        pass

    def clear(self, row: int) -> None:
        self.cleared.append(row)


class Fact(msgspec.Struct, frozen=True):
    """What a tick said of a row, when (samples pushed), and the edge it gave."""

    what: str
    row: int
    at: int
    edge: int = -1


def listen(
    vad: Vad, audio: NDArray[np.int16], concealed: NDArray[np.bool_] | None = None, start: int = 0
) -> list[Fact]:
    """Push [rows, samples] frame by frame; `concealed` is [rows, frames]."""
    frame = FRAME if vad._frame == FRAME else 2 * FRAME
    rows, frames = len(audio), audio.shape[1] // frame
    lost = np.zeros((rows, frames), bool) if concealed is None else concealed
    facts: list[Fact] = []
    for tick in range(frames):
        position = start + tick * frame
        heard = audio[:, tick * frame : (tick + 1) * frame]
        said = vad.push(rows, heard, lost[:, tick], np.full(rows, position, np.int64))
        at = position + frame
        facts += [Fact("suspected", row, at) for row in said.suspected.tolist()]
        facts += [Fact("dropped", row, at) for row in said.dropped.tolist()]
        for row, edge in zip(said.started.tolist(), said.began_samples.tolist(), strict=True):
            facts.append(Fact("started", row, at, edge))
        for row, edge in zip(said.ended.tolist(), said.ended_samples.tolist(), strict=True):
            facts.append(Fact("ended", row, at, edge))
    return facts


def speech(ms: int) -> NDArray[np.int16]:
    return np.full(8 * ms, LOUD, np.int16)


def sound(ms: int) -> NDArray[np.int16]:
    """Loud, and no speech to PitchModel."""
    return np.full(8 * ms, -LOUD, np.int16)


def silence(ms: int) -> NDArray[np.int16]:
    return np.zeros(8 * ms, np.int16)


def one_row(*parts: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.concatenate(parts)[None]


def test_speech_is_suspected_confirmed_and_ended_with_its_edges() -> None:
    vad = Vad(1, 8000, model=PitchModel())
    facts = listen(vad, one_row(silence(1000), speech(800), silence(1000)))
    assert [fact.what for fact in facts] == ["suspected", "started", "ended"]
    suspected, started, ended = facts
    assert suspected.at - 8000 <= 2 * FRAME
    assert 80 * 8 <= started.at - 8000 <= 140 * 8
    assert started.edge == 8000
    assert 0 <= ended.edge - 14_400 <= WINDOW
    assert 200 * 8 <= ended.at - 14_400 <= 264 * 8
    assert not vad.speaking[0]
    assert vad.probability[0] == 0


def test_a_short_sound_is_suspected_and_dropped() -> None:
    vad = Vad(1, 8000, model=PitchModel())
    facts = listen(vad, one_row(silence(500), speech(40), silence(500)))
    assert [fact.what for fact in facts] == ["suspected", "dropped"]
    assert facts[1].at - facts[0].at <= 200 * 8


def test_a_pause_shorter_than_the_hangover_does_not_end_speech() -> None:
    vad = Vad(1, 8000, model=PitchModel())
    audio = one_row(silence(500), speech(400), silence(140), speech(400), silence(600))
    assert [fact.what for fact in listen(vad, audio)] == ["suspected", "started", "ended"]


def test_a_doubt_that_is_never_resolved_is_dropped() -> None:
    # Every window is neither speech (0.5) nor silence (0.35).
    doubtful = np.where(np.arange(8 * 1000) % 100 < 42, LOUD, -LOUD).astype(np.int16)
    vad = Vad(1, 8000, model=PitchModel())
    facts = listen(vad, one_row(silence(400), speech(40), doubtful))
    assert [fact.what for fact in facts] == ["suspected", "dropped"]


def test_a_doubt_in_the_middle_of_speech_does_not_end_it() -> None:
    # A word's weak part: the model hears less than speech, and more than silence, for a second.
    doubtful = np.where(np.arange(8 * 1000) % 100 < 42, LOUD, -LOUD).astype(np.int16)
    vad = Vad(1, 8000, model=PitchModel())
    facts = listen(vad, one_row(silence(400), speech(400), doubtful, speech(200), silence(600)))
    assert [fact.what for fact in facts] == ["suspected", "started", "ended"]


def test_loud_sound_that_is_no_speech_says_nothing() -> None:
    vad = Vad(1, 8000, model=PitchModel())
    assert listen(vad, one_row(silence(300), sound(2000), silence(300))) == []


def test_rows_that_are_not_loud_do_not_reach_the_model() -> None:
    model = PitchModel()
    vad = Vad(4, 8000, model=model)
    rng = np.random.default_rng(1)
    audio = np.stack([to_int16(noise(16_000, rng, -60)) for _ in range(4)])
    listen(vad, audio[:, :8000])  # the floor finds the line's own
    model.heard.clear()
    audio[2, 12_000:13_000] = LOUD
    listen(vad, audio[:, 8000:], start=8000)
    assert set(model.heard) == {2}


def test_each_window_follows_the_one_before_and_none_is_skipped() -> None:
    model = PitchModel()
    vad = Vad(1, 8000, model=model)
    row = one_row(silence(300), sound(100), sound(1300))
    row[0, 2400:] = -np.arange(6000, 6000 + 8 * 1400)  # every sample tells its place
    listen(vad, row)
    scaled = [np.rint(window * 32768).astype(int) for window in model.windows]
    ends = [int(window[-1]) for window in scaled[6:]]
    assert len(ends) > 20
    assert set(np.diff(ends)) == {-WINDOW}


def test_a_quiet_line_is_amplified_for_the_model_and_a_loud_one_is_not() -> None:
    for level, least, most in ((150, 0.02, 0.06), (8000, 0.2, 0.3)):
        model = PitchModel()
        wave = np.where(np.arange(4000) % 2, level, -level).astype(np.int16)
        listen(Vad(1, 8000, model=model), one_row(silence(4000), wave))
        assert least < np.abs(model.windows[-1]).max() < most


def test_concealed_frames_are_never_speech() -> None:
    vad = Vad(1, 8000, model=PitchModel())
    audio = one_row(silence(500), speech(1000), silence(200))
    concealed = np.zeros((1, 85), bool)
    concealed[0, 25:75] = True
    assert listen(vad, audio, concealed) == []


def test_windows_that_touch_a_concealed_frame_are_not_judged() -> None:
    vad = Vad(1, 8000, model=PitchModel())
    audio = one_row(silence(500), speech(1000), silence(200))
    concealed = np.zeros((1, 85), bool)
    concealed[0, 25:80:2] = True  # past the end: no window of speech alone is left
    assert listen(vad, audio, concealed) == []


def test_a_sound_that_rises_is_judged_with_its_first_frame_whatever_the_window_phase() -> None:
    rows = 3 * PHASES
    vad = Vad(rows, 8000, model=PitchModel())
    facts = listen(vad, np.repeat(one_row(silence(500), speech(60)), rows, axis=0))
    suspected = [fact for fact in facts if fact.what == "suspected"]
    assert len(suspected) == rows
    assert {fact.at for fact in suspected} == {4000 + FRAME}


def test_a_short_concealment_does_not_end_speech_and_a_long_one_does() -> None:
    for lost_frames, expected in (
        (9, ["suspected", "started"]),
        (30, ["suspected", "started", "ended"]),
    ):
        vad = Vad(1, 8000, model=PitchModel())
        audio = one_row(silence(500), speech(400), silence(20 * lost_frames), speech(200))
        concealed = np.zeros((1, audio.shape[1] // FRAME), bool)
        concealed[0, 45 : 45 + lost_frames] = True
        facts = listen(vad, audio[:, : (45 + lost_frames + 5) * FRAME], concealed)
        assert [fact.what for fact in facts][: len(expected)] == expected
        assert ("ended" in [fact.what for fact in facts]) == ("ended" in expected)


def test_a_raised_threshold_judges_one_row_more_strictly() -> None:
    vad = Vad(2, 8000, model=PitchModel())
    vad.set_threshold(1, 0.9)
    half = np.where(np.arange(8 * 600) % 100 < 65, LOUD, -LOUD).astype(np.int16)
    audio = np.repeat(one_row(silence(500), half, silence(500)), 2, axis=0)
    facts = listen(vad, audio)
    assert [fact.what for fact in facts if fact.row == 0] == ["suspected", "started", "ended"]
    assert "started" not in [fact.what for fact in facts if fact.row == 1]


def test_rows_are_independent_and_their_phases_even() -> None:
    rng = np.random.default_rng(6)
    offsets = rng.integers(300, 900, 2 * PHASES)
    parts = [
        np.concatenate([silence(int(at)), speech(500), silence(1400 - int(at))]) for at in offsets
    ]
    together = listen(Vad(len(parts), 8000, model=PitchModel()), np.stack(parts))
    for row, at in enumerate(offsets):
        mine = [fact for fact in together if fact.row == row]
        assert [fact.what for fact in mine] == ["suspected", "started", "ended"]
        assert abs(mine[1].edge - at * 8) <= FRAME
    model = PitchModel()
    vad = Vad(PHASES, 8000, VadSettings(strong_db=90), model)
    counts: list[int] = []
    loud = np.full((PHASES, FRAME), -LOUD, np.int16)
    for tick in range(40):
        before = len(model.heard)
        vad.push(PHASES, loud, np.zeros(PHASES, bool), np.full(PHASES, tick * FRAME))
        counts.append(len(model.heard) - before)
    assert set(counts[8:]) == {5}, "8 rows, 5 windows in 8 frames"


def test_a_cleared_row_is_quiet_and_growing_forgets_nothing() -> None:
    model = PitchModel()
    vad = Vad(2, 8000, model=model)
    audio = np.repeat(one_row(silence(300), speech(300)), 2, axis=0)
    listen(vad, audio)
    assert vad.speaking.tolist() == [True, True]
    vad.clear(1)
    vad.grow(5)
    assert model.cleared == [1]
    assert vad.speaking.tolist() == [True, False, False, False, False]
    facts = listen(vad, np.repeat(one_row(silence(600)), 5, axis=0), start=audio.shape[1])
    assert [(fact.what, fact.row) for fact in facts] == [("ended", 0)]


def real_vad(rate_hz: int, rows: int) -> Vad:
    try:
        return Vad(rows, rate_hz, model=Silero(rows, load_weights(rate_hz)))
    except VadUnavailable as error:
        pytest.skip(str(error))


def talkers(rate_hz: int, rows: int, noise_dbfs: float) -> tuple[NDArray[np.int16], list[int], int]:
    """Voices that begin at random places: audio, first samples, samples of each."""
    audio, begins, spoken = [], [], rate_hz * 3 // 2
    for seed in range(rows):
        rng = np.random.default_rng(seed)
        begin = int(rng.integers(rate_hz, rate_hz * 3 // 2))
        line = noise(rate_hz * 4, rng, noise_dbfs)
        level = (600.0, 2000.0, 5000.0)[seed % 3]
        pitch_hz = (105, 140, 190, 230)[seed % 4]
        line[begin : begin + spoken] += voice(rate_hz, 1500, rng, level, pitch_hz)
        audio.append(to_int16(line))
        begins.append(begin)
    return np.stack(audio), begins, spoken


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_voice_is_suspected_within_60_ms_and_its_edges_are_true(rate_hz: int) -> None:
    rows, per_ms = 24, rate_hz // 1000
    audio, begins, spoken = talkers(rate_hz, rows, -60)
    facts = listen(real_vad(rate_hz, rows), audio)
    measured: list[tuple[float, ...]] = []
    for row, begin in enumerate(begins):
        mine = [fact for fact in facts if fact.row == row and fact.at > begin]
        suspected, started, ended = (
            next(fact for fact in mine if fact.what == what)
            for what in ("suspected", "started", "ended")
        )
        end = begin + spoken
        edges = (abs(started.edge - begin), abs(ended.edge - end))
        delays = (suspected.at - begin, started.at - begin, ended.at - end)
        measured.append(tuple(samples / per_ms for samples in (*edges, *delays)))
    # p90: the synthetic voice is not always one to the model.
    began_off, ended_off, suspected, started, ended = np.percentile(measured, 90, axis=0)
    assert suspected <= 60
    assert started <= 180
    assert ended <= 320
    assert began_off <= 40
    assert ended_off <= 60


def test_noises_that_are_no_speech_start_nothing() -> None:
    rng = np.random.default_rng(8)
    at = np.arange(24_000) / 8000
    rows = [noise(24_000, rng, level) for level in (-70, -50, -30)]
    rows += [3000 * np.sin(2 * np.pi * hz * at) for hz in (50, 440)]
    bursts = noise(24_000, rng, -65)
    for start in (4000, 9000, 15_000):
        bursts[start : start + 800] += noise(800, rng, -25)
    clicks = noise(24_000, rng, -65)
    clicks[4000::3000] += 20_000
    audio = np.stack([to_int16(row) for row in [*rows, bursts, clicks]])
    facts = listen(real_vad(8000, len(audio)), audio)
    assert [fact for fact in facts if fact.what == "started"] == []


def test_with_webrtcs_model_a_voice_still_starts_and_ends() -> None:
    audio, begins, _ = talkers(8000, 4, -70)
    vad = Vad(4, 8000, VadSettings(), WebrtcModel(4, 8000))
    facts = listen(vad, audio)
    for row, begin in enumerate(begins):
        mine = [fact for fact in facts if fact.row == row]
        started = [fact for fact in mine if fact.what == "started"]
        assert len(started) == 1
        assert 0 <= started[0].at - begin <= 8 * 250
        assert [fact for fact in mine if fact.what == "ended"]
