"""What calls come in by and go out by: phone numbers and the records of modems."""

import enum

from .agents import OpenHours
from .entity import Entity, Owned


class PhoneNumber(Owned, frozen=True, kw_only=True):
    """A number of ours, and who answers it."""

    number: str
    "As it is dialled; unique."
    label: str = ""
    agent_id: str | None = None
    line: str | None = None
    "The line that it comes in by and that calls from it go out by; None: any."
    is_active: bool = True
    open_hours: OpenHours | None = None
    closed_agent_id: str | None = None
    "Who answers outside `open_hours`; None: the caller hears busy."
    max_live_calls: int | None = None
    from_configuration: bool = False


class ModemState(enum.Enum):
    """What a modem does."""

    OFFLINE = "offline"
    IDLE = "idle"
    IN_CALL = "in_call"
    ERROR = "error"


class Modem(Entity, frozen=True, kw_only=True):
    """A GSM modem as a record: whose it is, and the number that it carries."""

    name: str
    imei: str = ""
    number: str | None = None
    state: ModemState = ModemState.OFFLINE
    simulated: bool = False
    "Calls by it go over the loopback line."
    assigned_account_id: str | None = None
