"""espeak-ng's C interface (speak_lib.h) by ctypes. One in a process, called by one thread.

The library keeps global state, crashes when two threads call it, and is GPL-3: only the worker
processes import this. Not here: resampling and messages.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import espeakng_loader  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

AUDIO_OUTPUT_SYNCHRONOUS = 2
CHUNK_MS = 20
INITIALIZE_DONT_EXIT = 0x8000
CHARS_UTF8 = 1
POS_CHARACTER = 1
EE_OK = 0
PARAMETER_RATE = 1
WORDS_A_MINUTE = 165
"espeak's own default is 175; a telephone line asks for a little less."
SLOWEST, FASTEST = 80, 450
EVENT_END_OF_LIST, EVENT_WORD = 0, 1
PHONEME_SEPARATOR = "_"
GO_ON, STOP = 0, 1


class _EventId(ctypes.Union):
    _fields_ = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):
    """espeak_EVENT."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)

Words = list[tuple[int, int, int]]
"(index in the text, characters, sample at the library's rate) of words that begin."


class EspeakError(Exception):
    """The library said no; `what` says to what."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"espeak-ng: {self.what}"


class Espeak:
    """The library, initialised. `rate_hz` is the rate of everything it says."""

    def __init__(self) -> None:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        self._library: Any = library
        data = espeakng_loader.get_data_path().encode()
        self.rate_hz: int = library.espeak_Initialize(
            AUDIO_OUTPUT_SYNCHRONOUS, CHUNK_MS, data, INITIALIZE_DONT_EXIT
        )
        if self.rate_hz <= 0:
            raise EspeakError(f"cannot start with its data in {espeakng_loader.get_data_path()}")
        self._listener: Callable[[NDArray[np.int16], Words], bool] | None = None
        self._callback = _CALLBACK(self._hear)  # kept: the library has only a pointer to it
        library.espeak_SetSynthCallback(self._callback)
        self._voice = ""

    def set_voice(self, voice: str) -> None:
        """A voice or language by espeak's name ("en-us", "de", "en-us+f3"). Raises EspeakError."""
        if voice == self._voice:
            return
        if self._library.espeak_SetVoiceByName(voice.encode()) != EE_OK:
            raise EspeakError(f"there is no voice {voice!r}")
        self._voice = voice

    def speak(
        self, text: str, speed: float, listener: Callable[[NDArray[np.int16], Words], bool]
    ) -> None:
        """Synthesize; `listener` gets every 20 ms (int16[n]) and returns whether to go on."""
        rate = round(min(max(WORDS_A_MINUTE * speed, SLOWEST), FASTEST))
        self._library.espeak_SetParameter(PARAMETER_RATE, rate, 0)
        data = text.encode() + b"\0"
        self._listener = listener
        try:
            said = self._library.espeak_Synth(
                data, ctypes.c_size_t(len(data)), 0, POS_CHARACTER, 0, CHARS_UTF8, None, None
            )
        finally:
            self._listener = None
        if said != EE_OK:
            raise EspeakError(f"cannot say {len(text)} characters (error {said})")

    def phonemes(self, word: str) -> list[str]:
        """A word's phonemes in espeak's own ASCII mnemonics, stress marks included."""
        text = ctypes.c_char_p(word.encode())
        mode = ord(PHONEME_SEPARATOR) << 8
        said: bytes | None = self._library.espeak_TextToPhonemes(
            ctypes.byref(text), CHARS_UTF8, mode
        )
        return (said or b"").decode().replace(" ", PHONEME_SEPARATOR).split(PHONEME_SEPARATOR)

    def _hear(self, pcm: Any, samples: int, events: Any) -> int:
        words: Words = []
        for event in events:
            if event.type == EVENT_END_OF_LIST:
                break
            if event.type == EVENT_WORD:
                words.append((event.text_position - 1, event.length, event.sample))
        assert self._listener is not None, "the library speaks only inside speak()"
        heard = (
            np.ctypeslib.as_array(pcm, (samples,)).copy()
            if pcm and samples
            else np.empty(0, np.int16)
        )
        return GO_ON if self._listener(heard, words) else STOP
