"""Header fields: order, case, compact forms, and every way to change them."""

from collections.abc import Callable

import pytest

from offhook.drivers.sip.headers import COMPACT_FORMS, Headers


def test_keeps_order_and_ignores_case() -> None:
    headers = Headers([("Via", "1"), ("TO", "a"), ("via", "2")])
    assert headers.get("to") == "a"
    assert headers.get_all("VIA") == ["1", "2"]
    assert list(headers) == [("Via", "1"), ("TO", "a"), ("via", "2")]
    assert headers.get("From") is None
    assert "to" in headers
    assert len(headers) == 3


@pytest.mark.parametrize(("compact", "name"), COMPACT_FORMS.items())
def test_a_compact_form_is_its_long_one(compact: str, name: str) -> None:
    headers = Headers([(compact.upper(), "x")])
    assert headers.get(name) == headers.get(compact) == "x"
    ((written, _),) = headers
    assert written.lower() == name


def test_writes_names_as_they_are_known() -> None:
    names = [name for name, _ in Headers([("i", ""), ("l", ""), ("v", ""), ("y", "")])]
    assert names == ["Call-ID", "Content-Length", "Via", "Identity"]


def test_changes() -> None:
    headers = Headers([("Via", "1"), ("To", "a"), ("Via", "2"), ("Via", "3")])
    headers.insert_first("Via", "0")
    headers.replace_first("via", "zero")
    assert headers.get_all("Via") == ["zero", "1", "2", "3"]
    headers.set("v", "only")
    assert list(headers) == [("Via", "only"), ("To", "a")]
    headers.remove("Via")
    headers.set("CSeq", "1 BYE")
    headers.replace_first("Reason", "y")
    assert list(headers) == [("To", "a"), ("CSeq", "1 BYE"), ("Reason", "y")]


def test_every_change_is_a_new_revision() -> None:
    headers = Headers()
    seen = {headers.revision}
    changes: list[Callable[[], None]] = [
        lambda: headers.add("A", "1"),
        lambda: headers.set("A", "2"),
        lambda: headers.set("B", "2"),
        lambda: headers.replace_first("A", "3"),
        lambda: headers.insert_first("C", "1"),
        lambda: headers.remove("A"),
    ]
    for change in changes:
        change()
        assert headers.revision not in seen
        seen.add(headers.revision)


def test_a_copy_is_independent_and_equal() -> None:
    headers = Headers([("A", "1")])
    copy = headers.copy()
    assert copy == headers
    copy.add("B", "2")
    assert copy != headers
    assert len(headers) == 1
