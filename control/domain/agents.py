"""What answers calls: a program (ai) or a person (human)."""

import enum
from typing import Any

import msgspec

from .analyses import AnalysisSettings
from .dialing import RetryPolicy
from .entity import Owned


class AgentKind(enum.Enum):
    """Who it is."""

    AI = "ai"
    HUMAN = "human"


class Availability(enum.Enum):
    """Whether a human agent takes calls now."""

    AVAILABLE = "available"
    BUSY = "busy"
    OFFLINE = "offline"


class LanguageModel(msgspec.Struct, frozen=True, kw_only=True):
    """The responder. `provider` `house` is the embedded one; unknown names are kept as given."""

    provider: str = "house"
    model: str = ""
    temperature: float | None = None
    max_tokens: int | None = None


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """The synthesizer. `provider` `espeak` is the embedded one."""

    provider: str = "espeak"
    voice: str = ""
    rate: float | None = None
    pitch: float | None = None
    speed: float | None = None
    tone: str = ""


class OpenHours(msgspec.Struct, frozen=True, kw_only=True):
    """When somebody is there, in wall time of a zone; `days` are ISO weekdays, 1 is Monday.

    `closes` at or before `opens` means past midnight.
    """

    timezone: str = "UTC"
    days: tuple[int, ...] = (1, 2, 3, 4, 5)
    opens: str = "09:00"
    closes: str = "18:00"


class Agent(Owned, frozen=True, kw_only=True):
    """An agent."""

    kind: AgentKind = AgentKind.AI
    name: str
    description: str = ""
    greeting: str | None = None
    "The first words; None: the responder's own. Empty: the caller speaks first."
    system_prompt: str = ""
    language: str = "en"
    llm: LanguageModel = LanguageModel()
    stt_provider: str = "pocketsphinx"
    voice: Voice = Voice()
    house: dict[str, Any] = {}
    "Settings of the house responder (drivers/llm/house_settings.py)."
    turn: dict[str, Any] = {}
    "Settings of turn taking (media/conversation/settings.py)."
    retry: RetryPolicy | None = None
    "When its calls are tried again; None: as by default."
    analysis: AnalysisSettings = AnalysisSettings()
    "How its calls are analysed after their end."
    type: str = ""
    "What it is used as, in its owner's words, such as customer_support."
    config_data: dict[str, Any] = {}
    "Whatever else its owner keeps with it."
    is_active: bool = True
    from_configuration: bool = False
    "Written in offhook.toml: it is changed there."
    # A person:
    email: str | None = None
    phone_number: str | None = None
    address: str | None = None
    "Where a person is called: a SIP address or a number."
    availability: Availability = Availability.AVAILABLE
    open_hours: OpenHours | None = None
    "None: always."
