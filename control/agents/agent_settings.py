"""What an agent's `house` and `turn` say, as the Structs that their drivers define. Pure.

Checked when they are written, and again when a call needs them: a newer version may know better.
"""

from typing import Any, TypeVar

import msgspec

from ...drivers.llm.house_default import DEFAULT_AGENT
from ...drivers.llm.house_settings import HouseSettings, HouseSettingsError, check as check_house
from ...media.conversation.settings import TurnSettings
from ..configuration.config_reader import Origin, Reader
from ..errors import FieldError, Unprocessable

MAX_ANSWERS = 200
MAX_PHRASES = 1000
"Of all answers together: recognition makes a grammar of them."
MAX_MS = 3_600_000
MAX_BACKCHANNELS = 200

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)


def house_of(house: dict[str, Any], field: str = "house") -> HouseSettings:
    """The house responder's settings; empty: the demonstration's. Raises Unprocessable."""
    if not house:
        return DEFAULT_AGENT
    settings = _read(house, HouseSettings, field)
    phrases = sum(len(answer.phrases) for answer in settings.answers)
    if len(settings.answers) > MAX_ANSWERS or phrases > MAX_PHRASES:
        what = f"at most {MAX_ANSWERS} answers, and {MAX_PHRASES} phrases in all"
        raise _unfit([FieldError(f"{field}.answers", what)])
    try:
        check_house(settings)
    except HouseSettingsError as exc:
        raise _unfit([FieldError(f"{field}.{exc.key}", exc.what)]) from exc
    return settings


def turn_of(turn: dict[str, Any], field: str = "turn") -> TurnSettings:
    """The settings of turn taking. Raises Unprocessable."""
    settings = _read(turn, TurnSettings, field)
    wrong = [
        FieldError(f"{field}.{name}", f"from 0 to {MAX_MS}")
        for name, value in msgspec.structs.asdict(settings).items()
        if isinstance(value, int) and not 0 <= value <= MAX_MS
    ]
    if len(settings.backchannels) > MAX_BACKCHANNELS:
        wrong.append(FieldError(f"{field}.backchannels", f"at most {MAX_BACKCHANNELS}"))
    if wrong:
        raise _unfit(wrong)
    return settings


def _read(value: dict[str, Any], type_: type[SettingsT], field: str) -> SettingsT:
    reader = Reader(Origin())
    settings = reader.struct(value, type_, field)
    if settings is None:
        raise _unfit([FieldError(error.key, error.expected) for error in reader.errors])
    return settings


def _unfit(errors: list[FieldError]) -> Unprocessable:
    return Unprocessable("the agent's settings do not fit", errors)
