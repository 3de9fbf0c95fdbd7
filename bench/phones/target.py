"""Whom to call: `--target sip:user@host:port`, `--target https://host/whip`, and what to say there.

Nothing is known of a foreign agent but that it answers calls: no stages, no settings, no words that
it must understand. Not here: the phones themselves.
"""

import argparse
import random
import re
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...codecs.resample import Resampler
from ..speech.human_speech import fetch
from ..speech.voice import Voice
from .bare_digest import Credentials
from .bare_phone import BarePhone
from .line import RATE_HZ, Line, Pcm
from .whip_phone import WhipPhone

CACHE = Path(".cache/speech").resolve()
SIP = re.compile(r"sip:(?:([^@;]+)@)?([^;@]+)((?:;[^;]+)*)$")
DEFAULT_USER = "agent"

MakeLine = Callable[[random.Random], Line]


def add_target(parser: argparse.ArgumentParser) -> None:
    """The flags that name a foreign agent."""
    group = parser.add_argument_group("a foreign agent instead of a server of our own")
    group.add_argument("--target", help="sip:user@host:port (UDP, G.711), or a WHIP address")
    group.add_argument("--bearer", help="token for WHIP")
    group.add_argument("--username", help="for SIP digest authentication")
    group.add_argument("--password", default="")
    group.add_argument(
        "--say", type=Path, nargs="+", metavar="WAV", help="what the caller says; default: prompts"
    )


def is_whip(target: str) -> bool:
    """An address that offers are posted to."""
    return target.startswith(("http://", "https://"))


def line_to(arguments: argparse.Namespace) -> MakeLine:
    """What makes a line to `arguments.target`. Raises ValueError."""
    target: str = arguments.target
    bearer: str | None = arguments.bearer
    if is_whip(target):
        return lambda rng: WhipPhone(target, rng, bearer)
    found = SIP.match(target)
    if found is None:
        raise ValueError(f"--target {target}: neither sip:user@host:port nor http(s)://…")
    if re.search(r";transport=(?!udp)", found[3], re.IGNORECASE):
        raise ValueError(f"--target {target}: the bare phone speaks SIP over UDP only")
    user, server = found[1] or DEFAULT_USER, found[2]
    credentials = None
    if arguments.username is not None:
        credentials = Credentials(arguments.username, arguments.password)
    return lambda rng: BarePhone(server, user, rng, credentials)


async def spoken(
    arguments: argparse.Namespace, prompts: tuple[tuple[str, str], ...]
) -> tuple[list[Pcm], str]:
    """The caller's words at 8 kHz, and where they come from. Raises ValueError."""
    if arguments.say:
        return [read_wav(path) for path in arguments.say], "files of --say"
    recorded = fetch(CACHE)
    voice = Voice(recorded, RATE_HZ)
    kind = "synthetic speech" if recorded is None else "recorded prompts"
    return [await voice.words(*prompt) for prompt in prompts], kind


def read_wav(path: Path) -> Pcm:
    """A 16-bit WAV of any rate as 8 kHz, its channels mixed. Raises ValueError."""
    try:
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2:
                raise ValueError(f"{path}: not 16-bit")
            channels, rate_hz = file.getnchannels(), file.getframerate()
            data = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    except (OSError, EOFError, wave.Error) as exc:
        raise ValueError(f"{path}: {exc}") from exc
    mono: Pcm = np.rint(data.reshape(-1, channels).mean(axis=1)).astype(np.int16)
    if rate_hz != RATE_HZ:
        resampler = Resampler(rate_hz, RATE_HZ)
        mono = np.concatenate([resampler.push(mono[None]), resampler.flush()], axis=1)[0]
    if not np.any(mono):
        raise ValueError(f"{path}: silence")
    return mono
