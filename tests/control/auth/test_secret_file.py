"""Files of secrets: made once, private, and read strictly."""

import pathlib

import pytest

from offhook.control.auth.secret_file import (
    make_data_folder,
    open_key,
    open_keys,
    path_of,
    read_or_make,
)
from offhook.control.errors import StoreError


def test_a_key_is_made_once_and_private(tmp_path: pathlib.Path) -> None:
    key = open_key(tmp_path, "jwt_key")
    path = path_of(tmp_path, "jwt_key")
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert open_key(tmp_path, "jwt_key") == key
    assert open_key(tmp_path, "box_key") != key
    assert sorted(file.name for file in path.parent.iterdir()) == ["box_key", "jwt_key"]


def test_a_data_folder_that_it_makes_is_for_nobody_else(tmp_path: pathlib.Path) -> None:
    read_or_make(tmp_path / "some" / "data", "it", lambda: "a secret")
    assert (tmp_path / "some" / "data").stat().st_mode & 0o777 == 0o700


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file/data"):
        make_data_folder(tmp_path / "file" / "data")


def test_a_new_key_is_written_above_the_old_one(tmp_path: pathlib.Path) -> None:
    old = open_key(tmp_path, "box_key")
    path = path_of(tmp_path, "box_key")
    path.write_text("ab" * 32 + "\n" + path.read_text())
    assert open_keys(tmp_path, "box_key") == [b"\xab" * 32, old]
    assert open_key(tmp_path, "box_key") == b"\xab" * 32


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is empty"),
        (b"ab" * 31, "no key"),
        (b"ab" * 33, "no key"),
        (b"AB" * 32, "no key"),
        (b"ab" * 32 + b"\nsecret\n", "no key"),
        (b"\xff\xfe", "not text"),
    ],
)
def test_a_file_that_holds_no_key_is_an_error_that_names_it_and_shows_nothing(
    tmp_path: pathlib.Path, content: bytes, fault: str
) -> None:
    open_key(tmp_path, "jwt_key")
    path_of(tmp_path, "jwt_key").write_bytes(content)
    with pytest.raises(StoreError, match=fault) as raised:
        open_key(tmp_path, "jwt_key")
    assert "jwt_key" in str(raised.value)
    assert "secret\n" not in str(raised.value)


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path: pathlib.Path) -> None:
    (tmp_path / "secrets").write_text("in the way")
    with pytest.raises(StoreError, match="jwt_key"):
        open_key(tmp_path, "jwt_key")
