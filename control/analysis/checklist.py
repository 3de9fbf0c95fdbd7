"""An agent's checklist, as far as it can be checked in words and figures. Pure.

What only a language model can judge stays open here (`passed` None), and says so.
"""

from collections.abc import Callable, Sequence

from ..domain.analyses import (
    BY_NUMBER,
    BY_PHRASES,
    AnalysisSettings,
    Check,
    ChecklistItem,
    CheckRule,
)
from ..errors import FieldError
from .conversation import Conversation, Spoken
from .sentences import said_of, sentences, words

GREETINGS = (
    *("hello", "hi", "hey", "good morning", "good afternoon", "good evening", "good day"),
    *("welcome", "greetings", "thank you for calling", "thanks for calling"),
)
_QUESTION_WORDS = "what who whose when where which why how may can could would will shall do did is"
QUESTION_WORDS = frozenset(_QUESTION_WORDS.split())
NEEDS_MODEL = "only a language model can judge this"

Verdict = tuple[bool | None, str]


def faults(settings: AnalysisSettings) -> list[FieldError]:
    """What is wrong with an agent's settings of the analysis."""
    found: list[FieldError] = []
    for at, check in enumerate(settings.checklist):
        key = f"analysis.checklist[{at}]"
        if check.rule in BY_PHRASES and not any(words(phrase) for phrase in check.phrases):
            found.append(FieldError(f"{key}.phrases", f"{check.rule.value} needs words"))
        if check.rule in BY_NUMBER and check.at_most is None:
            found.append(FieldError(f"{key}.at_most", f"{check.rule.value} needs it"))
    names = [outcome.name for outcome in settings.outcomes]
    if len(set(names)) < len(names):
        found.append(FieldError("analysis.outcomes", "each name once"))
    return found


def checked(conversation: Conversation) -> tuple[ChecklistItem, ...]:
    """Every question of the agent's checklist, in its order."""
    return tuple(_item(check, conversation) for check in conversation.wanted.checklist)


def score_of(items: Sequence[ChecklistItem]) -> float | None:
    """0 to 100: the share of what could be told that was met; None: nothing could be."""
    told = [item.passed for item in items if item.passed is not None]
    return round(100 * sum(told) / len(told), 1) if told else None


def _item(check: Check, conversation: Conversation) -> ChecklistItem:
    passed, reason = RULES[check.rule](check, conversation)
    return ChecklistItem(question=check.question, passed=passed, reason=reason)


def _greets(check: Check, conversation: Conversation) -> Verdict:
    agent = conversation.said(by_agent=True)
    if not agent:
        return False, "the agent says nothing"
    if not check.phrases and not conversation.english:
        return None, f"greetings in {conversation.language!r} are not known: give phrases"
    found = said_of(check.phrases or GREETINGS, agent[0].text)
    if found is None:
        return False, "the agent's first words have no greeting"
    return True, f"the agent begins with {found!r}"


def _says(check: Check, conversation: Conversation) -> Verdict:
    found = _first(check, conversation.said(by_agent=True))
    return (found is not None), _where(found, "the agent says none of it")


def _never_says(check: Check, conversation: Conversation) -> Verdict:
    found = _first(check, conversation.said(by_agent=True))
    return (found is None), _where(found, "the agent says none of it")


def _caller_says(check: Check, conversation: Conversation) -> Verdict:
    found = _first(check, conversation.said(by_agent=False))
    return (found is not None), _where(found, "the caller says none of it")


def _asks(check: Check, conversation: Conversation) -> Verdict:
    for turn in conversation.said(by_agent=True):
        for text in sentences(turn.text):
            if _is_question(text) and (found := said_of(check.phrases, text)) is not None:
                return True, f"asked for {found!r} at {turn.begin_s:.1f} s"
    return False, "no question of the agent's has it"


def _interrupted_share(check: Check, conversation: Conversation) -> Verdict:
    agent = conversation.said(by_agent=True)
    if not agent or check.at_most is None:
        return None, "the agent says nothing"
    count = sum(turn.interrupted for turn in agent)
    return count / len(agent) <= check.at_most, f"{count} of {len(agent)} turns were interrupted"


def _reply_gap(check: Check, conversation: Conversation) -> Verdict:
    gaps = [turn.gap_s for turn in conversation.turns if turn.gap_s is not None]
    if not gaps or check.at_most is None:
        return None, "the agent replies to nothing"
    mean = sum(gaps) / len(gaps)
    return mean <= check.at_most, f"{mean:.2f} s on average, over {len(gaps)} replies"


def _judged(check: Check, conversation: Conversation) -> Verdict:
    return None, NEEDS_MODEL


RULES: dict[CheckRule, Callable[[Check, Conversation], Verdict]] = {
    CheckRule.GREETS: _greets,
    CheckRule.SAYS: _says,
    CheckRule.NEVER_SAYS: _never_says,
    CheckRule.ASKS: _asks,
    CheckRule.CALLER_SAYS: _caller_says,
    CheckRule.INTERRUPTED_SHARE: _interrupted_share,
    CheckRule.REPLY_GAP: _reply_gap,
    CheckRule.JUDGED: _judged,
}


def _first(check: Check, turns: list[Spoken]) -> tuple[str, Spoken] | None:
    for turn in turns:
        if (phrase := said_of(check.phrases, turn.text)) is not None:
            return phrase, turn
    return None


def _where(found: tuple[str, Spoken] | None, otherwise: str) -> str:
    return otherwise if found is None else f"{found[0]!r} at {found[1].begin_s:.1f} s"


def _is_question(text: str) -> bool:
    return text.rstrip().endswith("?") or (words(text) or [""])[0] in QUESTION_WORDS
