"""The embedded analysis: no model, no network; every part says by its method what it can tell.

Blocking: some 50 ms for a long call, so it runs in a process of its own (analysis_worker.py).
"""

import msgspec

from ..domain.analyses import SentimentPoint
from .checklist import checked, score_of
from .conversation import Conversation, Findings
from .emotions import emotions
from .key_phrases import key_phrases
from .outcome import outcome_of
from .sentiment import Ear, label_of, overall
from .summary import action_items, opening_and_closing, summary

METHOD = (
    "Summary and action items: sentences of the call. Sentiment: VADER. Emotions: a lexicon. "
    "Key phrases: RAKE. Outcome and checklist: rules."
)
METHOD_ELSEWHERE = (
    "Summary: the caller's first words and the agent's last. Outcome and checklist: rules. "
    "Sentiment, emotions, key phrases and action items: English only."
)
"Of calls in other languages."


def analyse(conversation: Conversation, ear: Ear) -> Findings:
    """All that can be told without a language model."""
    items = checked(conversation)
    told = Findings(
        method=METHOD_ELSEWHERE,
        outcome=outcome_of(conversation),
        checklist=items,
        qa_score=score_of(items),
    )
    if not conversation.english:
        return msgspec.structs.replace(told, summary=opening_and_closing(conversation))
    caller = conversation.said(by_agent=False)
    scores = [ear.score_all(turn.text) for turn in caller]
    score = overall(caller, scores)
    points = zip(caller, scores, strict=True)
    return msgspec.structs.replace(
        told,
        method=METHOD,
        summary=summary(conversation),
        sentiment=None if score is None else label_of(score),
        sentiment_score=score,
        sentiment_points=tuple(
            SentimentPoint(at_s=turn.begin_s, score=round(each, 4)) for turn, each in points
        ),
        emotions=emotions(turn.text for turn in caller),
        key_phrases=key_phrases(turn.text for turn in conversation.turns if not turn.keys),
        action_items=action_items(conversation),
    )
