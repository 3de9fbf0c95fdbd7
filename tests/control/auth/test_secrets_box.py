"""Sealed secrets: they open with their key, in their place, unchanged, and not otherwise."""

import random

import pytest

from offhook.control.auth.errors import NotSealed, SealBroken, SealError, UnknownBoxKey
from offhook.control.auth.secrets_box import SecretsBox
from offhook.control.errors import StoreError

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def make_box(*keys: bytes) -> SecretsBox:
    return SecretsBox(keys or (NEW,), random.Random(5))


@pytest.mark.parametrize("text", ["sk-1234", "", "ключ \N{KEY}", "x" * 10_000])
def test_what_is_sealed_opens_again(text: str) -> None:
    box = make_box()
    sealed = box.seal(text, "row 1")
    assert box.open(sealed, "row 1") == text
    assert not text or text not in sealed
    assert box.seal(text, "row 1") != sealed


def test_it_opens_only_in_its_place() -> None:
    box = make_box()
    sealed = box.seal("sk-1234", "row 1")
    with pytest.raises(SealBroken):
        box.open(sealed, "row 2")


def test_an_older_key_still_opens_and_says_that_it_is_old() -> None:
    sealed = make_box(OLD).seal("sk-1234")
    box = make_box(NEW, OLD)
    assert box.open(sealed) == "sk-1234"
    assert box.needs_resealing(sealed)
    again = box.seal(box.open(sealed))
    assert not box.needs_resealing(again)
    assert make_box(NEW).open(again) == "sk-1234"


def test_without_its_key_it_stays_shut_and_names_the_key() -> None:
    sealed = make_box(OLD).seal("sk-1234")
    with pytest.raises(UnknownBoxKey) as raised:
        make_box(NEW).open(sealed)
    assert raised.value.key_id == sealed.split(".")[1]
    assert raised.value.key_id in str(raised.value)
    assert isinstance(raised.value, StoreError)


@pytest.mark.parametrize(
    "text",
    ["", "sk-1234", "ohs1.", "ohs1.00000000.", "ohs2.00000000.AAAA", "ohs1.0000000g.AAAA", "é"],
)
def test_what_was_never_sealed_is_told_as_such(text: str) -> None:
    with pytest.raises(NotSealed):
        make_box().open(text)
    with pytest.raises(NotSealed):
        make_box().needs_resealing(text)


def test_no_change_goes_unnoticed() -> None:
    box, rng = make_box(), random.Random(6)
    sealed = box.seal("sk-1234")
    head = len("ohs1.01234567.")
    for at in range(len(sealed)):
        changed = sealed[:at] + rng.choice("ABab01_-.") + sealed[at + 1 :]
        if changed == sealed:
            continue
        try:
            # The last character of Base64 may have bits that say nothing.
            assert box.open(changed) == "sk-1234"
            assert at == len(sealed) - 1
        except SealError:
            pass
    for length in range(head + 1, len(sealed)):
        with pytest.raises(SealBroken):
            box.open(sealed[:length])


def test_a_fingerprint_is_the_same_only_with_the_same_key_and_data() -> None:
    one, other = (
        SecretsBox([bytes(32)], random.Random(1)),
        SecretsBox([b"x" * 32], random.Random(1)),
    )
    assert one.fingerprint(b"a") == one.fingerprint(b"a")
    assert len({one.fingerprint(b"a"), one.fingerprint(b"b"), other.fingerprint(b"a")}) == 3
