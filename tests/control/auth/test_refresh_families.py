"""A refresh token is exchanged once; used again it ends its family."""

import random

import msgspec
import pytest

from offhook.control.auth.errors import TokenReused, TokenRevoked
from offhook.control.auth.refresh_families import (
    REFUSALS,
    Verdict,
    begin,
    exchange,
    judge,
    revoked,
)
from offhook.control.auth.tokens import Claims, Holder, Tokens
from offhook.control.domain.accounts import Credential, Role
from offhook.media.clock import VirtualClock

NOW_WALL = 1_700_000_000.0
HOLDER = Holder("a", Role.USER, 0)


class SignIn:
    """One sign-in as the store and the client see it."""

    def __init__(self) -> None:
        self.tokens = Tokens(bytes(32), VirtualClock(), random.Random(2))
        self.claims = self.tokens.issue_refresh(HOLDER).claims
        self.family: Credential | None = begin(self.claims)

    def exchange(self, claims: Claims) -> tuple[Verdict, Claims]:
        """Exchange, store, and give the verdict and what the next token says."""
        following = self.tokens.issue_refresh(HOLDER, claims.family).claims
        judged = exchange(self.family, claims, following, NOW_WALL)
        self.family = judged.family
        return judged.verdict, following


def test_each_exchange_makes_the_next_token_the_only_good_one() -> None:
    sign_in = SignIn()
    claims = sign_in.claims
    for _ in range(5):
        verdict, claims = sign_in.exchange(claims)
        assert verdict is Verdict.CURRENT
    assert sign_in.family is not None
    assert sign_in.family.secret_hash == claims.token_id
    assert sign_in.family.expires_wall == claims.expires_wall


def test_a_used_token_ends_the_family_for_thief_and_owner() -> None:
    sign_in = SignIn()
    stolen = sign_in.claims
    _, current = sign_in.exchange(stolen)
    assert sign_in.exchange(stolen)[0] is Verdict.REUSED
    assert sign_in.family is not None
    assert sign_in.family.revoked_wall == NOW_WALL
    assert sign_in.exchange(current)[0] is Verdict.REVOKED
    assert sign_in.exchange(stolen)[0] is Verdict.REVOKED


def test_a_token_of_another_account_has_no_family() -> None:
    sign_in = SignIn()
    other = msgspec.structs.replace(sign_in.claims, account_id="b")
    judged = judge(sign_in.family, other, NOW_WALL)
    assert (judged.verdict, judged.family) == (Verdict.UNKNOWN, None)


def test_to_judge_exchanges_nothing() -> None:
    sign_in = SignIn()
    for _ in range(3):
        judged = judge(sign_in.family, sign_in.claims, NOW_WALL)
        judged.refuse_unless_current()
        assert judged.family == sign_in.family


def test_signing_out_revokes_once() -> None:
    sign_in = SignIn()
    assert sign_in.family is not None
    out = revoked(sign_in.family, NOW_WALL)
    assert revoked(out, NOW_WALL + 9) == out
    assert judge(out, sign_in.claims, NOW_WALL).verdict is Verdict.REVOKED


def test_a_token_without_its_family_is_worth_nothing() -> None:
    one, other = SignIn(), SignIn()
    other.claims = other.tokens.issue_refresh(HOLDER).claims
    assert judge(None, one.claims, NOW_WALL).verdict is Verdict.UNKNOWN
    judged = judge(one.family, other.claims, NOW_WALL)
    assert judged.verdict is Verdict.UNKNOWN
    assert judged.family is None  # a stranger's token revokes nobody's


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict in REFUSALS])
def test_all_but_the_current_one_are_refused(verdict: Verdict) -> None:
    assert set(Verdict) - set(REFUSALS) == {Verdict.CURRENT}
    assert issubclass(REFUSALS[verdict], TokenRevoked)


def test_reuse_is_told_by_name() -> None:
    sign_in = SignIn()
    stolen = sign_in.claims
    sign_in.exchange(stolen)
    with pytest.raises(TokenReused):
        judge(sign_in.family, stolen, NOW_WALL).refuse_unless_current()
