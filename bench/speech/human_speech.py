"""Recorded human speech with its words: Debian's Asterisk prompts, one woman's voice at 16 kHz.

Fetched with `apt-get download` and unpacked without root; nothing is installed. Not here: what the
prompts are played to.
"""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...codecs import g722

PACKAGES = ("asterisk-core-sounds-en", "asterisk-core-sounds-en-g722")
SOUNDS = Path("usr/share/asterisk/sounds/en_US_f_Allison")
WORDS = Path("usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
SUFFIX = ".g722"
PAYLOAD_BYTES = 160
"20 ms of G.722."
DOWNLOAD_TIMEOUT_S = 120.0
NO_SPEECH = re.compile(r"[\[(<]")
"Descriptions of tones and silence stand in brackets."


class Prompts:
    """The prompts that are there as sound and as words."""

    rate_hz = g722.RATE_HZ

    def __init__(self, root: Path) -> None:
        self._sounds = root / SOUNDS
        lines = gzip.decompress((root / WORDS).read_bytes()).decode().splitlines()
        said = (line.partition(":") for line in lines if ":" in line and line[0] != ";")
        self._words = {
            name.strip(): text.strip()
            for name, _, text in said
            if self._file(name.strip()).is_file() and not NO_SPEECH.search(text)
        }

    def names(self) -> tuple[str, ...]:
        """Every prompt with speech in it, sorted."""
        return tuple(sorted(self._words))

    def words(self, name: str) -> str:
        """What is said, as it is printed. Raises KeyError."""
        return self._words[name]

    def pcm(self, name: str) -> NDArray[np.int16]:
        """The sound, int16[n] at 16 kHz. Raises KeyError, CodecError."""
        self._words[name]
        data = self._file(name).read_bytes()
        decoder = g722.G722Decoder()
        packets = range(0, len(data), PAYLOAD_BYTES)
        return np.concatenate([decoder.decode(data[at : at + PAYLOAD_BYTES]) for at in packets])

    def _file(self, name: str) -> Path:
        return self._sounds / f"{name}{SUFFIX}"


def fetch(cache: Path) -> Prompts | None:
    """The prompts, downloaded into `cache` once; None, the reason printed, where that fails."""
    root = cache / "asterisk-sounds"
    if not (root / WORDS).is_file() or not (root / SOUNDS).is_dir():
        reason = _download(cache / "packages", root)
        if reason:
            print(f"no recorded human speech: {reason}")
            return None
    return Prompts(root)


def _download(packages: Path, root: Path) -> str | None:
    """Fetch and unpack; why it could not be done, or None."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            return f"there is no {program} here"
    packages.mkdir(parents=True, exist_ok=True)
    try:
        _run(["apt-get", "download", *PACKAGES], packages)
        for package in PACKAGES:
            newest = max(packages.glob(f"{package}_*.deb"), key=lambda path: path.stat().st_mtime)
            _run(["dpkg-deb", "-x", str(newest), str(root)], packages)
    except subprocess.CalledProcessError as exc:
        said = exc.stderr.strip().splitlines()
        return f"{exc.cmd[0]} failed: {said[-1] if said else exc.returncode} (apt-get update?)"
    except subprocess.TimeoutExpired as exc:
        return f"{exc.cmd[0]} took longer than {exc.timeout:g} s"
    return None


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(
        command,
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_TIMEOUT_S,
    )
