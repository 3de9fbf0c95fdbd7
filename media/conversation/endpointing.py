"""How long to wait after the caller's last word before the turn is over. Pure.

Silence alone does not tell: people pause in the middle of a sentence for longer than between two
of them. The words so far do: "I would like to" is not over, "call forwarding" is. So the wait moves
between two bounds of the settings: the lower after words that look finished, the upper after
words that look unfinished, and between them where the words tell nothing.
"""

import re

from .settings import TurnSettings

UNDECIDED_SHARE = 0.35
"Where between the bounds the wait lies when the words tell nothing."
NUMBER_DIGITS = 10
"A number read out aloud looks complete from here on."

_WORD = re.compile(r"[\w'+#*-]+")

_UNFINISHED = """
and or but so because if when while that which who whose than then as like of to for from with
without in on at by about into over under between the a an my your our their his her its this
these those some any i i'm i'd i'll we we're they you're it's is are was were am be can could
would should will shall may might must do does did have has had want need not very really just
also um uh er erm hmm well maybe
"""
UNFINISHED = frozenset(_UNFINISHED.split())
"Last words after which English goes on: conjunctions, prepositions, articles, fillers."

FINISHED = frozenset(
    {
        "yes",
        "no",
        "yeah",
        "yep",
        "nope",
        "ok",
        "okay",
        "sure",
        "thanks",
        "thank you",
        "that's all",
        "that is all",
        "that's it",
        "goodbye",
        "bye",
        "bye bye",
        "hello",
        "hi",
        "please",
        "yes please",
        "no thanks",
        "no thank you",
        "correct",
        "right",
        "exactly",
    }
)
"Whole utterances that need nothing more."

_QUESTION = """
what who where when why how which is are can could do does did will would should
"""
QUESTION = frozenset(_QUESTION.split())
"A sentence of some length that begins so is a question, and likely whole."

_NUMBERS = """
zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
hundred double triple
"""
NUMBERS = frozenset(_NUMBERS.split())


def normalised(text: str) -> str:
    """Words only, lower case, one space between: what two transcripts are compared by."""
    return " ".join(_WORD.findall(text.lower()))


def wait_ms(
    text: str,
    settings: TurnSettings,
    expected: frozenset[str] = frozenset(),
    *,
    english: bool = True,
) -> int:
    """Silence to wait for after `text`; `expected` holds normalised phrases of the agent.

    Of other languages than English nothing is known but the agent's phrases, numbers in figures
    and punctuation: their "am", "so" or "die" would be taken for English ones.
    """
    words = normalised(text)
    low, high = settings.min_endpointing_ms, settings.max_endpointing_ms
    if _unfinished(text, words, expected, english=english):
        return high
    if _finished(text, words, expected, english=english):
        return low
    return round(low + (high - low) * UNDECIDED_SHARE)


def _unfinished(text: str, words: str, expected: frozenset[str], *, english: bool) -> bool:
    if words in expected or (english and words in FINISHED):
        return False
    if text.rstrip().endswith((",", "-", "…", "...", ":")):
        return True
    if any(phrase.startswith(words + " ") for phrase in expected) and words:
        return True
    last = words.rpartition(" ")[2]
    return (english and last in UNFINISHED) or 1 < _trailing_digits(words) < NUMBER_DIGITS


def _finished(text: str, words: str, expected: frozenset[str], *, english: bool) -> bool:
    if words in expected:
        # "call" may be a phrase of its own and the beginning of "call waiting".
        return not any(phrase.startswith(words + " ") for phrase in expected)
    if text.rstrip().endswith((".", "?", "!")) or (english and words in FINISHED):
        return True
    first, _, rest = words.partition(" ")
    question = english and first in QUESTION and rest.count(" ") >= 2
    return question or _trailing_digits(words) >= NUMBER_DIGITS


def _trailing_digits(words: str) -> int:
    """How many digits have been read out at the end of `words`."""
    count = 0
    for word in reversed(words.split()):
        if word in NUMBERS:
            count += 1
        elif word.replace("-", "").isdigit():
            count += len(word.replace("-", ""))
        else:
            break
    return count
