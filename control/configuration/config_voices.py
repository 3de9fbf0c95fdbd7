"""The voices that espeak-ng has, by the files of its package, and the one that speaks a language.

Not here: the library itself (GPL-3), which only its worker process may load.
"""

import functools
import importlib.util
import pathlib
import re

PACKAGE, DATA = "espeakng_loader", "espeak-ng-data"
LANGUAGE = re.compile(r"^language\s+(\S+)", re.MULTILINE)
NUMBERED_VARIANT = re.compile(r"\d+\Z")


@functools.cache
def voices() -> frozenset[str]:
    """What `voice` may be, in lower case: the names of the voices' files, with or without folder.

    Empty where the package is not installed: the worker's start tells of that.
    """
    folder = _data_folder() / "lang"
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return frozenset(name.lower() for path in paths for name in (path.name, str(path)))


@functools.cache
def languages() -> dict[str, str]:
    """Codes of languages and the voice that says of itself to speak them (`no`: `nb`)."""
    found: dict[str, str] = {}
    for path in sorted((_data_folder() / "lang").rglob("*")):
        if path.is_file():
            for code in LANGUAGE.findall(path.read_text(errors="replace")):
                found.setdefault(code.lower(), path.name.lower())
    return found


@functools.cache
def variants() -> frozenset[str]:
    """What may stand behind a plus sign (`de+f3`)."""
    return frozenset(path.name for path in (_data_folder() / "voices" / "!v").glob("*"))


def is_voice(voice: str) -> bool:
    """Whether espeak-ng has that voice (`de`, `en-us`, `de+f3`)."""
    name, plus, variant = voice.partition("+")
    if plus and variant not in variants() and not NUMBERED_VARIANT.match(variant):
        return False
    return name.lower() in voices()


def voice_of(language: str) -> str | None:
    """The voice of a language or its region (`de-AT`: German); None: espeak-ng has none."""
    for code in (language.lower(), language.lower().partition("-")[0]):
        if code in voices():
            return code
        if code in languages():
            return languages()[code]
    return None


def _data_folder() -> pathlib.Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return pathlib.Path("/nonexistent")
    return pathlib.Path(spec.origin).parent / DATA
