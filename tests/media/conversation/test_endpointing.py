"""Words that look finished shorten the wait, words that do not lengthen it."""

import random

import pytest

from offhook.media.conversation.endpointing import normalised, wait_ms
from offhook.media.conversation.settings import TurnSettings

SETTINGS = TurnSettings()
LOW, HIGH = SETTINGS.min_endpointing_ms, SETTINGS.max_endpointing_ms
PHRASES = frozenset({"call", "call forwarding", "call waiting", "opening hours"})


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "Thank you",
        "What are your opening hours?",
        "I have a question.",
        "where can I find it",
        "five five five one two three four five six seven",
        "0123456789",
    ],
)
def test_finished_words_are_answered_soon(text: str) -> None:
    assert wait_ms(text, SETTINGS) == LOW


@pytest.mark.parametrize(
    "text",
    [
        "I would like to",
        "my name is",
        "yes and",
        "the number is five five",
        "it is 0 1 2",
        "well, um",
        "I want a table for two,",
        "so...",
    ],
)
def test_unfinished_words_are_waited_for(text: str) -> None:
    assert wait_ms(text, SETTINGS) == HIGH


@pytest.mark.parametrize("text", ["", "banana", "I need help with it tomorrow"])
def test_words_that_tell_nothing_lie_between(text: str) -> None:
    assert LOW < wait_ms(text, SETTINGS) < HIGH


def test_expected_phrases_decide() -> None:
    assert wait_ms("Opening hours", SETTINGS, PHRASES) == LOW
    assert wait_ms("opening", SETTINGS, PHRASES) == HIGH
    # A phrase that is also the beginning of another.
    assert LOW < wait_ms("call", SETTINGS, PHRASES) < HIGH


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("ich komme am", "between"),
        ("das ist so", "between"),
        ("what a day for me", "between"),
        ("Ja, gerne.", "low"),
        ("und dann,", "high"),
        ("es ist 0 1 2", "high"),
        ("call", "between"),
        ("opening hours", "low"),
    ],
)
def test_other_languages_go_by_phrases_figures_and_punctuation(text: str, wait: str) -> None:
    waited = wait_ms(text, SETTINGS, PHRASES, english=False)
    assert {LOW: "low", HIGH: "high"}.get(waited, "between") == wait


def test_any_text_stays_within_the_bounds() -> None:
    rng = random.Random(4)
    letters = "abc 019,.?!-#*'…äß\n\t\u200b"
    for _ in range(3000):
        text = "".join(rng.choice(letters) for _ in range(rng.randrange(30)))
        assert LOW <= wait_ms(text, SETTINGS, PHRASES) <= HIGH


def test_transcripts_are_compared_by_their_words() -> None:
    assert normalised("  Call   Waiting. ") == normalised("call waiting")
    assert normalised("call waiting") != normalised("call forwarding")


def test_bounds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="min_endpointing_ms"):
        TurnSettings(min_endpointing_ms=2000)
