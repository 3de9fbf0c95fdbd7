"""pocketsphinx, held by one worker process: a whole turn's audio in, words and confidence out.

It keeps the interpreter lock all the time it works, hence the process. Every decoding takes the
audio as one piece (cepstral mean over all of it), so that one decoder serves all streams and
nothing of one caller's voice is left for the next. Not here: streams, turns, messages.
"""

import math
from pathlib import Path

import msgspec
import numpy as np
import pocketsphinx  # type: ignore[import-untyped]
from numpy.typing import NDArray

from ..tts.espeak_library import Espeak
from . import grammar, rejection
from .pronunciation import arpabet
from .telephone_band import WIDE_HZ, to_wide

MODEL = Path(pocketsphinx.get_model_path()) / "en-us"
LOG_BASE = math.log(1.0001)
"Scores are counted in powers of the model's log base; this brings them back to it."
MAX_GRAMMARS = 32
"Grammars that a worker keeps; the least recently used one makes room."
MIN_SAMPLES = WIDE_HZ // 10
"Less than 100 ms is no word; too little for the front end, too."
LOOP_BEAM = 1e-20
"The phone loop's, far narrower than the default 1e-48: half the time, the same scores."
DICTATION = "dictation"
INTERIM_MIN_SCORE = -45.0
"Mean acoustic score a frame under which partial words are not worth telling."


class Heard(msgspec.Struct, frozen=True):
    """What was recognised; the text is empty when it was rejected."""

    text: str
    confidence: float
    rejected: bool


class UnknownWords(Exception):
    """Words of a grammar that cannot be pronounced."""

    def __init__(self, words: tuple[str, ...]) -> None:
        super().__init__(words)
        self.words = words


class Listening(msgspec.Struct, frozen=True):
    """A grammar in the decoder; no phrases: free dictation."""

    search: str
    phrases: frozenset[str]


