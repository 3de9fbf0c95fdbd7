"""What happens when the caller makes a sound while the agent speaks, measured in the waveform.

    offhook bench bargein [--part words sounds echo] [--events 24]
    offhook bench bargein --target sip:agent@host:5060 [--ask question.wav] [--say stop.wav]
    offhook bench bargein --target https://host/whip [--bearer token]

A bare telephone calls the server (another process, embedded recognition and answers, a scripted
voice that says the same thing in the same way each time: scripted_providers.py) and, in the middle
of a long greeting, at places chosen by a seed, says words that take the floor, or makes sounds that
do not: coughs, hums ("mm-hm"), keys of a keyboard, music; or sends back what it receives, as an
echo. What the agent does is read off the audio that comes back, compared with an undisturbed
rendering, where it says the same thing in the same way each time; else by its level.

Times count from the caller's first audible sample at the mouth to the ear: the packet that takes it
along leaves up to 20 ms later (10 on average), and waits up to 20 ms for the server's next tick.
Where the voice falls or ends is found to within a few samples, in the middle of a slow fall. Not
here: how long the answer takes (latency.py).
"""

import argparse
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from .latency import LATENESS_LIMIT_MS
from .load.scripted_providers import Latencies, ProvidersProcess
from .load.server_process import ServerProcess
from .phones.bare_phone import BarePhone
from .phones.clips import clip_path
from .phones.interruptions import Interruptions, Judged, NothingHeard, Plan
from .phones.line import LineFailed, Pcm
from .phones.overlap_audio import sharp_begin
from .phones.target import MakeLine, add_target, line_to, read_wav, spoken
from .reports.bargein_report import clips, metrics
from .reports.measuring import Progress, add_arguments, command_line, finish, repeated
from .reports.results_file import Document, origin

PARTS = ("words", "sounds", "echo")
SENTENCES = (
    "Welcome to the service for customers with more than one telephone line in their house.",
    "Every morning our engineers check the switches and replace the parts that wear out.",
    "Visitors are welcome between nine and five, and children come along without a ticket.",
    "Parcels that nobody collects within fourteen days are returned to whoever sent them.",
    "Whenever the weather turns cold the pipes under the old bridge begin to sing at night.",
    "Please have your contract number ready before you ask for changes to your account.",
)
PROMPTS = (
    ("call-waiting", "call waiting"),
    ("call-forwarding", "call forwarding"),
    ("telephone-number", "telephone number"),
)
CONFIG = """\
[[providers]]
name = "scripted"
base_url = "{base_url}"
models = {{ speech = "m" }}

[[agents]]
name = "bench"
tts = "scripted"

[agents.house]
greeting = "{greeting}"

{answers}
"""
ANSWER = """\
[[agents.house.answers]]
name = "{name}"
say = "You asked for {phrase}."
phrases = ["{phrase}"]
"""


@asynccontextmanager
async def agent_of_ours() -> AsyncIterator[MakeLine]:
    """A server with a long greeting; gives what makes a line to it."""
    answers = "\n".join(ANSWER.format(name=name, phrase=phrase) for name, phrase in PROMPTS)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "offhook.toml"
        data = Path(folder) / "data"
        limit = LATENESS_LIMIT_MS
        async with ProvidersProcess(Latencies()) as providers:
            said = {"greeting": " ".join(SENTENCES), "answers": answers}
            config.write_text(CONFIG.format(base_url=providers.base_url, **said))
            async with ServerProcess(
                data, CONFIG=str(config), LIMITS_MAX_LATENESS_MS=limit
            ) as server:
                yield lambda rng: BarePhone(server.sip, "agent", rng)


@asynccontextmanager
async def agent_of(arguments: argparse.Namespace) -> AsyncIterator[MakeLine]:
    """The one that is asked for."""
    if arguments.target is not None:
        yield line_to(arguments)
    else:
        async with agent_of_ours() as make_line:
            yield make_line


