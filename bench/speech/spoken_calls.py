"""Calls that synthetic voices make, for what prompts lack: people, and their own mailboxes."""

import random

from ...media.conversation.records import AnsweredBy
from .answered_calls import AnsweredCall, answer, trimmed
from .synthetic_voices import Sayings


def spoken_calls(sayings: Sayings, rng: random.Random, count: int) -> list[AnsweredCall]:
    """`count` of each kind that synthetic voices can make."""
    calls: list[AnsweredCall] = []
    for _ in range(count):
        calls += [
            _spoken(sayings, rng, "hello", AnsweredBy.HUMAN),
            _spoken(sayings, rng, "name", AnsweredBy.HUMAN),
            _spoken(sayings, rng, "business", AnsweredBy.HUMAN),
            _impatient(sayings, rng),
            _talkative(sayings, rng),
            _mailbox(sayings, rng, "mailbox"),
            _mailbox(sayings, rng, "short mailbox"),
            _spoken(sayings, rng, "menu", AnsweredBy.IVR, again=True),
        ]
    return calls


def _spoken(
    sayings: Sayings, rng: random.Random, kind: str, by: AnsweredBy, *, again: bool = False
) -> AnsweredCall:
    maker = answer(rng, 0.2, 1.5)
    pcm, text = sayings.pick(kind, rng)
    maker.voice(trimmed(pcm), text)
    if again:
        maker.silence(3.5, 6.0)
        maker.voice(trimmed(pcm), text)
    return maker.done(f"spoken {kind}", by)


def _impatient(sayings: Sayings, rng: random.Random) -> AnsweredCall:
    """Hello? … Hello?"""
    maker = answer(rng, 0.2, 1.5)
    pcm, text = sayings.pick("hello", rng)
    for _ in range(rng.randint(2, 3)):
        maker.voice(trimmed(pcm), text)
        maker.silence(1.2, 3.0)
    return maker.done("impatient person", AnsweredBy.HUMAN)


def _talkative(sayings: Sayings, rng: random.Random) -> AnsweredCall:
    """A greeting, and when we have said something, at length."""
    maker = answer(rng, 0.2, 1.5)
    maker.voice(trimmed(sayings.pick("name", rng)[0]), "")
    maker.silence(2.5, 4.0)
    for _ in range(3):
        pcm, text = sayings.pick("talk", rng)
        maker.voice(trimmed(pcm), text)
        maker.silence(0.2, 0.5)
    return maker.done("talkative person", AnsweredBy.HUMAN)


def _mailbox(sayings: Sayings, rng: random.Random, kind: str) -> AnsweredCall:
    """Somebody's own greeting, and a beep; of the longer ones a tenth have none."""
    maker = answer(rng)
    pcm, text = sayings.pick(kind, rng)
    maker.voice(trimmed(pcm), text)
    maker.silence(0.1, 1.5)
    if kind == "short mailbox" or rng.random() < 0.9:
        maker.beep()
    return maker.done(f"spoken {kind}", AnsweredBy.MACHINE)
