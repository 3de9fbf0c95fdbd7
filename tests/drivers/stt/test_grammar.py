from offhook.drivers.stt.grammar import (
    AFTER,
    BEFORE,
    jsgf,
    normalise,
    unreadable,
    without_politeness,
    words,
)


def test_phrases_become_plain_words() -> None:
    assert normalise("Press 1, please!") == "press one please"
    assert normalise("I\u2019d like 'Call-Waiting'") == "i'd like call waiting"
    assert normalise("...") == ""


def test_nothing_a_phrase_holds_can_be_grammar() -> None:
    evil = 'hello; | <x> = /1/ {y} [z] * + \\ " end; public <w>'
    text = jsgf((normalise(evil),))
    assert "<phrase> = hello one y z end public;" in text


def test_the_grammars_words_are_those_of_phrases_and_politeness() -> None:
    assert set(words(("call waiting",))) >= {"call", "waiting", "please"}
    assert list(words(("b a",))) == sorted(words(("b a",)))


def test_politeness_is_left_out_unless_it_is_a_phrase() -> None:
    phrases = frozenset({"call waiting", "help me please"})
    for before in ("", *(f"{word} " for word in BEFORE)):
        for after in ("", *(f" {word}" for word in AFTER)):
            assert without_politeness(f"{before}call waiting{after}", phrases) == "call waiting"
    assert without_politeness("help me please", phrases) == "help me please"
    assert without_politeness("something else", phrases) == "something else"


def test_accents_come_off_and_other_alphabets_are_named() -> None:
    assert normalise("Café Zoë") == "cafe zoe"
    assert unreadable(("café 1", "Łódź centre", "你好 Łódź")) == ("Łódź", "你好")
