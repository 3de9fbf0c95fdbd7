"""What became of the agent's voice when somebody made a sound over it. Pure.

The agent's undisturbed rendering is the reference: what is heard is compared with it, so that a
pause of the speaker is not taken for silence, and a sample that is missing is missed. An agent that
never says the same thing twice has none: its level alone is looked at, which cannot tell a duck
from a soft word, nor a lost sample at all. Not here: the sounds (disturbances.py).
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..speech.waveform import GAIN_WINDOW_MS, LOUD_REFERENCE_RMS, find, first_audible, gain, levels
from .line import RATE_HZ, Pcm

WINDOW = RATE_HZ * GAIN_WINDOW_MS // 1000
DUCKED = 0.5
"-6 dB."
SILENT = 0.05
"-26 dB: less than half of the duck's -18 dB is no voice any more."
PIECE = RATE_HZ // 2
"So much of the agent's voice is looked for in the reference."
SURE = 0.7
"Correlation from which on it is that voice."
STILL_RMS = 60.0
STILL_WINDOWS = 6
"Silence is softer than that for so long: more than between two sounds of a word."
LOUD_SHARE = 0.85
"A place of the reference where a stop can be timed: so much of the time it is loud."
EDGE = WINDOW
"So few samples between a fade's end and a word's beginning are not audible: none is lost."
LEVEL_BEFORE = RATE_HZ
"Without a reference, the voice's level is that of the second before."
SPOKE_JUST_NOW = RATE_HZ // 5
REPEAT_STEP = 3 * RATE_HZ
"Two renderings are compared in pieces so far apart."


class Outcome(msgspec.Struct, frozen=True):
    """What became of the agent's voice after somebody made a sound. Samples since that sound."""

    duck: int | None = None
    "Where its level falls: halfway, when it falls slowly."
    silent: int | None = None
    "Where nothing of it can be heard any more, for the first time."
    leaked_ms: int = 0
    "Heard of it after that silence."
    resumed: bool = False
    "In the end the agent goes on with what it was saying."
    yielded: bool = False
    "It had fallen silent before it went on."
    lost: int | None = None
    "Audible samples of the rendering that were skipped; None: not known."
    repeated: int = 0
    "Samples of the rendering that were said twice."


def outcome(
    heard: Pcm, reference: Pcm, onset: int, end: int, quiet_until: int | None = None
) -> Outcome | None:
    """The agent's voice from `onset` to `end` in `heard`; None: it was not there before.

    To go on, it must be there in the last half second before `end`. Having stopped, it should not
    be heard before `quiet_until` (None: before `end`); then comes its answer.
    """
    if not 0 < onset <= end - PIECE or end > len(heard):
        return None  # the call was over before
    before = find(heard[max(0, onset - PIECE) : onset], reference)
    if before.correlation < SURE:
        return None
    ahead = before.at_samples + min(PIECE, onset) - onset  # place in the reference - in `heard`
    after = find(heard[end - PIECE : end], reference)
    follows = after.at_samples - (end - PIECE)
    resumed = after.correlation >= SURE
    voice = gain(heard[onset:end], reference[onset + ahead :], RATE_HZ)
    still = np.convolve(levels(heard[onset:end], WINDOW) < STILL_RMS, np.ones(STILL_WINDOWS))
    still = still[STILL_WINDOWS - 1 :][: len(voice)] >= STILL_WINDOWS
    duck = _fall(heard[onset:end], reference[onset + ahead :], voice)
    if resumed and follows == ahead:
        return Outcome(duck=duck, resumed=True, lost=0)
    # A voice that skipped something is not the expected one either: silence is nothing at all.
    quiet = np.flatnonzero((voice < SILENT) & still)
    if not quiet.size:
        if not resumed:
            return Outcome(duck=duck)
        return Outcome(
            duck=duck, resumed=True, lost=max(0, follows - ahead), repeated=max(0, ahead - follows)
        )
    first = int(quiet[0])
    audible = np.flatnonzero(voice[:first] >= SILENT)
    near = onset + ((int(audible[-1]) + 1) * WINDOW if audible.size else 0)
    stopped_at = _last_of(heard, near, reference, ahead)
    silent = max(0, stopped_at - onset)
    if not resumed:
        leaked = _loud_ms(
            heard[onset + first * WINDOW : end if quiet_until is None else quiet_until]
        )
        return Outcome(duck=duck, silent=silent, leaked_ms=leaked)
    again = first_audible(heard[onset + first * WINDOW : end], RATE_HZ)
    assert again is not None, "what was found in the reference is audible"
    left_off, goes_on = stopped_at + ahead, onset + first * WINDOW + again + follows
    lost = _audible(reference[left_off:goes_on]) if goes_on - left_off > EDGE else 0
    return Outcome(
        duck=duck,
        silent=silent,
        resumed=True,
        yielded=True,
        lost=lost,
        repeated=max(0, left_off - goes_on),
    )


