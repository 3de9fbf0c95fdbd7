"""What steady tones mean at the far end of a call that we placed: beep, fax, busy. Pure.

Tones that follow one another within GAP_MS are a group, and a group is judged when it is over: one
or two are a beep, three of rising pitch are Special Information Tones (ITU-T E.180 §5.7, Telcordia
GR-674), more are music. A fax answers with 2100 Hz for 2.6 to 4 s (CED, ITU-T T.30 §4.3.3); one
that calls sends 1100 Hz for half a second every three (CNG, §4.3.2). Which tones there are:
frames/tones.py.
"""

import enum

from ..events import ToneEnded, ToneHeard

GAP_MS = 200
SETTLE_MS = 360
"After a tone: by then the next of its group would have been told."
BEEP_HZ = 438.0
"Beeps are from 440 Hz on; below lie dialling and ringing tones of 425 Hz."
BEEP_MS = 2500
"Longer tones are no beep."
MOST_OF_A_BEEP = 2
"Tones in a row."
CED_HZ, CED_TOLERANCE_HZ = 2100.0, 20.0
"T.30 allows 15 Hz."
CED_MS = 900
"A beep of that pitch is over by then."
CNG_HZ, CNG_TOLERANCE_HZ = 1100.0, 40.0
CNG_MS = (400, 650)
"T.30: 0.5 s, 15 % more or less."
CNG_AGAIN_MS = (2300, 3800)
"From the end of one to the next."
SIT_HZ = ((880.0, 1010.0), (1340.0, 1460.0), (1740.0, 1840.0))
"E.180: 950, 1400, 1800 Hz, 50 Hz more or less; GR-674: 913.8 or 985.2, 1370.6 or 1428.5, 1776.7."
BUSY_HZ = (380.0, 438.0)
BUSY_PAIR_HZ = (480.0, 620.0)
"North America."
PAIR_TOLERANCE_HZ = 15.0
BUSY_MS = (140, 700)
"A burst, and the gap to the next: busy and congestion of all regions."
BUSY_BURSTS = 3


MOST_KEPT = 7
"Of a group: music may go on for hours."


class Meaning(enum.Enum):
    """What it was."""

    BEEP = "beep"
    FAX = "fax"
    SPECIAL_INFORMATION = "special_information"
    BUSY = "busy"


