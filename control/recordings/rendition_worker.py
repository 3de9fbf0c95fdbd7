"""The process that makes one rendition: `rendition_worker WAV FORMAT TARGET`. Blocking.

Ogg holds Opus, MP3 what players without it take; both keep the channels apart and the axis of time.
Not in the server's process, whose cores the frames need.
"""

import os
import pathlib
import sys
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream

from ...codecs.wav import WavReader

NICENESS = 15
CODECS = {"ogg": "libopus", "mp3": "libmp3lame"}
"Container, and what it holds."
BIT_RATE = 48_000
"Of both channels: telephone voices lose nothing that can be heard."
PIECE_SAMPLES = 8192


def main() -> None:
    """Make it, whole; whoever asked moves it to its place."""
    os.nice(NICENESS)
    source, format_, target = sys.argv[1:4]
    make_rendition(pathlib.Path(source), format_, pathlib.Path(target))


def make_rendition(source: pathlib.Path, format_: str, target: pathlib.Path) -> None:
    """Raises OSError, WavError and PyAV's FFmpegError."""
    with source.open("rb") as file, av.open(str(target), "w", format=format_) as container:
        reader = WavReader(file)
        stream: Any = container.add_stream(CODECS[format_], rate=reader.rate_hz)
        assert isinstance(stream, AudioStream), "the codec is one of sound"
        stream.layout = "stereo" if reader.channels == 2 else "mono"
        stream.bit_rate = BIT_RATE
        position = 0
        while (piece := reader.read(PIECE_SAMPLES)).shape[1]:
            interleaved = np.ascontiguousarray(piece.T).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(interleaved, "s16", stream.layout.name)
            frame.sample_rate, frame.pts = reader.rate_hz, position
            container.mux(stream.encode(frame))
            position += piece.shape[1]
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
