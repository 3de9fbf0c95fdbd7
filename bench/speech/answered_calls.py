"""What is heard after a call was answered, with who answered it: people, machines, menus, faxes.

Voices are Debian's Asterisk prompts (five speakers, human_speech.py), which are put together as
voicemail and switchboards do it, and espeak-ng's (several voices a language) for what prompts lack:
people's greetings and personal mailboxes. Tones, noise and music are made here. Everything is
seeded. Not here: lines and noise (bench/machines.py), and who is to find out.
"""

import math
import random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...codecs import tones
from ...media.conversation.records import AnsweredBy
from .human_speech import Prompts
from .synthetic_voices import Sayings

RATE_HZ = 16000
LISTEN_S = 12.0
"Silence after the last sound: somebody waits for us to say something."
VOICE_LEVEL = 1500.0
"RMS of speech while it sounds, -27 dBFS."
TONE_PEAK = 4000.0

Pcm = NDArray[np.int16]


class Said(NamedTuple):
    """Words and where their sound ends."""

    until_s: float
    text: str


class AnsweredCall(NamedTuple):
    """A labelled call, from its answer on."""

    kind: str
    "How it was made."
    answered_by: AnsweredBy | None
    "None: there is no word for it (music); only harm is counted."
    pcm: Pcm
    said: list[Said]
    beep_ended_s: float | None = None


class Maker:
    """A call in the making."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._parts: list[Pcm] = []
        self._samples = 0
        self.said: list[Said] = []
        self.beep_ended_s: float | None = None

    def silence(self, least_s: float, most_s: float | None = None) -> None:
        seconds = least_s if most_s is None else self.rng.uniform(least_s, most_s)
        self._add(np.zeros(int(seconds * RATE_HZ), np.int16))

    def voice(self, pcm: Pcm, text: str) -> None:
        """Speech, at the level that all have."""
        sound = pcm.astype(np.float64)
        loud = np.abs(sound) > 0.02 * np.abs(sound).max(initial=1)
        level = math.sqrt(float(np.mean(sound[loud] ** 2))) if loud.any() else 1.0
        wanted = VOICE_LEVEL * 10 ** (self.rng.uniform(-6, 6) / 20)
        self._add(np.clip(np.rint(sound * wanted / level), -32768, 32767).astype(np.int16))
        self.said.append(Said(self._samples / RATE_HZ, text))

    def tone(self, hz: float, seconds: float, level_db: float = 0.0) -> None:
        at = np.arange(int(seconds * RATE_HZ))
        edge = np.minimum(1.0, np.minimum(at + 1, len(at) - at) / (0.005 * RATE_HZ))
        peak = TONE_PEAK * 10 ** (level_db / 20)
        self._add(np.rint(peak * edge * np.sin(2 * math.pi * hz * at / RATE_HZ)).astype(np.int16))

    def beep(self) -> None:
        """As recorders have it: one pitch, 0.15 to 1 s."""
        hz = math.exp(self.rng.uniform(math.log(440), math.log(2000)))
        self.tone(hz, self.rng.uniform(0.16, 1.0), self.rng.uniform(-8, 4))
        self.beep_ended_s = self._samples / RATE_HZ

    def sound(self, pcm: Pcm) -> None:
        self._add(pcm)

    def done(self, kind: str, answered_by: AnsweredBy | None) -> AnsweredCall:
        self.silence(LISTEN_S)
        pcm = np.concatenate(self._parts)
        return AnsweredCall(kind, answered_by, pcm, self.said, self.beep_ended_s)

    def _add(self, pcm: Pcm) -> None:
        self._parts.append(pcm)
        self._samples += len(pcm)


class Voices(NamedTuple):
    """One language's."""

    language: str
    prompts: Prompts | None
    sayings: Sayings


def recorded_calls(voices: Voices, rng: random.Random, count: int) -> list[AnsweredCall]:
    """`count` of each kind that prompts can make."""
    prompts = voices.prompts
    if prompts is None:
        return []
    calls: list[AnsweredCall] = []
    for _ in range(count):
        calls += [
            _system_mailbox(prompts, rng),
            _group_mailbox(prompts, rng),
            _recorded_menu(prompts, rng),
            _recorded_queue(prompts, rng),
            _recorded_network(prompts, rng),
            _recorded_person(prompts, rng),
            _recorded_person(prompts, rng),
        ]
    return calls


def spoken_calls(voices: Voices, rng: random.Random, count: int) -> list[AnsweredCall]:
    """`count` of each kind that synthetic voices can make."""
    calls: list[AnsweredCall] = []
    for _ in range(count):
        calls += [
            _spoken(voices, rng, "hello", AnsweredBy.HUMAN),
            _spoken(voices, rng, "name", AnsweredBy.HUMAN),
            _spoken(voices, rng, "business", AnsweredBy.HUMAN),
            _impatient(voices, rng),
            _talkative(voices, rng),
            _mailbox(voices, rng, "mailbox"),
            _mailbox(voices, rng, "short mailbox"),
            _spoken(voices, rng, "menu", AnsweredBy.IVR, again=True),
        ]
    return calls