class ToneMeaning:
    """The tones of one lane, in order. `spoken` of `receive`: somebody has spoken before."""

    def __init__(self, rate_hz: int) -> None:
        self.ended = 0
        "Where the last tone ended."
        self._rate_hz = rate_hz
        self._lasting: ToneHeard | None = None
        self._group: list[ToneEnded] = []
        self._settled_at: int | None = None
        "When the group is over."
        self._cng: ToneEnded | None = None
        self._cng_until: int | None = None
        "A fax repeats it by then; otherwise it was a beep."
        self._bursts: list[ToneEnded] = []
        self._meanings: list[Meaning] = []

    @property
    def lasting(self) -> bool:
        """A tone goes on."""
        return self._lasting is not None

    def next_meaning(self) -> Meaning | None:
        """What has become known."""
        return self._meanings.pop(0) if self._meanings else None

    def receive(self, tone: ToneHeard | ToneEnded, *, spoken: bool) -> None:
        """A tone is heard, or is over."""
        if isinstance(tone, ToneHeard):
            self._lasting = tone
            if self._group and tone.began_samples - self.ended > self._ms(GAP_MS):
                self._judge()
            self._settled_at = None
            if self._is_cng_again(tone):
                self._cng = self._cng_until = None
                self._meanings.append(Meaning.FAX)
            return
        self._lasting = None
        self.ended = max(self.ended, tone.ended_samples)
        self._count_burst(tone)
        self._group = [*self._group[-MOST_KEPT:], tone]
        if _is_sit(self._group):
            self._group = []
            self._settled_at = None
            self._meanings.append(Meaning.SPECIAL_INFORMATION)
            return
        if not spoken and len(self._group) == 1 and self._is_cng(tone):
            self._cng = tone
            self._cng_until = tone.ended_samples + self._ms(CNG_AGAIN_MS[1])
        self._settled_at = tone.ended_samples + self._ms(SETTLE_MS)

    def get_timer(self) -> int | None:
        """When time alone decides something."""
        moments = [at for at in (self._settled_at, self._cng_until, self._ced_due()) if at]
        return min(moments, default=None)

    def advance(self, now: int) -> None:
        """Time has passed."""
        if (due := self._ced_due()) is not None and due <= now:
            self._lasting = None
            self._meanings.append(Meaning.FAX)
        if self._settled_at is not None and self._settled_at <= now:
            self._judge()
        if self._cng_until is not None and self._cng_until <= now:
            self._cng = self._cng_until = None
            self._meanings.append(Meaning.BEEP)

    def _judge(self) -> None:
        """The group is over: a beep, or not."""
        group, self._group, self._settled_at = self._group, [], None
        if self._cng is not None and self._cng is group[0] and len(group) == 1:
            return  # it is waited for
        if len(group) <= MOST_OF_A_BEEP and all(self._may_beep(tone) for tone in group):
            self._meanings.append(Meaning.BEEP)

    def _may_beep(self, tone: ToneEnded) -> bool:
        short = tone.ended_samples - tone.began_samples <= self._ms(BEEP_MS)
        return short and not tone.high_hz and tone.low_hz >= BEEP_HZ

    def _ced_due(self) -> int | None:
        tone = self._lasting
        if tone is None or tone.high_hz or abs(tone.low_hz - CED_HZ) > CED_TOLERANCE_HZ:
            return None
        return tone.began_samples + self._ms(CED_MS)

    def _is_cng(self, tone: ToneEnded) -> bool:
        lasted = tone.ended_samples - tone.began_samples
        pitch = not tone.high_hz and abs(tone.low_hz - CNG_HZ) <= CNG_TOLERANCE_HZ
        return pitch and self._ms(CNG_MS[0]) <= lasted <= self._ms(CNG_MS[1])

    def _is_cng_again(self, tone: ToneHeard) -> bool:
        if self._cng is None or abs(tone.low_hz - CNG_HZ) > CNG_TOLERANCE_HZ or tone.high_hz:
            return False
        gap = tone.began_samples - self._cng.ended_samples
        return self._ms(CNG_AGAIN_MS[0]) <= gap <= self._ms(CNG_AGAIN_MS[1])

    def _count_burst(self, tone: ToneEnded) -> None:
        least, most = map(self._ms, BUSY_MS)
        if not _may_be_busy(tone) or not least <= tone.ended_samples - tone.began_samples <= most:
            self._bursts = []
            return
        if (
            self._bursts
            and not least <= tone.began_samples - self._bursts[-1].ended_samples <= most
        ):
            self._bursts = []
        self._bursts.append(tone)
        if len(self._bursts) == BUSY_BURSTS:
            self._bursts = []
            self._meanings.append(Meaning.BUSY)

    def _ms(self, ms: int) -> int:
        return ms * self._rate_hz // 1000


def _is_sit(group: list[ToneEnded]) -> bool:
    last = group[-len(SIT_HZ) :]
    return len(last) == len(SIT_HZ) and all(
        not tone.high_hz and least <= tone.low_hz <= most
        for tone, (least, most) in zip(last, SIT_HZ, strict=True)
    )


def _may_be_busy(tone: ToneEnded) -> bool:
    if not tone.high_hz:
        return BUSY_HZ[0] <= tone.low_hz < BUSY_HZ[1]
    pair = zip((tone.low_hz, tone.high_hz), BUSY_PAIR_HZ, strict=True)
    return all(abs(hz - wanted) <= PAIR_TOLERANCE_HZ for hz, wanted in pair)
