"""The bearer token: given, or made once and kept unreadable for others."""

import pathlib

import pytest

from offhook.control.auth.operator_token import ApiToken, open_token
from offhook.control.errors import StoreError


def test_makes_a_token_once_and_keeps_it_private(tmp_path: pathlib.Path) -> None:
    first = open_token("", tmp_path / "data")
    assert first.path is not None
    assert first.path.stat().st_mode & 0o777 == 0o600
    assert first.path.parent.stat().st_mode & 0o777 == 0o700
    assert len(first.value) >= 40
    assert open_token("", tmp_path / "data") == first
    assert [path.name for path in first.path.parent.iterdir()] == ["api_token"]


def test_a_configured_token_is_written_nowhere(tmp_path: pathlib.Path) -> None:
    assert open_token("mine", tmp_path / "data") == ApiToken("mine", None)
    assert not (tmp_path / "data").exists()


def test_spaces_around_a_configured_token_are_not_of_it(tmp_path: pathlib.Path) -> None:
    assert open_token(" mine\n", tmp_path).admits("Bearer mine")
    assert open_token("  ", tmp_path).path is not None


def test_an_empty_file_is_no_token(tmp_path: pathlib.Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "api_token").write_text("\n")
    with pytest.raises(StoreError, match="is empty"):
        open_token("", tmp_path)


@pytest.mark.parametrize(
    ("header", "admitted"),
    [
        ("Bearer right", True),
        ("bearer  right", True),
        ("Bearer wrong", False),
        ("Bearer rightt", False),
        ("Bearer", False),
        ("Basic right", False),
        ("right", False),
        ("", False),
        (None, False),
        ("Bearer räight", False),
        ("Bearer r\udce4ight", False),
    ],
)
def test_admits_only_its_bearer(header: str | None, admitted: bool) -> None:
    assert ApiToken("right").admits(header) is admitted
