"""How English words sound: VADER's scores (Hutto and Gilbert, ICWSM 2014), and labels. Blocking.

A phrase of 60 characters costs 0.1 ms, one of 200 half a millisecond, and it grows with the square:
`score` looks at the end of what is longer.
"""

from vaderSentiment.vaderSentiment import (  # type: ignore[import-untyped]
    SentimentIntensityAnalyzer,
)

from ..domain.analyses import Sentiment
from .conversation import Spoken

POSITIVE_FROM, NEGATIVE_TO = 0.05, -0.05
"VADER's own thresholds of its compound score."
MAX_CHARS = 200
"Of one piece that is scored: about 40 words."
NO_FEELING = ("number", "please", "help", "yes", "no", "ok", "okay")
"Words that VADER counts for or against, and that on the telephone are answers or manners."
NEWEST_SHARE = 0.6
"Of a caller's mood while the call goes on; the rest is what it was before."


class Ear:
    """Scores words. Made once: it reads a lexicon of 7500 words (30 ms)."""

    def __init__(self) -> None:
        self._analyzer = SentimentIntensityAnalyzer()
        for word in NO_FEELING:
            del self._analyzer.lexicon[word]

    def score(self, text: str) -> float:
        """-1 (bad) to 1 (good), of the last 200 characters; 0 where no word tells."""
        if len(text) > MAX_CHARS:
            text = text[-MAX_CHARS:].partition(" ")[2]
        scores: dict[str, float] = self._analyzer.polarity_scores(text)
        return float(scores["compound"])

    def score_all(self, text: str) -> float:
        """The same of a text of any length: the mean of its pieces."""
        pieces = _pieces(text)
        return sum(self.score(piece) for piece in pieces) / len(pieces) if pieces else 0.0


def label_of(score: float) -> Sentiment:
    """A score in one word."""
    if score >= POSITIVE_FROM:
        return Sentiment.POSITIVE
    return Sentiment.NEGATIVE if score <= NEGATIVE_TO else Sentiment.NEUTRAL


def mood_after(mood: float | None, score: float) -> float:
    """The caller's mood after a turn with that score; `mood` None: it is their first."""
    if mood is None:
        return round(score, 4)
    return round(NEWEST_SHARE * score + (1 - NEWEST_SHARE) * mood, 4)


def overall(turns: list[Spoken], scores: list[float]) -> float | None:
    """Of all turns, the long ones more; None: there are none."""
    weights = [len(turn.text.split()) for turn in turns]
    total = sum(weights)
    if not total:
        return None
    weighted = zip(weights, scores, strict=True)
    return round(sum(weight * score for weight, score in weighted) / total, 4)


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > MAX_CHARS:
            pieces.append(line)
            line = ""
        line = f"{line} {word}" if line else word[:MAX_CHARS]
    return [*pieces, line] if line else pieces
