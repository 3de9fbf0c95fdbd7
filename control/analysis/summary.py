"""What a call was about, in its own words: the sentences that say most of it. English. Pure.

Extractive (after Luhn, IBM Journal, 1958): a sentence is worth the mean of its content words'
frequencies in the call, more when it is the caller's first, which tells why they call, or the
agent's last with content. The best three stand in their order, each with who said it. What is asked
of whom (action items) is picked the same way: sentences with words of promising or asking.
"""

from collections import Counter

import msgspec

from .conversation import Conversation, Spoken
from .sentences import content_words, said_of, sentences

SENTENCES = 3
MAX_SENTENCE_CHARS = 300
OPENING, CLOSING = 1.5, 1.2
"What the caller begins with, and the agent ends with, is worth so many times more."
MAX_ITEMS = 5

PROMISES = (
    *("i will", "i'll", "we will", "we'll", "i am going to", "i'm going to", "we are going to"),
    *("we're going to", "somebody will", "someone will", "a colleague will", "you will receive"),
    *("you'll receive", "you will get", "you'll get"),
)
REQUESTS = (
    *("call me back", "call me", "ring me", "send me", "email me", "text me", "get back to me"),
    *("let me know", "please send", "please call", "please cancel", "please change", "please book"),
    *("i need you to", "i want you to", "can you send", "could you send", "can you book"),
)


class Sentence(msgspec.Struct, frozen=True):
    """A sentence of the call."""

    text: str
    by_agent: bool
    weight: float = 0.0

    def shortened(self) -> str:
        """Not much longer than a sentence is."""
        if len(self.text) <= MAX_SENTENCE_CHARS:
            return self.text
        return f"{self.text[:MAX_SENTENCE_CHARS].rpartition(' ')[0]} …"

    def quoted(self) -> str:
        """With who said it."""
        return f"{'Agent' if self.by_agent else 'Caller'}: {self.shortened()}"


def summary(conversation: Conversation) -> str:
    """A few sentences of the call; empty: nothing with content was said."""
    found = _weighed([turn for turn in conversation.turns if not turn.keys])
    ranked = sorted(range(len(found)), key=lambda at: (-found[at].weight, at))
    chosen: list[int] = []
    seen: set[frozenset[str]] = set()
    for at in ranked:
        content = frozenset(content_words(found[at].text))
        if found[at].weight > 0 and content not in seen:
            chosen.append(at)
            seen.add(content)
        if len(chosen) == SENTENCES:
            break
    told: list[str] = []
    for at in sorted(chosen):
        # Who goes on speaking is not named again.
        goes_on = at - 1 in chosen and found[at - 1].by_agent is found[at].by_agent
        told.append(_ended(found[at].shortened() if goes_on else found[at].quoted()))
    return " ".join(told)


def opening_and_closing(conversation: Conversation) -> str:
    """The caller's first words and the agent's last: for languages whose words are not known."""
    caller, agent = conversation.said(by_agent=False), conversation.said(by_agent=True)
    chosen = sorted([*caller[:1], *agent[-1:]], key=lambda turn: turn.index)
    return " ".join(_ended(Sentence(turn.text, turn.by_agent).quoted()) for turn in chosen)


def action_items(conversation: Conversation) -> tuple[str, ...]:
    """What the agent promises and the caller asks for, in their words."""
    found: list[str] = []
    for turn in conversation.turns:
        signs = PROMISES if turn.by_agent else REQUESTS
        for text in sentences(turn.text):
            item = Sentence(text, turn.by_agent).quoted()
            if said_of(signs, text) is not None and content_words(text) and item not in found:
                found.append(item)
    return tuple(found[:MAX_ITEMS])


def _weighed(turns: list[Spoken]) -> list[Sentence]:
    plain = [Sentence(text, turn.by_agent) for turn in turns for text in sentences(turn.text)]
    frequency = Counter(word for sentence in plain for word in content_words(sentence.text))
    bonus: dict[int, float] = {}
    telling = [at for at, sentence in enumerate(plain) if content_words(sentence.text)]
    if opening := [at for at in telling if not plain[at].by_agent]:
        bonus[opening[0]] = OPENING
    if closing := [at for at in telling if plain[at].by_agent]:
        bonus[closing[-1]] = CLOSING
    return [
        msgspec.structs.replace(sentence, weight=_weight(sentence, frequency) * bonus.get(at, 1.0))
        for at, sentence in enumerate(plain)
    ]


def _weight(sentence: Sentence, frequency: Counter[str]) -> float:
    content = content_words(sentence.text)
    if not content:
        return 0.0
    # A lone word is no sentence: it must not win by being frequent.
    return sum(frequency[word] for word in content) / (len(content) + 2)


def _ended(text: str) -> str:
    text = text.rstrip(" ,;:-")
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
