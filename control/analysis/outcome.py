"""What a call came to, by its agent's list or by its own record. Pure."""

from .conversation import Conversation
from .sentences import said_of

TRANSFERRED, VOICEMAIL, FAILED, COMPLETED = "transferred", "voicemail", "failed", "completed"
BY_RECORD = (TRANSFERRED, VOICEMAIL, FAILED, COMPLETED)


def outcome_of(conversation: Conversation) -> str:
    """The outcome of the list whose phrase was said last; else what the record says."""
    for turn in reversed(conversation.turns):
        for outcome in conversation.wanted.outcomes:
            if said_of(outcome.phrases, turn.text) is not None:
                return outcome.name
    return by_record(conversation)


def by_record(conversation: Conversation) -> str:
    """What the call's record says, whatever was said in it."""
    facts = conversation.facts
    if facts.transferred:
        return TRANSFERRED
    if facts.voicemail:
        return VOICEMAIL
    return FAILED if facts.failed else COMPLETED
