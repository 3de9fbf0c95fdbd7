"""Calls that recorded prompts can make (human_speech.py), as voicemail and switchboards do it."""

import random

from ...codecs import tones
from ...media.conversation.records import AnsweredBy
from .answered_calls import RATE_HZ, AnsweredCall, Maker, answer, trimmed
from .human_speech import Prompts


def recorded_calls(prompts: Prompts, rng: random.Random, count: int) -> list[AnsweredCall]:
    """`count` of each kind that prompts can make."""
    calls: list[AnsweredCall] = []
    for _ in range(count):
        calls += [
            _system_mailbox(prompts, rng),
            _group_mailbox(prompts, rng),
            _recorded_menu(prompts, rng),
            _recorded_queue(prompts, rng),
            _recorded_network(prompts, rng),
            _recorded_person(prompts, rng),
            _recorded_person(prompts, rng),
        ]
    return calls


def _prompt(maker: Maker, prompts: Prompts, *names: str) -> None:
    for name in names:
        maker.voice(trimmed(prompts.pcm(name)), prompts.words(name))
        maker.silence(0.05, 0.25)


def _system_mailbox(prompts: Prompts, rng: random.Random) -> AnsweredCall:
    """vm-theperson, digits, vm-isunavail or vm-isonphone, vm-intro, beep: as Asterisk does it."""
    maker = answer(rng)
    digits = [f"digits/{rng.randrange(10)}" for _ in range(rng.randint(3, 5))]
    ending = rng.choice(["vm-isunavail", "vm-isonphone"])
    _prompt(maker, prompts, "vm-theperson", *digits, ending, "vm-intro")
    maker.silence(0.1, 0.6)
    maker.beep()
    return maker.done("system mailbox", AnsweredBy.MACHINE)


def _group_mailbox(prompts: Prompts, rng: random.Random) -> AnsweredCall:
    """vm-nobodyavail, vm-intro; a fifth of them without a beep."""
    maker = answer(rng)
    _prompt(maker, prompts, "vm-nobodyavail")
    maker.silence(0.0, 0.6)
    _prompt(maker, prompts, "vm-intro")
    maker.silence(0.1, 1.0)
    if rng.random() < 0.8:
        maker.beep()
    return maker.done("group mailbox", AnsweredBy.MACHINE)


def _recorded_menu(prompts: Prompts, rng: random.Random) -> AnsweredCall:
    """A menu's prompts, and after a while again."""
    names = ["dir-intro", "dir-intro-fn", "vm-options", "conf-usermenu", "screen-callee-options"]
    chosen = rng.choice([name for name in names if name in prompts.names()])
    maker = answer(rng)
    _prompt(maker, prompts, chosen)
    maker.silence(4.0, 6.0)
    _prompt(maker, prompts, chosen)
    return maker.done("recorded menu", AnsweredBy.IVR)


def _recorded_queue(prompts: Prompts, rng: random.Random) -> AnsweredCall:
    """queue-periodic-announce, and again after a while."""
    maker = answer(rng)
    _prompt(maker, prompts, "queue-periodic-announce")
    maker.silence(6.0, 9.0)
    _prompt(maker, prompts, "queue-periodic-announce")
    return maker.done("queue", AnsweredBy.IVR)


def _recorded_network(prompts: Prompts, rng: random.Random) -> AnsweredCall:
    """ss-noservice, two thirds with Special Information Tones before it."""
    maker = answer(rng, 0.1, 0.6)
    if rng.random() < 0.67:
        names = ["sit", "sit_intercept", "sit_vacant", "sit_no_circuit"]
        maker.sound(tones.generate(rng.choice(names), "us", RATE_HZ, 1.2))
        maker.silence(0.2, 0.6)
    _prompt(maker, prompts, "ss-noservice")
    return maker.done("number out of service", AnsweredBy.NETWORK)


def _recorded_person(prompts: Prompts, rng: random.Random) -> AnsweredCall:
    """A word or two, as somebody answers; some say it twice, some talk on after a while."""
    maker = answer(rng, 0.2, 1.5)
    short = [name for name in ("hello", "hello-world", "yes", "vm-goodbye") if _has(prompts, name)]
    numbers = [f"digits/{number}" for number in range(20)]
    greetings, short = short, short + [name for name in numbers if _has(prompts, name)]
    word = rng.choice(greetings if rng.random() < 0.5 else short)
    _prompt(maker, prompts, word)
    what = rng.random()
    if what < 0.3:
        maker.silence(1.5, 3.0)
        _prompt(maker, prompts, word)
    elif what < 0.5:
        maker.silence(0.3, 0.7)
        _prompt(maker, prompts, rng.choice(short))
    return maker.done("recorded person", AnsweredBy.HUMAN)


def _has(prompts: Prompts, name: str) -> bool:
    return name in prompts.names()
