"""What accounts are known by has one spelling, and no form is taken for another."""

import pytest

from offhook.control.auth.identifiers import (
    email_of,
    kind_of,
    phone_of,
    read_identifiers,
    username_of,
)
from offhook.control.errors import Unprocessable


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (" Ann@Example.ORG ", ("email", "ann@example.org")),
        ("operator@localhost", ("email", "operator@localhost")),
        ("jürgen@bücher.example", ("email", "jürgen@bücher.example")),
        ("Ann.B", ("username", "ann.b")),
        ("+49 (30) 123-4567", ("phone_number", "+49301234567")),
        ("0049301234567", ("phone_number", "+49301234567")),
        ("0301234567", None),
        ("+0301234567", None),
        ("a", None),
        ("9lives", None),
        ("", None),
        ("+", None),
        ("ann@", None),
        ("@example.org", None),
        ("a@b@c", None),
        ("ann@example..org", None),
        ("a\r\nbcc:x@example.org", None),
        ("<ann@example.org>", None),
        ("ann@example.org\n", ("email", "ann@example.org")),
        ("x" * 65 + "@example.org", None),
        ("x@" + "y" * 254, None),
        ("+4930" + "1" * 400, None),
        ("sip:+4930123456@example.org", None),
    ],
)
def test_a_name_is_an_address_a_user_name_or_a_number(
    text: str, kind: tuple[str, str] | None
) -> None:
    assert kind_of(text) == kind
    found = [read(text) is not None for read in (email_of, username_of, phone_of)]
    assert sum(found) == (kind is not None)


def test_all_that_do_not_fit_are_told_together() -> None:
    good = [("email", "A@b.example"), ("username", None)]
    assert read_identifiers(good) == {"email": "a@b.example", "username": None}
    with pytest.raises(Unprocessable) as caught:
        read_identifiers([("email", "no"), ("username", "9"), ("phone_number", "+4930123456")])
    assert [error.field for error in caught.value.errors] == ["email", "username"]
