"""The embedded analysis: what it tells, and what it leaves open."""

from typing import Any

import pytest

from offhook.control.analysis.conversation import Spoken, within_limits
from offhook.control.analysis.embedded import METHOD, METHOD_ELSEWHERE, analyse
from offhook.control.analysis.emotions import EMOTIONS, emotions
from offhook.control.analysis.key_phrases import MAX_PHRASES, key_phrases
from offhook.control.analysis.outcome import outcome_of
from offhook.control.analysis.sentences import said_of, sentences
from offhook.control.analysis.sentiment import Ear, label_of, mood_after
from offhook.control.analysis.summary import SENTENCES, summary
from offhook.control.domain.analyses import AnalysisSettings, PossibleOutcome, Sentiment
from offhook.tests.kit.conversations import LOST_PARCEL, conversation


@pytest.fixture(scope="module")
def ear() -> Ear:
    return Ear()


def test_a_call_is_told_in_its_own_words(ear: Ear) -> None:
    found = analyse(conversation(*LOST_PARCEL), ear)
    said = " ".join(LOST_PARCEL).replace("Agent: ", "").replace("Caller: ", "")
    assert found.method == METHOD
    assert "cancel my order" in found.summary
    for part in found.summary.split("Agent: "):
        for quoted in part.split("Caller: "):
            assert quoted.strip(" .") in said
    assert found.action_items == (
        "Caller: great that is perfect thank you so much please send me a confirmation",
        "Agent: I will send you the confirmation in a minute.",
    )


def test_sentiment_has_a_point_for_each_caller_turn(ear: Ear) -> None:
    found = analyse(conversation(*LOST_PARCEL), ear)
    assert [point.at_s for point in found.sentiment_points] == [4.0, 12.0, 20.0]
    scores = [point.score for point in found.sentiment_points]
    assert scores[0] < -0.05
    assert scores[2] > 0.5
    assert found.sentiment_score is not None
    assert scores[0] < found.sentiment_score < scores[2]


@pytest.mark.parametrize(
    ("said", "feeling"),
    [
        ("this is terrible I hate it", Sentiment.NEGATIVE),
        ("wonderful thank you I love it", Sentiment.POSITIVE),
        ("my number is four five two", Sentiment.NEUTRAL),
        ("no", Sentiment.NEUTRAL),
        ("can you help me please", Sentiment.NEUTRAL),
        ("no good at all", Sentiment.NEGATIVE),
        ("it is not good", Sentiment.NEGATIVE),
    ],
)
def test_the_caller_is_labelled(ear: Ear, said: str, feeling: Sentiment) -> None:
    found = analyse(conversation("Agent: Hello, great to hear you!", f"Caller: {said}"), ear)
    assert found.sentiment is feeling


def test_where_the_caller_says_nothing_nothing_is_made_up(ear: Ear) -> None:
    found = analyse(conversation("Agent: Hello?"), ear)
    assert found.sentiment is None
    assert found.sentiment_score is None
    assert found.sentiment_points == ()
    assert found.emotions == {}
    assert found.action_items == ()
    assert found.summary == ""


def test_other_languages_have_no_sentiment(ear: Ear) -> None:
    call = conversation("Agent: Guten Tag!", "Caller: Das ist schrecklich.", language="de-DE")
    found = analyse(call, ear)
    assert found.method == METHOD_ELSEWHERE
    assert found.sentiment is None
    assert found.emotions == {}
    assert found.key_phrases == ()
    assert found.summary == "Agent: Guten Tag! Caller: Das ist schrecklich."
    assert found.outcome == "completed"


def test_long_turns_are_scored_in_pieces(ear: Ear) -> None:
    bad, good = "this is a terrible day " * 30, "what a wonderful day " * 30
    assert ear.score_all(bad) < -0.4
    assert ear.score_all(good) > 0.4
    assert abs(ear.score_all(bad + good)) < 0.3
    assert ear.score(bad + good) > 0.4  # at once, the end counts
    assert ear.score("x" * 5000) == 0.0


