"""Which foreign agents many calls can be placed to."""

import pytest

from offhook.bench.load.capacity_target import check, parse


@pytest.mark.parametrize(
    ("target", "user", "server"),
    [
        ("sip:bot@127.0.0.1:5070", "bot", "127.0.0.1:5070"),
        ("sip:127.0.0.1", "agent", "127.0.0.1:5060"),
        ("sip:+4930@127.0.0.1;transport=UDP", "+4930", "127.0.0.1:5060"),
    ],
)
def test_a_target_is_a_user_and_an_address(target: str, user: str, server: str) -> None:
    assert parse(target) == (user, server)


@pytest.mark.parametrize(
    "target",
    [
        "sip:bot@127.0.0.1;transport=tls",
        "https://127.0.0.1/whip",
        "bot@127.0.0.1",
        "sip:bot@127.0.0.1:port",
    ],
)
def test_another_kind_of_target_is_named_in_the_error(target: str) -> None:
    with pytest.raises(ValueError, match="--target"):
        parse(target)


def test_an_address_that_offers_are_posted_to_is_called_over_whip() -> None:
    pytest.importorskip("aiortc")
    check("http://127.0.0.1:8000/whip")
    check("sip:bot@127.0.0.1")
    with pytest.raises(ValueError, match="--target"):
        check("ftp://127.0.0.1/whip")
