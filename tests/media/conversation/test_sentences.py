"""Pieces begin early, end at sentences, and joined are the text."""

import random

import pytest

from offhook.media.conversation.sentences import LIMIT_CHARS, Sentences


def cut(text: str, size: int) -> list[str]:
    sentences = Sentences()
    pieces: list[str] = []
    for at in range(0, len(text), size):
        pieces += sentences.push(text[at : at + size])
    return pieces + sentences.flush()


def test_first_piece_ends_at_a_clause_and_later_ones_at_sentences() -> None:
    text = "Call forwarding is simple, and it is free. You can set it up, at home. It is easy."
    assert cut(text, 3) == [
        "Call forwarding is simple, ",
        "and it is free. ",
        "You can set it up, at home. ",
        "It is easy.",
    ]


def test_numbers_and_abbreviations_end_no_sentence() -> None:
    text = "Yes. It costs 3.5 dollars at Dr. Miller's office, e.g. on Main St. in town. Fine."
    pieces = cut(text, 4)
    assert pieces[0] == "Yes. "
    assert "It costs 3.5 dollars at Dr. Miller's office, e.g. on Main St. in town. " in pieces


def test_text_without_an_end_is_cut_at_a_space() -> None:
    pieces = cut("word " * 400, 7)
    assert all(len(piece) <= LIMIT_CHARS for piece in pieces)
    assert all(piece.endswith(" ") for piece in pieces)


def test_pieces_joined_are_the_text_however_it_comes() -> None:
    rng = random.Random(5)
    for _ in range(500):
        text = "".join(rng.choice("ab .,?!;:\n1é…") for _ in range(rng.randrange(200)))
        size = rng.randint(1, 40)
        joined = "".join(cut(text, size))
        assert text.lstrip().startswith(joined)
        assert not text.lstrip()[len(joined) :].strip()


def test_nothing_but_space_is_no_piece() -> None:
    assert cut("  \n ", 1) == []


@pytest.mark.parametrize("part", [".", "?!", "a. ", ", ", "...) ", "Mr. ", " ", '."'])
def test_a_long_text_of_nothing_but_marks_is_cut_as_any_other(part: str) -> None:
    text = part * 30_000
    # What is tried again from each mark of a row takes minutes.
    pieces = Sentences().push(text)
    assert all(0 < len(piece) <= LIMIT_CHARS for piece in pieces)
    assert text.lstrip().startswith("".join(pieces))
