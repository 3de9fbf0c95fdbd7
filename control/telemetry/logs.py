"""The log: one line a record on standard error, as key=value or JSON.

A record tells of which request, account and call it is (log_context.py). Numbers are masked above
debug, secrets always (scrubbing.py): the formatter is the last place every text passes.
"""

import datetime
import logging
import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import msgspec
from aiohttp.http_exceptions import BadHttpMessage

from ..configuration.config import LogSettings
from .log_context import context_fields
from .scrubbing import Scrubber, mask_numbers as mask_numbers

FIELDS = ("request", "account", "call", "leg")
"What records may carry, in this order: by `extra` (`call_logger`), else from the context."
QUIET = ("aiosqlite", "alembic", "sqlalchemy", "urllib3")
"Their lines below a warning hold every value that is stored, secrets and numbers among them."

MAX_CHARS = 20_000
"Of a message, and of a traceback: somebody else's server may say anything."
MAX_SECRET_CHARS = 2048
"Tokens are no longer (auth/tokens.py)."

_encode = msgspec.json.Encoder().encode
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
        self._scrubber = Scrubber(secrets)

    def clean(self, text: str, level: int) -> str:
        """Without secrets, and above debug without full numbers; no longer than a line may be."""
        if len(text) > MAX_CHARS:
            # Where it is cut, half a secret may stand, which nobody would know for one.
            half = MAX_CHARS // 2
            begin = self._scrubber.without_secrets(text[:half])[:-MAX_SECRET_CHARS]
            end = self._scrubber.without_secrets(text[-half:])[MAX_SECRET_CHARS:]
            text = f"{begin} … {end}"
        else:
            text = self._scrubber.without_secrets(text)
        return text if level <= logging.DEBUG else mask_numbers(text)

    def parts(self, record: logging.LogRecord) -> dict[str, str]:
        """Time, level, logger, what it is about, message, traceback if there is one."""
        wall = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        parts = {
            "at": wall.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        given: Mapping[str, object] = record.__dict__
        # Records are formatted where they are made, in the context of that work.
        known = context_fields() | {name: str(given[name]) for name in FIELDS if given.get(name)}
        parts |= {name: known[name] for name in FIELDS if name in known}
        parts["message"] = self.clean(record.getMessage(), record.levelno)
        if record.exc_info:
            parts["error"] = self.clean(self.formatException(record.exc_info), record.levelno)
        return parts


class TextFormatter(_Formatter):
    """`at=… level=… logger=… call=… message="…" error="…"`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, with a traceback, too."""
        return " ".join(f"{name}={_quoted(value)}" for name, value in self.parts(record).items())


class JsonFormatter(_Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        return _encode(self.parts(record)).decode()


def _quoted(value: str) -> str:
    """As it is when it is one word, else as a JSON string, so that a line stays one line."""
    return value if _PLAIN_VALUE.match(value) else _encode(value).decode()
