"""SHELL: one secret a file, in the data folder: made at the first start, unreadable for others.

Only for processes that hold the data folder: two that make the same secret at once may differ.
"""

import os
import pathlib
import re
import secrets
from collections.abc import Callable

from ..errors import StoreError

FOLDER = "secrets"
KEY_BYTES = 32

_KEY = re.compile(rf"[0-9a-f]{{{KEY_BYTES * 2}}}")


def read_or_make(data: pathlib.Path, name: str, make: Callable[[], str]) -> str:
    """The text of `data/secrets/<name>` without white space around it; if missing, `make()`'s.

    Raises StoreError when the folder cannot be read or written, or the file is empty.
    """
    path = path_of(data, name)
    try:
        make_data_folder(data)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            write(path, make())
        value = path.read_text().strip()
    except OSError as exc:
        raise StoreError(str(path), exc.strerror or str(exc)) from exc
    except UnicodeDecodeError as exc:
        raise StoreError(str(path), "is not text") from exc
    if not value:
        raise StoreError(str(path), "is empty; delete it and a new one is made")
    return value


def make_data_folder(data: pathlib.Path) -> None:
    """For nobody else on this machine: before anything is made in it, as what makes a folder on
    its way to another makes it readable for all. Raises StoreError.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreError(str(data), exc.strerror or str(exc)) from exc


def open_keys(data: pathlib.Path, name: str) -> list[bytes]:
    """The keys of `data/secrets/<name>`, 32 bytes in hex a line, the one in use first.

    A key is retired by writing a new one above it: what the old one made can still be read. Raises
    StoreError, also when a line is no key.
    """
    lines = read_or_make(data, name, lambda: secrets.token_hex(KEY_BYTES)).split()
    if not all(_KEY.fullmatch(line) for line in lines):
        what = f"has a line that is no key: {KEY_BYTES * 2} hexadecimal digits, in small letters"
        raise StoreError(str(path_of(data, name)), what)
    return [bytes.fromhex(line) for line in lines]


def open_key(data: pathlib.Path, name: str) -> bytes:
    """The key in use. Raises StoreError."""
    return open_keys(data, name)[0]


def path_of(data: pathlib.Path, name: str) -> pathlib.Path:
    """Where the secret of this name is kept."""
    return data / FOLDER / name


def write(path: pathlib.Path, value: str) -> None:
    """Whole or not at all, and never readable by others, not even for a moment.

    Raises OSError.
    """
    part = path.with_suffix(f".{os.getpid()}.part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{value}\n")
    part.replace(path)
