"""The closed set of scopes."""

import pytest

from offhook.control.auth.scopes import (
    EVERYTHING,
    SCOPES,
    allows,
    parse_scopes,
    read_written,
    written,
)
from offhook.control.errors import FieldError, Unprocessable


@pytest.mark.parametrize(
    ("has", "needed", "allowed"),
    [
        ({"calls:read"}, "calls:read", True),
        ({"calls:write"}, "calls:write", True),
        ({"calls:write"}, "calls:read", False),
        ({"calls:read"}, "calls:write", False),
        ({"calls:read"}, "agents:read", False),
        ({"*"}, "calls:write", True),
        (set(), "calls:read", False),
    ],
)
def test_only_what_is_named_is_allowed(has: set[str], needed: str, allowed: bool) -> None:
    assert allows(has, needed) is allowed


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_every_scope_can_be_asked_for_and_is_kept(scope: str) -> None:
    assert parse_scopes([scope]) == {scope}
    assert read_written(written({scope})) == {scope}


def test_a_star_swallows_the_rest() -> None:
    assert parse_scopes(["calls:read", "*"]) == EVERYTHING


def test_all_unknown_scopes_are_told_but_not_at_any_length() -> None:
    with pytest.raises(Unprocessable) as raised:
        parse_scopes(["calls:read", "b", "a" * 1000])
    assert raised.value.errors == (
        FieldError("scopes", f"unknown scope {'a' * 64!r}"),
        FieldError("scopes", "unknown scope 'b'"),
    )
    with pytest.raises(Unprocessable) as raised:
        parse_scopes(str(number) for number in range(1000))
    assert len(raised.value.errors) == 10


def test_no_scope_is_an_error_too() -> None:
    with pytest.raises(Unprocessable, match="no scopes"):
        parse_scopes([])


def test_a_stored_scope_that_no_longer_exists_opens_nothing() -> None:
    assert read_written("calls:read faxes:read") == {"calls:read"}
    assert written({"calls:write", "agents:read"}) == "agents:read calls:write"
