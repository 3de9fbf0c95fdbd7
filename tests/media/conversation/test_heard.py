"""What was heard is cut at a word, never beyond what was played, and never shrinks."""

import random

from offhook.media.conversation.heard import CHARS_PER_S, SpokenText

RATE = 8000


def spoken(pieces: list[str], *, timing: bool, word_samples: int = 4000) -> SpokenText:
    text = SpokenText(RATE)
    for piece in pieces:
        text.write(piece)
        text.begin_piece(len(piece))
        at = end = 0
        for word in piece.split():
            end = piece.index(word, end) + len(word)
            if timing:
                text.add_word(at, end)
            text.add_audio(word_samples)
            at += word_samples
        text.end_piece()
    return text


def test_word_counts_as_heard_when_enough_of_it_was() -> None:
    text = spoken(["One two. ", "Three."], timing=True)
    assert text.heard(0) == ""
    assert text.heard(1599) == ""
    assert text.heard(1600) == "One"
    assert text.heard(4000) == "One"
    assert text.heard(5600) == "One two."
    assert text.heard(8000) == "One two."
    assert text.heard(12_000) == "One two. Three."


def test_punctuation_belongs_to_the_piece_that_was_heard_to_its_end() -> None:
    text = SpokenText(RATE)
    text.write("Yes!")
    text.begin_piece(4)
    text.add_word(0, 3)
    text.add_audio(2000)
    assert text.heard(2000) == "Yes"
    text.end_piece()
    assert text.heard(2000) == "Yes!"


def test_without_word_timing_the_cut_is_by_proportion_at_a_word() -> None:
    text = spoken(["alpha beta gamma delta"], timing=False)
    assert text.heard(8000) == "alpha beta"
    assert text.heard(16_000) == "alpha beta gamma delta"


def test_piece_that_is_still_made_is_estimated_by_the_pace_of_speech() -> None:
    text = SpokenText(RATE)
    words = "some words that take a while to say "
    text.write(words)
    text.begin_piece(len(words))
    text.add_audio(RATE)
    heard = text.heard(RATE)
    assert words.startswith(heard)
    assert 0 < len(heard) <= CHARS_PER_S


def test_words_out_of_order_or_place_are_left_out() -> None:
    text = SpokenText(RATE)
    text.write("one two")
    text.begin_piece(7)
    text.add_word(100, 3)
    text.add_word(50, 7)
    text.add_word(200, 99)
    text.add_word(-5, 5)
    text.add_audio(1000)
    text.end_piece()
    assert text.heard(900) == "one"


def test_heard_is_a_growing_prefix() -> None:
    rng = random.Random(2)
    for _ in range(200):
        words = ["".join(rng.choice("abcde") for _ in range(rng.randint(1, 9))) for _ in range(12)]
        cut = rng.randrange(1, 11)
        pieces = [" ".join(words[:cut]) + ". ", " ".join(words[cut:]) + "."]
        text = spoken(pieces, timing=rng.random() < 0.5, word_samples=rng.randint(500, 9000))
        before = ""
        for samples in range(-500, text.samples + 500, 371):
            heard = text.heard(samples)
            assert heard.startswith(before)
            assert text.text.startswith(heard)
            assert (
                heard.split() == text.text.split()[: len(heard.split())]
                or heard.rstrip(".").split()
                == [w.rstrip(".") for w in text.text.split()][: len(heard.split())]
            )
            before = heard
        assert text.heard(text.samples) == text.text.strip()


def test_going_on_begins_at_the_broken_word() -> None:
    text = spoken(["One two. ", "Three."], timing=True)
    assert text.word_begin(0) == 0
    assert text.word_begin(3999) == 0
    assert text.word_begin(4000) == 4000
    assert text.word_begin(11_000) == 8000
    untimed = spoken(["One two. ", "Three."], timing=False)
    assert untimed.word_begin(7000) == 0
    assert untimed.word_begin(9000) == 8000


def test_a_recording_is_heard_as_a_whole_and_gone_on_with_where_it_stopped() -> None:
    text = SpokenText(RATE)
    text.write("[terms]")
    text.begin_piece(7, sound=True)
    text.add_audio(80_000)
    assert text.heard(1599) == ""
    assert text.heard(1600) == "[terms]"
    assert text.word_begin(30_000) == 30_000
    text.end_piece()
    assert text.heard(80_000) == "[terms]"


def test_words_between_two_samples() -> None:
    text = spoken(["One two. ", "Three."], timing=True)
    assert text.heard_between(4000, 12_000) == "two. Three."
    assert text.heard_between(0, 4000) == "One"
    assert text.heard_between(9600, 12_000) == ""
