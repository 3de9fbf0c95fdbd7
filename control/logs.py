"""The log: one line a record on standard error, as key=value or JSON.

Numbers are masked above debug, secrets always: the formatter is the last place every text passes.
"""

import datetime
import logging
import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import msgspec
from aiohttp.http_exceptions import BadHttpMessage

from .config import LogSettings

FIELDS = ("call", "leg")
"What `call_logger` adds to records."
QUIET = ("aiosqlite", "alembic", "sqlalchemy")
"Their lines below a warning hold every value that is stored, secrets and numbers among them."
SHOWN_DIGITS = 3
"The end of a masked number, to tell two apart."
HIDDEN = "***"

_encode = msgspec.json.Encoder().encode
_NUMBER = re.compile(r"(?<![\w.-])(\+?)(\d{7,15})(?![\w-]|\.\d)")
_AUTHORIZATION = re.compile(r"(?i)((?:proxy-)?authorization\s*[:=]\s*).*")
_PLAIN_VALUE = re.compile(r"[^\s\"=]+\Z")


def configure(settings: LogSettings, secrets: Iterable[str] = ()) -> None:
    """Send the log of this process to standard error. `secrets` are never shown."""
    handler = logging.StreamHandler()
    formatter = JsonFormatter if settings.format == "json" else TextFormatter
    handler.setFormatter(formatter(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    logging.getLogger("aiohttp.server").addFilter(_is_ours)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _is_ours(record: logging.LogRecord) -> bool:
    """Requests that are no HTTP got their 400: anybody could fill the log with them."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, BadHttpMessage)


class CallLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose records name their call."""

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the call's fields to those that the caller gives."""
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs


def call_logger(logger: logging.Logger, call_id: str, leg_id: str | None = None) -> CallLogger:
    """A logger for one call, or one leg of it."""
    fields = {"call": call_id} if leg_id is None else {"call": call_id, "leg": leg_id}
    return CallLogger(logger, fields)


class _Formatter(logging.Formatter):
    """A record's parts, with what must not be seen taken out."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        # The longest first: a secret may be a part of another.
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)

    def clean(self, text: str, level: int) -> str:
        """Without secrets, and above debug without full numbers."""
        text = _AUTHORIZATION.sub(rf"\g<1>{HIDDEN}", text)
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text if level <= logging.DEBUG else mask_numbers(text)

    def parts(self, record: logging.LogRecord) -> dict[str, str]:
        """Time, level, logger, the call's fields, message, traceback if there is one."""
        wall = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        parts = {
            "at": wall.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        fields: Mapping[str, object] = record.__dict__
        parts |= {name: str(fields[name]) for name in FIELDS if fields.get(name)}
        parts["message"] = self.clean(record.getMessage(), record.levelno)
        if record.exc_info:
            parts["error"] = self.clean(self.formatException(record.exc_info), record.levelno)
        return parts


class TextFormatter(_Formatter):
    """`at=… level=… logger=… call=… message="…"`; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        parts = self.parts(record)
        error = parts.pop("error", None)
        line = " ".join(f"{name}={_quoted(value)}" for name, value in parts.items())
        return line if error is None else f"{line}\n{error}"


class JsonFormatter(_Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        return _encode(self.parts(record)).decode()


def mask_numbers(text: str) -> str:
    """Telephone numbers in a text, without all but their last digits."""
    return _NUMBER.sub(_masked, text)


def _masked(match: re.Match[str]) -> str:
    plus, digits = match.groups()
    return f"{plus}{'*' * (len(digits) - SHOWN_DIGITS)}{digits[-SHOWN_DIGITS:]}"


def _quoted(value: str) -> str:
    """As it is when it is one word, else as a JSON string, so that a line stays one line."""
    return value if _PLAIN_VALUE.match(value) else _encode(value).decode()
