"""Does the caller take the floor, or only make a sound while the agent speaks? Pure.

The theory. A caller who wants the floor keeps talking and says words; one who only follows says
"mm-hm" or coughs, and is silent again within half a second; and a line that echoes brings back
what we sent. At the first sign of speech all three look alike, so the answer is given in steps,
each of which can be taken back:

1. For any sound that rises the agent's voice dips a little, before a model can know what it is
   (a click: for a tenth of a second); on suspicion of speech it is ducked. The turn taker does
   both; nothing is lost. What may be our own echo does neither: an echo is measured first.
2. YIELD: words are recognised, or the speech has lasted for `yield_after_ms` without any. The agent
   falls silent with a fade, as a person would, but keeps the rest of its reply. Interim words
   are not believed more than that at first: a transcriber that expects phrases hears a phrase in
   every cough until it is done.
3. STOP: real words in the end, or speech so long that it cannot be a cough. The floor is the
   caller's and the rest of the reply is dropped.
   RESUME: own echo, a backchannel, or a short noise. The agent comes back: to full level when
   it was only ducked, from the beginning of the word it broke off when it had yielded.

A bad line raises the durations: what concealment leaves of noise sounds like speech to the VAD.
"""

import enum

import msgspec

from ..ports import Quality
from .endpointing import normalised
from .settings import TurnSettings

LOSS_WEIGHT = 5.0
"10 % of loss make the needed duration half as long again."
MAX_LOSS = 0.2


class Verdict(enum.Enum):
    WAIT = "wait"
    YIELD = "yield"
    STOP = "stop"
    RESUME = "resume"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of speech over the agent."""

    speech_ms: int
    "From its first sample to now, or to its end."
    silent_ms: int | None = None
    "Since its end; None: it goes on."
    words: str = ""
    "Recognised so far."
    final: bool = False
    "No other words will come for the speech that ended."
    rejected: bool = False
    "The transcriber heard nothing that it could expect."
    echo_score: float = 0.0
    "0..1, share of our own signal in what was heard."
    line_loss: float = 0.0
    "0..1, share of concealed audio of late."


def judge(evidence: Evidence, settings: TurnSettings) -> Verdict:
    """The verdict on speech over the agent, from all that is known now."""
    if evidence.echo_score >= settings.echo_threshold:
        return Verdict.RESUME
    backchannel, real = _weigh(evidence, settings)
    stretch = 1.0 + LOSS_WEIGHT * min(evidence.line_loss, MAX_LOSS)
    speech_ms = evidence.speech_ms / stretch
    if real >= settings.min_words:
        return _with_words(evidence, speech_ms, settings)
    if evidence.silent_ms is None:
        return _while_it_lasts(speech_ms, backchannel, settings)
    if speech_ms < settings.yield_after_ms:
        return Verdict.RESUME
    if evidence.final or evidence.silent_ms >= settings.take_back_after_ms:
        long = speech_ms >= settings.stop_after_ms
        return Verdict.STOP if long and not backchannel else Verdict.RESUME
    return Verdict.WAIT


def loss_between(before: Quality, after: Quality) -> float:
    """0..1, the share of audio concealed in between (silence that was never sent is not loss)."""
    total = after.total_samples_received - before.total_samples_received
    lost = after.concealed_samples - before.concealed_samples
    lost -= after.silent_concealed_samples - before.silent_concealed_samples
    return min(1.0, max(0.0, lost / total)) if total > 0 else 0.0


def is_backchannel(words: str, settings: TurnSettings) -> bool:
    """There are words, and all of them only say "go on"."""
    known = {normalised(phrase) for phrase in settings.backchannels}
    rest = normalised(words).split()
    if not rest:
        return False
    longest = max(phrase.count(" ") + 1 for phrase in known) if known else 0
    while rest:
        for length in range(min(longest, len(rest)), 0, -1):
            if " ".join(rest[:length]) in known:
                del rest[:length]
                break
        else:
            return False
    return True


def _weigh(evidence: Evidence, settings: TurnSettings) -> tuple[bool, int]:
    """Whether the words are a backchannel (or may still become one), and the real words' number."""
    words = normalised(evidence.words)
    if not words or evidence.rejected:
        return False, 0
    if is_backchannel(words, settings):
        return True, 0
    head, _, last = words.rpartition(" ")
    beginning = not evidence.final and any(
        normalised(phrase).startswith(last) for phrase in settings.backchannels
    )
    if beginning and (not head or is_backchannel(head, settings)):
        # "ye" may become "yeah": an interim word is not trusted before it can be told apart.
        return True, 0
    return False, words.count(" ") + 1


def _with_words(evidence: Evidence, speech_ms: float, settings: TurnSettings) -> Verdict:
    """Words are the floor's price; interim ones only once they have stood for a while."""
    waited = (evidence.silent_ms or 0) >= settings.take_back_after_ms
    if evidence.final or waited or speech_ms >= settings.trust_words_after_ms:
        return Verdict.STOP
    return Verdict.YIELD


def _while_it_lasts(speech_ms: float, backchannel: bool, settings: TurnSettings) -> Verdict:
    if backchannel:
        return Verdict.STOP if speech_ms >= settings.backchannel_limit_ms else Verdict.WAIT
    if speech_ms >= settings.stop_after_ms:
        return Verdict.STOP
    return Verdict.YIELD if speech_ms >= settings.yield_after_ms else Verdict.WAIT
