import pytest

from offhook.drivers.errors import KeyRejected, ProviderBusy
from offhook.drivers.openai_refusals import Said, read_refusal, refused, retry_after_s
from offhook.media.errors import ProviderError, ProviderRejected


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error":{"message":"no","type":"t","code":"c"}}', Said("no", "c")),
        (b'{"error":{"message":"no","code":429}}', Said("no", 429)),
        (b'{"error":"no"}', Said("no")),
        (b'{"error":{"detail":"no"}}', Said('{"detail":"no"}')),
        (b'{"detail":"no"}', Said('{"detail":"no"}')),
        (b"<html>\n  <b>Bad gateway</b></html>", Said("<html> <b>Bad gateway</b></html>")),
        (b"\xff", Said("\ufffd")),
        (b"", Said("")),
    ],
)
def test_a_server_s_words_are_found_however_it_wraps_them(body: bytes, said: Said) -> None:
    assert read_refusal(body) == said


def test_a_page_is_not_told_whole() -> None:
    assert len(read_refusal(b"x" * 10_000).message) == 300


@pytest.mark.parametrize(
    ("status", "code", "kind", "retryable"),
    [
        (401, None, KeyRejected, False),
        (403, None, KeyRejected, False),
        (404, "model_not_found", ProviderRejected, False),
        (408, None, ProviderError, True),
        (429, "insufficient_quota", ProviderRejected, False),
        (429, "rate_limit_exceeded", ProviderBusy, True),
        (500, None, ProviderError, True),
        (503, None, ProviderBusy, True),
    ],
)
def test_a_status_tells_whose_fault_it_is(
    status: int, code: str | None, kind: type[ProviderError], retryable: bool
) -> None:
    error = refused("chat", "http://x/v1", "KEY", status, Said("no", code), {})
    assert type(error) is kind
    assert error.retryable is retryable
    assert "http://x/v1" in str(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "60", "retry-after-ms": "300"}, 0.3),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"retry-after-ms": "1e400"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_seconds_and_milliseconds(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(headers) == seconds
