"""What a text is about is guessed by its words."""

import pytest

from offhook.control.messages.sms_segments import segments_of, shortened
from offhook.control.messages.sms_topics import complexity_of, topic_of


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("Help me debug this Python function", "debug"),
        ("Create a Python function to sort a list", "coding"),
        ("My BUILD fails!", "debug"),
        ("When do you open?", "general"),
        ("Classical music", "general"),
        ("", "general"),
    ],
)
def test_a_text_is_about_what_its_words_tell(text: str, topic: str) -> None:
    assert topic_of(text) == topic


def test_more_to_read_is_more_complex_up_to_one() -> None:
    assert complexity_of("") == 0.0
    assert complexity_of("one two three") == 0.03
    assert complexity_of("word " * 1000) == 1.0


@pytest.mark.parametrize("text", ["a" * 5000, "é€" * 3000, "漢" * 3000, "😀" * 2000])
def test_a_long_reply_is_cut_to_what_fits(text: str) -> None:
    cut = shortened(text, 10)
    assert segments_of(cut).segments == 10
    assert cut.endswith("...")
    assert text.startswith(cut[:-3])
    assert shortened("short", 10) == "short"
