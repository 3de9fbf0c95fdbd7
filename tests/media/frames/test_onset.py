"""What rises over the agent's voice is told with its first frame; what is no news is not told."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs import g711
from offhook.codecs.catalog import PCMU
from offhook.media.clock import VirtualClock
from offhook.media.events import AnyMediaEvent, SoundPassed, SoundRose, SpeechSuspected
from offhook.media.frames.engine import Engine, EngineSettings
from offhook.media.frames.frame_clock import PHASES, TICK_S
from offhook.media.frames.lane import LaneSettings
from offhook.media.frames.lanes import FRAME_MS
from offhook.media.frames.onset import LONGEST_FRAMES, OVER_FRAMES, Onset
from offhook.media.frames.recorder import Recorder
from offhook.media.frames.vad import VadSettings
from offhook.tests.kit.fake_wire import FAR_END, FakeWire
from offhook.tests.kit.synthetic_voice import noise, to_int16, voice

FRAME = 160
QUIET = (8 / 32768) ** 2
"Power of the floor of a silent line."

Peaks = Sequence[float]


def frames_with(
    onset: Onset, arrived: Peaks, sent: Peaks | None = None, **flags: bool
) -> list[float]:
    """Push a peak a frame to the one row; the frames in which something rose, negative: passed."""
    told: list[float] = []
    flag = {name: np.array([flags.get(name, name == "audible")]) for name in ("audible", "speech")}
    for at, peak in enumerate(arrived):
        left = np.full((1, FRAME), 0 if sent is None else sent[at], np.int16)
        floor = np.array([QUIET], np.float32)
        heard = np.array([peak], np.float32)
        tick = onset.push(1, heard, left, floor, flag["audible"], flag["speech"])
        told += [at] * len(tick.rose) + [-at] * len(tick.passed)
    return told


def test_a_sound_is_told_with_its_first_frame_and_passes_when_it_is_over() -> None:
    assert frames_with(Onset(1), [0] * 5 + [3000] * 3 + [0] * 9) == [5, -(7 + OVER_FRAMES)]


def test_what_goes_on_is_not_waited_for_for_ever() -> None:
    assert frames_with(Onset(1), [0] * 5 + [3000] * 90) == [5, -(5 + LONGEST_FRAMES)]


def test_nothing_is_told_while_the_agent_is_silent_or_of_sounds_from_before_it_spoke() -> None:
    onset = Onset(1)
    assert frames_with(onset, [0] * 5 + [3000] * 9, audible=False) == []
    assert frames_with(onset, [3000] * 50) == []


@pytest.mark.parametrize("peak", [150.0, 20.0])
def test_what_is_too_soft_for_a_caller_is_not_told(peak: float) -> None:
    assert frames_with(Onset(1), [0] * 5 + [peak] * 9) == []


def test_noise_is_not_told_and_a_sound_above_it_is() -> None:
    rng = np.random.default_rng(3)
    level = np.full(1, 10 ** (-40 / 10), np.float32)
    heard = np.abs(noise(FRAME * 500, rng, -40)).reshape(-1, FRAME).max(axis=1).astype(np.float32)
    heard[400] = 8000
    onset, sent, yes = Onset(1), np.zeros((1, FRAME), np.int16), np.ones(1, bool)
    told = [
        at
        for at, peak in enumerate(heard)
        if len(onset.push(1, np.array([peak]), sent, level, yes, ~yes).rose)
    ]
    assert told == [400]


def test_of_the_keys_of_a_keyboard_only_the_first_is_told() -> None:
    keys = ([8000.0] + [0.0] * 12) * 6
    assert [at for at in frames_with(Onset(1), [0] * 5 + keys) if at > 0] == [5]
    louder = [*keys, 30_000]
    assert [at for at in frames_with(Onset(1), [0] * 5 + louder) if at > 0] == [5, 5 + len(keys)]


def test_what_turned_out_to_be_speech_is_told_again_the_next_time() -> None:
    spoken = [0.0] * 5 + [8000.0] * 20
    assert [at for at in frames_with(Onset(1), spoken * 2, speech=True) if at > 0] == [5, 30]


@pytest.mark.parametrize("echo_db", [-10, -20, -30])
@pytest.mark.parametrize("later_frames", [2, 6, 15])
def test_our_own_voice_is_learned_and_a_caller_above_it_is_told(
    echo_db: int, later_frames: int
) -> None:
    rng = np.random.default_rng(later_frames)
    said = voice(8000, 9000, rng, 5000.0, 120)
    sent = [float(each) for each in said.reshape(-1, FRAME).max(axis=1)]
    back = [0.0] * later_frames + [peak * 10 ** (echo_db / 20) for peak in sent]
    back = back[: len(sent)]
    onset = Onset(1)
    learned = len(sent) // 3
    frames_with(onset, back[:learned], sent[:learned])
    told = frames_with(onset, back[learned:-20], sent[learned:-20])
    assert told == [], "it has been learned"
    assert onset.may_be_echo(np.array([0])).tolist() == [True]
    rises = frames_with(onset, [*back[-20:-1], 3 * max(back)], sent[-20:])
    assert rises == [19]
    assert onset.may_be_echo(np.array([0])).tolist() == [False]


def test_without_an_echo_even_a_soft_caller_is_told() -> None:
    sent = [8000.0] * 150
    assert frames_with(Onset(1), [*[0.0] * 149, 300.0], sent) == [149]


def test_a_caller_who_interrupts_is_hardly_taken_for_an_echo_the_next_time() -> None:
    onset = Onset(1)
    frames_with(onset, [0.0] * 200, [8000.0] * 200)
    before = onset.returned[0]
    frames_with(onset, [8000.0] * 12, [8000.0] * 12, speech=True)
    frames_with(onset, [8000.0] * 60, [0.0] * 60, audible=False, speech=True)
    assert onset.returned[0] <= 4 * before


def test_a_row_is_as_new_when_it_is_cleared() -> None:
    onset = Onset(2)
    frames_with(onset, [8000.0] * 40, [8000.0] * 40)
    onset.clear(0)
    for name in onset._fills:
        assert getattr(onset, name)[0] == getattr(onset, name)[1]


class Call:
    """One lane of a real engine whose agent speaks; the caller's packets come just after a tick."""

    def __init__(self) -> None:
        self.clock, self.wire = VirtualClock(), FakeWire()
        settings = EngineSettings(vad=VadSettings())
        self.engine = Engine(self.clock, self.wire, Recorder(), random.Random(1), settings)
        self.lane = self.engine.open(
            LaneSettings(PCMU, 0, receive_payload_type=0, destination=FAR_END)
        )
        self.told: list[tuple[float, AnyMediaEvent]] = []
        self.lane.sink = lambda event: self.told.append((self.clock.now(), event))
        self._ticks = 0

    def speak(self, pcm: NDArray[np.int16]) -> None:
        self.lane.play(1, pcm)
        self.lane.open_gate(1)

    def hear(self, pcm: NDArray[np.int16]) -> None:
        phase = self.lane.place[0] % PHASES
        for number, frame in enumerate(pcm.reshape(-1, FRAME)):
            head = b"\x80\x00" + number.to_bytes(2, "big") + (number * FRAME).to_bytes(4, "big")
            payload = g711.encode_ulaw(frame).tobytes()
            self.wire.arrive(self.lane.place, head + b"\0\0\0\1" + payload)
            for _ in range(FRAME_MS // 5):
                self.clock.advance(TICK_S)
                self.engine.tick((phase + 1 + self._ticks) % PHASES)
                self._ticks += 1

    def first(self, kind: type[AnyMediaEvent], after: float) -> float:
        return next(at for at, event in self.told if isinstance(event, kind) and at > after)


def test_a_caller_is_told_by_the_tick_that_brings_the_first_packet_before_it_is_heard() -> None:
    call = Call()
    rng = np.random.default_rng(2)
    call.speak(to_int16(voice(8000, 4000, rng, 3000.0, 110)))
    line = noise(8000 * 3, rng, -65)
    begin = 8000 * 2 - FRAME // 4  # the last 5 ms of a packet
    line[begin : begin + 6400] += voice(8000, 800, rng, 4000.0, 200)
    call.hear(to_int16(line))
    spoke_at = begin / 8000
    rose_at = call.first(SoundRose, 0)
    assert spoke_at < rose_at <= spoke_at + 0.030
    assert rose_at < call.first(SpeechSuspected, 0)
    assert rose_at < call.first(SoundPassed, 0)
