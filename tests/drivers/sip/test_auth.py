"""Digest between our client and our server, on a virtual clock, and against those who cheat."""

import random

import pytest

from offhook.drivers.sip.auth import (
    Challenge,
    Credentials,
    DigestClient,
    DigestServer,
    Outcome,
    StoredHashes,
    Verdict,
    choose,
    user_hash,
)
from offhook.drivers.sip.uri import Uri

URI = Uri.parse("sip:bob@biloxi.com")
SOURCE = "192.0.2.7"
PASSWORDS = {"alice": "secret", 'o"hara': "pa:ss"}


def server() -> DigestServer:
    return DigestServer("offhook", b"key", nonce_lifetime_s=60.0)


def client(username: str = "alice", password: str = "secret") -> DigestClient:
    return DigestClient(username, password, random.Random(1))


def verify(
    side: DigestServer,
    header: str,
    *,
    method: str = "INVITE",
    body: bytes = b"",
    now: float = 10.0,
    source: str = SOURCE,
) -> Verdict:
    return side.verify(header, method, body, now, source, PASSWORDS.get)


def challenges(side: DigestServer, now: float = 10.0) -> list[Challenge]:
    return Challenge.parse_all(side.challenge(now, SOURCE))


def test_offers_the_strongest_first() -> None:
    assert [challenge.algorithm for challenge in challenges(server())] == ["SHA-256", "MD5"]


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
@pytest.mark.parametrize("username", PASSWORDS)
def test_the_right_password_passes(algorithm: str, username: str) -> None:
    side = server()
    challenge = next(item for item in challenges(side) if item.algorithm == algorithm)
    header = client(username, PASSWORDS[username]).authorization(challenge, "INVITE", URI)
    assert verify(side, header) == Verdict(Outcome.OK, username)


def test_stored_hashes_do_instead_of_passwords() -> None:
    side = server()
    hashes = StoredHashes(
        user_hash("MD5", "alice", "offhook", "secret"),
        user_hash("SHA-256", "alice", "offhook", "secret"),
    )
    alice = client()
    for challenge in challenges(side):
        header = alice.authorization(challenge, "INVITE", URI)
        assert side.verify(header, "INVITE", b"", 10.0, SOURCE, lambda _: hashes).ok


def test_what_is_wrong_is_wrong() -> None:
    side = server()
    challenge = challenges(side)[0]
    header = client().authorization(challenge, "INVITE", URI)
    assert verify(side, header, method="BYE").outcome is Outcome.WRONG
    assert verify(side, header.replace("alice", "mallory")).outcome is Outcome.WRONG
    assert verify(side, header.replace("offhook", "elsewhere")).outcome is Outcome.WRONG
    assert verify(side, client("alice", "guess").authorization(challenge, "INVITE", URI)) == (
        Verdict(Outcome.WRONG, "alice")
    )
    assert verify(side, client("nobody", "").authorization(challenge, "INVITE", URI)).ok is False
    assert verify(side, "garbage") == Verdict(Outcome.WRONG, "")
    assert verify(side, header.replace('response="', 'response="\udcff')).ok is False
    assert verify(side, header).ok  # none of that used the nonce up


def test_a_nonce_ends_with_its_time_and_is_good_for_its_source_alone() -> None:
    side = server()
    challenge = challenges(side)[0]
    alice = client()
    assert verify(side, alice.authorization(challenge, "INVITE", URI), now=70.0).ok
    assert verify(side, alice.authorization(challenge, "INVITE", URI), now=70.1).stale
    assert verify(side, alice.authorization(challenge, "INVITE", URI), source="192.0.2.8").stale
    # from the time before a restart, when the clock began anew
    assert verify(side, alice.authorization(challenge, "INVITE", URI), now=9.0).stale


def test_a_forged_nonce_is_stale_at_best() -> None:
    side = server()
    real = challenges(side)[0]
    for nonce in ("1.1.1", "", "x", "2710.1." + 32 * "0", real.nonce[:-1] + "g"):
        forged = Challenge("Digest", "offhook", nonce, "SHA-256", ("auth",))
        assert verify(side, client().authorization(forged, "INVITE", URI)).stale
        # Nor does it tell whether a password is right.
        guess = client("alice", "guess")
        assert verify(side, guess.authorization(forged, "INVITE", URI)).stale


def test_a_count_is_good_once_in_any_order() -> None:
    side = server()
    challenge = challenges(side)[0]
    alice = client()
    headers = [alice.authorization(challenge, "INVITE", URI) for _ in range(70)]
    assert [Credentials.parse(header).nc for header in headers[:2]] == ["00000001", "00000002"]
    for number in (0, 2, 1, 4, 69, 6, 68):
        assert verify(side, headers[number]).ok, number
    for number in (0, 1, 2, 4, 69, 6, 68):
        assert verify(side, headers[number]).stale, number
    assert verify(side, headers[5]).stale  # 64 behind: forgotten
    assert verify(side, headers[7]).ok


