"""Where webhooks may lead."""

import pytest

from offhook.control.errors import Unprocessable
from offhook.control.events.webhook_addresses import check_url
from offhook.drivers.public_addresses import is_public


@pytest.mark.parametrize(
    "url",
    ["https://example.org/hook", "https://example.org:8443/a?b=c", "https://[2606:4700::1]/x"],
)
def test_public_https_addresses_are_taken(url: str) -> None:
    assert str(check_url(url, allow_private=False)) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org/hook",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https://example.org:99999/",
        "http://example.org/",
        "https://ann:secret@example.org/",
        "https://127.0.0.1/",
        "https://127.1.2.3:8000/v1/calls",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://example.org/" + "x" * 2000,
    ],
)
def test_others_are_refused_by_their_field(url: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        check_url(url, allow_private=False)
    assert refused.value.field == "url"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/hook", "https://10.0.0.1/", "http://lan/x"])
def test_private_ones_are_taken_where_that_is_configured(url: str) -> None:
    assert str(check_url(url, allow_private=True)) == url


@pytest.mark.parametrize("url", ["ftp://10.0.0.1/", "http://a:b@10.0.0.1/", "nonsense"])
def test_nonsense_is_refused_there_too(url: str) -> None:
    with pytest.raises(Unprocessable):
        check_url(url, allow_private=True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("9.9.9.9", True),
        ("2620:fe::fe", True),
        ("127.0.0.1", False),
        ("172.16.0.1", False),
        ("100.64.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:9.9.9.9", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::909:909", True),
        ("fe80::1%eth0", False),
        ("ff02::1", False),
        ("fec0::1", False),
        ("3fff::1", False),
        ("192.88.99.1", False),
        ("::ffff:192.88.99.1", False),
        ("64:ff9b:1::a00:1", False),
        ("::127.0.0.1", False),
        ("no address", False),
    ],
)
def test_an_address_is_public_or_not_also_inside_another(address: str, public: bool) -> None:
    assert is_public(address) is public
