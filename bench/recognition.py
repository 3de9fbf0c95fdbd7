"""How well callers are understood: `python -m offhook.bench.recognition [--cache DIR] [--step N]`.

Recorded human speech (human_speech.py) through each line's codec into the Transcriber port, as a
call would do it: a grammar of 60 phrases, each of them said once, and sentences that are not in it.
"""

import argparse
import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..codecs import g711, g722, opus, resample
from ..drivers.stt import grammar
from ..drivers.stt.pocketsphinx import PocketsphinxSettings, PocketsphinxTranscriber
from ..media.speech_ports import (
    AnyTranscriptEvent,
    ListenSettings,
    TranscriberStream,
    TranscriptChanged,
    TranscriptFinal,
)
from .speech.human_speech import Prompts, fetch

WIDE_HZ, TELEPHONE_HZ = 16000, 8000
CHUNK_MS, FRAME_MS = 100, 20
MAX_STRANGER_S = 6.0
NOISE_DB = -20.0
"White noise below the speech, in the telephone-with-noise row."
IN_GRAMMAR_TABLE = """
hello call-forwarding call-waiting auth-thankyou goodbye do-not-disturb speed-dial
one-moment-please please-try-again telephone-number extension location time pbx-transfer
cancelled activated de-activated enabled disabled calling removed added info-about-last-call
call-fwd-no-ans call-fwd-on-busy call-fwd-unconditional from-unknown-caller
number-not-answering im-sorry hello-world vm-sorry vm-password digits/today digits/tomorrow
digits/yesterday vm-no vm-messages conf-full dir-welcome queue-thankyou queue-reporthold
please-try-call-later something-terribly-wrong pls-hold-while-try if-correct-press
to-call-this-number number hours vm-nomore vm-deleted followme/call-from
feature-not-avail-line all-circuits-busy-now sorry-youre-having-problems
dictate/playback_mode dictate/record_mode conf-muted vm-saved queue-callswaiting
agent-loggedoff
"""
IN_GRAMMAR = IN_GRAMMAR_TABLE.split()

Pcm = NDArray[np.int16]


class Row(msgspec.Struct):
    """What was counted on one kind of line."""

    line: str
    right: int = 0
    wrong: int = 0
    falsely_rejected: int = 0
    falsely_accepted: int = 0
    strangers: int = 0
    final_s: list[float] = msgspec.field(default_factory=list)


# --- lines ----------------------------------------------------------------------------------------


