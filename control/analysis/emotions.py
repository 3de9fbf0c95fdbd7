"""Which emotions a caller names, by a small lexicon of English words and phrases. Pure.

Each word or phrase of the table that the caller says counts once for its emotion, unless one of the
two words before it negates it (`not happy` is no happiness, and nothing else either). Shares are of
all that counts. Nobody who names nothing has an emotion: tone of voice is not listened to.
"""

from collections import Counter
from collections.abc import Iterable

from .sentences import words

LEXICON: dict[str, str] = {
    "satisfied": """satisfied|perfect|excellent|works great|works fine|well done|very helpful
        |so helpful|exactly what i needed|that helps|good job|great service""",
    "grateful": """thank you so much|thanks so much|thank you very much|thanks a lot|grateful
        |appreciate|appreciated|much obliged""",
    "relieved": "relieved|relief|thank god|thank goodness|glad to hear|good to know|phew",
    "happy": """happy|glad|delighted|wonderful|fantastic|awesome|amazing|lovely|love it|love that
        |excited|brilliant""",
    "angry": """angry|furious|outraged|outrageous|mad|unacceptable|ridiculous|disgusting|disgusted
        |hate|scam|liar|liars|rip off|pissed|shame on you|sue you|fed up""",
    "frustrated": """frustrated|frustrating|annoyed|annoying|sick of|tired of|again and again
        |keeps happening|waste of time|still not working|still doesn't work|third time
        |nobody helps|waiting for hours|useless|irritated|irritating|hopeless""",
    "disappointed": "disappointed|disappointing|let down|expected better|expected more",
    "sad": "sad|unhappy|upset|crying|heartbroken|depressed|miserable|lonely|passed away",
    "worried": """worried|worry|worrying|anxious|afraid|scared|nervous|concerned|panic|panicking
        |frightened|stressed""",
    "confused": """confused|confusing|don't understand|do not understand|doesn't make sense
        |makes no sense|not sure what|no idea|puzzled|unclear""",
    "surprised": "surprised|surprising|shocked|unbelievable|can't believe|cannot believe|no way",
}
_NEGATIONS = "not no never isn't wasn't aren't don't doesn't didn't can't cannot won't nothing"
NEGATIONS = frozenset(_NEGATIONS.split())
NEGATED_WITHIN = 2
"Words before it."
EMOTIONS = tuple(LEXICON)
"The names that there are."


def _by_first_word() -> dict[str, list[tuple[tuple[str, ...], str]]]:
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for emotion, text in LEXICON.items():
        for phrase in text.split("|"):
            said = tuple(words(phrase))
            found.setdefault(said[0], []).append((said, emotion))
    for entries in found.values():
        entries.sort(key=lambda entry: -len(entry[0]))  # the longest that fits is meant
    return found


_PHRASES = _by_first_word()


def emotions(texts: Iterable[str]) -> dict[str, float]:
    """Shares, 0 to 1, the largest first; empty: nothing tells."""
    counts = Counter(emotion for text in texts for emotion in _named(words(text)))
    total = sum(counts.values())
    return {name: round(count / total, 3) for name, count in counts.most_common()}


def _named(said: list[str]) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(said):
        length = 1
        for phrase, emotion in _PHRASES.get(said[at], ()):
            if tuple(said[at : at + len(phrase)]) == phrase:
                length = len(phrase)
                if not NEGATIONS.intersection(said[max(0, at - NEGATED_WITHIN) : at]):
                    found.append(emotion)
                break
        at += length
    return found
