"""Checklists: what can be checked in words and figures, and how much of it was met."""

from typing import Any

import pytest

from offhook.control.analysis.checklist import NEEDS_MODEL, checked, faults, score_of
from offhook.control.domain.analyses import (
    DEFAULT_CHECKLIST,
    AnalysisSettings,
    Check,
    ChecklistItem,
    CheckRule,
    PossibleOutcome,
)
from offhook.tests.kit.conversations import LOST_PARCEL, conversation


def item(
    rule: CheckRule,
    *lines: str,
    phrases: tuple[str, ...] = (),
    at_most: float | None = None,
    **more: Any,
) -> ChecklistItem:
    check = Check(question="?", rule=rule, phrases=phrases, at_most=at_most)
    wanted = AnalysisSettings(checklist=(check,))
    return checked(conversation(*(lines or LOST_PARCEL), wanted=wanted, **more))[0]


def test_a_greeting_is_in_the_first_words() -> None:
    assert item(CheckRule.GREETS).passed is True
    assert item(CheckRule.GREETS, "Agent: Yes?", "Agent: Hello!").passed is False
    assert item(CheckRule.GREETS, "Caller: Hello.").passed is False
    assert item(CheckRule.GREETS, phrases=("Ahoy",)).passed is False


def test_greetings_of_other_languages_have_to_be_given() -> None:
    german = ("Agent: Guten Tag!",)
    assert item(CheckRule.GREETS, *german, language="de").passed is None
    assert item(CheckRule.GREETS, *german, language="de", phrases=("guten tag",)).passed is True


def test_what_the_agent_says_is_found_with_its_moment() -> None:
    found = item(CheckRule.SAYS, phrases=("refund it",))
    assert (found.passed, found.reason) == (True, "'refund it' at 16.0 s")
    assert item(CheckRule.SAYS, phrases=("cancel my order",)).passed is False  # the caller does
    assert item(CheckRule.CALLER_SAYS, phrases=("cancel my order",)).passed is True
    assert item(CheckRule.NEVER_SAYS, phrases=("refund it",)).passed is False
    assert item(CheckRule.NEVER_SAYS, phrases=("shut up",)).passed is True


def test_asking_for_something_is_a_question_of_the_agents() -> None:
    assert item(CheckRule.ASKS, phrases=("name",)).reason == "asked for 'name' at 8.0 s"
    assert item(CheckRule.ASKS, "Agent: My name is Anna.", phrases=("name",)).passed is False
    assert item(CheckRule.ASKS, "Caller: Your name?", phrases=("name",)).passed is False
    assert item(CheckRule.ASKS, "Agent: what is your name", phrases=("name",)).passed is True


def test_interruptions_and_waiting_are_measured() -> None:
    half = item(CheckRule.INTERRUPTED_SHARE, at_most=0.5, interrupted=(0, 2))
    assert (half.passed, half.reason) == (True, "2 of 4 turns were interrupted")
    assert item(CheckRule.INTERRUPTED_SHARE, at_most=0.4, interrupted=(0, 2)).passed is False
    assert item(CheckRule.REPLY_GAP, at_most=1.0, gap_s=0.5).passed is True
    assert item(CheckRule.REPLY_GAP, at_most=1.0, gap_s=1.5).passed is False
    assert item(CheckRule.REPLY_GAP, at_most=1.0, gap_s=None).passed is None


def test_what_a_model_must_judge_stays_open() -> None:
    found = item(CheckRule.JUDGED)
    assert (found.passed, found.reason) == (None, NEEDS_MODEL)


def test_the_score_is_of_what_could_be_told() -> None:
    items = [ChecklistItem(question="?", passed=passed) for passed in (True, True, False, None)]
    assert score_of(items) == 66.7
    assert score_of(items[3:]) is None
    assert score_of([]) is None


def test_the_default_checklist_needs_no_model() -> None:
    items = checked(conversation(*LOST_PARCEL))
    assert [found.passed for found in items] == [True, True, True]
    assert faults(AnalysisSettings()) == []
    assert all(check.rule is not CheckRule.JUDGED for check in DEFAULT_CHECKLIST)


@pytest.mark.parametrize("rule", CheckRule)
def test_every_rule_answers_a_call_of_nobody(rule: CheckRule) -> None:
    check = Check(question="?", rule=rule, phrases=("x",), at_most=0.5)
    items = checked(conversation(wanted=AnalysisSettings(checklist=(check,))))
    assert items[0].reason


def test_settings_that_cannot_be_checked_are_named() -> None:
    settings = AnalysisSettings(
        checklist=(
            Check(question="a", rule=CheckRule.SAYS),
            Check(question="b", rule=CheckRule.ASKS, phrases=("?!",)),
            Check(question="c", rule=CheckRule.REPLY_GAP),
        ),
        outcomes=(PossibleOutcome(name="a"), PossibleOutcome(name="a")),
    )
    assert [fault.field for fault in faults(settings)] == [
        "analysis.checklist[0].phrases",
        "analysis.checklist[1].phrases",
        "analysis.checklist[2].at_most",
        "analysis.outcomes",
    ]
