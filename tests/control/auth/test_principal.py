"""Who may what: the role is the account's, the scopes are the credential's."""

import pytest

from offhook.control.auth.principal import OPERATOR, Principal
from offhook.control.auth.scopes import SCOPES
from offhook.control.domain.accounts import Role


def test_the_operator_may_everything() -> None:
    assert OPERATOR.is_admin
    assert all(OPERATOR.may(scope) for scope in SCOPES)


@pytest.mark.parametrize(("role", "is_admin"), [(Role.USER, False), (Role.ADMIN, True)])
def test_a_narrow_key_is_narrow_whoever_owns_it(role: Role, is_admin: bool) -> None:
    principal = Principal("a", role, frozenset({"calls:read"}), "api_key")
    assert principal.is_admin is is_admin
    assert [scope for scope in sorted(SCOPES) if principal.may(scope)] == ["calls:read"]


def test_a_scope_that_nobody_can_have_is_a_bug_of_the_route() -> None:
    with pytest.raises(AssertionError, match="calls:raed"):
        OPERATOR.may("calls:raed")
