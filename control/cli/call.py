"""`offhook call sip:…`: a telephone for scripts. Plays a WAV, records the far end, presses keys."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import numpy as np
import uvloop
from numpy.typing import NDArray

from ...codecs.catalog import CATALOG, PREFERENCE
from ...codecs.errors import WavError
from ...codecs.resample import Resampler
from ...codecs.wav import WavReader, WavWriter
from ...media.events import AnyMediaEvent, AudioCaptured, PlayoutFinished
from ..errors import UsageError
from ..softphone import PlacedCall, Softphone

EPOCH = 1
MAX_PLAY_S = 3600
"A longer WAV is refused: it is held in memory."
TAIL_S = 0.3
"After the last sample, for the far end's buffer to play out."
FAREWELL_S = 5.0
"The far end's answer to our BYE is awaited so long."


def main(argv: list[str]) -> int:
    """Place one call; 0 only if it was answered."""
    parser = argparse.ArgumentParser(prog="offhook call", description="Place a SIP call.")
    parser.add_argument("target", metavar="sip:user@host:port")
    parser.add_argument("--play", type=Path, metavar="WAV", help="hang up when it has ended")
    parser.add_argument("--record", type=Path, metavar="WAV", help="what the far end says")
    parser.add_argument("--digits", default="", help="keys to press after the answer, comma waits")
    parser.add_argument("--username", help="for the digest, and as our own name")
    parser.add_argument("--password")
    parser.add_argument("--codec", action="append", choices=[c.name for c in PREFERENCE])
    options = parser.parse_args(argv)
    if options.play is not None and not options.play.is_file():
        raise UsageError(f"--play {options.play}: no such file")
    return uvloop.run(_run(options))


async def _run(options: argparse.Namespace) -> int:
    codecs = tuple(CATALOG[name] for name in options.codec) if options.codec else PREFERENCE
    phone = Softphone(codecs=codecs)
    await phone.start()
    try:
        call = phone.call(options.target, username=options.username, password=options.password)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, call.leg.hang_up)
        return await _hold(call, options)
    finally:
        await phone.aclose()


async def _hold(call: PlacedCall, options: argparse.Namespace) -> int:
    if not await call.answered():
        end = await call.ended()
        status = f"{end.status} " if end.status else ""
        sys.stderr.write(f"offhook: not answered: {status}{end.reason or end.cause.value}\n")
        return 1
    audio = _Audio(call, options.record)
    try:
        audio.begin(options.play, options.digits)
        await call.ended()
    finally:
        audio.close()
    return 0


class _Audio:
    """What is played into the call and what is recorded of it."""

    def __init__(self, call: PlacedCall, record: Path | None) -> None:
        self._call = call
        self._lane = call.lane
        self._file = record.open("wb") if record else None
        self._writer = WavWriter(self._file, self._lane.rate_hz, 1) if self._file else None
        self._lane.sink = self._receive

    def begin(self, play: Path | None, digits: str) -> None:
        """Record from the first sample, play, press."""
        lane = self._lane
        if self._writer is not None:
            lane.capture(0)
        if play is not None:
            lane.play(EPOCH, load_wav(play, lane.rate_hz))
            lane.finish(EPOCH)
            lane.open_gate(EPOCH)
        if digits:
            self._call.leg.send_digits(digits)

    def _receive(self, event: AnyMediaEvent) -> None:
        if isinstance(event, AudioCaptured) and self._writer is not None:
            self._writer.write(np.frombuffer(event.pcm, np.int16)[None])
        elif isinstance(event, PlayoutFinished):
            asyncio.get_running_loop().call_later(TAIL_S, self._call.leg.hang_up)

    def close(self) -> None:
        """The WAV is complete."""
        self._lane.end_capture()
        if self._writer is not None and self._file is not None:
            self._writer.flush()
            self._file.close()


def load_wav(path: Path, rate_hz: int) -> NDArray[np.int16]:
    """A WAV's first channel at a lane's rate. Raises UsageError naming the file."""
    try:
        with path.open("rb") as file:
            reader = WavReader(file)
            pcm = reader.read(MAX_PLAY_S * reader.rate_hz)[:1]
    except (OSError, WavError) as exc:
        raise UsageError(f"{path}: {exc}") from exc
    if reader.rate_hz == rate_hz:
        return np.ascontiguousarray(pcm[0])
    resampler = Resampler(reader.rate_hz, rate_hz)
    whole = np.concatenate([resampler.push(pcm), resampler.flush()], axis=1)
    return np.ascontiguousarray(whole[0])