def test_a_mood_follows_what_was_said_last() -> None:
    mood = mood_after(None, 0.5)
    assert mood == 0.5
    mood = mood_after(mood, -0.8)
    assert label_of(mood) is Sentiment.NEGATIVE
    assert mood_after(mood, 0.0) < 0


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("I am so angry", {"angry": 1.0}),
        ("I am not angry", {}),
        ("I'm not very happy", {}),
        ("this doesn't make sense and I am worried", {"confused": 0.5, "worried": 0.5}),
        ("thank you so much", {"grateful": 1.0}),
        ("the number is four", {}),
        ("I am happy. So glad. And angry too", {"happy": 0.667, "angry": 0.333}),
    ],
)
def test_emotions_are_those_that_are_named(said: str, named: dict[str, float]) -> None:
    assert emotions([said]) == named
    assert set(named) <= set(EMOTIONS)


def test_key_phrases_are_what_the_call_is_about() -> None:
    found = key_phrases(["the parcel service lost my order", "the parcel service is slow", "order"])
    assert found[:1] == ("parcel service",) or "parcel service" in found[0]
    assert "order" in " ".join(found)
    assert key_phrases([]) == ()
    assert key_phrases(["um yes okay, you know"]) == ()


def test_key_phrases_are_few() -> None:
    text = ", ".join(f"purple thing{letter} garden{letter}" for letter in "abcdefghijklmnop")
    assert len(key_phrases([text])) == MAX_PHRASES


def test_a_summary_is_short_and_does_not_repeat_itself() -> None:
    lines = [line for _ in range(50) for line in LOST_PARCEL]
    text = summary(conversation(*lines))
    assert text.count("Agent: ") + text.count("Caller: ") == SENTENCES
    assert text.count("cancel my order") == 1


def test_who_goes_on_speaking_is_not_named_again() -> None:
    call = conversation("Caller: opening hours", "Agent: Open from nine. Closed on Sunday, and")
    assert summary(call) == "Caller: opening hours. Agent: Open from nine. Closed on Sunday, and."
    cut_off = conversation("Agent: You can say call forwarding,")
    assert summary(cut_off) == "Agent: You can say call forwarding."


def test_the_outcome_is_the_one_whose_words_were_said_last() -> None:
    wanted = AnalysisSettings(
        outcomes=(
            PossibleOutcome(name="refused", phrases=("not interested",)),
            PossibleOutcome(name="booked", phrases=("I booked it", "it is booked")),
            PossibleOutcome(name="only a model can tell"),
        )
    )
    call = ["Caller: I am not interested", "Agent: it is booked then"]
    assert outcome_of(conversation(*call, wanted=wanted)) == "booked"
    assert outcome_of(conversation(*reversed(call), wanted=wanted)) == "refused"
    assert outcome_of(conversation("Caller: maybe", wanted=wanted)) == "completed"


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({}, "completed"),
        ({"voicemail": True}, "voicemail"),
        ({"transferred": True}, "transferred"),
        ({"failed": True}, "failed"),
    ],
)
def test_without_a_list_the_record_tells_the_outcome(facts: dict[str, Any], outcome: str) -> None:
    assert outcome_of(conversation("Agent: Hello.", **facts)) == outcome


def test_phrases_are_found_by_whole_words() -> None:
    assert said_of(["name"], "May I have your name?") == "name"
    assert said_of(["name"], "rename it") is None
    assert said_of(["thank you for calling"], "Thank you, for calling!") == "thank you for calling"
    assert said_of([" ", ""], "anything") is None
    assert said_of(["don't"], "don’t") == "don't"


def test_a_turn_without_full_stops_is_one_sentence() -> None:
    assert sentences("I want this and that") == ["I want this and that"]
    assert sentences("One. Two? Three!") == ["One.", "Two?", "Three!"]
    assert sentences("From nine a.m. to five. Then not.") == [
        "From nine a.m. to five.",
        "Then not.",
    ]
    assert sentences("  ") == []


def test_a_very_long_call_is_cut() -> None:
    turns = [Spoken(index=at, by_agent=False, text="x" * 100, begin_s=at) for at in range(3000)]
    kept, cut = within_limits(turns)
    assert cut
    assert len(kept) == 600  # 60 000 characters
    short = [Spoken(index=at, by_agent=False, text="x", begin_s=at) for at in range(3000)]
    assert len(within_limits(short)[0]) == 1000
    assert within_limits(turns[:3]) == (tuple(turns[:3]), False)
