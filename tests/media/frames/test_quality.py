"""The E-model against the figures that the ITU prints."""

import pytest

from offhook.codecs.catalog import PREFERENCE
from offhook.media.frames import quality
from offhook.media.frames.quality import WITHOUT_CONCEALMENT, burst_ratio, mos, rating


@pytest.mark.parametrize(
    ("r", "opinion"),
    # G.107 Annex B, Table B.1; 93.2 is its default connection; the ends are its definition.
    [(93.2, 4.41), (90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1), (100, 4.5)],
)
def test_opinion_of_a_rating(r: float, opinion: float) -> None:
    assert mos(r) == pytest.approx(opinion, abs=0.0065)


def test_opinion_stays_on_its_scale() -> None:
    opinions = [mos(r) for r in range(-10, 120)]
    assert min(opinions) == 1.0
    assert max(opinions) == 4.5


@pytest.mark.parametrize(
    ("delay_ms", "loss", "impairment", "r"),
    [
        (0, 0.0, quality.IMPAIRMENTS["PCMU"], 93.2),
        # Delay: 0.024 d up to 177.3 ms, 0.11 more a ms beyond.
        (150, 0.0, quality.IMPAIRMENTS["PCMU"], 93.2 - 3.6),
        (300, 0.0, quality.IMPAIRMENTS["PCMU"], 93.2 - 7.2 - 0.11 * 122.7),
        # Loss: 95 x 1 / (1 + Bpl) for 1 %, half of 95 at Bpl percent.
        (0, 0.01, quality.IMPAIRMENTS["PCMA"], 93.2 - 95 / 26.1),
        (0, 0.01, WITHOUT_CONCEALMENT, 93.2 - 95 / 5.3),
        (0, 0.251, quality.IMPAIRMENTS["PCMU"], 93.2 - 47.5),
    ],
)
def test_rating(delay_ms: float, loss: float, impairment: quality.Impairment, r: float) -> None:
    assert rating(delay_ms, loss, impairment) == pytest.approx(r)


def test_bursts_are_worse_than_random_loss() -> None:
    assert rating(50, 0.05, burst_ratio=2.0) < rating(50, 0.05) - 1


def test_rating_never_falls_below_zero() -> None:
    assert rating(5000, 1.0) == 0
    assert rating(0, 7.0) == rating(0, 1.0), "more than all cannot be lost"
    assert rating(0, -0.1) == rating(0, 0.0), "doubles are no gain"


def test_burst_ratio() -> None:
    assert burst_ratio(0, 0, 1000) == 1
    assert burst_ratio(100, 90, 1000) == pytest.approx(1.0), "random: 1 / (1 - 0.1) a burst"
    assert burst_ratio(100, 20, 1000) == pytest.approx(5 * 0.9)
    assert burst_ratio(1000, 1, 1000) == 1, "all lost says nothing of bursts"


def test_every_offered_codec_has_an_impairment() -> None:
    assert {codec.name for codec in PREFERENCE} <= quality.IMPAIRMENTS.keys()
