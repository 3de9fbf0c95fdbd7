"""DTMF keys as tones: generated, and detected in the audio of many lanes (ITU-T Q.23, Q.24).

Detection, every 5 ms over a window of 20 ms (a Goertzel filter a frequency, as one matrix product):
the strongest row and column frequency are taken; how far each is off its nominal value is read from
its phase advance between the window's halves, and its power is corrected for that. A window shows a
key when both tones are loud enough, on frequency, within the twist limits, nearly all of the
window's energy, and without the second harmonic that a voice has. A key is told once, when enough
windows in a row have shown it, and again only after a pause. Not here: RFC 4733 events.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from . import pcm
from .errors import CodecError

ROWS_HZ = (697.0, 770.0, 852.0, 941.0)
COLUMNS_HZ = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = "123A456B789C*0#D"
"Index 4 * row + column (Q.23 Figure 1)."

HOP_MS = 5
HOPS = 4
"Hops in a window: 20 ms."
MIN_LEVEL_DBM0 = -38.0
"A tone; Q.24 Table A-1 asks for -25 to -29 dBm at the exchange, lines and handsets lose some more."
MAX_NORMAL_TWIST_DB = 8.0
"Row tone over column tone."
MAX_REVERSE_TWIST_DB = 4.0
"Column tone over row tone."
TWIST_MARGIN_DB = 1.0
"The window is short, each tone leaks a little into the other: twist at the limit must get through."
MAX_OFFSET = 0.023
"Of the nominal frequency: between 1.5 % (to be accepted) and 3.5 % (to be rejected)."
MIN_SHARE = 0.82
"Of the window's energy in the two tones: 6.6 dB over the rest, and 16.4 of 20 ms."
MIN_RAW_SHARE = 0.3
"The same before correction: what fails this cannot pass, and most of speech and noise fails it."
MAX_HARMONIC = 0.06
"Second harmonic of the column tone over the tone itself (-12 dB)."
WINDOWS_TO_ACCEPT = 5
"In a row: 40 ms of tone give at least 5, 23 ms at most 4."
WINDOWS_TO_RELEASE = 7
"Without a key: a pause of 40 ms gives at least 9, an interruption of 10 ms at most 5."

MAX_NORMAL_TWIST = 10 ** ((MAX_NORMAL_TWIST_DB + TWIST_MARGIN_DB) / 10)
MAX_REVERSE_TWIST = 10 ** ((MAX_REVERSE_TWIST_DB + TWIST_MARGIN_DB) / 10)

RAMP_MS = 2
"Rise and fall of generated tones: no click (Q.23 leaves it open)."
COMMA_MS = 500
"A comma among generated keys waits so long, as in a string of RFC 4733 events."
NO_KEY = -1


def generate(
    digits: str,
    rate_hz: int,
    on_ms: int = 100,
    off_ms: int = 100,
    level_dbm0: float = -9.0,
    twist_db: float = 2.0,
) -> NDArray[np.int16]:
    """The keys as int16[samples], each followed by its pause.

    A comma is silence of COMMA_MS. `level_dbm0` is the column tone's; the row tone is `twist_db`
    lower, to arrive level after a line that loses more at high frequencies. An unknown key raises
    CodecError.
    """
    on, off = on_ms * rate_hz // 1000, off_ms * rate_hz // 1000
    t = np.arange(on) / rate_hz
    ramp = max(1, RAMP_MS * rate_hz // 1000)
    edge = np.minimum(np.arange(1, on + 1), np.arange(on, 0, -1))
    envelope = np.minimum(edge / ramp, 1.0)
    column_peak = pcm.sine_amplitude(level_dbm0)
    row_peak = pcm.sine_amplitude(level_dbm0 - twist_db)
    pieces = [np.zeros(0, np.int16)]
    for digit in digits.upper():
        if digit == ",":
            pieces.append(np.zeros(COMMA_MS * rate_hz // 1000, np.int16))
            continue
        key = KEYS.find(digit)
        if key < 0:
            raise CodecError("DTMF", f"there is no key {digit!r}")
        row, column = ROWS_HZ[key // 4], COLUMNS_HZ[key % 4]
        tone = row_peak * np.sin(2 * math.pi * row * t)
        tone += column_peak * np.sin(2 * math.pi * column * t)
        pieces += [pcm.saturate((tone * envelope).astype(np.float32)), np.zeros(off, np.int16)]
    return np.concatenate(pieces)


class Detected(msgspec.Struct, frozen=True):
    """A key press, noticed in the frames that were pushed."""

    row: int
    "The lane."
    digit: str
    at_offset: int
    "Samples from the beginning of the pushed frames to where it was noticed."


class DtmfDetector:
    """Listens on lanes of one rate; frames are a multiple of 5 ms."""

    def __init__(self, lanes: int, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._hop = HOP_MS * rate_hz // 1000
        self._frequencies = np.array([*ROWS_HZ, *COLUMNS_HZ, *(2 * hz for hz in COLUMNS_HZ)])
        angle = 2 * math.pi * self._frequencies / rate_hz
        basis = np.exp(-1j * angle * np.arange(self._hop)[:, np.newaxis])
        # Real and imaginary parts side by side: the product is then viewed as complex numbers.
        self._basis = np.ascontiguousarray(basis.astype(np.complex64).view(np.float32))
        self._turn = np.exp(-1j * angle * self._hop).astype(np.complex64)
        self._floor = np.float32(10 ** ((MIN_LEVEL_DBM0 - pcm.DBM0_AT_DBOV) / 10))
        bins = len(self._frequencies)
        self._spectra = np.zeros((lanes, HOPS - 1, bins), np.complex64)
        self._energies = np.zeros((lanes, HOPS - 1), np.float32)
        self._candidate = np.full(lanes, NO_KEY, np.int16)
        self._shown = np.zeros(lanes, np.int16)
        self._held = np.full(lanes, NO_KEY, np.int16)
        self._quiet = np.zeros(lanes, np.int16)

    def grow(self, lanes: int) -> None:
        """Make room for `lanes` rows; the old ones go on."""
        more = lanes - len(self._candidate)
        self._spectra = np.pad(self._spectra, ((0, more), (0, 0), (0, 0)))
        self._energies = np.pad(self._energies, ((0, more), (0, 0)))
        self._candidate = np.pad(self._candidate, (0, more), constant_values=NO_KEY)
        self._shown = np.pad(self._shown, (0, more))
        self._held = np.pad(self._held, (0, more), constant_values=NO_KEY)
        self._quiet = np.pad(self._quiet, (0, more))

    def clear(self, row: int) -> None:
        """Make a row as new, for its next lane."""
        self._spectra[row] = 0
        self._energies[row] = 0
        self._candidate[row] = self._held[row] = NO_KEY
        self._shown[row] = self._quiet[row] = 0

    def push(
        self, frames: NDArray[np.int16], rows: NDArray[np.int64] | None = None
    ) -> list[Detected]:
        """The key presses that int16[n, F] complete; `rows` names the lanes, else the first n."""
        count, samples = frames.shape
        if samples % self._hop:
            raise CodecError("DTMF", f"{samples} samples are not a multiple of {HOP_MS} ms")
        at = np.arange(count) if rows is None else rows
        hops = samples // self._hop
        blocks = pcm.to_float(frames).reshape(count * hops, self._hop)
        spectra = (blocks @ self._basis).view(np.complex64).reshape(count, hops, -1)
        energies = np.einsum("bi,bi->b", blocks, blocks).reshape(count, hops)
        spectra = np.concatenate([self._spectra[at], spectra], axis=1)
        energies = np.concatenate([self._energies[at], energies], axis=1)
        self._spectra[at] = spectra[:, hops:]
        self._energies[at] = energies[:, hops:]
        keys = self._keys(spectra, energies)
        return self._follow(keys, at)

    def _keys(
        self, spectra: NDArray[np.complex64], energies: NDArray[np.float32]
    ) -> NDArray[np.int16]:
        """The key that each window shows, or NO_KEY: int16[n, hops]."""
        sums = np.zeros((len(energies), energies.shape[1] + 1), np.float32)
        np.cumsum(energies, axis=1, out=sums[:, 1:])
        power = (sums[:, HOPS:] - sums[:, :-HOPS]) / np.float32(HOPS * self._hop)
        keys = np.full(power.shape, NO_KEY, np.int16)
        loud = power >= 2 * self._floor
        some = np.flatnonzero(loud.any(axis=1))  # of callers who speak, a third of the time
        if some.size == len(keys):
            return self._loud_keys(spectra, power, loud)
        if some.size:
            keys[some] = self._loud_keys(spectra[some], power[some], loud[some])
        return keys

    def _loud_keys(
        self,
        spectra: NDArray[np.complex64],
        power: NDArray[np.floating],
        loud: NDArray[np.bool_],
    ) -> NDArray[np.int16]:
        keys = np.full(power.shape, NO_KEY, np.int16)
        halves = spectra[:, :-1] + spectra[:, 1:] * self._turn
        first, second = halves[:, :-2], halves[:, 2:] * self._turn**2
        whole = first + second
        # A sine of peak p gives |p N / 2|, so its power p^2 / 2 is 2 |X|^2 / N^2.
        tones = 2 * (whole.real**2 + whole.imag**2) / (HOPS * self._hop) ** 2
        worth = loud & (np.einsum("nhb->nh", tones[..., :8]) >= MIN_RAW_SHARE * power)
        if worth.any():
            advance = second[worth] * first[worth].conj()
            keys[worth] = self._judge(advance, tones[worth], power[worth])
        return keys

    def _judge(
        self,
        advance: NDArray[np.complexfloating],
        tones: NDArray[np.floating],
        power: NDArray[np.floating],
    ) -> NDArray[np.int16]:
        """Windows to keys, int16[w].

        `advance[w, bin]` turns by each tone's phase between the window's halves, `tones[w, bin]` is
        its power and `power[w]` the power of everything.
        """
        row = tones[:, :4].argmax(axis=1)
        column = 4 + tones[:, 4:8].argmax(axis=1)
        row_power, row_ok = self._refine(advance, tones, row)
        column_power, column_ok = self._refine(advance, tones, column)
        harmonic = np.take_along_axis(tones, column[:, np.newaxis] + 4, axis=1)[:, 0]
        good = (
            row_ok
            & column_ok
            & (np.minimum(row_power, column_power) >= self._floor)
            & (row_power <= column_power * MAX_NORMAL_TWIST)
            & (column_power <= row_power * MAX_REVERSE_TWIST)
            & (row_power + column_power >= MIN_SHARE * power)
            & (harmonic <= MAX_HARMONIC * column_power)
        )
        return np.where(good, 4 * row + column - 4, NO_KEY).astype(np.int16)

    def _refine(
        self,
        advance: NDArray[np.complexfloating],
        tones: NDArray[np.floating],
        chosen: NDArray[np.int64],
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Power of the chosen bin at its true frequency, and whether that is near enough."""
        at = chosen[:, np.newaxis]
        turned = np.take_along_axis(advance, at, axis=1)[:, 0]
        half_s = HOPS / 2 * HOP_MS / 1000
        offset_hz = np.angle(turned) / (2 * math.pi * half_s)
        near = np.abs(offset_hz) <= MAX_OFFSET * self._frequencies[chosen]
        loss = np.sinc(np.clip(offset_hz, -25.0, 25.0) * 2 * half_s) ** 2
        power = np.take_along_axis(tones, at, axis=1)[:, 0] / loss
        return np.asarray(power, np.float32), np.asarray(near, np.bool_)

    def _follow(self, keys: NDArray[np.int16], at: NDArray[np.int64]) -> list[Detected]:
        """Windows in order of time: count in a row, tell a key once, release it after a pause."""
        if (keys == NO_KEY).all() and (self._candidate[at] == NO_KEY).all():
            # The usual case, a whole frame without a key anywhere, in few steps.
            quiet = np.minimum(self._quiet[at] + keys.shape[1], WINDOWS_TO_RELEASE)
            self._quiet[at] = quiet
            self._held[at[quiet >= WINDOWS_TO_RELEASE]] = NO_KEY
            return []
        found: list[Detected] = []
        for hop in range(keys.shape[1]):
            key = keys[:, hop]
            silent = key == NO_KEY
            same = ~silent & (key == self._candidate[at])
            shown = np.where(same, np.minimum(self._shown[at] + 1, WINDOWS_TO_ACCEPT), ~silent)
            quiet = np.where(silent, np.minimum(self._quiet[at] + 1, WINDOWS_TO_RELEASE), 0)
            held = np.where(quiet >= WINDOWS_TO_RELEASE, NO_KEY, self._held[at])
            pressed = (shown >= WINDOWS_TO_ACCEPT) & (key != held)
            for index in np.flatnonzero(pressed):
                offset = (hop + 1) * self._hop
                found.append(Detected(int(at[index]), KEYS[key[index]], offset))
            self._candidate[at], self._shown[at], self._quiet[at] = key, shown, quiet
            self._held[at] = np.where(pressed, key, held)
        return found
