"""Text as it is compared: words without case, accents and endings. Pure.

What is indexed is made of these words and nothing else, each with its account's number in front:
so they are counted for each account alone, and one account's index has no part in another's search.
Not for languages that are written without spaces: a run of such signs is one word.
"""

import re
import unicodedata
from collections.abc import Iterable

from .stemming import stem

MAX_ASKED_CHARS = 1000
"Of a question; the rest is not looked at."
MAX_ASKED_WORDS = 32
MAX_WORD_CHARS = 64

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?:s\b|(?=\w))")

# What questions are made of, whatever they are about; stems as `words` gives them.
_SAID_ANYWAY = (
    "a about after all also am an and ani anyth are arent as ask at be been befor but by can cant "
    "could couldnt did didnt do doe doesnt done dont for from get give go got had ha hadnt have "
    "havent he hello help her here hi hm how i id if ill im in into is isnt it ive just know let "
    "like ll mai may me might more must my need no not now of oh ok okai on onli or other our out "
    "pleas re s said sai say shall she should shouldnt so some someth sorri t tell than thank that "
    "the their them then there thei these thing thi this those to too uh um up us want wa wasnt we "
    "well were what when where whether which who whom whose why will with wont would wouldnt ye "
    "yes you your again between both dure each mani most much same still such veri while without"
)
SAID_ANYWAY = frozenset(_SAID_ANYWAY.split())


def words(text: str) -> list[str]:
    """Its words in their order, as they are compared."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(sign for sign in folded if not unicodedata.combining(sign))
    plain = _APOSTROPHE.sub("", plain)
    return [stem(word) for word in _WORD.findall(plain) if len(word) <= MAX_WORD_CHARS]


def asked_words(question: str) -> list[str]:
    """What a question is about: each word once; nothing where it is about nothing."""
    found = dict.fromkeys(words(question[:MAX_ASKED_CHARS]))
    return [word for word in found if word not in SAID_ANYWAY][:MAX_ASKED_WORDS]


def indexed(account: int, text: Iterable[str]) -> str:
    """The words of an account's text as they stand in the index; `account` is its number."""
    return " ".join(f"o{account}x{word}" for word in text)


def scope(account: int, agent: int | None) -> str:
    """Whose a chunk is, as a word of the index: an agent's by its number, or all its owner's."""
    return f"o{account}y{agent or 0}"
