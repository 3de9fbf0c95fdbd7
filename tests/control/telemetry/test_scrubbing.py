"""Secrets of every form are taken out of texts; what is none stays."""

import random

import pytest

from offhook.control.auth import api_keys
from offhook.control.auth.tokens import Holder, Tokens
from offhook.control.domain.accounts import Role
from offhook.control.telemetry.scrubbing import Scrubber
from offhook.media.clock import VirtualClock

RNG = random.Random(7)
KEY = api_keys.make(RNG)
TOKEN40 = api_keys.make_token40(RNG)
TOKENS = Tokens(b"k" * 32, VirtualClock(), RNG, 3600, 86400)
HOLDER = Holder("a1", Role.USER, 1)
WEBHOOK = "whsec_" + RNG.randbytes(24).hex()
PLAIN = Scrubber()
FORMS = {
    "bare": "{}",
    "in a sentence": "it was {}, and no more",
    "header": "Authorization: Bearer {}",
    "Python's header": "<CIMultiDictProxy('Authorization': 'Bearer {}')>",
    "older header": "authorization=Token {}",
    "query": "GET /v1/events?types=call&token={}&cursor=1",
    "JSON": '{{"kind": "x", "refresh_token": "{}"}}',
    "dict": "{{'access_token': '{}'}}",
    "bytes of JSON": 'b\'{{"token":"{}"}}\'',
    "JSON in JSON": '"{{\\"token\\":\\"{}\\"}}"',
}


def _secrets() -> dict[str, str]:
    return {
        "API key": KEY.text,
        "token of 40 digits": TOKEN40.text,
        "access token": TOKENS.issue_access(HOLDER).token,
        "refresh token": TOKENS.issue_refresh(HOLDER).token,
        "webhook secret": WEBHOOK,
    }


SECRETS = _secrets()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS)
def test_no_credential_is_left_wherever_it_stands(secret: str, form: str) -> None:
    cleaned = PLAIN.without_secrets(FORMS[form].format(SECRETS[secret]))
    assert "***" in cleaned
    words = [part for part in SECRETS[secret].replace("ohk_", "").split("_") if len(part) > 8]
    assert not [part for word in words for part in word.split(".") if part in cleaned]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (
            '{"email": "a@b.example", "password": "p 1"}',
            '{"email": "a@b.example", "password": "***"}',
        ),
        ('{"new_password":"a\\\\"b","x":1}', '{"new_password":"***"b","x":1}'),
        ('{"password": "cut of', '{"password": "***"'),
        ("{'client_secret': 'x', 'name': 'y'}", "{'client_secret': '***', 'name': 'y'}"),
        ("email=a%40b&password=p1&remember=1", "email=a%40b&password=***&remember=1"),
        ("/v1/events?token=abc&types=call", "/v1/events?token=***&types=call"),
        ("postgresql://offhook:pass@db/offhook", "postgresql://offhook:***@db/offhook"),
        ("key sk-abcdefghijklmnop1234 is wrong", "key sk-*** is wrong"),
        ("Basic dXNlcjpwYXNz", "Basic ***"),
        ('Proxy-Authorization: Digest username="u", response="abc"', "Proxy-Authorization: ***"),
    ],
)
def test_what_is_named_as_a_secret_is_one(text: str, cleaned: str) -> None:
    assert PLAIN.without_secrets(text) == cleaned


def test_of_a_key_its_public_part_stays() -> None:
    assert PLAIN.without_secrets(f"key {KEY.text}") == f"key ohk_{KEY.id}_***"


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens=300, tokens: 12",
        '{"max_tokens": 300, "token_count": "3"}',
        "call 4f6ed3c0-09e5-4453-a74b-29516c7b4e3d: live -> ended",
        "sip:100@127.0.0.1:5060;transport=udp",
        "GET /v1/api-keys/abcd1234: 200 after 3.1 ms",
        "the bearer of bad news",
        "http://127.0.0.1:4318/v1/traces",
        "a" * 64,
        "branch=z9hG4bK1234567890abcdef",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert PLAIN.without_secrets(text) == text


def test_a_configured_secret_is_taken_out_by_its_value() -> None:
    scrubber = Scrubber(["hush", "hushhush", ""])
    assert scrubber.without_secrets("hushhush, hush") == "***, ***"


def test_a_long_text_costs_no_more_than_its_length() -> None:
    # Nested repetition would take minutes here.
    for piece in ('"password', "token-", "://a:", '\\\\\\\\"', "a" * 39 + "g"):
        assert PLAIN.without_secrets(piece * 5000) == piece * 5000
    assert set(PLAIN.without_secrets("eyJaaaaaa." * 5000)) == set("*.")


def test_a_text_of_nothing_but_backslashes_is_no_work() -> None:
    # With a quadratic pattern this takes minutes.
    text = "\\" * 200_000
    assert PLAIN.without_secrets(text) == text
    deep = "\\" * 31 + '"'
    assert PLAIN.without_secrets(f"{deep}token{deep}: {deep}word{deep}").count("word") == 0
