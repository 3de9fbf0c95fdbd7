"""The same work on other people's software and on ours: same machine, same run, ratios.

    offhook bench peers [--work frames bargein echo] [--rounds 3] [--out file.json]

Sets up what it compares with, from the package index, each in a virtual environment of its own
under .cache/peers (once), and takes turns: theirs, ours, theirs, ours. What cannot be had or cannot
be driven without a network is named with the reason, never guessed.

- `frames`: 20 ms of audio through a pipeline of 6 processors that pass it on (pipecat), and a
  lane's frame through our whole tick: header parse, jitter buffer, decoding, playout, encoding.
- `bargein`: from the first sample of a caller's words to the interruption, with pipecat's defaults
  (Silero, turn strategies, base transports); ours from outside, by `offhook bench bargein`.
- `echo`: a WebRTC call on stock aiortc that answers with what it hears (Opus), and an Opus lane of
  ours over plain RTP: there is no WebRTC leg of ours to compare yet, so ours lacks SRTP and ICE.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..codecs.resample import Resampler
from .load import cores, peers_setup
from .load.calls_load import CACHE, PROMPTS
from .load.capacity_engine import Case, run_step, speech_file
from .load.peers_setup import Installed, Missing
from .reports import measuring, peers_report
from .reports.peers_report import Echo, Side, WorkResult
from .reports.results_file import Document, origin, read
from .speech.human_speech import fetch
from .speech.voice import Voice

WORKS = ("frames", "bargein", "echo")
LOAD = Path(__file__).parent / "load"
PIPELINES, PASSES = 20, 6
LANES = (20, 100, 500)
ECHO_CALLS = (4, 12, 20)
OUR_ECHO_CALLS = 60
WORDS_HZ, WEBRTC_HZ = 16000, 48000
BARGEIN_EVENTS = 6
LIMIT_S = 180.0

Found = Installed | Missing


async def frames(pipecat: Installed, folder: Path) -> list[WorkResult]:
    """CPU of a frame without a network."""
    results: list[WorkResult] = []
    for case, flags in (
        ("input frames, lean", []),
        ("output frames, lean", ["--output"]),
        ("input frames, defaults", ["--defaults"]),
    ):
        told = await peers_setup.run_json(
            pipecat.python, LOAD / "peer_pipecat.py", "frames", *flags
        )
        name = f"{pipecat.name}, {PASSES} pass-through processors, {case}"
        results.append(WorkResult("frames", Side.THEIRS, name, told["us_a_frame"]))
    speech = await speech_file(folder, "PCMU")
    for lanes in LANES:
        for vad in (False, True):
            flags = ["--lanes", str(lanes), "--speech", str(speech), *(["--vad"] if vad else [])]
            told = await peers_setup.run_ours("load.frame_cost", *flags)
            name = f"offhook, {lanes} lanes, PCMU both ways{', VAD' if vad else ''}"
            results.append(WorkResult("frames", Side.OURS, name, [told["us_a_frame"]]))
    return results


async def bargein(pipecat: Installed, folder: Path, seed: int) -> list[WorkResult]:
    """How long after the first sample of speech the agent is silent."""
    words = folder / "words.npz"
    if not words.is_file():
        voice = Voice(fetch(CACHE), WORDS_HZ)
        spoken = {name: await voice.words(name, text) for name, text in PROMPTS}
        np.savez(words, allow_pickle=False, **spoken)
    flags = ["bargein", "--words", str(words), "--seed", str(seed)]
    told = await peers_setup.run_json(pipecat.python, LOAD / "peer_pipecat.py", *flags)
    trials = told["trials"]
    results = [
        WorkResult("bargein", Side.THEIRS, f"{pipecat.name}, {what}", values)
        for what, key in (("interruption frame", "frame_ms"), ("silence", "silence_ms"))
        if (values := [trial[key] for trial in trials if trial[key] is not None])
    ]
    out = folder / f"bargein-{seed}.json"
    ours = ["--part", "words", "--events", str(BARGEIN_EVENTS), "--seed", str(seed)]
    await peers_setup.run_quietly("bargein", *ours, "--out", str(out))
    for metric in read(out).metrics:
        if metric.name in ("time to duck", "time to silence") and metric.values:
            what = f"offhook, {metric.name.removeprefix('time to ')}, from outside"
            results.append(WorkResult("bargein", Side.OURS, what, metric.values))
    return results


async def echo(aiortc: Installed, folder: Path) -> list[WorkResult]:
    """CPU of an Opus call."""
    wide_band = await speech_file(folder, "opus")
    speech = folder / "speech-48000.raw"
    _upsampled(wide_band).tofile(speech)
    best: Echo | None = None
    for calls in ECHO_CALLS:
        flags = ["server", "--calls", str(calls), "--speech", str(speech)]
        told = await peers_setup.run_json(aiortc.python, LOAD / "peer_aiortc.py", *flags)
        tried = Echo.of(told)
        print(f"  {aiortc.name}: {tried}", file=sys.stderr, flush=True)
        if tried.held:
            best = tried
    results: list[WorkResult] = []
    if best is not None:
        name = f"{aiortc.name}, WebRTC echo, {best.calls} calls"
        results.append(WorkResult("echo", Side.THEIRS, name, [best.cost_us]))
    step = await run_step(Case("opus", False, False), OUR_ECHO_CALLS, 5.0, wide_band)
    name = f"offhook, Opus over plain RTP, {OUR_ECHO_CALLS} calls"
    results.append(WorkResult("echo", Side.OURS, name, [step.cost_us]))
    return results


async def measure(arguments: argparse.Namespace, seed: int) -> Document:
    """All rounds of all works that can be done."""
    found = {name: peers_setup.install(name) for name in peers_setup.PEERS}
    for name, each in found.items():
        print(f"{name}: {each}", file=sys.stderr, flush=True)
    results: list[WorkResult] = []
    missing = {name: each.reason for name, each in found.items() if isinstance(each, Missing)}
    pipecat, aiortc = found["pipecat"], found["aiortc"]
    with tempfile.TemporaryDirectory(prefix="offhook-peers-") as name:
        folder = Path(name)
        for number in range(arguments.rounds):
            for work in arguments.work:
                print(f"round {number + 1}: {work}", file=sys.stderr, flush=True)
                try:
                    if work == "frames" and isinstance(pipecat, Installed):
                        results += await frames(pipecat, folder)
                    elif work == "bargein" and isinstance(pipecat, Installed):
                        results += await bargein(pipecat, folder, seed + number)
                    elif work == "echo" and isinstance(aiortc, Installed):
                        results += await echo(aiortc, folder)
                except (ChildProcessError, TimeoutError, OSError) as exc:
                    missing[work] = f"{type(exc).__name__}: {exc}"
                    print(f"  {missing[work]}", file=sys.stderr, flush=True)
    versions = {
        package: version
        for each in found.values()
        if isinstance(each, Installed)
        for package, version in each.versions.items()
    }
    where = origin(arguments.command, **versions)
    sizes = {each.name: each.megabytes for each in found.values() if isinstance(each, Installed)}
    return peers_report.document(where, results, sizes, missing)


def _upsampled(path: Path) -> NDArray[np.int16]:
    resampler = Resampler(WORDS_HZ, WEBRTC_HZ)
    pcm = np.fromfile(path, np.int16)
    parts = [resampler.push(pcm[None]), resampler.flush()]
    whole: NDArray[np.int16] = np.concatenate(parts, axis=1)[0]
    return whole


def main(argv: list[str] | None = None) -> int:
    """Measure, show, write. 1 when a work that was asked for gave nothing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", nargs="+", choices=WORKS, default=list(WORKS))
    parser.add_argument("--rounds", type=int, default=3)
    measuring.add_arguments(parser)
    measuring.no_target(
        parser,
        "the same work is done by libraries in processes of this machine, whose processor is "
        "measured; a foreign agent is called by latency, bargein, capacity and quality",
    )
    arguments = parser.parse_args(argv)
    if not cores.enough():
        parser.error("two cores are needed: one for what is measured, one for the load")
    arguments.command = measuring.command_line("peers", argv)
    document = measuring.repeated(lambda seed: asyncio.run(measure(arguments, seed)), arguments)
    measuring.finish(document, arguments)
    print("", *document.reading, sep="\n")
    names = {metric.name for metric in document.metrics}
    return 0 if all(peers_report.METRIC[work] in names for work in arguments.work) else 1


if __name__ == "__main__":
    raise SystemExit(main())
