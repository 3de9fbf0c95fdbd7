"""The book is bounded, and forgets what was used longest ago."""

import numpy as np

from offhook.media.conversation.heard import SpokenText
from offhook.media.conversation.phrase_book import MadePhrase, PhraseBook, PhraseKey


def phrase(samples: int) -> MadePhrase:
    spoken = SpokenText(8000)
    spoken.write("x")
    spoken.begin_piece(1)
    spoken.add_audio(samples)
    spoken.end_piece()
    return MadePhrase(spoken, (np.zeros(samples, np.int16),))


def key(text: str, rate_hz: int = 8000) -> PhraseKey:
    return PhraseKey(text, "tts", "en", 1.0, rate_hz)


def test_oldest_unused_phrase_is_forgotten_first() -> None:
    book = PhraseBook(max_samples=300)
    for text in "abc":
        book.keep(key(text), phrase(100))
    assert book.find(key("a")) is not None
    book.keep(key("d"), phrase(100))
    assert book.find(key("b")) is None
    assert book.find(key("a")) is not None
    assert len(book) == 3


def test_phrase_of_another_rate_or_longer_than_the_book_is_not_found() -> None:
    book = PhraseBook(max_samples=300)
    book.keep(key("a"), phrase(100))
    book.keep(key("long"), phrase(301))
    assert book.find(key("a", 16000)) is None
    assert book.find(key("long")) is None
    assert len(book) == 1
