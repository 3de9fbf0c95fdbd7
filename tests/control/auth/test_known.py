"""Whoever proved themselves is known for seconds, and not for a moment after a change."""

from offhook.control.auth.known import Known
from offhook.control.auth.principal import Principal
from offhook.control.auth.scopes import EVERYTHING
from offhook.control.domain.accounts import Role


def principal(account_id: str) -> Principal:
    return Principal(account_id, Role.USER, EVERYTHING, "access")


ANN, BOB = principal("ann"), principal("bob")


def test_a_credential_is_known_until_its_time_or_its_own_end() -> None:
    known = Known(ttl_s=5.0)
    known.remember("a", ANN, 10.0, None, known.changes)
    known.remember("b", BOB, 10.0, 103.0, known.changes)
    assert known.get("a", 14.9, 1e9) == ANN
    assert known.get("b", 14.9, 102.9) == BOB
    assert known.get("b", 14.9, 103.0) is None
    assert known.get("a", 15.0, 0.0) is None
    assert known.get("c", 10.0, 0.0) is None
    assert len(known) == 0


def test_a_change_is_seen_at_once_and_by_nobody_else() -> None:
    known = Known()
    for name in ("a1", "a2"):
        known.remember(name, ANN, 0.0, None, known.changes)
    known.remember("b", BOB, 0.0, None, known.changes)
    known.forget("ann")
    known.forget("nobody")
    assert [known.get(name, 0.0, 0.0) for name in ("a1", "a2", "b")] == [None, None, BOB]


def test_what_was_looked_up_before_a_change_is_not_kept_after_it() -> None:
    known = Known()
    before = known.changes
    known.forget("ann")
    known.remember("a", ANN, 0.0, None, before)
    assert known.get("a", 0.0, 0.0) is None


def test_the_longest_unused_give_way_to_new_ones() -> None:
    known = Known(max_known=2)
    for name in ("a", "b"):
        known.remember(name, ANN, 0.0, None, known.changes)
    assert known.get("a", 1.0, 0.0) == ANN
    known.remember("c", BOB, 1.0, None, known.changes)
    assert [known.get(name, 1.0, 0.0) for name in "abc"] == [ANN, None, BOB]
    known.forget("ann")
    assert len(known) == 1


def test_secrets_are_not_held() -> None:
    known = Known()
    known.remember("ohk_secret", ANN, 0.0, None, known.changes)
    assert "ohk_secret" not in repr(vars(known))
