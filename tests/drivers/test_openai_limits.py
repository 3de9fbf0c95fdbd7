"""What answers say of how many requests more are taken."""

import pytest

from offhook.drivers.openai_limits import RequestLimit, read_limit


def headers(remaining: str, limit: str = "60", reset: str = "1s") -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": limit,
        "x-ratelimit-remaining-requests": remaining,
        "x-ratelimit-reset-requests": reset,
    }


def test_all_three_headers_are_read() -> None:
    assert read_limit(headers("59")) == RequestLimit(59, 60, 1.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        ("120ms", 0.12),
        ("8.64s", 8.64),
        ("30", 30.0),
        ("", None),
        ("soon", None),
        ("1s later", None),
        ("-1s", None),
    ],
)
def test_spans_are_as_go_writes_them(text: str, seconds: float | None) -> None:
    found = read_limit(headers("1", reset=text))
    assert found is not None
    assert found.reset_s == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "-1", "many", "1.5", "9" * 13, "٣"])
def test_what_is_no_count_says_nothing(text: str) -> None:
    assert read_limit(headers(text)) is None


def test_an_answer_without_headers_says_nothing() -> None:
    assert read_limit({}) is None


def test_what_is_left_is_all_of_it_again_after_the_reset() -> None:
    limit = RequestLimit(3, 60, 6.0)
    assert (limit.after(0.0), limit.after(5.9), limit.after(6.0)) == (3, 3, 60)


def test_what_is_left_stays_where_no_reset_is_known() -> None:
    assert RequestLimit(3).after(1e6) == 3
