"""Prices in the configuration: whose they are, and what is wrong with them."""

import pathlib

import pytest

from offhook.control.configuration.config import load
from offhook.control.errors import ConfigError


def write(folder: pathlib.Path, text: str) -> str:
    path = folder / "offhook.toml"
    path.write_text(text)
    return str(path)


def test_prices_are_read_with_their_steps(tmp_path: pathlib.Path) -> None:
    text = """
[costs]
currency = "EUR"
[[costs.providers]]
name = "espeak"
tts_per_1000_chars = 1
[[costs.lines]]
name = "simulated-1"
per_minute = 0.5
rounding = "30/6"
"""
    costs = load({}, write(tmp_path, text)).costs
    assert costs.currency == "EUR"
    assert costs.providers[0].tts_per_1000_chars == 1.0
    assert costs.lines[0].steps_s() == (30, 6)
    named = load({"OFFHOOK_COSTS_LINES_0_NAME": "loopback"}).costs
    assert named.lines[0].steps_s() == (60, 60)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[costs.lines]]\nname = "nowhere"', "costs.lines[0].name"),
        ('[[costs.providers]]\nname = "a"\n[[costs.providers]]\nname = "a"', "costs.providers[1]"),
        ('[[costs.lines]]\nname = "loopback"\nrounding = "60"', "costs.lines[0].rounding"),
        ('[[costs.lines]]\nname = "loopback"\nrounding = "0/1"', "costs.lines[0].rounding"),
        ('[[costs.lines]]\nname = "loopback"\nper_minute = -1', "costs.lines[0].per_minute"),
        ('[costs]\ncurrency = "euro"', "costs.currency"),
        ("[recording]\nkeep_days = -1", "recording.keep_days"),
    ],
)
def test_what_is_wrong_with_prices_is_named(tmp_path: pathlib.Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load({}, write(tmp_path, text))
    assert caught.value.key.startswith(key)
