"""How an agent behaves in a call: its voice, its manners on the floor, its patience with providers.

Values only; who reads them decides. Durations carry their unit.
"""

from typing import Literal

import msgspec

BACKCHANNELS = (
    "mm-hm",
    "mm hm",
    "mhm",
    "mm",
    "hmm",
    "hm",
    "uh-huh",
    "uh huh",
    "aha",
    "ah",
    "oh",
    "yeah",
    "yep",
    "yes",
    "ok",
    "okay",
    "right",
    "sure",
    "i see",
    "got it",
    "alright",
    "all right",
)
"""Words that say "go on", not "stop"."""


MAX_MESSAGE_CHARS = 2000
MAX_WAIT_MS = 600_000


OnMachine = Literal["continue", "hang_up", "leave_message"]
"""What an agent does about a machine: go on as with anybody; hang up; wait for the beep, leave its
message and hang up."""


class AnsweringSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls that the agent places: who has answered, and what follows when it is a machine.

    People do not wait for the verdict: the agent speaks when its turn has come, whoever it is.
    """

    detect: bool = True
    "Find out who has answered."
    on_machine: OnMachine = "continue"
    message: str = ""
    "What is left after the beep; empty: it hangs up instead."
    no_beep_ms: int = 4000
    "A machine that has been silent for so long without a beep records all the same."
    wait_ms: int = 60_000
    "A machine that has not let the agent speak for so long is left alone."

    def __post_init__(self) -> None:
        if len(self.message) > MAX_MESSAGE_CHARS:
            raise ValueError(f"message must not be longer than {MAX_MESSAGE_CHARS} characters")
        if not (0 <= self.no_beep_ms <= MAX_WAIT_MS and 0 <= self.wait_ms <= MAX_WAIT_MS):
            raise ValueError(f"no_beep_ms and wait_ms must be from 0 to {MAX_WAIT_MS}")


class TurnSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who has the floor, and when it changes hands."""

    min_endpointing_ms: int = 300
    "Silence after words that look finished."
    max_endpointing_ms: int = 1200
    "Silence after words that look unfinished."
    speculate_after_ms: int = 180
    "Silence after which a reply is made ready behind the gate."
    max_speculations: int = 3
    "Replies made ready in vain, a turn; after that its end is awaited."
    max_utterance_ms: int = 30_000
    "Longer talk without a pause is answered as it is."
    transcript_limit_ms: int = 2000
    "Wait for final words after speech has ended; then what is known counts."
    noise_ms: int = 300
    "Shorter speech without words was no turn."
    pre_roll_ms: int = 300
    "Audio from before the first sign of speech that the transcriber gets."

    dip_gain_db: float = -8.0
    "Any sound that rises over the agent lowers its voice so much, until it is known what it is."
    dip_ramp_ms: int = 5
    undip_ramp_ms: int = 40
    duck_gain_db: float = -18.0
    duck_ramp_ms: int = 10
    unduck_ramp_ms: int = 100
    yield_after_ms: int = 230
    "Speech over the agent, words unknown: the agent falls silent, but keeps the rest of its reply."
    trust_words_after_ms: int = 600
    "Speech over the agent with interim words: they are believed, final or not."
    stop_after_ms: int = 800
    "Speech over the agent, still without words: the agent gives the floor up for good."
    backchannel_limit_ms: int = 1500
    'A longer run of "yeah, okay" is no backchannel any more.'
    take_back_after_ms: int = 400
    "The caller is silent again and no words have come: the agent goes on."
    min_words: int = 1
    "Words that are no backchannel, needed to take the floor."
    backchannels: tuple[str, ...] = BACKCHANNELS
    echo_threshold: float = 0.5
    "From this echo score on, what was heard was the agent itself."
    echo_window_ms: int = 200
    judge_every_ms: int = 60
    "How often speech over the agent is judged again."
    fade_ms: int = 30

    silence_prompt_ms: int = 8000
    "Nobody speaks: the responder is asked for a prompt."
    silence_prompts: int = 2
    "After so many prompts in a row the agent takes its leave."
    digits_timeout_ms: int = 1500
    "Keys that nobody asked for are a turn when so much time has passed since the last."
    max_stray_digits: int = 32
    hang_up_tail_ms: int = 300
    "Between the last sample and hanging up: the far end's buffer plays out."
    media_lost_limit_ms: int = 30_000
    "Nothing arrives from the far end for so long: the call is over."
    answering: AnsweringSettings = AnsweringSettings()

    def __post_init__(self) -> None:
        if not 0 < self.min_endpointing_ms <= self.max_endpointing_ms:
            raise ValueError("min_endpointing_ms must be above 0 and not above max_endpointing_ms")
        if self.yield_after_ms > self.stop_after_ms:
            raise ValueError("yield_after_ms must not be above stop_after_ms")


class ProviderLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a provider may take before it counts as failed. Seconds."""

    open_s: float = 5.0
    first_text_s: float = 6.0
    next_text_s: float = 6.0
    first_speech_s: float = 4.0
    next_speech_s: float = 3.0
    speech_ahead_s: float = 6.0
    "Speech made but not yet played: beyond it the next sentence waits (it may never be needed)."


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One agent, as its session needs it."""

    name: str = "agent"
    greeting: str | None = None
    "Replaces the responder's own; empty: the caller speaks first."
    language: str = "en"
    voice: str = "en"
    speed: float = 1.0
    apology: str = "I am sorry, something went wrong here. Could you say that again, please?"
    farewell: str = "I have to end the call now. Goodbye."
    turn: TurnSettings = TurnSettings()
    limits: ProviderLimits = ProviderLimits()
