"""Tokens of sessions: what is ours is read, and nothing else is."""

import base64
import hashlib
import hmac
import json
import random
from typing import Any

import jwt
import pytest

from offhook.control.auth.errors import (
    TokenError,
    TokenExpired,
    TokenForged,
    TokenMalformed,
    TokenMisused,
    TokenRevoked,
)
from offhook.control.auth.tokens import Holder, Tokens, check_generation
from offhook.control.domain.accounts import Role
from offhook.media.clock import VirtualClock

KEY = bytes(range(32))
HOLDER = Holder("0b9cbb34-4a35-4a2e-8d0f-3a8f6f3f6c11", Role.USER, 3)


def make_tokens(clock: VirtualClock | None = None, key: bytes = KEY) -> Tokens:
    return Tokens(key, clock or VirtualClock(), random.Random(1))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(payload: bytes, header: bytes = b'{"alg":"HS256","typ":"JWT"}', key: bytes = KEY) -> str:
    """A token as RFC 7515 §5.1 says, without the library under test."""
    text = f"{b64(header)}.{b64(payload)}"
    return f"{text}.{b64(hmac.digest(key, text.encode(), hashlib.sha256))}"


def test_an_access_token_says_who_holds_it_and_for_an_hour() -> None:
    clock = VirtualClock()
    tokens = make_tokens(clock)
    issued = tokens.issue_access(HOLDER)
    claims = tokens.read(issued.token)
    assert claims == issued.claims
    assert (claims.account_id, claims.role, claims.generation) == (HOLDER.account_id, Role.USER, 3)
    assert claims.expires_wall - claims.issued_wall == 3600
    clock.advance(3599.9)
    assert tokens.read(issued.token) == claims
    clock.advance(0.1)
    with pytest.raises(TokenExpired):
        tokens.read(issued.token)


def test_others_read_the_token_as_the_standard_says() -> None:
    clock = VirtualClock()
    issued = make_tokens(clock).issue_access(HOLDER)
    payload: dict[str, Any] = jwt.decode(issued.token, KEY, ["HS256"], {"verify_exp": False})
    wall = int(clock.wall())
    assert payload == {
        "sub": HOLDER.account_id,
        "role": "user",
        "gen": 3,
        "jti": issued.claims.token_id,
        "iat": wall,
        "exp": wall + 3600,
        "typ": "access",
    }


def test_a_token_written_by_hand_after_the_standard_is_read() -> None:
    clock = VirtualClock()
    payload = {"sub": "a", "role": "admin", "gen": 0, "jti": "b", "typ": "access"}
    payload |= {"iat": 0, "exp": int(clock.wall()) + 10}
    claims = make_tokens(clock).read(signed(json.dumps(payload).encode()))
    assert (claims.account_id, claims.role) == ("a", Role.ADMIN)


def test_no_two_tokens_are_alike() -> None:
    tokens = make_tokens()
    made = [tokens.issue_access(HOLDER) for _ in range(100)]
    made += [tokens.issue_refresh(HOLDER) for _ in range(100)]
    assert len({issued.claims.token_id for issued in made}) == 200
    assert len({issued.claims.family for issued in made}) == 101  # an access token has none


def test_refresh_tokens_live_for_thirty_days_and_name_their_family() -> None:
    tokens = make_tokens()
    first = tokens.issue_refresh(HOLDER)
    second = tokens.issue_refresh(HOLDER, first.claims.family)
    assert tokens.read(second.token, "refresh").family == first.claims.family != ""
    assert first.claims.expires_wall - first.claims.issued_wall == 30 * 86400


def test_one_kind_does_not_stand_for_the_other() -> None:
    tokens = make_tokens()
    with pytest.raises(TokenMisused):
        tokens.read(tokens.issue_refresh(HOLDER).token)
    with pytest.raises(TokenMisused):
        tokens.read(tokens.issue_access(HOLDER).token, "refresh")


@pytest.mark.parametrize(("issued_for", "read_for"), [("", "old"), ("old", ""), ("old", "older")])
def test_a_token_opens_only_the_api_it_was_issued_for(issued_for: str, read_for: str) -> None:
    tokens = make_tokens()
    token = tokens.issue_access(Holder("a", Role.USER, 0, issued_for)).token
    assert tokens.read(token, audience=issued_for).audience == issued_for
    with pytest.raises(TokenMisused):
        tokens.read(token, audience=read_for)


