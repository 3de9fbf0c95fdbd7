"""Who has answered: labelled calls over a telephone line, what the detector says of them, and when.

Every call is heard in silence and over noise, through G.711, and judged twice: by its sound alone,
as with a transcriber that knows only the agent's own phrases, and with its words, as from one that
hears most of them. Not here: how the calls are made (speech/{recorded,spoken,soundless}_calls.py).
"""

import argparse
import collections
import random
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..codecs import g711
from ..media.conversation.machine_detection import MachineDetector, Verdict
from ..media.conversation.settings import AnsweringSettings
from ..media.conversation.turn_events import AnyTurnEvent, WordsHeard
from ..media.conversation.voicemail import Course, Voicemail
from ..media.events import AlarmDue, AnyMediaEvent
from ..media.frames.silero_weights import VadUnavailable
from .networks.quality_speech import narrow
from .reports.machines_report import READING, Outcome, confusion, metrics_of, shown
from .reports.measuring import Progress, add_arguments, command_line, finish, repeated
from .reports.results_file import Document, Metric, origin
from .speech.answered_calls import RATE_HZ as MADE_HZ, AnsweredCall
from .speech.heard_events import hear
from .speech.human_speech import fetch
from .speech.recorded_calls import recorded_calls
from .speech.soundless_calls import soundless_calls
from .speech.spoken_calls import spoken_calls
from .speech.synthetic_voices import LANGUAGES, speak

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "speech"
RATE_HZ = 8000
TOGETHER = 64
"Calls that are heard at once."
RATIOS_DB: dict[str, float | None] = {"clean": None, "20 dB": 20.0, "10 dB": 10.0}
ALONE, WITH_WORDS = "sound alone", "with words"
WORDS_LATE_S = 0.7
"From the end of speech to its final words."
WORDS_LOST = 0.15
"Of all words, by a transcriber on the telephone."

Pcm = NDArray[np.int16]


def material(languages: list[str], count: int, seed: int) -> list[AnsweredCall]:
    """The labelled calls."""
    sayings = speak(languages, MADE_HZ)
    found: list[AnsweredCall] = []
    for language in languages:
        rng = random.Random(f"{seed} {language}")
        prompts = fetch(CACHE, language)
        if prompts is not None:
            found += recorded_calls(prompts, rng, count)
        found += spoken_calls(sayings[language], rng, count)
    return found + soundless_calls(random.Random(f"{seed} tones"), count * len(languages))


def over_the_line(call: AnsweredCall, ratio_db: float | None, seed: int) -> Pcm:
    """At 8 kHz, white noise so many dB below the sound while there is any, mu-law."""
    pcm = narrow(call.pcm).astype(np.float64)
    if ratio_db is not None:
        loud = np.abs(pcm) > 50
        level = np.sqrt(np.mean(pcm[loud] ** 2)) if loud.any() else 300.0
        sigma = level * 10 ** (-ratio_db / 20)
        pcm += np.random.default_rng(seed).normal(0, sigma, len(pcm))
    heard = np.clip(np.rint(pcm), -32768, 32767).astype(np.int16)
    return np.asarray(g711.decode_ulaw(g711.encode_ulaw(heard)))


def words_of(call: AnsweredCall, rng: random.Random) -> list[AnyTurnEvent]:
    """What a transcriber makes of it."""
    events: list[AnyTurnEvent] = []
    for turn, said in enumerate(call.said):
        kept = [word for word in said.text.split() if rng.random() >= WORDS_LOST]
        at = int((said.until_s + WORDS_LATE_S) * RATE_HZ)
        events.append(WordsHeard(at, turn, " ".join(kept), True))
    return events


def judge(
    call: AnsweredCall, events: list[AnyMediaEvent], words: list[AnyTurnEvent], samples: int
) -> Outcome:
    """Play the events to a detector, and to an agent that would leave a message."""
    detector = MachineDetector(RATE_HZ)
    voicemail = Voicemail(AnsweringSettings(on_machine="leave_message", message="-"), RATE_HZ)
    detector.receive_answer(0)
    message_at_s: float | None = None
    waiting: collections.deque[AnyTurnEvent] = collections.deque(
        sorted([*events, *words], key=lambda event: event.at_samples)
    )
    while True:
        timers = (detector.get_timer(), voicemail.get_timer(detector))
        due = min((at for at in timers if at is not None), default=samples)
        if waiting and waiting[0].at_samples <= min(due, samples):
            event = waiting.popleft()
        elif due < samples:
            event = AlarmDue(due)
        else:
            break
        detector.receive(event)
        for course in voicemail.courses(detector, event.at_samples):
            if course is Course.SAY_MESSAGE:
                message_at_s = event.at_samples / RATE_HZ
    detector.receive_end(samples)
    verdicts: list[Verdict] = []
    while (verdict := detector.next_verdict()) is not None:
        verdicts.append(verdict)
    return Outcome(call, verdicts, message_at_s)


def outcomes(
    found: list[AnsweredCall], noise: str, seed: int
) -> tuple[list[Outcome], list[Outcome]]:
    """All calls over one line: by sound alone, and with words. Raises VadUnavailable."""
    alone: list[Outcome] = []
    with_words: list[Outcome] = []
    for begin in range(0, len(found), TOGETHER):
        some = found[begin : begin + TOGETHER]
        heard = [
            over_the_line(call, RATIOS_DB[noise], seed + begin + number)
            for number, call in enumerate(some)
        ]
        for number, (call, pcm, events) in enumerate(
            zip(some, heard, hear(heard, RATE_HZ), strict=True)
        ):
            rng = random.Random(f"{seed} {begin + number} words")
            alone.append(judge(call, events, [], len(pcm)))
            with_words.append(judge(call, events, words_of(call, rng), len(pcm)))
    return alone, with_words


def measure(arguments: argparse.Namespace, seed: int) -> Document:
    """Every call over every line."""
    print("making calls", file=sys.stderr)
    found = material(arguments.language, arguments.count, seed)
    kinds = collections.Counter(call.kind for call in found)
    print(f"{len(found)} calls: {dict(kinds)}", file=sys.stderr)
    progress = Progress(len(arguments.noise))
    metrics: list[Metric] = []
    tables: dict[str, dict[str, dict[str, int]]] = {}
    for noise in arguments.noise:
        progress.step(noise)
        for name, judged in zip((ALONE, WITH_WORDS), outcomes(found, noise, seed), strict=True):
            case = f"{noise}, {name}"
            metrics += metrics_of(case, judged)
            tables[case] = confusion(judged)
            print(f"\n{case}\n{shown(tables[case])}")
    order = list(dict.fromkeys(metric.name for metric in metrics))
    metrics.sort(key=lambda metric: order.index(metric.name))
    detail = {"calls": dict(kinds), "confusion": tables}
    where = origin(command_line("machines", arguments.argv))
    return Document(where, "machines", metrics, detail=detail, reading=READING)


def main(argv: list[str] | None = None) -> int:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", nargs="+", choices=tuple(LANGUAGES), default=list(LANGUAGES))
    parser.add_argument("--count", type=int, default=12, help="calls of each kind and language")
    parser.add_argument("--noise", nargs="+", choices=tuple(RATIOS_DB), default=list(RATIOS_DB))
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    arguments.argv = argv
    try:
        document = repeated(lambda seed: measure(arguments, seed), arguments)
    except VadUnavailable as exc:
        print(exc, file=sys.stderr)
        return 1
    finish(document, arguments)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
