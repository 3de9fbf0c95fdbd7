"""How well passages fit a question: BM25 made absolute, beside the likeness of meaning. Pure.

By words: Robertson and Spärck Jones's BM25 (k1 1.2, b 0.75), over the most that any passage could
get: 1 would be "each asked word, again and again". A passage of average length that has each of
them once gets 0.45, one that has half of their weight once 0.23; rare words weigh more. In large
documents passages that answer get 0.3 and more, in a page of short answers often 0.2
(bench/knowledge.py): a threshold means nearly the same everywhere, not quite. By meaning: the
cosine of the two vectors, at least 0.

With both, the score is their weighted mean, and it is what is ranked by. Fused ranks (1/(60+rank))
would need no weights, but say nothing of how well the best one fits: an agent that answers from
whatever comes first answers every question.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec

from .chunking import sentences
from .words import words as words_of

K1, B = 1.2, 0.75
BACKGROUND = 100
"Passages with none of the words, thought of beside a collection: where there are three, every word"
" is common, and would weigh nothing."
WORDS_SHARE = 0.5
"Of the score, where there are vectors as well."
MAX_ANSWER_CHARS = 400
"About 25 s of speech."
MAX_ANSWER_SENTENCES = 3
NEARLY = 0.6
"Of the best sentence's weight: so much needs its neighbour to be said as well."


class Collection(msgspec.Struct, frozen=True):
    """What is known of all passages that are searched."""

    passages: int
    words: int
    "In all of them."
    having: Mapping[str, int]
    "How many passages have a word; left out: none."

    def weight(self, word: str) -> float:
        """Its inverse document frequency: rare words tell more."""
        having = 1 + min(self.having.get(word, 0), self.passages)
        return math.log1p((self.passages + BACKGROUND - having + 0.5) / (having + 0.5))


class Question(msgspec.Struct, frozen=True):
    """What is asked, and what each of its words weighs in a collection."""

    weights: Mapping[str, float]
    average_words: float

    @classmethod
    def of(cls, asked: Sequence[str], collection: Collection) -> "Question":
        """`asked`: words as `asked_words` gives them."""
        average = collection.words / collection.passages if collection.passages else 0.0
        return cls({word: collection.weight(word) for word in asked}, max(1.0, average))

    def by_words(self, found: Sequence[str]) -> float:
        """0..1: how well a passage of these words fits."""
        long = K1 * (1 - B + B * len(found) / self.average_words)
        total = most = 0.0
        for word, weight in self.weights.items():
            most += weight
            if count := found.count(word):
                total += weight * count / (count + long)
        return total / most if most else 0.0

    def answer(self, text: str) -> str:
        """The sentences of a passage that fit best, one after another as they stand in it."""
        found = [part for line in text.split("\n") for part in sentences(line)]
        if not found:
            return text[:MAX_ANSWER_CHARS]
        weights = [self._has(words_of(sentence)) for sentence in found]
        best = max(range(len(found)), key=weights.__getitem__)
        chosen = [best]
        # What follows explains; what comes before is only worth it when it fits nearly as well.
        for at in (best + 1, best - 1):
            if not 0 <= at < len(found) or len(chosen) >= MAX_ANSWER_SENTENCES:
                continue
            long = sum(len(found[index]) for index in chosen) + len(found[at])
            if long <= MAX_ANSWER_CHARS and (weights[at] >= NEARLY * weights[best] > 0):
                chosen.append(at)
        return " ".join(found[at] for at in sorted(chosen))[:MAX_ANSWER_CHARS]

    def _has(self, found: Sequence[str]) -> float:
        return sum(weight for word, weight in self.weights.items() if word in found)


def blended(by_words: float, by_meaning: float | None) -> float:
    """The score; `by_meaning` None: there are no vectors."""
    if by_meaning is None:
        return by_words
    return WORDS_SHARE * by_words + (1 - WORDS_SHARE) * max(0.0, min(1.0, by_meaning))
