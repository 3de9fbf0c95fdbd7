"""Digest answers are those of the standards' own examples."""

import pytest

from offhook.bench.phones.bare_digest import Credentials, authorization


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_as_in_rfc_7616_3_9_1(algorithm: str, response: str) -> None:
    asked = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", '
        f"algorithm={algorithm}, "
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    who = Credentials("Mufasa", "Circle of Life")
    given = authorization(asked, who, "GET", "/dir/index.html", cnonce)
    assert given is not None
    assert f'response="{response}"' in given
    assert "qop=auth, nc=00000001" in given
    assert 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' in given


def test_digest_without_qop_as_in_rfc_2069() -> None:
    asked = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    who = Credentials("Mufasa", "Circle Of Life")
    given = authorization(asked, who, "GET", "/dir/index.html", "x")
    assert given is not None
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in given  # as corrected in errata 749
    assert "qop" not in given


def test_a_challenge_of_an_unknown_kind_is_not_answered() -> None:
    who = Credentials("u", "p")
    for challenge in ('Basic realm="r"', 'Digest nonce="n", algorithm=MD5-sess', "Digest x"):
        assert authorization(challenge, who, "INVITE", "sip:x", "c") is None
