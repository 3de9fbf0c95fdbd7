"""How a line is felt to be: the E-model's R and MOS (ITU-T G.107), from delay, loss and codec.

Loss is what was heard of it, after the jitter buffer, not what the network lost. Not here: the
counting of either (jitter.py, rtcp_session.py).
"""

import msgspec

BASE_R = 93.2
"R with all of G.107's default values: room noise, loudness, no delay, G.711."
MAX_MOS = 4.5
NOTICED_DELAY_MS = 177.3
"One way: from here on delay spoils the rhythm of talking."


class Impairment(msgspec.Struct, frozen=True):
    """What a codec costs (ITU-T G.113 Appendix I)."""

    equipment: float
    "Ie: points of R that it costs without loss."
    robustness: float
    "Bpl: percent of random loss that costs half of what loss can cost at all."


IMPAIRMENTS: dict[str, Impairment] = {
    "PCMU": Impairment(0.0, 25.1),  # G.113 Table I.3: G.711 with Appendix I concealment
    "PCMA": Impairment(0.0, 25.1),
    "L16": Impairment(0.0, 25.1),  # as G.711, which it is not worse than
    # G.113 knows the following two on other scales only. Assumed: neither is worse than G.711 to
    # a telephone user; both lean on the same concealment, Opus on its own and on redundancy too.
    "G722": Impairment(0.0, 25.1),
    "opus": Impairment(0.0, 25.1),
}
WITHOUT_CONCEALMENT = Impairment(0.0, 4.3)
"G.711 with silence in place of lost packets (G.113 Table I.3)."


def rating(
    one_way_delay_ms: float,
    loss: float,
    impairment: Impairment = IMPAIRMENTS["PCMU"],
    burst_ratio: float = 1.0,
) -> float:
    """R, 0..93.2. `loss` 0..1 as heard; `burst_ratio` 1 when random, more when in bursts."""
    r = (
        BASE_R
        - _delay_impairment(one_way_delay_ms)
        - _loss_impairment(loss, impairment, burst_ratio)
    )
    return max(0.0, r)


def mos(r: float) -> float:
    """The mean opinion, 1..4.5, that goes with R (G.107 Annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return MAX_MOS
    return max(1.0, 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r))


def burst_ratio(lost: int, bursts: int, total: int) -> float:
    """Mean length of bursts of loss over what it would be if loss were random (G.107 §3.5).

    All in the same unit: frames or packets, `bursts` of them in a row counted once.
    """
    if not 0 < lost < total or not bursts:
        return 1.0
    random_length = 1 / (1 - lost / total)
    return max(1.0, lost / bursts / random_length)


def _delay_impairment(delay_ms: float) -> float:
    """Id, as the usual fit to G.107's for its default echo (Cole and Rosenbluth 2001, eq. 8)."""
    excess = max(0.0, delay_ms - NOTICED_DELAY_MS)
    return 0.024 * delay_ms + 0.11 * excess


def _loss_impairment(loss: float, impairment: Impairment, ratio: float) -> float:
    """Ie,eff: G.107 (7-29)."""
    percent = 100 * min(1.0, max(0.0, loss))
    if not percent:
        return impairment.equipment
    share = percent / (percent / ratio + impairment.robustness)
    return impairment.equipment + (95 - impairment.equipment) * share
