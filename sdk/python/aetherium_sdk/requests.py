"""One request after another, over HTTP. No retry: what is tried again is the caller's decision."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from .errors import ConnectionFailed, UnreadableAnswer, refusal

AGENT = "aetherium-sdk-python/0.1"
MAX_ANSWER_BYTES = 64 * 1024 * 1024
"Of any answer; what is longer is no answer of this API."


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The API redirects nowhere, and a key must not follow a redirect to another host."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


class Requests:
    """What one key asks of one server."""

    def __init__(self, base_url: str, api_key: str, timeout_s: float) -> None:
        """`base_url`: `http` or `https`, with a path where the API is mounted below one.

        Raises ValueError.
        """
        parts = urllib.parse.urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"base_url is no http(s) address: {base_url!r}")
        if parts.query or parts.fragment:
            raise ValueError(f"base_url ends with its path: {base_url!r}")
        if not api_key or not api_key.isascii() or not api_key.isprintable():
            raise ValueError("api_key is empty, or has characters that no key has")
        self.base_url = base_url.rstrip("/")
        self.timeout_s = timeout_s
        self.headers = {"Authorization": f"Bearer {api_key}", "User-Agent": AGENT}
        self._opener = urllib.request.build_opener(_NoRedirects)

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
    ) -> Any:
        """The decoded answer; None where it has no body. Values of None are not sent.

        Raises ApiError, ConnectionFailed, UnreadableAnswer.
        """
        url = self.base_url + path
        if sent := _present(query):
            url += "?" + urllib.parse.urlencode(sent)
        headers = self.headers | {"Accept": "application/json"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(_present(body)).encode()
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=self.timeout_s) as response:
                return _decoded(response.read(MAX_ANSWER_BYTES + 1))
        except urllib.error.HTTPError as refused:
            with refused:
                told = refused.read(MAX_ANSWER_BYTES)
            raise refusal(refused.code, dict(refused.headers), told) from None
        except (OSError, http.client.HTTPException) as exc:  # URLError and timeouts are OSErrors
            raise ConnectionFailed(f"{method} {url}: {getattr(exc, 'reason', exc)}") from exc


def _present(values: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (values or {}).items() if value is not None}


def _decoded(data: bytes) -> Any:
    if len(data) > MAX_ANSWER_BYTES:
        raise UnreadableAnswer(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        raise UnreadableAnswer(f"no JSON: {data[:200]!r}") from None
