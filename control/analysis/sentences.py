"""Sentences and words of what was said, and whether a phrase is in it. Pure.

Recognised speech has no full stops: a turn without any is one sentence.
"""

import re
from collections.abc import Iterable

_END = re.compile(r"(?<=[.!?])\s+(?![a-z])")
"`nine a.m. to five` goes on."
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_LETTERS = re.compile(r"[^\W\d_]")

_STOP_WORDS = """
    a about above after afternoon again all also am an and any anybody anyone anything are aren't as
    at be because been before being below between both but by bye can can't cannot could
    couldn't day did didn't do does doesn't doing don't done down during each eight eleven else
    even evening ever every five for four from further get gets getting give go goes going gonna
    good goodbye got had hadn't has hasn't have haven't having he he's hello help her here
    here's hers hi him his how how's hundred i i'd i'll i'm i've if in into is isn't it it's its
    itself just know let let's like look lot make many may maybe me mean might mine more morning
    most much must my myself name need needs nice night nine no nor not now number of off oh ok
    okay on once one only or other ought our ours out over own please put quite rather really
    right said same say says see send seven shall she she's should shouldn't six so some
    somebody someone something sorry speaking still such sure take talk tell ten than thank
    thanks that that's the their theirs them then there there's these they they'd they'll
    they're they've thing things think this those thousand three through to today tomorrow too
    try two twelve uh um under until up us use very want wants was wasn't way we we'd we'll we're
    we've well were weren't what what's when where which while who who's why will with won't
    would wouldn't yeah yes yesterday yet you you'd you'll you're you've your yours
    twenty thirty forty fifty sixty seventy eighty ninety zero example
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"English words that say little of what a call is about; numbers, too, which are seldom its subject."


def sentences(text: str) -> list[str]:
    """The sentences of a turn."""
    return [part for piece in _END.split(text) if (part := piece.strip())]


def words(text: str) -> list[str]:
    """Lower-case words, apostrophes made alike."""
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]


def content_words(text: str) -> list[str]:
    """Words that say what it is about."""
    return [word for word in words(text) if is_content(word)]


def is_content(word: str) -> bool:
    """Whether a lower-case word says something; numbers and single letters do not."""
    return len(word) > 1 and word not in STOP_WORDS and _LETTERS.search(word) is not None


def said_of(phrases: Iterable[str], text: str) -> str | None:
    """The first of the phrases that is said in the text, word by word; None: none of them."""
    haystack = f" {' '.join(words(text))} "
    for phrase in phrases:
        needle = " ".join(words(phrase))
        if needle and f" {needle} " in haystack:
            return phrase
    return None
