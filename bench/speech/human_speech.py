"""Recorded human speech with its words: Debian's Asterisk prompts, one voice a language, 16 kHz.

Fetched with `apt-get download` and unpacked without root; nothing is installed. Not here: what the
prompts are played to.
"""

import fcntl
import gzip
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...codecs import g722

SPEAKERS = {
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
    "ru": "ru_RU_f_IvrvoiceRU",
}
"By language: whose voice it is."
SOUNDS = Path("usr/share/asterisk/sounds")
SUFFIX = ".g722"
PAYLOAD_BYTES = 160
"20 ms of G.722."
DOWNLOAD_TIMEOUT_S = 120.0
NO_SPEECH = re.compile(r"[\[(<]")
"Descriptions of tones and silence stand in brackets."


class Prompts:
    """The prompts that are there as sound and as words."""

    rate_hz = g722.RATE_HZ

    def __init__(self, root: Path, language: str = "en") -> None:
        self._sounds = root / SOUNDS / SPEAKERS[language]
        text = gzip.decompress((root / _words(language)).read_bytes()).decode(errors="replace")
        lines = text.splitlines()
        said = (line.partition(":") for line in lines if ":" in line and line[0] != ";")
        self._words = {
            name.strip(): text.strip()
            for name, _, text in said
            if self._sounds_at_all(name.strip())
        }

    def names(self) -> tuple[str, ...]:
        """Every prompt with speech and nothing else in it, sorted."""
        return tuple(sorted(name for name, text in self._words.items() if not _described(text)))

    def words(self, name: str) -> str:
        """What is said, as it is printed, less descriptions. Raises KeyError."""
        return NO_SPEECH.split(self._words[name])[0].strip()

    def pcm(self, name: str) -> NDArray[np.int16]:
        """The sound, int16[n] at 16 kHz. Raises KeyError, CodecError."""
        self._words[name]
        data = self._file(name).read_bytes()
        decoder = g722.G722Decoder()
        packets = range(0, len(data), PAYLOAD_BYTES)
        return np.concatenate([decoder.decode(data[at : at + PAYLOAD_BYTES]) for at in packets])

    def _sounds_at_all(self, name: str) -> bool:
        file = self._file(name)
        return file.is_file() and file.stat().st_size > 0

    def _file(self, name: str) -> Path:
        return self._sounds / f"{name}{SUFFIX}"


def fetch(cache: Path, language: str = "en") -> Prompts | None:
    """The prompts, downloaded into `cache` once; None, the reason printed, where that fails."""
    root = cache / "asterisk-sounds"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:  # others may be unpacking them at this moment
        fcntl.flock(lock, fcntl.LOCK_EX)
        words, sounds = root / _words(language), root / SOUNDS / SPEAKERS[language]
        if not words.is_file() or not sounds.is_dir():
            reason = _download(_packages(language), cache / "packages", root)
            if reason:
                print(f"no recorded human speech: {reason}")
                return None
    return Prompts(root, language)


def _packages(language: str) -> tuple[str, str]:
    return f"asterisk-core-sounds-{language}", f"asterisk-core-sounds-{language}-g722"


def _words(language: str) -> Path:
    name = f"core-sounds-{language}"
    return Path("usr/share/doc") / f"asterisk-{name}" / f"{name}.txt.gz"


def _described(text: str) -> bool:
    return NO_SPEECH.search(text) is not None


def _download(wanted: tuple[str, str], packages: Path, root: Path) -> str | None:
    """Fetch and unpack; why it could not be done, or None."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            return f"there is no {program} here"
    packages.mkdir(parents=True, exist_ok=True)
    try:
        _run(["apt-get", "download", *wanted], packages)
        for package in wanted:
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
