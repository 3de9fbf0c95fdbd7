import pytest

from offhook.control.knowledge.stemming import stem
from offhook.control.knowledge.words import asked_words, indexed, scope, words


@pytest.mark.parametrize(
    ("word", "without"),
    [  # of Porter's own paper
        ("caresses", "caress"),
        ("ponies", "poni"),
        ("agreed", "agre"),
        ("plastered", "plaster"),
        ("hopping", "hop"),
        ("filing", "file"),
        ("relational", "relat"),
        ("vietnamization", "vietnam"),
        ("triplicate", "triplic"),
        ("goodness", "good"),
        ("adjustment", "adjust"),
        ("probate", "probat"),
        ("rate", "rate"),
        ("controll", "control"),
        ("größe", "größe"),
        ("a4", "a4"),
    ],
)
def test_english_endings_are_taken_off(word: str, without: str) -> None:
    assert stem(word) == without


def test_case_accents_and_apostrophes_make_no_difference() -> None:
    assert words("Café CAFE's, cafés") == ["cafe", "cafe", "cafe"]
    assert words("Straße – STRASSE") == ["strass", "strass"]
    assert words("don't 24/7 e-mail") == ["dont", "24", "7", "e", "mail"]


def test_a_question_is_reduced_to_what_it_is_about() -> None:
    assert asked_words("What is the policy for returns, and for RETURNING things?") == [
        "polici",
        "return",
    ]
    assert asked_words("Well, thank you very much, that was all.") == []
    assert asked_words("") == []


def test_words_of_the_index_hold_nothing_that_could_be_an_operator() -> None:
    text = 'return" OR "x" NEAR(a b) -c d* e:f ^g (h) \0 \'; DROP'
    assert all(word.isalnum() for word in indexed(7, words(text)).split())


def test_no_word_of_one_account_is_one_of_another_or_a_scope() -> None:
    assert indexed(1, ["1x2"]) != indexed(11, ["x2"])
    assert indexed(17, ["return"]) == "o17xreturn"
    assert {scope(1, None), scope(1, 2)}.isdisjoint(indexed(1, ["y0", "y2"]).split())
