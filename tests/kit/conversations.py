"""Calls as they are analysed, for tests of the analysis."""

from typing import Any

from offhook.control.analysis.conversation import Conversation, Facts, Spoken
from offhook.control.domain.analyses import AnalysisSettings

LOST_PARCEL = (
    "Agent: Good morning, Anna speaking. How can I help you?",
    "Caller: hi I want to cancel my order it still has not arrived and I am really frustrated",
    "Agent: I am sorry to hear that. May I have your name and the order number?",
    "Caller: my name is Miller the order number is four five two",
    "Agent: The order was lost by the parcel service. I can refund it today.",
    "Caller: great that is perfect thank you so much please send me a confirmation",
    "Agent: I will send you the confirmation in a minute. Have a nice day!",
)
"A call that begins badly and ends well."


def conversation(
    *lines: str,
    language: str = "en",
    wanted: AnalysisSettings | None = None,
    gap_s: float | None = 0.5,
    interrupted: tuple[int, ...] = (),
    **facts: Any,
) -> Conversation:
    """A call of these lines, `Agent: …` and `Caller: …`, one every 4 s; `facts` are Facts'."""
    known: dict[str, Any] = {"inbound": True} | facts
    turns = []
    for index, line in enumerate(lines):
        who, _, text = line.partition(": ")
        turns.append(
            Spoken(
                index=index,
                by_agent=who == "Agent",
                text=text,
                begin_s=4.0 * index,
                interrupted=index in interrupted,
                gap_s=gap_s if who == "Agent" and index else None,
            )
        )
    return Conversation(
        turns=tuple(turns),
        facts=Facts(**known),
        language=language,
        wanted=wanted or AnalysisSettings(),
    )
