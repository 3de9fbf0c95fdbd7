"""What a server that speaks OpenAI's protocol says when it refuses, as our errors. Core."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from ..media.errors import ProviderError, ProviderRejected
from .errors import KeyRejected, ProviderBusy

QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"429 with one of these is not cured by waiting."
KEY_STATUSES = frozenset({401, 403})
MAX_SAID_CHARS = 300


class Said(msgspec.Struct, frozen=True):
    """A server's own words."""

    message: str
    code: str | int | None = None


class _Refusal(msgspec.Struct, frozen=True):
    error: msgspec.Raw


class _Detail(msgspec.Struct, frozen=True):
    message: str
    code: str | int | None = None


_REFUSAL = msgspec.json.Decoder(_Refusal)
_DETAIL = msgspec.json.Decoder(_Detail | str)


def read_refusal(body: bytes) -> Said:
    """The `error` object; of what has none, the beginning of the text."""
    try:
        said = read_error(_REFUSAL.decode(body).error)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        said = Said(" ".join(body.decode(errors="replace").split()))
    return msgspec.structs.replace(said, message=said.message[:MAX_SAID_CHARS])


def read_error(error: msgspec.Raw) -> Said:
    """What stands under `error`: an object as OpenAI's, a text, or anything."""
    try:
        detail = _DETAIL.decode(error)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Said(bytes(error).decode(errors="replace"))
    return Said(detail) if isinstance(detail, str) else Said(detail.message, detail.code)


def refused(
    provider: str, base_url: str, key_env: str, status: int, said: Said, headers: Mapping[str, str]
) -> ProviderError:
    """The error of an answer with this HTTP status (400 or more)."""
    if status in KEY_STATUSES:
        return KeyRejected(provider, base_url, key_env, said.message)
    what = f"{base_url}: HTTP {status}: {said.message}"
    if status == 429 and said.code in QUOTA_CODES:
        return ProviderRejected(provider, what)
    if status in (429, 503):
        return ProviderBusy(provider, what, retry_after_s(headers))
    if status in (408, 409) or status >= 500:
        return ProviderError(provider, what)
    return ProviderRejected(provider, what)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The Retry-After header's seconds; dates and nonsense count as absent."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return timedelta(milliseconds=float(milliseconds)).total_seconds()
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError, OverflowError):
        return None