def _whole_frames(pcm: Pcm, rate_hz: int) -> Pcm:
    return np.append(pcm, np.zeros(-pcm.size % (rate_hz * FRAME_MS // 1000), np.int16))


def _narrow(pcm: Pcm) -> Pcm:
    narrow: Pcm = resample.Resampler(WIDE_HZ, TELEPHONE_HZ).push(pcm[None])[0]
    return narrow


def over_g711(pcm: Pcm) -> Pcm:
    """8 kHz, mu-law and back."""
    return g711.decode_ulaw(g711.encode_ulaw(_narrow(pcm)))


def over_noisy_g711(pcm: Pcm) -> Pcm:
    """The same from a room with noise."""
    speech = pcm.astype(float)
    level = np.sqrt(np.mean(speech**2)) * 10 ** (NOISE_DB / 20)
    noise = np.random.default_rng(pcm.size).normal(0.0, level, pcm.size)
    return over_g711(np.clip(speech + noise, -32768, 32767).astype(np.int16))


def over_g722(pcm: Pcm) -> Pcm:
    """16 kHz, G.722 and back (the recordings have been through it once already)."""
    payload = g722.G722Encoder().encode(_whole_frames(pcm, WIDE_HZ))
    decoder, size = g722.G722Decoder(), WIDE_HZ * FRAME_MS // 2000
    return np.concatenate(
        [decoder.decode(payload[at : at + size]) for at in range(0, payload.size, size)]
    )


def over_opus(pcm: Pcm) -> Pcm:
    """16 kHz, Opus at its telephone bit rate and back."""
    encoder, decoder = opus.OpusEncoder(WIDE_HZ), opus.OpusDecoder(WIDE_HZ)
    frames = _whole_frames(pcm, WIDE_HZ).reshape(-1, WIDE_HZ * FRAME_MS // 1000)
    return np.concatenate([decoder.decode(encoder.encode(frame)) for frame in frames])


LINES: tuple[tuple[str, int, Callable[[Pcm], Pcm]], ...] = (
    ("16 kHz, no codec", WIDE_HZ, lambda pcm: pcm),
    ("G.722", WIDE_HZ, over_g722),
    ("Opus", WIDE_HZ, over_opus),
    ("G.711", TELEPHONE_HZ, over_g711),
    ("G.711 with noise", TELEPHONE_HZ, over_noisy_g711),
)


# --- measuring ------------------------------------------------------------------------------------


def strangers(prompts: Prompts, step: int) -> list[str]:
    """Every `step`-th short prompt that is not a phrase of the grammar."""
    known = {grammar.normalise(prompts.words(name)) for name in IN_GRAMMAR}
    others = [
        name
        for name in prompts.names()
        if grammar.normalise(prompts.words(name)) not in known
        and prompts.pcm(name).size < MAX_STRANGER_S * prompts.rate_hz
    ]
    return others[::step]


class Ear:
    """One call that listens."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[AnyTranscriptEvent] = asyncio.Queue()
        self._turn = 0

    async def hear(
        self, stream: TranscriberStream, pcm: Pcm, rate_hz: int
    ) -> tuple[TranscriptFinal, float]:
        """One utterance; the final and the seconds it took after `end`."""
        self._turn += 1
        stream.begin(self._turn)
        chunk = rate_hz * CHUNK_MS // 1000
        for at in range(0, pcm.size, chunk):
            stream.push(pcm[at : at + chunk].tobytes())
        began = time.perf_counter()
        stream.end(self._turn)
        while isinstance(event := await self.events.get(), TranscriptChanged):
            pass
        if not isinstance(event, TranscriptFinal):
            raise event.error
        return event, time.perf_counter() - began


async def measure(
    transcriber: PocketsphinxTranscriber,
    prompts: Prompts,
    line: tuple[str, int, Callable[[Pcm], Pcm]],
    others: list[str],
) -> Row:
    """All phrases and all strangers over one kind of line."""
    name, rate_hz, through = line
    row, ear = Row(name, strangers=len(others)), Ear()
    phrases = tuple(prompts.words(name) for name in IN_GRAMMAR)
    stream = await transcriber.open(ListenSettings(rate_hz, phrases=phrases), ear.events.put_nowait)
    for prompt in IN_GRAMMAR:
        final, took_s = await ear.hear(stream, through(prompts.pcm(prompt)), rate_hz)
        row.final_s.append(took_s)
        row.right += final.text == grammar.normalise(prompts.words(prompt))
        row.falsely_rejected += final.rejected
        row.wrong += not final.rejected and final.text != grammar.normalise(prompts.words(prompt))
    for prompt in others:
        final, _ = await ear.hear(stream, through(prompts.pcm(prompt)), rate_hz)
        row.falsely_accepted += not final.rejected
    await stream.aclose()
    return row


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    said = len(IN_GRAMMAR)
    lines = [
        f"| line | right of {said} | wrong phrase | falsely rejected | falsely accepted"
        " | end to final, ms: p50, p95 |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        p50, p95 = np.quantile(row.final_s, [0.5, 0.95]) * 1000
        lines.append(
            f"| {row.line} | {row.right} | {row.wrong} | {row.falsely_rejected}"
            f" | {row.falsely_accepted} of {row.strangers}"
            f" ({100 * row.falsely_accepted / row.strangers:.0f} %) | {p50:.0f}, {p95:.0f} |"
        )
    return "\n".join(lines)


async def run(cache: Path, step: int, settings: PocketsphinxSettings) -> int:
    """Measure every line and print the table; 1 where there is no speech to measure with."""
    prompts = fetch(cache)
    if prompts is None:
        return 1
    others = strangers(prompts, step)
    transcriber = PocketsphinxTranscriber(settings)
    await transcriber.start()
    try:
        rows = [await measure(transcriber, prompts, line, others) for line in LINES]
    finally:
        await transcriber.aclose()
    print(table(rows))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(".cache/speech"))
    parser.add_argument("--step", type=int, default=4, help="take every N-th stranger")
    parser.add_argument("--min-confidence", type=float)
    options = parser.parse_args()
    settings = PocketsphinxSettings(workers=1, niceness=0)
    if options.min_confidence is not None:
        settings = msgspec.structs.replace(settings, min_confidence=options.min_confidence)
    return asyncio.run(run(options.cache, options.step, settings))


if __name__ == "__main__":
    raise SystemExit(main())