async def interrupt(
    bench: Interruptions, words: list[Pcm], parts: list[str], progress: Progress
) -> list[Judged]:
    """The parts that are asked for. Raises LineFailed, NothingHeard."""
    progress.step("hear the agent undisturbed, twice")
    await bench.listen()
    judged: list[Judged] = []
    for part in parts:
        progress.step(part)
        match part:
            case "words":
                judged += await bench.words(words)
            case "sounds":
                judged += await bench.sounds()
            case _:
                judged += await bench.echo()
    return judged


async def measure(arguments: argparse.Namespace, seed: int) -> tuple[list[Judged], bool, str]:
    """What became of all events; whether by level alone; whose voice the caller's is."""
    said, voice = await spoken(arguments, PROMPTS)
    words = [sharp_begin(pcm) for pcm in said]
    question = None if arguments.ask is None else read_wav(arguments.ask)
    plan = Plan(arguments.events, arguments.concurrent, seed)
    progress = Progress(1 + len(arguments.part))
    async with agent_of(arguments) as make_line:
        bench = Interruptions(make_line, plan, question)
        judged = await interrupt(bench, words, arguments.part, progress)
    return judged, bench.by_level, voice


def document(
    judged: list[Judged], by_level: bool, voice: str, arguments: argparse.Namespace, seed: int
) -> Document:
    """Everything that was measured but its origin; the clips are written beside `--out`."""
    clip = clip_path(arguments.out, seed)
    false_stop = clip and clip.with_name(clip.name.replace("worst", "false-stop"))
    unmeasured: dict[str, int] = {}
    for each in judged:
        unmeasured[each.kind] = unmeasured.get(each.kind, 0) + (each.outcome is None)
    reading = [
        "Times are from the caller's first audible sample at the mouth to the ear, without a jitter"
        f" buffer. The caller's voice: {voice}. Coughs, hums, keys and music are synthetic."
    ]
    if by_level:
        reading.append(
            "The agent does not say the same thing twice, so there is no undisturbed rendering to"
            " compare with: a stop is told by level alone (a pause of its own of 0.4 s after words,"
            " of 1 s after a sound, is taken for one), and ducks and lost samples are not known."
        )
    if any(unmeasured.values()):
        told = ", ".join(f"{kind} {count}" for kind, count in unmeasured.items() if count)
        reading.append(f"Not measured, because the agent was silent or the call over: {told}.")
    return Document(
        origin=origin(command_line("bargein", arguments.argv)),
        measurement="bargein",
        metrics=metrics(judged),
        clips=clips(judged, clip, false_stop),
        detail={
            "voice": voice,
            "by_level": by_level,
            "unmeasured": unmeasured,
            "events": [
                {
                    "kind": j.kind,
                    "duck_ms": j.duck_ms,
                    "silence_ms": j.silence_ms,
                    "what": j.outcome,
                }
                for j in judged
            ],
        },
        reading=reading,
    )


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="offhook bench bargein",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--events", type=int, default=24, help="of each kind")
    parser.add_argument("--concurrent", type=int, default=4, help="calls at a time")
    parser.add_argument(
        "--ask", type=Path, metavar="WAV", help="said first, where the greeting is short"
    )
    add_target(parser)
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    arguments.argv = argv
    return arguments


def main(argv: list[str] | None = None) -> int:
    """Measure, show, write."""
    arguments = parse(argv)
    measured = True

    def one(seed: int) -> Document:
        nonlocal measured
        judged, by_level, voice = uvloop.run(measure(arguments, seed))
        measured = measured and any(each.outcome is not None for each in judged)
        return document(judged, by_level, voice, arguments, seed)

    try:
        finish(repeated(one, arguments), arguments)
    except (LineFailed, NothingHeard, ValueError) as exc:
        print(f"offhook bench bargein: {exc}", file=sys.stderr)
        return 1
    return 0 if measured else 1


if __name__ == "__main__":
    raise SystemExit(main())
