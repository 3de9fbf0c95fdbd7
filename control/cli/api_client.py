"""The commands that speak to a running server: its address, its token, and its answers.

The address and the token are the configuration's, as the server on this machine has them; both can
be given instead.
"""

import argparse
import http.client
import os
import urllib.error
import urllib.request
from typing import Any

import msgspec

from ..auth.operator_token import FILE as TOKEN_FILE
from ..auth.secret_file import path_of
from ..configuration import config
from ..errors import ControlError, FieldError, UsageError

TIMEOUT_S = 30.0
MAX_ANSWER_BYTES = 64 * 1024 * 1024
ANY_HOST = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
PAGE = 200
"The most that a list gives at once."


class Refusal(msgspec.Struct, frozen=True):
    """Problem details (RFC 9457), as far as people are told of them."""

    title: str
    detail: str = ""
    field: str | None = None
    errors: tuple[FieldError, ...] = ()


_refusal = msgspec.json.Decoder(Refusal)


class ApiError(ControlError):
    """The server says no, or does not answer; `what` is for people."""

    code = "api_error"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class ApiClient:
    """Asks the API. Every verb raises UsageError for what was asked wrongly, else ApiError."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token
        # Not by a proxy: the server is on this machine, or named outright.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str) -> Any:
        """What is there."""
        return self._ask("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        """Make something."""
        return self._ask("POST", path, {} if body is None else body)

    def send(self, path: str, data: bytes, headers: dict[str, str]) -> Any:
        """Make something of bytes; `headers` say of what kind they are."""
        return self._request("POST", path, data, headers)

    def download(self, path: str) -> bytes:
        """A file, as it is."""
        return self._bytes("GET", path, None, {})

    def patch(self, path: str, body: Any) -> Any:
        """Change some of it."""
        return self._ask("PATCH", path, body)

    def delete(self, path: str) -> None:
        """Delete it."""
        self._ask("DELETE", path)

    def all(self, path: str) -> list[Any]:
        """Every item of a list, page by page."""
        items: list[Any] = []
        mark, cursor = ("&" if "?" in path else "?"), ""
        while True:
            page = self.get(f"{path}{mark}limit={PAGE}{cursor}")
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = f"&cursor={page['next']}"

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        if body is None:
            return self._request(method, path, None, {})
        json = {"Content-Type": "application/json"}
        return self._request(method, path, msgspec.json.encode(body), json)

    def _request(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Any:
        answered = self._bytes(method, path, data, headers)
        try:
            return msgspec.json.decode(answered) if answered else None
        except msgspec.DecodeError as exc:
            raise ApiError(f"{self._url} answers with what is no JSON") from exc

    def _bytes(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> bytes:
        headers = {"Authorization": f"Bearer {self._token}", **headers}
        request = urllib.request.Request(
            f"{self._url}{path}", method=method, headers=headers, data=data
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                found: bytes = answer.read(MAX_ANSWER_BYTES)
                return found
        except urllib.error.HTTPError as exc:
            with exc:
                raise told(exc.code, exc.read(MAX_ANSWER_BYTES)) from exc
        except (urllib.error.URLError, http.client.HTTPException, OSError) as exc:
            why = exc.reason if isinstance(exc, urllib.error.URLError) else exc
            raise ApiError(f"{self._url} does not answer ({why}); is the server running?") from exc


def told(status: int, body: bytes) -> ControlError:
    """A refusal as an error for people: the fields at fault, else the detail."""
    try:
        problem = _refusal.decode(body)
    except msgspec.DecodeError:
        return ApiError(f"the server answers {status}")
    parts = [f"{error.field}: {error.message}" for error in problem.errors]
    if not parts:
        named = f"{problem.field}: " if problem.field else ""
        parts = [f"{named}{problem.detail or problem.title}"]
    text = "; ".join(parts)
    return UsageError(text) if status in (400, 409, 422) else ApiError(text)


def add_options(parser: argparse.ArgumentParser) -> None:
    """What every command that speaks to a server takes."""
    parser.add_argument("--config", metavar="FILE", help="instead of ./offhook.toml")
    parser.add_argument("--url", help="the server; else http.host and http.port of the file")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def client_of(options: argparse.Namespace) -> ApiClient:
    """The client for the options that `add_options` added. Raises ConfigError and UsageError."""
    settings = config.load(os.environ, options.config)
    return ApiClient(options.url or _url(settings), _token(settings))


def _url(settings: config.Settings) -> str:
    host = ANY_HOST.get(settings.http.host, settings.http.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.http.port}"


def _token(settings: config.Settings) -> str:
    """The configured one, else the one that the server has made; none is made here."""
    if settings.api_token.strip():
        return settings.api_token.strip()
    path = path_of(settings.data_folder(), TOKEN_FILE)
    try:
        return path.read_text().strip()
    except OSError as exc:
        why = exc.strerror or str(exc)
        raise UsageError(
            f"no token: set OFFHOOK_API_TOKEN, or run this where the server runs ({path}: {why})"
        ) from exc
