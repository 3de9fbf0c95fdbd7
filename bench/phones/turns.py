"""One conversation over a line: say something, hear the answer out, again; each turn's gap.

Reads everything off the two axes of the line, so it measures whatever answers on the other end.
Holds no clock: it waits for packets of the line, real or simulated. Not here: whose agent it is.
"""

import enum
import random

import msgspec
import numpy as np

from ..speech.waveform import first_audible, gaps, last_audible, levels, threshold
from .line import RATE_HZ, Line, Pcm

BEFORE_S = (0.7, 1.2)
"Silence of the caller before each utterance, chosen anew each time: no phase is special."
STEP = RATE_HZ // 10
"Between two looks at what has been heard."
LONGEST_REPLY_S = 45.0
"What lasts longer is taken for over: something that is no speech is on the line."
GAP_MS = 15
"A hole of so long in a reply that has none is a fault."
CUT_DB = -20.0
"Words end where they are so much weaker than their loudest: there is no doubt about that sample."


class Turn(msgspec.Struct, frozen=True):
    """One answered utterance."""

    last: int
    "The caller's last sample, of what was said."
    reply: int
    "The reply's first audible sample, of what was heard."
    reply_end: int
    gap_ms: float
    "From the caller's last sample at the mouth to the reply's first at the ear."
    wire_ms: float
    "From the departure of the packet with the one to the arrival of the packet with the other."
    holes: int
    "Silences inside the reply."


class Missed(enum.Enum):
    """Why a turn has no figure."""

    UNANSWERED = "no answer within the limit"
    OVERLAPPED = "the agent spoke while the caller did"
    ENDED = "the call ended before"
    REFUSED = "the call did not come about"


class Pace(msgspec.Struct, frozen=True):
    """How long the caller waits for what."""

    answer_limit_s: float = 5.0
    quiet_s: float = 0.3
    "Then the agent has finished."
    greeting_limit_s: float = 0.0
    "So long a greeting is waited for; 0: there is none."


OURS = Pace()
FOREIGN = Pace(answer_limit_s=15.0, quiet_s=1.5, greeting_limit_s=6.0)
"An agent that pauses between two sentences has not finished."


def sharp_end(pcm: Pcm, rate_hz: int) -> Pcm:
    """Words cut where they are 20 dB below their loudest: then the last sample is known."""
    window = rate_hz // 200
    each = levels(pcm, window)
    loud = np.flatnonzero(each >= each.max() * 10 ** (CUT_DB / 20))
    return pcm[: (int(loud[-1]) + 1) * window]


async def converse(
    line: Line, words: list[Pcm], turns: int, rng: random.Random, pace: Pace = OURS
) -> list[Turn | Missed]:
    """Hear the greeting out, then take so many turns."""
    if pace.greeting_limit_s:
        await hear_out(line, 0, pace.greeting_limit_s, pace.quiet_s)
    results: list[Turn | Missed] = []
    for _ in range(turns):
        begin = line.position + int(rng.uniform(*BEFORE_S) * RATE_HZ)
        pcm = rng.choice(words)
        line.say(pcm, begin)
        last = begin + len(pcm) - 1
        if not await line.wait_until(last + 1):
            break
        results.append(await _answer(line, begin, last, pace))
        if results[-1] is Missed.ENDED:
            results.pop()
            break
    return results + [Missed.ENDED] * (turns - len(results))


async def _answer(line: Line, begin: int, last: int, pace: Pace) -> Turn | Missed:
    heard = line.heard
    onset, over = (heard.position_at(line.said.left_at(sample)) for sample in (begin, last))
    talked = first_audible(heard.pcm()[:over], RATE_HZ, onset) is not None
    since = onset if talked else over
    found = await hear_out(line, since, pace.answer_limit_s, pace.quiet_s)
    if found is None:
        up = await line.wait_until(line.position)
        return Missed.UNANSWERED if up else Missed.ENDED
    return Missed.OVERLAPPED if talked else measured(line, last, *found)


def measured(line: Line, last: int, reply: int, reply_end: int) -> Turn:
    """One turn: the caller's last sample is `last`, the reply lies in what was heard."""
    said, heard = line.said, line.heard
    return Turn(
        last=last,
        reply=reply,
        reply_end=reply_end,
        gap_ms=(heard.heard_at(reply) - said.spoken_at(last)) * 1000,
        wire_ms=(heard.arrived_at(reply) - said.left_at(last)) * 1000,
        holes=len(gaps(heard.pcm()[reply:reply_end], RATE_HZ, GAP_MS)),
    )


async def hear_out(
    line: Line, begin: int, limit_s: float, quiet_s: float
) -> tuple[int, int] | None:
    """The agent's next sound from sample `begin` of what is heard on, once it is over.

    None: there was none within the limit, or the call ended.
    """
    asked = line.position
    while await line.wait_until(line.position + STEP):
        pcm = line.heard.pcm()
        start = first_audible(pcm, RATE_HZ, begin)
        if start is None:
            if line.position - asked >= limit_s * RATE_HZ:
                return None
            continue
        audible = threshold(pcm[:begin][-RATE_HZ // 5 :], RATE_HZ)
        length = last_audible(pcm[start:], RATE_HZ, audible)
        end = start if length is None else start + length
        # The caller's own clock, too: who sends nothing while silent is silent all the same.
        ear = line.heard.ear_at(line.said.sent_at[-1])
        if ear - end >= quiet_s * RATE_HZ or ear - start >= LONGEST_REPLY_S * RATE_HZ:
            return start, end
    return None
