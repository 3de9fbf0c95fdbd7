"""What the configuration says of analyses."""

import pathlib

import pytest

from offhook.control.configuration.config import load
from offhook.control.configuration.configured import agents_of
from offhook.control.domain.analyses import DEFAULT_CHECKLIST, CheckRule
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


def test_an_agent_of_the_file_says_how_its_calls_are_analysed(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "offhook.toml"
    path.write_text(
        """
[[agents]]
name = "anna"
[[agents]]
name = "berta"
[agents.analysis]
enabled = false
[[agents.analysis.checklist]]
question = "Asks for the name?"
rule = "asks"
phrases = ["name"]
[[agents.analysis.outcomes]]
name = "booked"
"""
    )
    anna, berta = agents_of(load({}, str(path)))
    assert anna.analysis.checklist == DEFAULT_CHECKLIST
    assert not berta.analysis.enabled
    assert berta.analysis.checklist[0].rule is CheckRule.ASKS
    assert berta.analysis.outcomes[0].name == "booked"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('rule = "guess"', "rule"),
        ('rule = "says"', r"agents\[0\]\.analysis\.checklist\[0\]\.phrases"),
        ("unknown = 1", "unknown"),
    ],
)
def test_what_an_agent_cannot_be_checked_by_is_named(
    tmp_path: pathlib.Path, text: str, said: str
) -> None:
    path = tmp_path / "offhook.toml"
    path.write_text(
        f'[[agents]]\nname = "a"\n[[agents.analysis.checklist]]\nquestion = "?"\n{text}\n'
    )
    with pytest.raises(ConfigError, match=said):
        load({}, str(path))