def soundless_calls(rng: random.Random, count: int) -> list[AnsweredCall]:
    """`count` of each kind without a voice."""
    calls: list[AnsweredCall] = []
    for _ in range(count):
        calls += [_fax(rng), _silence(rng), _busy(rng), _music(rng)]
    return calls


# --- recorded ------------------------------------------------------------------------------------


def _prompt(maker: Maker, prompts: Prompts, *names: str) -> None:
    for name in names:
        maker.voice(_trimmed(prompts.pcm(name)), prompts.words(name))
        maker.silence(0.05, 0.25)


def _answer(rng: random.Random, least_s: float = 0.1, most_s: float = 1.2) -> Maker:
    maker = Maker(rng)
    maker.silence(least_s, most_s)
    return maker


def _system_mailbox(prompts: Prompts, rng: random.Random) -> AnsweredCall:
    """vm-theperson, digits, vm-isunavail or vm-isonphone, vm-intro, beep: as Asterisk does it."""
    maker = _answer(rng)
    digits = [f"digits/{rng.randrange(10)}" for _ in range(rng.randint(3, 5))]
    ending = rng.choice(["vm-isunavail", "vm-isonphone"])
    _prompt(maker, prompts, "vm-theperson", *digits, ending, "vm-intro")
    maker.silence(0.1, 0.6)
    maker.beep()
    return maker.done("system mailbox", AnsweredBy.MACHINE)


def _group_mailbox(prompts: Prompts, rng: random.Random) -> AnsweredCall:
    """vm-nobodyavail, vm-intro; a fifth of them without a beep."""
    maker = _answer(rng)
    _prompt(maker, prompts, "vm-nobodyavail")
    maker.silence(0.0, 0.6)
    _prompt(maker, prompts, "vm-intro")
    maker.silence(0.1, 1.0)
    if rng.random() < 0.8:
        maker.beep()
    return maker.done("group mailbox", AnsweredBy.MACHINE)


def _recorded_menu(prompts: Prompts, rng: random.Random) -> AnsweredCall:
    """A menu's prompts, and after a while again."""
    names = ["dir-intro", "dir-intro-fn", "vm-options", "conf-usermenu", "screen-callee-options"]
    chosen = rng.choice([name for name in names if name in prompts.names()])
    maker = _answer(rng)
    _prompt(maker, prompts, chosen)
    maker.silence(4.0, 6.0)
    _prompt(maker, prompts, chosen)
    return maker.done("recorded menu", AnsweredBy.IVR)


def _recorded_queue(prompts: Prompts, rng: random.Random) -> AnsweredCall:
    """queue-periodic-announce, and again after a while."""
    maker = _answer(rng)
    _prompt(maker, prompts, "queue-periodic-announce")
    maker.silence(6.0, 9.0)
    _prompt(maker, prompts, "queue-periodic-announce")
    return maker.done("queue", AnsweredBy.IVR)


def _recorded_network(prompts: Prompts, rng: random.Random) -> AnsweredCall:
    """ss-noservice, two thirds with Special Information Tones before it."""
    maker = _answer(rng, 0.1, 0.6)
    if rng.random() < 0.67:
        names = ["sit", "sit_intercept", "sit_vacant", "sit_no_circuit"]
        maker.sound(tones.generate(rng.choice(names), "us", RATE_HZ, 1.2))
        maker.silence(0.2, 0.6)
    _prompt(maker, prompts, "ss-noservice")
    return maker.done("number out of service", AnsweredBy.NETWORK)


def _recorded_person(prompts: Prompts, rng: random.Random) -> AnsweredCall:
    """A word or two, as somebody answers; some say it twice, some talk on after a while."""
    maker = _answer(rng, 0.2, 1.5)
    short = [name for name in ("hello", "hello-world", "yes", "vm-goodbye") if _has(prompts, name)]
    numbers = [f"digits/{number}" for number in range(20)]
    greetings, short = short, short + [name for name in numbers if _has(prompts, name)]
    word = rng.choice(greetings if rng.random() < 0.5 else short)
    _prompt(maker, prompts, word)
    what = rng.random()
    if what < 0.3:
        maker.silence(1.5, 3.0)
        _prompt(maker, prompts, word)
    elif what < 0.5:
        maker.silence(0.3, 0.7)
        _prompt(maker, prompts, rng.choice(short))
    return maker.done("recorded person", AnsweredBy.HUMAN)


def _has(prompts: Prompts, name: str) -> bool:
    return name in prompts.names()


# --- synthetic -----------------------------------------------------------------------------------