def test_without_qop_a_nonce_is_good_once() -> None:
    side = server()
    challenge = challenges(side)[1]
    old = Challenge("Digest", challenge.realm, challenge.nonce, "MD5")
    header = client().authorization(old, "INVITE", URI)
    assert "qop" not in header
    assert "cnonce" not in header
    assert verify(side, header).ok
    assert verify(side, header).stale


@pytest.mark.parametrize("count", ["00000000", "0x000001", "1", "", "-0000001", "000000010"])
def test_a_count_that_is_none_is_not_taken(count: str) -> None:
    side = server()
    challenge = challenges(side)[0]
    alice = client()
    credentials = Credentials.parse(alice.authorization(challenge, "INVITE", URI))
    assert verify(side, str(credentials).replace("nc=00000001", f'nc="{count}"')).ok is False


def test_what_a_full_server_forgets_is_stale_not_new() -> None:
    side = DigestServer("offhook", b"key", 60.0, max_used_nonces=50)
    first = challenges(side, now=10.0)[0]
    replayed = client().authorization(first, "INVITE", URI)
    assert verify(side, replayed).ok
    for _ in range(50):
        challenge = challenges(side, now=10.5)[1]
        assert verify(side, client().authorization(challenge, "INVITE", URI), now=10.5).ok
    assert verify(side, replayed, now=11.0).stale
    assert verify(
        side, client().authorization(challenges(side, 11.0)[0], "INVITE", URI), now=11.0
    ).ok


def test_the_body_is_protected_when_that_is_all_that_is_offered() -> None:
    challenge = Challenge("Digest", "r", "n", "MD5", ("auth-int",))
    one = Credentials.parse(client().authorization(challenge, "INVITE", URI, b"body"))
    other = Credentials.parse(client().authorization(challenge, "INVITE", URI, b"other"))
    assert one.qop == "auth-int"
    assert one.response != other.response
    both = Challenge("Digest", "r", "n", "MD5", ("auth-int", "auth"))
    assert Credentials.parse(client().authorization(both, "INVITE", URI)).qop == "auth"


@pytest.mark.parametrize("algorithm", ["MD5-sess", "SHA-256-sess"])
def test_a_session_key_goes_on_with_its_nonce(algorithm: str) -> None:
    challenge = Challenge("Digest", "r", "n", algorithm, ("auth",), "op")
    alice = client()
    one = Credentials.parse(alice.authorization(challenge, "INVITE", URI))
    two = Credentials.parse(alice.authorization(challenge, "INVITE", URI))
    assert one.cnonce == two.cnonce
    assert (one.nc, two.nc, one.opaque) == ("00000001", "00000002", "op")
    assert one.response != two.response
    bare = Challenge("Digest", "r", "n", algorithm)
    assert "cnonce=" in alice.authorization(bare, "INVITE", URI)


def test_a_new_nonce_begins_to_count_anew() -> None:
    alice = client()
    one = Credentials.parse(alice.authorization(Challenge("Digest", "r", "a"), "INVITE", URI))
    first = Challenge("Digest", "r", "b", "MD5", ("auth",))
    two = Credentials.parse(alice.authorization(first, "INVITE", URI))
    assert one.nc == ""
    assert two.nc == "00000001"


def answer_until_done(side: DigestServer, alice: DigestClient, *, stale: bool) -> tuple[int, bool]:
    """How often a request goes out with credentials to a server whose nonces have all expired at
    once, and whether it got through in the end."""
    offered = choose(challenges(side, now=0.0))
    assert offered is not None
    attempts, now = 0, 100.0
    while alice.should_retry(offered, attempts):
        header = alice.authorization(offered, "INVITE", URI)
        attempts += 1
        verdict = verify(side, header, now=now)
        if verdict.ok:
            return attempts, True
        values = side.challenge(now, SOURCE, stale=stale and verdict.stale)
        again = choose(Challenge.parse_all(values))
        assert again is not None
        offered = again
    return attempts, False


@pytest.mark.parametrize("stale", [True, False])
def test_a_stale_nonce_is_replaced_once_whether_it_is_called_stale_or_not(stale: bool) -> None:
    assert answer_until_done(server(), client(), stale=stale) == (2, True)


def test_a_wrong_password_ends_after_two_attempts() -> None:
    assert answer_until_done(server(), client("alice", "guess"), stale=True) == (2, False)


def test_the_same_nonce_again_means_no() -> None:
    alice = client()
    challenge = Challenge("Digest", "r", "n", "MD5", ("auth",))
    assert alice.should_retry(challenge, 0)
    alice.authorization(challenge, "INVITE", URI)
    assert not alice.should_retry(challenge, 1)
