"""Causes of a mobile network's call control, as we and Q.850 call them."""

import pytest

from offhook.drivers.gsm.cause import CAUSES, Q850_OF, UNSPECIFIED, ended, known, q850_of
from offhook.drivers.sip.reason import CAUSE_OF_Q850
from offhook.media.ports import HangUpCause


def test_what_sip_has_a_word_for_a_mobile_network_calls_the_same() -> None:
    for number, cause in CAUSE_OF_Q850.items():
        assert CAUSES[number][1] is cause, number


@pytest.mark.parametrize("number", range(128))
def test_every_number_has_an_end(number: int) -> None:
    end = ended(number)
    assert end.gsm_cause == number
    assert (end.reason, end.cause) == CAUSES[known(number)]
    assert not end.by_us


@pytest.mark.parametrize(
    ("number", "counts_as"),
    [(0, 31), (17, 17), (32, 47), (48, 63), (80, 95), (112, 127), (200, 127)],
)
def test_a_number_of_no_table_counts_as_its_class_unspecified(number: int, counts_as: int) -> None:
    assert known(number) == counts_as


def test_the_last_of_each_class_is_in_the_table() -> None:
    assert set(UNSPECIFIED) <= CAUSES.keys()
    assert Q850_OF.keys() <= CAUSES.keys()


@pytest.mark.parametrize(("number", "q850"), [(17, 17), (8, None), (25, 8), (68, None), (33, 47)])
def test_few_numbers_differ_from_q850(number: int, q850: int | None) -> None:
    assert q850_of(number) == q850


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (17, HangUpCause.BUSY),
        (19, HangUpCause.NO_ANSWER),
        (21, HangUpCause.DECLINED),
        (22, HangUpCause.NOT_FOUND),
        (8, HangUpCause.NETWORK),
    ],
)
def test_our_word_decides_what_follows(number: int, cause: HangUpCause) -> None:
    assert ended(number).cause is cause
