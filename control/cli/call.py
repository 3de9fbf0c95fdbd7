"""`offhook call sip:…`: a telephone for scripts. Plays a WAV, records the far end, presses keys."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import msgspec
import numpy as np
import uvloop
from numpy.typing import NDArray

from ...codecs.catalog import CATALOG, PREFERENCE
from ...codecs.errors import WavError
from ...codecs.resample import Resampler
from ...codecs.wav import WavReader, WavWriter
from ...drivers.sip.errors import LocalError, MalformedMessage
from ...media.events import AnyMediaEvent, AudioCaptured, PlayoutFinished
from ..calls.softphone import PlacedCall, Softphone
from ..errors import StartError, UsageError
from . import call_api

EPOCH = 1
MAX_PLAY_S = 3600
"A longer WAV is refused: it is held in memory."
TAIL_S = 0.3
"After the last sample, for the far end's buffer to play out."
KEYS = frozenset("0123456789*#ABCD,")


class Recording(msgspec.Struct, frozen=True):
    """A WAV file, read."""

    pcm: NDArray[np.int16]
    "The first channel, int16[1, samples]."
    rate_hz: int

    def at(self, rate_hz: int) -> NDArray[np.int16]:
        """Its samples at another rate, int16[samples]."""
        if self.rate_hz == rate_hz:
            return np.ascontiguousarray(self.pcm[0])
        resampler = Resampler(self.rate_hz, rate_hz)
        whole = np.concatenate([resampler.push(self.pcm), resampler.flush()], axis=1)
        return np.ascontiguousarray(whole[0])


def main(argv: list[str]) -> int:
    """Place one call; 0 only if it was answered. `offhook call list` and such: call_api.py."""
    if argv and argv[0] in call_api.VERBS:
        return call_api.main(argv)
    parser = argparse.ArgumentParser(
        prog="offhook call",
        description="Place a SIP call.",
        epilog=f"Calls of a running server: offhook call {' | '.join(sorted(call_api.VERBS))}",
    )
    parser.add_argument("target", metavar="sip:user@host:port")
    parser.add_argument("--play", type=Path, metavar="WAV", help="hang up when it has ended")
    parser.add_argument("--record", type=Path, metavar="WAV", help="what the far end says")
    parser.add_argument("--digits", default="", help="keys to press after the answer, comma waits")
    parser.add_argument("--username", help="for the digest, and as our own name")
    parser.add_argument("--password")
    parser.add_argument("--codec", action="append", choices=[c.name for c in PREFERENCE])
    options = parser.parse_args(argv)
    options.digits = options.digits.upper()
    # Whatever can be wrong here is told before anybody's telephone rings.
    if not KEYS.issuperset(options.digits):
        raise UsageError(f"--digits {options.digits}: keys are 0-9 * # A-D, and a comma waits")
    if options.record is not None:
        _try_to_write(options.record)
    play = None if options.play is None else read_wav(options.play)
    return uvloop.run(_run(options, play))


async def _run(options: argparse.Namespace, play: Recording | None) -> int:
    codecs = tuple(CATALOG[name] for name in options.codec) if options.codec else PREFERENCE
    phone = Softphone(codecs=codecs)
    try:
        await phone.start()
    except OSError as exc:
        raise StartError("a socket for SIP", exc.strerror or str(exc)) from exc
    try:
        placed: list[PlacedCall] = []

        def hang_up() -> None:
            for call in placed:
                call.leg.hang_up()

        # Before a telephone can ring; what comes in between is heeded when it is placed.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, hang_up)
        placed.append(_place(phone, options))
        return await _hold(placed[0], options, play)
    finally:
        await phone.aclose()


def _place(phone: Softphone, options: argparse.Namespace) -> PlacedCall:
    try:
        return phone.call(options.target, username=options.username, password=options.password)
    except MalformedMessage as exc:
        example = "an address is such as sip:agent@127.0.0.1:5060"
        raise UsageError(f"{options.target!r}: {exc.what}; {example}") from exc
    except LocalError as exc:
        raise UsageError(f"{options.target}: {exc.what}") from exc


async def _hold(call: PlacedCall, options: argparse.Namespace, play: Recording | None) -> int:
    if not await call.answered():
        end = await call.ended()
        why = end.reason or ("hung up before the answer" if end.by_us else end.cause.value)
        sys.stderr.write(f"offhook: {options.target} was not answered: {why}\n")
        return 1
    audio = _Audio(call, options.record)
    try:
        audio.begin(play, options.digits)
        await call.ended()
    finally:
        audio.close()
    return 0


class _Audio:
    """What is played into the call and what is recorded of it."""

    def __init__(self, call: PlacedCall, record: Path | None) -> None:
        self._call = call
        self._lane = call.lane
        self._file = None if record is None else record.open("wb")
        self._writer = WavWriter(self._file, self._lane.rate_hz, 1) if self._file else None
        self._lane.sink = self._receive

    def begin(self, play: Recording | None, digits: str) -> None:
        """Record from the first sample, play, press."""
        lane = self._lane
        if self._writer is not None:
            lane.capture(0)
        if play is not None:
            lane.play(EPOCH, play.at(lane.rate_hz))
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


def read_wav(path: Path) -> Recording:
    """A WAV to be played. Raises UsageError naming the file."""
    try:
        with path.open("rb") as file:
            reader = WavReader(file)
            pcm = reader.read(MAX_PLAY_S * reader.rate_hz)[:1]
            more = reader.read(1).shape[1]
    except OSError as exc:
        raise UsageError(f"--play {path}: {exc.strerror or exc}") from exc
    except WavError as exc:
        raise UsageError(f"--play {path}: {exc}") from exc
    if more:
        raise UsageError(f"--play {path}: longer than {MAX_PLAY_S} s")
    return Recording(pcm, reader.rate_hz)


def _try_to_write(path: Path) -> None:
    """Raises UsageError naming the file. Leaves what is there as it is, and nothing new."""
    is_new = not path.exists()
    try:
        path.open("ab").close()
        if is_new:
            path.unlink()
    except OSError as exc:
        raise UsageError(f"--record {path}: {exc.strerror or exc}") from exc