def _spoken(
    voices: Voices, rng: random.Random, kind: str, by: AnsweredBy, *, again: bool = False
) -> AnsweredCall:
    maker = _answer(rng, 0.2, 1.5)
    pcm, text = voices.sayings.pick(kind, rng)
    maker.voice(_trimmed(pcm), text)
    if again:
        maker.silence(3.5, 6.0)
        maker.voice(_trimmed(pcm), text)
    return maker.done(f"spoken {kind}", by)


def _impatient(voices: Voices, rng: random.Random) -> AnsweredCall:
    """Hello? … Hello?"""
    maker = _answer(rng, 0.2, 1.5)
    pcm, text = voices.sayings.pick("hello", rng)
    for _ in range(rng.randint(2, 3)):
        maker.voice(_trimmed(pcm), text)
        maker.silence(1.2, 3.0)
    return maker.done("impatient person", AnsweredBy.HUMAN)


def _talkative(voices: Voices, rng: random.Random) -> AnsweredCall:
    """A greeting, and when we have said something, at length."""
    maker = _answer(rng, 0.2, 1.5)
    maker.voice(_trimmed(voices.sayings.pick("name", rng)[0]), "")
    maker.silence(2.5, 4.0)
    for _ in range(3):
        pcm, text = voices.sayings.pick("talk", rng)
        maker.voice(_trimmed(pcm), text)
        maker.silence(0.2, 0.5)
    return maker.done("talkative person", AnsweredBy.HUMAN)


def _mailbox(voices: Voices, rng: random.Random, kind: str) -> AnsweredCall:
    """Somebody's own greeting, and a beep; of the longer ones a tenth have none."""
    maker = _answer(rng)
    pcm, text = voices.sayings.pick(kind, rng)
    maker.voice(_trimmed(pcm), text)
    maker.silence(0.1, 1.5)
    if kind == "short mailbox" or rng.random() < 0.9:
        maker.beep()
    return maker.done(f"spoken {kind}", AnsweredBy.MACHINE)


# --- without a voice -----------------------------------------------------------------------------


def _fax(rng: random.Random) -> AnsweredCall:
    """Half answer (CED), half call (CNG): T.30 with its tolerances."""
    maker = _answer(rng, 0.3, 2.0)
    if rng.random() < 0.5:
        maker.tone(2100 + rng.uniform(-15, 15), rng.uniform(2.6, 4.0), rng.uniform(-8, 2))
        return maker.done("fax that answers", AnsweredBy.FAX)
    hz = 1100 + rng.uniform(-38, 38)
    for _ in range(4):
        maker.tone(hz, rng.uniform(0.43, 0.57), -3)
        maker.silence(2.6, 3.4)
    return maker.done("fax that calls", AnsweredBy.FAX)


def _silence(rng: random.Random) -> AnsweredCall:
    """Nothing, or the noise of a line."""
    maker = Maker(rng)
    level = rng.choice([0.0, 10.0, 60.0, 150.0])
    noise = np.random.default_rng(rng.randrange(1 << 30)).normal(0, level, 10 * RATE_HZ)
    maker.sound(np.rint(noise).astype(np.int16))
    return maker.done("silence", AnsweredBy.SILENCE)


def _busy(rng: random.Random) -> AnsweredCall:
    """A gateway that answers and plays busy or congestion."""
    maker = _answer(rng)
    name, region = rng.choice([("busy", "etsi"), ("busy", "us"), ("congestion", "etsi")])
    maker.sound(tones.generate(name, region, RATE_HZ, 6.0))
    return maker.done("busy tone", AnsweredBy.NETWORK)


def _music(rng: random.Random) -> AnsweredCall:
    """Chords and a melody of four harmonics, 100 to 180 beats a minute."""
    maker = _answer(rng)
    beat_s = 60 / rng.uniform(100, 180)
    root_hz = 220 * 2 ** (rng.randrange(12) / 12)
    for _ in range(int(15 / beat_s)):
        at = np.arange(int(beat_s * RATE_HZ)) / RATE_HZ
        sound = np.zeros(len(at))
        notes = [0, rng.choice([3, 4]), 7, 12 + rng.choice([0, 2, 4, 7, 9])]
        for step in notes if rng.random() < 0.8 else notes[-1:]:
            hz = root_hz * 2 ** (step / 12)
            for harmonic in range(1, 5):
                sound += np.sin(2 * math.pi * hz * harmonic * at) / harmonic**1.5
        sound *= np.exp(-at / (beat_s * 1.5))
        maker.sound(np.rint(1500 * sound).astype(np.int16))
    return maker.done("music", None)


def _trimmed(pcm: Pcm) -> Pcm:
    """Without the silence around it."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > 0.01 * np.abs(pcm).max(initial=1))
    return pcm[loud[0] : loud[-1] + 1] if loud.size else pcm
