"""The process that listens: `python -m offhook.drivers.stt.pocketsphinx_worker [niceness] [limit]`.

Shell. Streams of many calls take turns on one decoder. Finals are worked off in the order in which
they were asked for; an interim is made only when nothing else waits.
"""

import os
import sys

import numpy as np
from numpy.typing import NDArray

from ..worker_pipe import WorkerPipe
from .pocketsphinx_decoder import Heard, SpeechDecoder, UnknownWords
from .pocketsphinx_messages import (
    AnyOrder,
    Begin,
    Cancel,
    Close,
    End,
    Final,
    Interim,
    Open,
    Opened,
    Push,
    Ready,
    Refused,
    decode_order,
    encode,
)
from .rejection import DEFAULT_MIN_CONFIDENCE
from .turn_audio import TurnAudio


class Stream:
    """One call's recognition in the worker."""

    def __init__(self, order: Open, decoder: SpeechDecoder) -> None:
        self._rate_hz, self._phrases = order.rate_hz, order.phrases
        self._decoder = decoder
        self._audio: TurnAudio | None = None
        self._told = ""
        self._early: tuple[int, Heard] | None = None
        "The words of so many samples, recognised when the caller fell silent."

    def begin(self, turn: int) -> None:
        """An utterance of a new turn, or of the same."""
        if self._audio is None or self._audio.turn != turn:
            self._audio = TurnAudio(turn, self._rate_hz)
            self._told = ""
        self._early = None
        self._audio.begin()

    def push(self, pcm: bytes) -> None:
        """Audio; without a turn it is dropped (the turn was cancelled)."""
        if self._audio is not None:
            self._audio.push(pcm)

    def cancel(self, turn: int) -> None:
        """Forget the turn's audio."""
        if self._audio is not None and self._audio.turn == turn:
            self._audio = None

    def interim(self) -> tuple[int, str] | None:
        """(turn, words), when they changed and it is time to look."""
        audio = self._audio
        if audio is None:
            return None
        if audio.pauses():
            text = self._recognised_early(audio).text
        elif audio.interim_due():
            text = self._decoder.guess(self._phrases, audio.whole(), self._rate_hz)
        else:
            return None
        if not text or text == self._told:
            return None
        self._told = text
        return audio.turn, text

    def end(self, turn: int) -> Heard:
        """The turn's words so far.

        As one piece, for a phrase with a pause in it; or its utterances by themselves, where each
        is a phrase, or where the whole is none.
        """
        audio = self._audio
        if audio is None or audio.turn != turn:
            return Heard("", 0.0, rejected=True)
        if self._early is not None and audio.silent_since(self._early[0]):
            return self._early[1]
        whole = self._recognise(audio.whole())
        utterances = audio.utterances()
        if len(utterances) < 2:
            return whole
        parts = [self._recognise(utterance) for utterance in utterances]
        understood = [part for part in parts if not part.rejected]
        text = " ".join(part.text for part in understood)
        all_phrases = len(understood) == len(parts) and len(text) > len(whole.text)
        if not understood or not (whole.rejected or all_phrases):
            return whole
        return Heard(text, min(part.confidence for part in understood), rejected=False)

    def _recognised_early(self, audio: TurnAudio) -> Heard:
        """The words, once for every pause."""
        if self._early is None or not audio.silent_since(self._early[0]):
            self._early = (audio.length(), self._recognise(audio.whole()))
        return self._early[1]

    def _recognise(self, pcm: NDArray[np.int16]) -> Heard:
        return self._decoder.recognise(self._phrases, pcm, self._rate_hz)


class Listener:
    """All streams of this worker."""

    def __init__(self, pipe: WorkerPipe, decoder: SpeechDecoder) -> None:
        self._pipe, self._decoder = pipe, decoder
        self._streams: dict[int, Stream] = {}

    def receive(self, order: AnyOrder) -> None:
        """Carry out one order. Orders for streams that are closed or refused do nothing."""
        if isinstance(order, Open):
            self._open(order)
            return
        stream = self._streams.get(order.stream)
        if stream is None:
            return
        match order:
            case Begin():
                stream.begin(order.turn)
            case Push():
                stream.push(order.pcm)
                self._tell_interim(order.stream, stream)
            case End():
                heard = stream.end(order.turn)
                self._pipe.send(
                    encode(
                        Final(
                            order.stream, order.turn, heard.text, heard.confidence, heard.rejected
                        )
                    )
                )
            case Cancel():
                stream.cancel(order.turn)
            case Close():
                del self._streams[order.stream]

    def _open(self, order: Open) -> None:
        try:
            self._decoder.listen_for(order.phrases)
        except UnknownWords as exc:
            self._pipe.send(encode(Refused(order.stream, exc.words)))
            return
        self._streams[order.stream] = Stream(order, self._decoder)
        self._pipe.send(encode(Opened(order.stream)))

    def _tell_interim(self, number: int, stream: Stream) -> None:
        if self._pipe.peek_all():
            return  # behind: what is asked for comes first
        told = stream.interim()
        if told is not None:
            self._pipe.send(encode(Interim(number, *told)))


def main() -> None:
    """Serve until the parent is gone."""
    pipe = WorkerPipe.of_this_process()
    os.nice(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    limit = float(sys.argv[2]) if len(sys.argv) > 2 else DEFAULT_MIN_CONFIDENCE
    listener = Listener(pipe, SpeechDecoder(limit))
    pipe.send(encode(Ready()))
    while (message := pipe.receive()) is not None:
        listener.receive(decode_order(message))


if __name__ == "__main__":
    main()
