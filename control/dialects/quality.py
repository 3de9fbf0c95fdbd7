"""A line's quality in a word, after the scale of ITU-T G.107, annex B. Pure."""

from ...media.ports import Quality

GOOD_MOS, FAIR_MOS = 3.6, 3.1
"Some users are dissatisfied below the first, many below the second."
GOOD_LOSS, FAIR_LOSS = 0.02, 0.05
"Of packets, where no MOS is known."


def quality_of(quality: Quality | None) -> str | None:
    """good, fair or poor; None: nothing was measured."""
    if quality is None:
        return None
    if quality.mos is not None:
        return _word(quality.mos >= GOOD_MOS, quality.mos >= FAIR_MOS)
    expected = quality.packets_received + quality.packets_lost
    if not expected:
        return None
    loss = quality.packets_lost / expected
    return _word(loss <= GOOD_LOSS, loss <= FAIR_LOSS)


def _word(good: bool, fair: bool) -> str:
    return "good" if good else "fair" if fair else "poor"
