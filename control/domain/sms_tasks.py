"""A text that somebody has sent, and what an agent makes of it."""

import enum
from typing import Any

from .entity import Owned


class TaskStatus(enum.Enum):
    """How far it is."""

    WAITING = "waiting"
    "It is to be answered at `next_try_wall`."
    WORKING = "working"
    "An agent has it."
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    "Given up after the last try."


class SmsTask(Owned, frozen=True, kw_only=True):
    """One text and its answer."""

    contact_id: str | None = None
    phone_number: str
    "Who asks."
    our_number: str = ""
    "The number that they wrote to, which the reply comes from; empty: none of ours."
    message_id: str | None = None
    "The SMS that it came by; None: it was made by hand."
    reply_message_id: str | None = None
    "The SMS that the reply left by."
    agent_id: str | None = None
    "Who is to answer; None: the agent of the number, else the default one."
    body: str
    reply: str | None = None
    category: str
    "What it is about: a word of messages/sms_topics.py, or of whoever made it."
    complexity: float = 0.0
    "0..1, by how much there is to read."
    status: TaskStatus = TaskStatus.WAITING
    replies_by_sms: bool = True
    attempts: int = 0
    next_try_wall: float | None = None
    processing_s: float | None = None
    "From its creation to its end."
    tokens: int = 0
    "Of a language model, in and out, all tries together."
    error_type: str = ""
    error: str = ""
    finished_wall: float | None = None
    hour: int = 0
    "Whole hours since 1970 of its creation: figures are counted by it."
    metadata: dict[str, Any] = {}