class SpeechDecoder:
    """The recogniser's searches: grammars by their phrases, the phone loop, dictation."""

    def __init__(self, min_confidence: float) -> None:
        self._min_confidence = min_confidence
        model, words = str(MODEL / "en-us"), str(MODEL / "cmudict-en-us.dict")
        common = {"hmm": model, "dict": words, "cmn": "batch", "loglevel": "FATAL"}
        self._decoder = pocketsphinx.Decoder(lm=None, bestpath=False, **common)
        self._loop = pocketsphinx.Decoder(
            lm=None,
            allphone=str(MODEL / "en-us-phone.lm.bin"),
            allphone_ci=True,
            lw=3.0,
            pip=1.0,
            beam=LOOP_BEAM,
            pbeam=LOOP_BEAM,
            **common,
        )
        self._grammars: dict[tuple[str, ...], Listening] = {}
        self._made = 0
        self._dictation: pocketsphinx.Decoder | None = None
        self._espeak: Espeak | None = None

    def listen_for(self, phrases: tuple[str, ...]) -> Listening:
        """The grammar of these phrases, made or kept. Raises UnknownWords."""
        if foreign := grammar.unreadable(phrases):
            raise UnknownWords(foreign)
        wanted = tuple(sorted({text for phrase in phrases if (text := grammar.normalise(phrase))}))
        if not wanted:
            return Listening(DICTATION, frozenset())
        listening = self._grammars.pop(wanted, None)
        if listening is None:
            self._learn(grammar.words(wanted))
            self._made += 1
            listening = Listening(f"phrases-{self._made}", frozenset(wanted))
            self._decoder.add_jsgf_string(listening.search, grammar.jsgf(wanted))
        self._grammars[wanted] = listening
        if len(self._grammars) > MAX_GRAMMARS:
            oldest = self._grammars.pop(next(iter(self._grammars)))
            self._decoder.remove_search(oldest.search)
        return listening

    def recognise(self, phrases: tuple[str, ...], pcm: NDArray[np.int16], rate_hz: int) -> Heard:
        """All of a turn's audio, int16[n] at 8 or 16 kHz."""
        wide = to_wide(pcm, rate_hz)
        if wide.size < MIN_SAMPLES:
            return Heard("", 0.0, rejected=True)
        listening = self.listen_for(phrases)
        if not listening.phrases:
            return self._dictate(wide)
        text, path = self._follow(listening, wide)
        measured = rejection.fit(path, self._loop_scores(wide)) if text else None
        if measured is None:
            return Heard("", 0.0, rejected=True)
        sure = rejection.confidence(measured)
        if sure < self._min_confidence:
            return Heard("", sure, rejected=True)
        return Heard(grammar.without_politeness(text, listening.phrases), sure, rejected=False)

    def guess(self, phrases: tuple[str, ...], pcm: NDArray[np.int16], rate_hz: int) -> str:
        """The words so far, for an interim; empty when there is nothing to tell."""
        listening = self.listen_for(phrases)
        wide = to_wide(pcm, rate_hz)
        if not listening.phrases or wide.size < MIN_SAMPLES:
            return ""
        text, path = self._follow(listening, wide, partial=True)
        spoken = [segment for segment in path if segment.is_word]
        frames = sum(segment.frames for segment in spoken)
        if not frames or sum(segment.score for segment in spoken) / frames < INTERIM_MIN_SCORE:
            return ""
        return text

    def _follow(
        self, listening: Listening, wide: NDArray[np.int16], *, partial: bool = False
    ) -> tuple[str, list[rejection.Segment]]:
        """The best path through a grammar; a partial one need not reach the grammar's end."""
        decoder = self._decoder
        decoder.activate_search(listening.search)
        decoder.start_utt()
        decoder.process_raw(wide.tobytes(), full_utt=True)
        if not partial:
            decoder.end_utt()
        hypothesis = decoder.hyp()
        path = _segments(decoder) if hypothesis else []
        text = hypothesis.hypstr if hypothesis else ""
        if partial:
            decoder.end_utt()
        return text, path

    def _loop_scores(self, wide: NDArray[np.int16]) -> NDArray[np.float64]:
        """The phone loop's score of every frame, float64[frames]."""
        loop = self._loop
        loop.start_utt()
        loop.process_raw(wide.tobytes(), full_utt=True)
        loop.end_utt()
        scores = np.zeros(loop.n_frames() + 1)
        if loop.hyp():
            for segment in _segments(loop):
                scores[segment.first_frame : segment.last_frame + 1] = (
                    segment.score / segment.frames
                )
        return scores

    def _dictate(self, wide: NDArray[np.int16]) -> Heard:
        """Free dictation; its model (90 MB) is loaded by the first who needs it."""
        decoder = self._dictation
        if decoder is None:
            decoder = self._dictation = pocketsphinx.Decoder(
                hmm=str(MODEL / "en-us"),
                dict=str(MODEL / "cmudict-en-us.dict"),
                lm=str(MODEL / "en-us.lm.bin"),
                cmn="batch",
                loglevel="FATAL",
            )
        decoder.start_utt()
        decoder.process_raw(wide.tobytes(), full_utt=True)
        decoder.end_utt()
        hypothesis = decoder.hyp()
        if hypothesis is None or not hypothesis.hypstr:
            return Heard("", 0.0, rejected=True)
        return Heard(hypothesis.hypstr, min(1.0, hypothesis.prob), rejected=False)

    def _learn(self, words: tuple[str, ...]) -> None:
        """Teach the dictionary what it lacks. Raises UnknownWords."""
        missing = [word for word in words if self._decoder.lookup_word(word) is None]
        said = {word: self._pronounce(word) for word in missing}
        unknown = tuple(word for word, phones in said.items() if phones is None)
        if unknown:
            raise UnknownWords(unknown)
        for word, phones in said.items():
            self._decoder.add_word(word, phones, True)

    def _pronounce(self, word: str) -> str | None:
        if self._espeak is None:
            self._espeak = Espeak()
            self._espeak.set_voice("en-us")
        return arpabet(self._espeak.phonemes(word))


def _segments(decoder: pocketsphinx.Decoder) -> list[rejection.Segment]:
    return [
        rejection.Segment(
            segment.word,
            segment.start_frame,
            segment.end_frame,
            math.log(max(segment.ascore, 1e-300)) / LOG_BASE,
        )
        for segment in decoder.seg()
    ]
