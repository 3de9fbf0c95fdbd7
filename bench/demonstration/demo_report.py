"""What is left of the demo's call: the latency table, the recording, the picture, the JSON."""

from pathlib import Path
from typing import Any

import msgspec

from ...codecs.wav import WavReader
from .timeline import DrawnTurn, draw

MAX_RECORDING_S = 3600
STAGES = ("transcript_ms", "decided_ms", "first_text_ms", "first_speech_ms", "first_sample_ms")


def print_latency(call: dict[str, Any]) -> list[str]:
    """The table; returns what was not answered."""
    print("\nHow long the caller waited, in ms from the end of speech:\n")
    header = ("answer", "words", "decided", "reply text", "speech", "FIRST AUDIO")
    print(f"{header[0]:44}" + "".join(f"{name:>12}" for name in header[1:]))
    missing: list[str] = []
    turns = call["turns"]
    for index, turn in enumerate(turns):
        if turn["role"] == "caller":
            answered = index + 1 < len(turns) and turns[index + 1]["role"] == "agent"
            if not answered:
                missing.append(f"“{turn['text'] or turn['digits']}” was not answered")
            continue
        latency = turn["latency"]
        if latency is None:
            continue
        cells = ["-" if latency[s] is None else f"{latency[s]:.0f}" for s in STAGES]
        mark = " *" if latency["speculative"] else ""
        text = turn["planned_text"] or turn["text"]
        print(f"{text[:41]:41}{mark:3}" + "".join(f"{cell:>12}" for cell in cells))
    print("\n* the reply was ready behind the gate before the turn was declared over")
    return missing


def leave_files(call: dict[str, Any], wav: bytes, folder: Path) -> None:
    """The recording, the picture, the JSON."""
    (folder / "call.wav").write_bytes(wav)
    (folder / "call.json").write_bytes(msgspec.json.format(msgspec.json.encode(call), indent=2))
    with (folder / "call.wav").open("rb") as file:
        reader = WavReader(file)
        stereo = reader.read(MAX_RECORDING_S * reader.rate_hz)
    turns = [
        DrawnTurn(
            turn["role"],
            turn["text"] or turn["digits"],
            turn["begin_s"],
            turn["end_s"],
            turn["interrupted"],
            turn["latency"]["first_sample_ms"] if turn["latency"] else None,
        )
        for turn in call["turns"]
    ]
    title = f"{call['codec']}, {call['rate_hz']} Hz, {len(turns)} turns"
    draw(stereo, reader.rate_hz, turns, title, folder / "timeline.png")