def test_a_new_generation_revokes_what_was_issued_before() -> None:
    tokens = make_tokens()
    claims = tokens.read(tokens.issue_access(HOLDER).token)
    check_generation(claims, 3)
    with pytest.raises(TokenRevoked):
        check_generation(claims, 4)


def test_another_server_s_token_is_forged() -> None:
    token = make_tokens(key=bytes(32)).issue_access(HOLDER).token
    with pytest.raises(TokenForged):
        make_tokens().read(token)


GOOD = make_tokens().issue_access(HOLDER).token
HEAD, BODY, SIGNATURE = GOOD.split(".")
PAYLOAD = base64.urlsafe_b64decode(BODY + "==")


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("", TokenMalformed),
        (".", TokenMalformed),
        ("..", TokenMalformed),
        ("abc", TokenMalformed),
        (f"{HEAD}.{BODY}", TokenMalformed),
        (f"{HEAD}.{BODY}.", TokenMalformed),
        (f"{GOOD}.x", TokenMalformed),
        (f" {GOOD}", TokenMalformed),
        (f"{GOOD}\n", TokenMalformed),
        (f"{GOOD}=", TokenMalformed),
        (GOOD.replace(".", "․"), TokenMalformed),
        ("\udce4.\udce4.\udce4", TokenMalformed),
        (f"{HEAD}.{'A' * 2048}.{SIGNATURE}", TokenMalformed),
        (f"{HEAD}.A.{SIGNATURE}", TokenMalformed),  # one character is no byte
        (f"{HEAD}.{BODY}.A", TokenMalformed),
        (signed(b"{}"), TokenMalformed),
        (signed(b"[" * 500), TokenMalformed),
        (signed(b"\xff"), TokenMalformed),
        (signed(PAYLOAD.replace(b'"user"', b'"king"')), TokenMalformed),
        (signed(PAYLOAD.replace(b'"gen":3', b'"gen":"3"')), TokenMalformed),
        (signed(PAYLOAD.replace(b'"access"', b'"other"')), TokenMalformed),
        (f"{HEAD}.{BODY}.{'A' * 43}", TokenForged),
        (f"{HEAD}.{b64(PAYLOAD.replace(b'user', b'admin'))}.{SIGNATURE}", TokenForged),
        (signed(PAYLOAD, b'{"alg":"HS512","typ":"JWT"}'), TokenForged),
        (signed(PAYLOAD, b'{"alg":"none","typ":"JWT"}'), TokenForged),
        (signed(PAYLOAD, b'{"alg":"HS256","crit":["b64"],"b64":false}'), TokenForged),
        (signed(PAYLOAD, b"[" * 500), TokenForged),
        (signed(PAYLOAD, key=b""), TokenForged),
    ],
)
def test_what_is_not_ours_is_refused_by_its_fault(token: str, error: type[TokenError]) -> None:
    with pytest.raises(TokenError) as raised:
        make_tokens().read(token)
    assert type(raised.value) is error
    assert raised.value.status == 401


def test_a_long_payload_is_not_even_looked_at() -> None:
    with pytest.raises(TokenMalformed):
        make_tokens().read(signed(PAYLOAD[:-1] + b" " * 2048 + b"}"))


def test_no_damage_makes_a_token_say_something_else() -> None:
    """Cut, joined, swapped and flipped at random: refused with 401, or it says what it said."""
    rng = random.Random(20)
    tokens = make_tokens()
    good = tokens.read(GOOD)
    alphabet = "ABCxyz019-_.=\n\0é\udc80 "
    others = [signed(PAYLOAD, key=b"x"), tokens.issue_refresh(HOLDER).token, "{}", ""]
    refused = 0
    for _ in range(5000):
        text = list(GOOD)
        for _ in range(rng.randint(1, 3)):
            at, what = rng.randrange(len(text) + 1), rng.randrange(5)
            if what == 0:
                text[at : at + 1] = rng.choice(alphabet)
            elif what == 1:
                text[at:at] = rng.choice(alphabet)
            elif what == 2:
                del text[at : at + rng.randint(1, 40)]
            elif what == 3:
                text[at:] = rng.choice(others)[at:]
            else:
                text[at:at] = text[: rng.randint(0, at)]
        try:
            assert tokens.read("".join(text)) == good
        except TokenError:
            refused += 1
    assert refused > 4500
