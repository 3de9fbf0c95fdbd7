"""What the search is measured with, and how what it says is counted."""

import gzip
import pathlib

import pytest

from offhook.bench.knowledge import Figures, Outcome
from offhook.bench.knowledge_sets import HELD_OUT, POLICY, SHOP, QuestionSet


@pytest.mark.parametrize(("questions", "least"), [(POLICY, 30), (HELD_OUT, 30), (SHOP, 10)])
def test_each_set_asks_what_its_manual_answers_and_what_it_does_not(
    questions: QuestionSet, least: int
) -> None:
    asked = questions.asked()
    assert len({one.ask for one in asked}) == len(asked)
    assert sum(bool(one.has) for one in asked) >= least
    assert sum(not one.has for one in asked) >= 10
    assert all(words == words.lower() for one in asked for words in one.has)


def test_what_is_said_is_right_wrong_or_should_not_have_been_said() -> None:
    answered = (
        Outcome("right", 1, 0.5),
        Outcome("right, and too unsure to be said", 1, 0.29),
        Outcome("another passage comes first", 2, 0.4),
        Outcome("not found", None, 0.3),
    )
    unanswerable = (Outcome("silent", None, 0.1), Outcome("said", None, 0.31))
    figures = Figures("any", 0.0, 0.0, 0.0, answered, unanswerable)
    assert (figures.said, figures.said_wrongly, figures.false_answers) == (1, 2, 1)


def test_a_manual_is_unpacked_to_a_text(tmp_path: pathlib.Path) -> None:
    packed = tmp_path / "manual.txt.gz"
    packed.write_bytes(gzip.compress(b"From nine."))
    questions = QuestionSet("any", "manual", str(packed), tmp_path / "none.json")
    assert questions.text(tmp_path).read_text() == "From nine."


def test_each_answer_of_the_shop_is_on_its_page(tmp_path: pathlib.Path) -> None:
    page = SHOP.text(tmp_path).read_text().lower()
    assert all(words in page for one in SHOP.asked() for words in one.has)
