"""Key phrases of a call by RAKE (Rose et al., Text Mining, 2010, §1.2), for English. Pure.

Stop words and punctuation cut the text into candidates; a word's weight is how long the candidates
are that it stands in (its degree) by how often it does (its frequency), a phrase's is the sum of
its words'. What is said several times counts more, because a call is short.

Not the YAKE package: the licence in it is AGPL-3 (its metadata say LGPL-3 and GPL-3), which a
server that is Apache-2.0 cannot import; and its phrases overlap, so that they would be picked over.
"""

import re
from collections import Counter
from collections.abc import Iterable

from .sentences import is_content, words

MAX_PHRASES = 10
ENOUGH = 3
MAX_WORDS = 3
"A longer candidate is a sentence without stop words rather than a phrase."
_CUT = re.compile(r"[.!?,;:()\"]+")


def key_phrases(texts: Iterable[str]) -> tuple[str, ...]:
    """The most telling phrases first; none of them within another one."""
    candidates = [phrase for text in texts for phrase in _candidates(text)]
    frequency = Counter(word for phrase in candidates for word in phrase)
    degree = Counter[str]()
    for phrase in candidates:
        for word in phrase:
            degree[word] += len(phrase)
    times = Counter(candidates)
    weight = {
        phrase: sum(degree[word] / frequency[word] for word in phrase) * count**0.5
        for phrase, count in times.items()
    }
    first = {phrase: at for at, phrase in reversed(list(enumerate(candidates)))}
    ranked = sorted(weight, key=lambda phrase: (-weight[phrase], first[phrase]))
    # A lone word that was said once tells little, unless there is nothing better.
    telling = [phrase for phrase in ranked if len(phrase) > 1 or times[phrase] > 1]
    chosen: list[str] = []
    for phrase in telling if len(telling) >= ENOUGH else ranked:
        text = " ".join(phrase)
        if not any(f" {text} " in f" {longer} " for longer in chosen):
            chosen.append(text)
        if len(chosen) == MAX_PHRASES:
            break
    return tuple(chosen)


def _candidates(text: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for piece in _CUT.split(text):
        run: list[str] = []
        for word in [*words(piece), ""]:
            if word and is_content(word):
                run.append(word)
                continue
            if 0 < len(run) <= MAX_WORDS:
                found.append(tuple(run))
            run = []
    return found
