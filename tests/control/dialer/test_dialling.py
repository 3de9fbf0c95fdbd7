"""Numbers as people write them and as lines dial them."""

import pytest

from offhook.control.dialer.dialling import bare, dialled, keys_of, spellings


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


@pytest.mark.parametrize(
    "written",
    ["+49 30/1234", "4930 1234", "0049-30-1234", "tel:+49-30-1234", "TEL:+49.30.1234;ext=1"],
)
def test_all_spellings_of_a_number_share_a_key(written: str) -> None:
    assert keys_of(written) == ("49301234",)


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        ("030 1234", ("0301234",)),
        ("sip:+49301234@Carrier.example;user=phone", ("+49301234@carrier.example", "49301234")),
        ("sips:+49301234:secret@carrier.example", None),
        ("SIP:Bob@Host.example?Subject=x", ("bob@host.example",)),
        ("sip:100@pbx", ("100@pbx",)),
        ("sip:host", ("host",)),
        ("", ("",)),
    ],
)
def test_an_address_has_the_key_of_the_number_in_it_as_well(
    written: str, keys: tuple[str, ...] | None
) -> None:
    found = keys_of(written)
    assert found == keys or (keys is None and found[1:] == ("49301234",))
