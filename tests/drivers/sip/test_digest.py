"""The digest by the examples of the RFCs, and the reading of challenges."""

import pytest

from offhook.drivers.sip.digest import (
    Challenge,
    Credentials,
    choose,
    digest_response,
    user_hash,
)
from offhook.drivers.sip.errors import MalformedMessage

# RFC 7616 §3.9.1
HTTP = {
    "realm": "http-auth@example.org",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "uri": "/dir/index.html",
    "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    "nc": "00000001",
    "qop": "auth",
}


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: str, response: str) -> None:
    credentials = Credentials("Mufasa", response="", algorithm=algorithm, **HTTP)
    user = user_hash(algorithm, "Mufasa", HTTP["realm"], "Circle of Life")
    assert digest_response(credentials, user, "GET", b"") == response


def test_the_example_of_rfc_2617() -> None:
    credentials = Credentials(
        "Mufasa",
        "testrealm@host.com",
        "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "/dir/index.html",
        "",
        cnonce="0a4f113b",
        nc="00000001",
        qop="auth",
    )
    user = user_hash("MD5", "Mufasa", "testrealm@host.com", "Circle Of Life")
    assert digest_response(credentials, user, "GET", b"") == "6629fae49393a05397450978507c4ef1"


def test_the_old_digest_without_qop() -> None:
    # RFC 2069 §2.4 with the response of its erratum 749.
    credentials = Credentials(
        "Mufasa",
        "testrealm@host.com",
        "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "/dir/index.html",
        "",
    )
    user = user_hash("MD5", "Mufasa", "testrealm@host.com", "CircleOfLife")
    assert digest_response(credentials, user, "GET", b"") == "1949323746fe6a43ef61f9606e7febea"


def test_reads_a_challenge() -> None:
    (challenge,) = Challenge.parse_all(
        [
            'Digest realm="a, \\"b\\"", nonce="84a4cc6f3082121f32b42a2187831a9e",algorithm=SHA-256,'
            ' qop="auth, auth-int" , opaque="5ccc069c403ebaf9f0171e9517f40e41", STALE=True, x=y'
        ]
    )
    assert challenge == Challenge(
        "Digest",
        'a, "b"',
        "84a4cc6f3082121f32b42a2187831a9e",
        "SHA-256",
        ("auth", "auth-int"),
        "5ccc069c403ebaf9f0171e9517f40e41",
        True,
    )


def test_reads_several_challenges_in_one_value_and_leaves_out_what_is_none() -> None:
    challenges = Challenge.parse_all(
        [
            'Digest realm="a", nonce="1", Digest realm="b", nonce="2"',
            "",
            "Digest realm=,",
            "=;",
            "é x",
        ]
    )
    assert [(challenge.realm, challenge.nonce) for challenge in challenges] == [
        ("a", "1"),
        ("b", "2"),
    ]


SHA = Challenge("Digest", "r", "n1", "SHA-256", ("auth",))
MD5 = Challenge("digest", "r", "n2", "md5", ("auth",))


def test_chooses_the_strongest_in_either_order() -> None:
    assert choose([MD5, SHA]) == SHA
    assert choose([SHA, MD5]) == SHA
    assert choose([MD5]) == MD5


@pytest.mark.parametrize(
    "challenge",
    [
        Challenge("Digest", "r", "n", "SHA-512-256", ("auth",)),
        Challenge("Digest", "r", "n", "MD5", ("token",)),
        Challenge("Digest", "r", "", "MD5"),
        Challenge("NoOneKnowsThisScheme", "r", "n"),
    ],
)
def test_chooses_nothing_that_it_cannot_answer(challenge: Challenge) -> None:
    assert choose([challenge]) is None
    assert choose([challenge, MD5]) == MD5


def test_credentials_are_read_as_they_were_written() -> None:
    credentials = Credentials(
        'bob "b"', "r, s", "n", "sip:h", "0" * 32, "SHA-256", "c", "00000001", "auth", "o"
    )
    assert Credentials.parse(str(credentials)) == credentials
    assert 'qop=auth, nc=00000001, opaque="o"' in str(credentials)


@pytest.mark.parametrize(
    "value",
    ["", "Basic abc", 'Digest username="a"', "NoOneKnowsThisScheme opaque-data=here", "Digest é=1"],
)
def test_refuses_credentials(value: str) -> None:
    with pytest.raises(MalformedMessage):
        Credentials.parse(value)
