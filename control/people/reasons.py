"""Why nobody takes a call, and which call it is: in words, for whoever wanted a person. Pure."""

from ...media.conversation.records import CallRecord
from ..domain.agents import Agent, Availability
from ..domain.calls import CallSummary


def why_not(human: Agent) -> str:
    """Why a person is not rung who was asked for by name."""
    if not human.is_active:
        return f"{human.name} is switched off"
    if not (human.address or human.phone_number):
        return f"{human.name} has no number"
    if human.availability is not Availability.AVAILABLE:
        return f"{human.name} is {human.availability.value}"
    return f"{human.name} is not there at this hour"


def call_words(call: CallRecord | CallSummary) -> str:
    """A call as its owner knows it."""
    return f"call from {call.from_number}" if call.inbound else f"call to {call.to_number}"


def sentence(words: str) -> str:
    """A reason, to be read by itself."""
    words = f"{words[:1].upper()}{words[1:]}"
    return words if words.endswith((".", "!", "?")) else f"{words}."
