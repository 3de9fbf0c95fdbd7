"""What older clients send: taken where it can be, and else told with all its faults."""

from typing import Annotated, Any

import msgspec
import pytest

from offhook.control.dialects.reading import REQUIRED, NoJson, converted, json_of, read_fields
from offhook.control.errors import Unprocessable


class Inner(msgspec.Struct, frozen=True):
    speed: Annotated[float, msgspec.Meta(gt=0)] = 1.0


class Body(msgspec.Struct, rename="camel"):
    first_name: str
    many: list[int]
    inner: Inner = Inner()
    flag: bool = False


def faults(value: Any, *, strict: bool = True) -> list[tuple[str, str]]:
    found = converted(value, Body, strict=strict)
    assert isinstance(found, list), "it fits"
    return [(error.field, error.message) for error in found]


def test_all_faults_are_told_by_the_names_that_were_sent() -> None:
    found = faults({"many": [1, "x"], "inner": {"speed": 0}, "flag": 3})
    assert [field for field, _ in found] == ["firstName", "many[1]", "inner.speed", "flag"]
    assert dict(found)["firstName"] == REQUIRED


def test_fields_that_nobody_knows_are_passed_over() -> None:
    found = converted({"firstName": "a", "many": [], "more": 1}, Body)
    assert isinstance(found, Body)


@pytest.mark.parametrize("value", [[], "text", 3, None])
def test_what_is_no_object_is_told_as_a_whole(value: Any) -> None:
    assert faults(value) == [("", "must be an object")]


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[" * 100_000, b'{"a":1}x'])
def test_what_is_no_json_is_a_fault_of_the_client(data: bytes) -> None:
    with pytest.raises(NoJson):
        json_of(data)


def test_nothing_at_all_is_an_empty_object() -> None:
    assert json_of(b"") == {}


def test_empty_fields_of_a_form_were_not_given() -> None:
    class Form(msgspec.Struct):
        flag: bool = False
        name: str = "none"

    found = read_fields({"flag": "true", "name": ""}, Form)
    assert (found.flag, found.name) == (True, "none")
    with pytest.raises(Unprocessable):
        read_fields({"flag": "perhaps"}, Form)
