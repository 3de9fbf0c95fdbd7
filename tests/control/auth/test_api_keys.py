"""API keys: made, told from other things, matched."""

import hashlib
import random
import re

import pytest

from offhook.control.auth.api_keys import (
    hash_of,
    make,
    make_token40,
    matches,
    parse,
    parse_token40,
)

KEY = make(random.Random(3))
TOKEN40 = make_token40(random.Random(3))


def test_a_key_has_its_id_in_it_and_is_stored_as_a_hash() -> None:
    assert re.fullmatch(r"ohk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", KEY.text)
    assert parse(KEY.text) == KEY.id
    assert KEY.hash == hashlib.sha256(KEY.text.encode()).hexdigest()
    assert KEY.text[13:] not in KEY.id + KEY.hash
    assert matches(KEY.text, KEY.hash)


def test_secrets_with_underscores_are_told_from_ids() -> None:
    keys = [make(random.Random(seed)) for seed in range(200)]
    assert any("_" in key.text[13:] for key in keys)
    assert all(parse(key.text) == key.id for key in keys)
    assert len({key.id for key in keys}) == len({key.text for key in keys}) == 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ohk_",
        KEY.text[:-1],
        KEY.text + "A",
        KEY.text + "\n",
        " " + KEY.text,
        KEY.text.upper(),
        KEY.text.replace("ohk", "ohx"),
        KEY.text[:-1] + "é",
        KEY.text[:-1] + "\udce4",
        KEY.text[:-1] + "=",
        "ohk_" + "²" * 8 + KEY.text[12:],
        TOKEN40.text,
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.x",
    ],
)
def test_what_is_no_key_has_no_id(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("at", range(len(KEY.text)))
def test_a_key_with_one_character_changed_does_not_match(at: int) -> None:
    changed = KEY.text[:at] + ("x" if KEY.text[at] != "x" else "y") + KEY.text[at + 1 :]
    assert not matches(changed, KEY.hash)


@pytest.mark.parametrize("text", ["", "é", "\udce4"])
def test_anything_can_be_compared(text: str) -> None:
    assert not matches(text, KEY.hash)


def test_the_older_form_is_forty_digits_found_by_their_hash() -> None:
    assert re.fullmatch(r"[0-9a-f]{40}", TOKEN40.text)
    assert parse_token40(TOKEN40.text) == TOKEN40.hash == TOKEN40.id == hash_of(TOKEN40.text)
    assert matches(TOKEN40.text, TOKEN40.hash)


@pytest.mark.parametrize(
    "text",
    ["", TOKEN40.text[1:], TOKEN40.text + "0", "g" * 40, "F" * 40, TOKEN40.text + "\n", "٣" * 40],
)
def test_what_is_no_older_token_has_no_hash(text: str) -> None:
    assert parse_token40(text) is None
