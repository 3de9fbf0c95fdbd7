import random

import pytest

from offhook.drivers.tts.spoken_text import spell_out, without_markup


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("You entered 4 2 1 7.", "You entered four two one seven."),
        ("Room 42, B12.", "Room forty two, B twelve."),
        ("At 9:30, at 14:05, at 2:15 pm.", "At nine thirty a.m., at two oh five p.m., "
         "at two fifteen p.m."),
        ("On 2026-11-24.", "On Tuesday November twenty fourth, twenty twenty six."),
        ("$12.50, £1, €3.01", "twelve dollars and fifty cents, one pound, three euros and "
         "one cent"),
        ("1,234 and 3.5% in 1984", "one thousand two hundred thirty four and three point five "
         "percent in nineteen eighty four"),
        ("the 3rd of May", "the third of May"),
        ("code 0042", "code zero zero four two"),
        ("call 555-0199", "call five five five, zero one nine nine"),
        ("2026-99-99", "two zero two six nine nine nine nine"),
        ("24.12.2026, 24/12/2026 and 12/24/2026", "Thursday December twenty fourth,"
         " twenty twenty six, Thursday December twenty fourth, twenty twenty six and Thursday"
         " December twenty fourth, twenty twenty six"),
        ("2026-12-24T14:30:00Z", "Thursday December twenty fourth, twenty twenty six at two thirty"
         " p.m."),
        ("31.02.2026", "three one zero two two zero two six"),
        ("from 14:30 to 24:00", "from two thirty p.m. to midnight"),
        ("5pm, 10 a.m.", "five p.m., ten a.m."),
        ("10-15 days, 2025-2026, 9\u20135", "ten to fifteen days, twenty twenty five to twenty"
         " twenty six, nine to five"),
        ("12-3456", "one two, three four five six"),
        ("4G, 3D, 1.5GB", "four G, three D, one point five GB"),
        ("12.50 and -5 and 192.168.1.1", "twelve point five zero and minus five and one hundred"
         " ninety two point one hundred sixty eight point one point one"),
        ("$0.99, 20\u20ac, 12.50 EUR", "ninety nine cents, twenty euros, twelve euros and fifty"
         " cents"),
        ("$5 million, $1,234.56, $0", "five million dollars, one thousand two hundred thirty four"
         " dollars and fifty six cents, zero dollars"),
        ("1/2, 24/7, the 1990s", "one half, twenty four seven, the nineteen nineties"),
        ("order #4217, #1, *72#", "order number four two one seven, number one, star seven two"
         " pound"),
        ("call 911, room 911", "call nine one one, room nine hundred eleven"),
        ("(42 of them) 10 000", "(forty two of them) ten thousand"),
        ("+49 (30) 1234567", "plus four nine, three zero, one two three, four five six seven"),
        ("1-800-555-0199", "one, eight zero zero, five five five, zero one nine nine"),
        ("see https://www.example.com/a-b?q=1. Or", "see example dot com slash a dash b. Or"),
        ("mail bob_2@example.com", "mail bob underscore two at example dot com"),
        ("<speak>Hi <break time='1s'/>you</speak>", "Hi you"),
        ("**Call** _me_ `now` at 3 < 5", "Call me now at three < five"),
        ("# Plan\n- one\n* two", "Plan\none\ntwo"),
        ("see [our site](https://x.y/z) \U0001F600!", "see our site !"),
        ("a\x01b\x1bc", "abc"),
        ("no numbers here", "no numbers here"),
        ("", ""),
    ],
)  # fmt: skip
def test_texts(text: str, spoken: str) -> None:
    said = spell_out(text)
    assert said.text == spoken


def test_every_spoken_digit_ends_at_its_own_digit() -> None:
    text = "You entered 4217 0 now"
    said = spell_out("Code 04217 now")
    ends = ["Code 04217 now"[: said.source_end(at)] for at in range(len(said.text))]
    position = said.text.index("two")
    assert ends[position] == "Code 042"
    assert ends[said.text.index("seven")] == "Code 04217"
    assert ends[-1] == "Code 04217 now"
    assert spell_out(text).source_end(0) == len("You")


def test_the_way_back_never_goes_backwards() -> None:
    rng = random.Random(7)
    alphabet = "ab 0123456789.,:-+%$#()é\n/*_`<>[]@Tpm"
    for _ in range(3000):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randrange(40)))
        said = spell_out(text)
        assert len(said.starts) == len(said.ends)
        assert list(said.starts) == sorted(said.starts)
        assert list(said.ends) == sorted(said.ends)
        assert all(0 <= end <= len(text) for end in said.ends)
        assert not any(character.isdigit() for character in said.text)


def test_other_languages_keep_their_numbers_and_lose_their_markup() -> None:
    text = "**Um** <b>14:30</b> Uhr \U0001f600 kommt [er](https://x.y)"
    said = without_markup(text)
    assert said.text == "Um 14:30 Uhr  kommt er"
    assert text[: said.source_end(said.text.index("14"))].endswith("14:30")
    assert text[: said.source_end(said.text.index("kommt"))].endswith("kommt")
