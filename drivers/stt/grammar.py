"""Phrases as a grammar (JSGF) and its words. Pure.

A caller says one of the phrases, perhaps with a word of politeness around it. Not here: free
dictation, and what is done with speech that fits no phrase (rejection.py).
"""

import re
import unicodedata

from ..tts.spoken_text import spell_out

# Said around a phrase and meaning nothing; they are left out of the text.
# Short ones ("uh", "um", "well", "yes", "thanks") were tried and cost 3 of 60 sentences on G.711:
# "um no" explains a muffled "hello" too well.
BEFORE = ("i would like", "tell me about")
AFTER = ("please",)
POLITE = 0.02
"How likely such a word is; without a weight, short phrases are heard as polite other ones."
NOT_A_WORD = re.compile(r"[^a-z' ]+")


def normalise(text: str) -> str:
    """Lower-case words and single spaces; numbers in words: "Press 1!" is "press one"."""
    plain = _without_accents(text.replace("’", "'"))
    words = NOT_A_WORD.sub(" ", spell_out(plain).text.lower()).split()
    return " ".join(word for word in (word.strip("'") for word in words) if word)


def unreadable(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """The words of other alphabets, which would be lost; accents are only taken off."""
    foreign = (
        word
        for phrase in phrases
        for word in phrase.split()
        if any(letter.isalpha() and not letter.isascii() for letter in _without_accents(word))
    )
    return tuple(dict.fromkeys(foreign))


def jsgf(phrases: tuple[str, ...]) -> str:
    """A grammar of the phrases (already normalised, none empty), by the JSGF 1.0 specification."""
    alternatives = " | ".join(phrases)
    return (
        "#JSGF V1.0;\n"
        "grammar phrases;\n"
        f"<before> = /{1 - POLITE}/ <NULL> | /{POLITE}/ ({' | '.join(BEFORE)});\n"
        f"<after> = /{1 - POLITE}/ <NULL> | /{POLITE}/ ({' | '.join(AFTER)});\n"
        f"<phrase> = {alternatives};\n"
        "public <turn> = <before> <phrase> <after>;\n"
    )


def words(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """Every word of the grammar, sorted."""
    return tuple(sorted({word for text in (*phrases, *BEFORE, *AFTER) for word in text.split()}))


def without_politeness(heard: str, phrases: frozenset[str]) -> str:
    """The phrase in the words that were heard; those words themselves when they are one."""
    if heard in phrases:
        return heard
    for before in ("", *BEFORE):
        for after in ("", *AFTER):
            bare = heard.removeprefix(f"{before} ").removesuffix(f" {after}")
            if bare in phrases:
                return bare
    return heard


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
