"""One-time codes: right once, in time, within five tries."""

import random
import re

import pytest

from offhook.control.auth.one_time_codes import FORMS, OneTimeCodes, Verdict
from offhook.control.domain.accounts import CodeKind, OneTimeCode

WALL = 1_700_000_000.0


def make_codes(key: bytes = bytes(32), seed: int = 4) -> OneTimeCodes:
    return OneTimeCodes(key, random.Random(seed))


def enter(
    code: OneTimeCode | None, text: str, now_wall: float = WALL
) -> tuple[Verdict, OneTimeCode]:
    judged = make_codes().judge(code, text, now_wall)
    assert judged.code is not None
    return judged.verdict, judged.code


@pytest.mark.parametrize("kind", list(CodeKind))
def test_a_code_is_right_once(kind: CodeKind) -> None:
    made = make_codes().make(kind, "a", "+15550100", WALL)
    assert made.text not in str(made.stored)
    verdict, code = enter(made.stored, made.text)
    assert verdict is Verdict.RIGHT
    assert code.used_wall == WALL
    assert enter(code, made.text)[0] is Verdict.USED


@pytest.mark.parametrize(
    ("kind", "pattern", "ttl_s"),
    [
        (CodeKind.SMS, r"[0-9]{6}", 600),
        (CodeKind.RESET, r"[A-Za-z0-9_-]{43}", 3600),
        (CodeKind.EMAIL, r"[A-Za-z0-9_-]{43}", 3600),
    ],
)
def test_each_kind_has_its_form_and_its_time(kind: CodeKind, pattern: str, ttl_s: int) -> None:
    codes = make_codes()
    made = [codes.make(kind, "a", "x", WALL) for _ in range(200)]
    assert all(re.fullmatch(pattern, one.text) for one in made)
    assert len({one.text for one in made}) > 190
    assert enter(made[0].stored, made[0].text, WALL + ttl_s - 0.1)[0] is Verdict.RIGHT
    assert enter(made[0].stored, made[0].text, WALL + ttl_s)[0] is Verdict.EXPIRED


def test_all_kinds_have_a_form() -> None:
    assert set(FORMS) == set(CodeKind)


def test_six_digits_may_begin_with_zeros() -> None:
    codes = make_codes()
    texts = [codes.make(CodeKind.SMS, "a", "x", WALL).text for _ in range(2000)]
    assert {len(text) for text in texts} == {6}
    assert {text[0] for text in texts} == set("0123456789")


def test_the_fifth_wrong_try_is_the_last() -> None:
    made = make_codes().make(CodeKind.SMS, "a", "x", WALL)
    code = made.stored
    for tries in range(1, 6):
        verdict, code = enter(code, "000000" if made.text != "000000" else "000001")
        assert (verdict, code.tries) == (Verdict.WRONG, tries)
    assert enter(code, made.text) == (Verdict.TOO_MANY_TRIES, code)


def test_the_fifth_try_may_still_be_right() -> None:
    made = make_codes().make(CodeKind.SMS, "a", "x", WALL)
    code = made.stored
    for _ in range(4):
        _, code = enter(code, "wrong")
    assert enter(code, made.text)[0] is Verdict.RIGHT


def test_no_code_is_no_code() -> None:
    judged = make_codes().judge(None, "123456", WALL)
    assert (judged.verdict, judged.code) == (Verdict.UNKNOWN, None)


@pytest.mark.parametrize("written", ["{0}{1}", "{0} {1}", " {0}-{1}\n"])
def test_digits_may_be_grouped_as_people_do(written: str) -> None:
    made = make_codes().make(CodeKind.SMS, "a", "x", WALL)
    assert enter(made.stored, written.format(made.text[:3], made.text[3:]))[0] is Verdict.RIGHT


@pytest.mark.parametrize("text", ["", "\udce4", "é", "1" * 100_000])
def test_anything_can_be_entered(text: str) -> None:
    for kind in CodeKind:
        assert enter(make_codes().make(kind, "a", "x", WALL).stored, text)[0] is Verdict.WRONG


def test_hashes_depend_on_key_kind_and_for_digits_on_the_account() -> None:
    codes = make_codes()
    hashes = {
        codes.hash_of(CodeKind.SMS, "a", "123456"),
        codes.hash_of(CodeKind.SMS, "b", "123456"),
        codes.hash_of(CodeKind.SMS, "a1", "23456"),
        codes.hash_of(CodeKind.RESET, "a", "123456"),
        codes.hash_of(CodeKind.EMAIL, "a", "123456"),
        make_codes(b"\1" * 32).hash_of(CodeKind.SMS, "a", "123456"),
    }
    assert len(hashes) == 6


def test_a_link_s_token_is_found_by_its_hash_alone() -> None:
    codes = make_codes()
    made = codes.make(CodeKind.RESET, "a", "x", WALL)
    assert codes.hash_of(CodeKind.RESET, "", made.text) == made.stored.code_hash
