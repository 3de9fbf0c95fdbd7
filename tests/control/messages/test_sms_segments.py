"""How many SMS a text becomes."""

import pytest

from offhook.control.messages.sms_segments import EXTENSION, GSM7, segments_of


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "gsm7", 0, 1),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("a" + "€" * 80, "gsm7", 161, 2),
        # 153 septets hold 76 euro signs: the last septet stays empty, a pair is not cut.
        ("€" * 152, "gsm7", 304, 2),
        ("€" * 153, "gsm7", 306, 3),
        ("ж" * 70, "ucs2", 70, 1),
        ("ж" * 71, "ucs2", 71, 2),
        ("ж" * 134, "ucs2", 134, 2),
        ("ж" * 135, "ucs2", 135, 3),
        ("😀" * 35, "ucs2", 70, 1),
        # 67 units hold 33 surrogate pairs.
        ("😀" * 66, "ucs2", 132, 2),
        ("😀" * 67, "ucs2", 134, 3),
        ("ç", "ucs2", 1, 1),  # the alphabet has the capital only
        ("Ç", "gsm7", 1, 1),
    ],
)
def test_units_and_segments(text: str, encoding: str, units: int, segments: int) -> None:
    found = segments_of(text)
    assert (found.encoding, found.units, found.segments) == (encoding, units, segments)


def test_the_alphabet_has_as_many_characters_as_the_standard_says() -> None:
    assert len(GSM7) == 127  # 128 places, one of which is the escape
    assert len(EXTENSION) == 10
    assert not GSM7 & EXTENSION
