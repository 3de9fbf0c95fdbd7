"""What a call used of services, and what that cost."""

import msgspec


class CallUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What a call used, by service; providers by name."""

    stt_provider: str = ""
    stt_s: float = 0.0
    "Seconds of speech that were recognised."
    llm_provider: str = ""
    llm_tokens_in: int = 0
    llm_tokens_out: int = 0
    llm_estimated: bool = False
    "Some of the tokens are a guess by characters: the provider has not told them."
    analysis_provider: str = ""
    "Of the language model that analysed the call after its end."
    analysis_tokens_in: int = 0
    analysis_tokens_out: int = 0
    "Of all tries together."
    analysis_estimated: bool = False
    tts_provider: str = ""
    tts_chars: int = 0
    line: str = ""
    carrier_s: float = 0.0
    "Seconds of connection by lines that cost, of all legs."


class CallCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a call cost, in one currency, by service."""

    currency: str = "USD"
    stt: float = 0.0
    llm: float = 0.0
    analysis: float = 0.0
    "By a language model, after the call."
    tts: float = 0.0
    carrier: float = 0.0

    @property
    def total(self) -> float:
        """All of it, to a millionth: parts are rounded so, and their sum is theirs."""
        return round(self.stt + self.llm + self.analysis + self.tts + self.carrier, 6)
