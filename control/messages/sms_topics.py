"""What a text is about, and how much there is to it: a guess by its words. Pure."""

import re

GENERAL = "general"
DEBUG = """
    bug bugs crash crashed crashes crashing debug debugging error errors exception exceptions fail
    failed failing fails traceback segfault stacktrace
"""
CODING = """
    algorithm api bash class code coding compile css function functions golang html java javascript
    loop method program programming python regex rust script sql typescript unittest variable
"""
TOPICS: tuple[tuple[str, frozenset[str]], ...] = (
    ("debug", frozenset(DEBUG.split())),
    ("coding", frozenset(CODING.split())),
)
"In their order: who asks for an error in a program to be found asks about the error."
MANY_WORDS = 100
"A text of so many, or more, is as complex as texts get."

_WORD = re.compile(r"[^\W_]+")


def topic_of(text: str) -> str:
    """One of TOPICS, or `general`."""
    words = set(_words(text))
    return next((topic for topic, known in TOPICS if words & known), GENERAL)


def complexity_of(text: str) -> float:
    """0..1: the share of MANY_WORDS that it has."""
    return round(min(1.0, len(_words(text)) / MANY_WORDS), 2)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
