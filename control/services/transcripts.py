"""What was said in a call, as it was heard: in words, as text, as WebVTT. Live calls, too.

Times are those of the recording: sample positions on the call's axis, as seconds or milliseconds.
WebVTT is W3C's (https://www.w3.org/TR/webvtt1/): a cue a turn, in the order in which they begin,
who speaks as a voice span (§4.2.2), `interrupted` as its class.
"""

from collections.abc import Sequence

import msgspec

from ...media.conversation.records import Role, Turn
from ..auth.principal import Principal
from .calls import CallService

NAMES = {Role.CALLER: "Caller", Role.AGENT: "Agent"}
"Who speaks, in text and in cues."
HEADER = "WEBVTT"
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Transcript(msgspec.Struct, frozen=True):
    """The turns of a call."""

    call_id: str
    turns: tuple[Turn, ...]
    rate_hz: int | None
    "None: there has been no audio, and no turn."


class TranscriptService:
    """The verb."""

    def __init__(self, calls: CallService) -> None:
        self._calls = calls

    async def get(self, who: Principal, call_id: str) -> Transcript:
        """Of a call that goes on, the turns that are over. Raises NotFound."""
        call = await self._calls.get(who, call_id)
        record = call.record
        if record is None or not record.rate_hz:
            return Transcript(call.id, (), None)
        return Transcript(call.id, tuple(record.turns), record.rate_hz)


def plain_text(transcript: Transcript) -> str:
    """`Caller: …` and `Agent: …`, a line each; empty when nothing was said."""
    return "\n".join(f"{NAMES[turn.role]}: {_words(turn)}" for turn in transcript.turns)


def webvtt(transcript: Transcript) -> str:
    """The whole file. Turns without words have no cue."""
    rate_hz = transcript.rate_hz
    spoken = [turn for turn in transcript.turns if _words(turn)] if rate_hz else []
    blocks = [HEADER, *(_cue(turn, rate_hz) for turn in _in_order(spoken) if rate_hz)]
    return "\n\n".join(blocks) + "\n"


def _in_order(turns: Sequence[Turn]) -> list[Turn]:
    """Cues are sorted by their beginning (§4.1)."""
    return sorted(turns, key=lambda turn: (turn.begin_samples, turn.index))


def _cue(turn: Turn, rate_hz: int) -> str:
    begin_ms = _ms(turn.begin_samples, rate_hz)
    end_ms = max(_ms(turn.end_samples, rate_hz), begin_ms + 1)  # §4.2.1: the end is later
    voice = "v.interrupted" if turn.interrupted else "v"
    # A line end would end the text, an empty line the cue.
    text = " ".join(_words(turn).split()).translate(_ESCAPES)
    return (
        f"{turn.index}\n"
        f"{_stamp(begin_ms)} --> {_stamp(end_ms)}\n"
        f"<{voice} {NAMES[turn.role]}>{text}</v>"
    )


def _words(turn: Turn) -> str:
    """What was said, else the keys that were pressed."""
    return turn.text.strip() or turn.digits


def _ms(samples: int, rate_hz: int) -> int:
    return (samples * 1000 + rate_hz // 2) // rate_hz


def _stamp(ms: int) -> str:
    """§4.2.1: at least two digits of hours."""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"
