"""What the configuration says of analyses."""

import pathlib

import pytest

from offhook.control.configuration.config import load
from offhook.control.errors import ConfigError

PROVIDER = '[[providers]]\nname = "acme"\nbase_url = "http://127.0.0.1:9/v1"\n'


def read(folder: pathlib.Path, text: str) -> str:
    path = folder / "offhook.toml"
    path.write_text(text)
    return load({}, str(path)).analysis.provider


@pytest.mark.parametrize("name", ["", "embedded", "acme"])
def test_a_provider_that_there_is_may_analyse(tmp_path: pathlib.Path, name: str) -> None:
    assert read(tmp_path, f'[analysis]\nprovider = "{name}"\n{PROVIDER}') == name


def test_one_that_there_is_not_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ConfigError, match=r"analysis\.provider.*there is embedded, acme"):
        read(tmp_path, f'[analysis]\nprovider = "acne"\n{PROVIDER}')
