"""Keys are gathered to a number, a terminator, or a pause."""

from offhook.media.conversation.keypad import Keys, due_samples, press
from offhook.media.speech_ports import CollectDigits

RULE = CollectDigits(max_digits=3, terminator="#", timeout_s=2.0)


def pressed(digits: str) -> Keys:
    keys = None
    for index, digit in enumerate(digits):
        keys = press(keys, digit, RULE, 1000 * (index + 1))
    assert keys is not None
    return keys


def test_number_completes() -> None:
    assert not pressed("12").complete
    assert pressed("123").complete


def test_terminator_completes_and_is_left_out_unless_alone() -> None:
    assert pressed("1#") == Keys(RULE, 2000, "1", complete=True)
    assert pressed("#").digits == "#"


def test_keys_after_the_end_are_no_part_of_it() -> None:
    assert pressed("12345").digits == "123"


def test_pause_is_counted_from_the_last_key() -> None:
    assert due_samples(pressed("12"), 8000) == 2000 + 16_000
    assert due_samples(pressed("123"), 8000) == 3000
