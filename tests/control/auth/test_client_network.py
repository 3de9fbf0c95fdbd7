"""Whom an address stands for."""

import pytest

from offhook.control.auth.client_network import client_network


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("unix:", "unix:"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_one_client_is_one_key(address: str, network: str) -> None:
    assert client_network(address) == network
