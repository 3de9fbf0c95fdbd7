"""What a language model is asked, and what of its answer is taken over."""

from typing import Any

import msgspec
import pytest

from offhook.control.analysis.checklist import checked
from offhook.control.analysis.model_questions import (
    NO_ANSWER,
    BadAnswer,
    findings_of,
    question_of,
    schema_of,
)
from offhook.control.domain.analyses import (
    AnalysisSettings,
    Check,
    CheckRule,
    PossibleOutcome,
    Sentiment,
)
from offhook.tests.kit.conversations import LOST_PARCEL, conversation

WANTED = AnalysisSettings(
    checklist=(
        Check(question="Is the agent kind?"),
        Check(question="Is it quick?", rule=CheckRule.REPLY_GAP, at_most=1.0),
        Check(question="Does it greet?", rule=CheckRule.GREETS),
    ),
    outcomes=(
        PossibleOutcome(name="refunded", description="money back"),
        PossibleOutcome(name="no"),
    ),
)
CALL = conversation(*LOST_PARCEL, wanted=WANTED)


def an_answer(**changes: Any) -> bytes:
    answer: dict[str, Any] = {
        "summary": "A parcel was lost and is refunded.",
        "sentiment": "positive",
        "sentiment_score": 0.4,
        "turns": [{"turn": 1, "score": -0.8}, {"turn": 5, "score": 0.9}],
        "emotions": [{"name": "frustrated", "share": 0.4}, {"name": "relieved", "share": 0.6}],
        "key_phrases": ["lost parcel"],
        "outcome": "refunded",
        "checklist": [
            {"question": 0, "passed": True, "reason": "it says sorry"},
            {"question": 2, "passed": False, "reason": "too short"},
        ],
        "action_items": ["Send the confirmation."],
    }
    return msgspec.json.encode(answer | changes)


def test_the_question_has_the_call_the_list_and_the_checklist() -> None:
    question = question_of(CALL, "m")
    assert "1 Caller: hi I want to cancel my order" in question.text
    assert question.text.startswith("An incoming call")
    assert "refunded: money back" in question.instructions
    assert "0: Is the agent kind?" in question.instructions
    assert "Is it quick?" not in question.instructions  # that is measured
    assert question.schema["properties"]["outcome"]["enum"] == ["refunded", "no"]


def test_keys_interruptions_and_what_is_cut_are_told() -> None:
    call = conversation("Caller: 42", "Agent: Hello", interrupted=(1,), failed=True)
    keys = msgspec.structs.replace(call.turns[0], keys=True)
    call = msgspec.structs.replace(call, turns=(keys, call.turns[1]), cut=True)
    text = question_of(call, "m").text
    assert "[pressed the keys 42]" in text
    assert "Hello [interrupted]" in text
    assert "It broke off" in text
    assert text.endswith("left out.]")


def test_the_schema_is_strict_everywhere() -> None:
    def walk(schema: Any) -> None:
        if isinstance(schema, dict):
            if schema.get("type") == "object":
                assert schema["additionalProperties"] is False
                assert schema["required"] == list(schema["properties"])
            for value in schema.values():
                walk(value)

    walk(schema_of(CALL))


def test_the_answer_becomes_findings() -> None:
    found = findings_of(an_answer(), CALL, checked(CALL))
    assert found.sentiment is Sentiment.POSITIVE
    assert [point.at_s for point in found.sentiment_points] == [4.0, 20.0]
    assert list(found.emotions) == ["relieved", "frustrated"]
    assert [item.passed for item in found.checklist] == [True, True, False]
    assert found.checklist[1].reason.startswith("0.50 s")
    assert found.qa_score == 66.7
    assert found.outcome == "refunded"


def test_what_is_not_answered_stays_open() -> None:
    found = findings_of(
        an_answer(checklist=[], sentiment=None, sentiment_score=None), CALL, checked(CALL)
    )
    assert [item.passed for item in found.checklist] == [None, True, None]
    assert found.checklist[0].reason == NO_ANSWER
    assert found.sentiment is None


def test_turns_and_emotions_that_there_are_not_are_left_out() -> None:
    strange = an_answer(
        turns=[{"turn": 0, "score": 0.5}, {"turn": 99, "score": 0.5}],
        emotions=[{"name": "hangry", "share": 1.0}],
    )
    found = findings_of(strange, CALL, checked(CALL))
    assert found.sentiment_points == ()
    assert found.emotions == {}


@pytest.mark.parametrize(
    "answer",
    [
        b"Sure! Here is the analysis you asked for:",
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        an_answer(sentiment="great"),
        an_answer(sentiment_score=7),
        an_answer(outcome="something else"),
        an_answer(turns=[{"turn": 1, "score": -2}]),
        an_answer(summary="x" * 5000),
        an_answer(summary="a\0b"),
        an_answer(checklist=[{"question": 0, "passed": "yes", "reason": ""}]),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(answer: bytes) -> None:
    with pytest.raises(BadAnswer):
        findings_of(answer, CALL, checked(CALL))


def test_without_a_list_the_model_chooses_the_words() -> None:
    call = conversation(*LOST_PARCEL)
    assert schema_of(call)["properties"]["outcome"] == {"type": "string"}
    assert findings_of(an_answer(outcome="order refunded"), call, ()).outcome == "order refunded"
