"""Numbers as people write them and as lines dial them."""

import pytest

from offhook.control.dialling import bare, dialled, spellings


@pytest.mark.parametrize(
    ("written", "dials"),
    [
        ("+49 (30) 123-45/6", "+4930123456"),
        ("100", "100"),
        ("*21*100#", "*21*100#"),
        ("sip:a(b)@host", "sip:a(b)@host"),
        ("SIP:a@host", "SIP:a@host"),
        ("alice", None),
        ("1" * 33, None),
        ("", None),
        ("1\r\n2", None),
        ("1+2", None),
    ],
)
def test_a_number_is_dialled_without_what_is_between_its_digits(
    written: str, dials: str | None
) -> None:
    assert dialled(written) == dials


@pytest.mark.parametrize(
    ("number", "forms"),
    [
        ("+49 30", ("+4930", "4930")),
        ("4930", ("4930", "+4930")),
        ("004930", ("004930", "+004930", "+4930")),
        ("agent", ("agent",)),
        ("", ("",)),
    ],
)
def test_one_number_has_several_spellings(number: str, forms: tuple[str, ...]) -> None:
    assert spellings(number) == forms
    assert spellings(number)[0] == bare(number)