def outcome_by_level(
    heard: Pcm, onset: int, end: int, quiet_ms: int, quiet_until: int | None = None
) -> Outcome | None:
    """The same without a reference: it stopped when it is quiet for `quiet_ms`.

    None: the agent did not speak just before. A pause of the speaker that is so long is taken for
    a stop; so `quiet_ms` must be longer than his pauses.
    """
    if end > len(heard):
        return None  # the call was over before
    before = levels(heard[max(0, onset - LEVEL_BEFORE) : onset], WINDOW)
    if not np.any(before[-SPOKE_JUST_NOW // WINDOW :] >= LOUD_REFERENCE_RMS):
        return None
    audible = float(np.median(before[before >= LOUD_REFERENCE_RMS])) * SILENT
    after = levels(heard[onset:end], WINDOW) >= max(audible, LOUD_REFERENCE_RMS * SILENT)
    span = quiet_ms // GAIN_WINDOW_MS
    quiet = (
        np.flatnonzero(np.convolve(~after, np.ones(span), "valid") >= span)
        if len(after) >= span
        else np.zeros(0)
    )
    if not quiet.size:
        return Outcome(resumed=True)
    silent = int(quiet[0]) * WINDOW
    rest = heard[onset + silent : end if quiet_until is None else quiet_until]
    return Outcome(silent=silent, leaked_ms=_loud_ms(rest))


def repeatable(first: Pcm, second: Pcm) -> bool:
    """Whether an agent says the same thing in the same way each time: only then is one rendering a
    reference for the next."""
    starts = range(PIECE, min(len(first), len(second)) - PIECE, REPEAT_STEP)
    pieces = [second[at : at + PIECE] for at in starts]
    spoken = [each for each in pieces if _loud_ms(each) >= 1000 * PIECE / RATE_HZ / 2]
    return bool(spoken) and all(find(each, first).correlation >= SURE for each in spoken)


def _loud_ms(pcm: Pcm) -> int:
    loud = int(np.count_nonzero(levels(pcm, WINDOW) >= LOUD_REFERENCE_RMS))
    return loud * GAIN_WINDOW_MS


def _fall(heard: Pcm, reference: Pcm, voice: NDArray[np.float64]) -> int | None:
    """The sample from which on the voice is at -6 dB or less; None: it never is.

    Of all places near the first such window, the one where two levels, the one before and the one
    after, fit best what was heard.
    """
    ducked = np.flatnonzero(voice < DUCKED)
    if not ducked.size:
        return None
    first = int(ducked[0])
    begin, end = max(0, first - 1) * WINDOW, (first + 1) * WINDOW
    known = voice[max(0, first - 3) : max(0, first - 1)]
    before = float(np.nanmean(known)) if np.any(~np.isnan(known)) else 1.0
    after = (
        float(np.nan_to_num(voice[first + 1], nan=voice[first])) if first + 1 < len(voice) else 0.0
    )
    ear, said = heard[begin:end].astype(np.float64), reference[begin:end].astype(np.float64)
    miss_before = np.concatenate([[0.0], np.cumsum((ear - before * said) ** 2)])
    miss_after = np.concatenate([[0.0], np.cumsum((ear - after * said) ** 2)])
    return begin + int(np.argmin(miss_before + miss_after[-1] - miss_after))


def _last_of(heard: Pcm, around: int, reference: Pcm, ahead: int) -> int:
    """The sample at which the voice stops, exclusive: within a window of `around`."""
    begin = max(0, around - 2 * WINDOW)
    ear = np.abs(heard[begin : around + WINDOW].astype(np.int32))
    voice = reference[begin + ahead : around + ahead].astype(np.float64)
    limit = SILENT * float(np.sqrt(np.mean(voice**2))) if len(voice) else 0.0
    sounding = np.flatnonzero(ear > max(limit, 1.0))
    return begin + int(sounding[-1]) + 1 if sounding.size else around


def _audible(pcm: Pcm) -> int:
    """Samples in windows that can be heard; the last may be shorter."""
    rest = len(pcm) % WINDOW
    tail = levels(pcm[len(pcm) - rest :], rest) if rest else np.zeros(0)
    whole = int(np.count_nonzero(levels(pcm, WINDOW) >= LOUD_REFERENCE_RMS)) * WINDOW
    return whole + int(np.count_nonzero(tail >= LOUD_REFERENCE_RMS)) * rest


def places(reference: Pcm, before_ms: int, after_ms: int) -> list[int]:
    """Where the voice is loud for so long around: there, a duck and a stop can be timed."""
    loud = levels(reference, WINDOW) >= LOUD_REFERENCE_RMS
    span = (before_ms + after_ms) // GAIN_WINDOW_MS
    share = np.convolve(loud, np.ones(span), "valid") / span
    return [
        (int(first) + before_ms // GAIN_WINDOW_MS) * WINDOW
        for first in np.flatnonzero(share >= LOUD_SHARE)
    ]


def sharp_begin(pcm: Pcm) -> Pcm:
    """Words from the place on where they are 20 dB below their loudest."""
    window = RATE_HZ // 200
    each = levels(pcm, window)
    return pcm[int(np.argmax(each >= each.max() / 10)) * window :]
