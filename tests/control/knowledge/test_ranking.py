import pytest

from offhook.control.knowledge.ranking import Collection, Question, blended


def question(*asked: str, **having: int) -> Question:
    return Question.of(asked, Collection(1000, 100_000, having))


def passage(*said: str) -> list[str]:
    """Of average length."""
    return [*said, *(["filler"] * (100 - len(said)))]


def test_a_score_says_how_much_of_what_was_asked_is_there() -> None:
    asked = question("return", "shoe", **{"return": 10, "shoe": 10})
    both, one = asked.by_words(passage("return", "shoe")), asked.by_words(passage("return"))
    assert both == pytest.approx(1 / 2.2)
    assert one == pytest.approx(0.5 / 2.2)
    assert asked.by_words(passage()) == 0.0
    assert both < asked.by_words(passage(*["return", "shoe"] * 20)) < 1.0


def test_rare_words_and_short_passages_count_more() -> None:
    asked = question("common", "rare", common=800, rare=2)
    assert asked.by_words(passage("rare")) > 3 * asked.by_words(passage("common"))
    assert asked.by_words(["rare", "x"]) > asked.by_words(passage("rare"))


def test_words_tell_something_in_a_collection_of_one_passage() -> None:
    asked = Question.of(["return", "polici"], Collection(1, 10, {"return": 1}))
    assert asked.by_words(["return", *["x"] * 9]) > 0.15


def test_the_answer_is_the_fitting_sentences_in_their_order() -> None:
    asked = question("return", "receipt", **{"return": 10, "receipt": 10})
    text = "We sell shoes. A return takes a receipt. The receipt must show the return. Bye."
    assert asked.answer(text) == "A return takes a receipt. The receipt must show the return."
    assert asked.answer("Nothing fits. At all.") == "Nothing fits."
    assert len(asked.answer("receipt " * 200)) <= 400


def test_meaning_counts_half_where_it_is_known() -> None:
    assert blended(0.4, None) == 0.4
    assert blended(0.4, 0.8) == pytest.approx(0.6)
    assert blended(0.4, -0.5) == pytest.approx(0.2)
