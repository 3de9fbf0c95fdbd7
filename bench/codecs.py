"""Microseconds a 20 ms frame for each codec step and batch size: `python -m offhook.bench.codecs`.

One thread, warm caches, median of rounds. Not here: calls a core (see capacity).
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from ..codecs import g711, l16, plc
from ..codecs.comfort_noise import ComfortNoise
from ..codecs.dtmf import DtmfDetector
from ..codecs.g722 import G722Decoder, G722Encoder, encode_lanes
from ..codecs.opus import OpusDecoder, OpusEncoder, version
from ..codecs.resample import Resampler

BATCHES = (1, 10, 100, 500)
ROUNDS = 15
ROUND_S = 0.02
"Each round repeats its step for about that long."

Step = Callable[[], object]


def lanes(count: int, rate_hz: int) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    """20 ms of noise over a tone, int16[count, F]."""
    random = np.random.default_rng(1)
    frame = rate_hz // 50
    tone = 6000 * np.sin(2 * np.pi * 220 * np.arange(frame) / rate_hz)
    return (tone + random.normal(0, 1500, (count, frame))).astype(np.int16)


def batched(n: int) -> dict[str, Step]:
    """The steps that take all lanes at once."""
    narrow, wide = lanes(n, 8000), lanes(n, 16000)
    ulaw, network = g711.encode_ulaw(narrow), l16.encode(wide)
    up, down, third = (
        Resampler(8000, 16000, n),
        Resampler(16000, 8000, n),
        Resampler(48000, 16000, n),
    )
    full = lanes(n, 48000)
    history = np.tile(lanes(n, 8000), (1, 3))
    periods, elapsed = plc.pitch_periods(history), np.zeros(n, np.int64)
    noise, levels = ComfortNoise(n, 8000, 1), np.full(n, -45, np.float32)
    shaped = ComfortNoise(n, 8000, 1)
    for row in range(n):
        shaped.shape(row, (-0.7, 0.2))
    keys, keys_wide = DtmfDetector(n, 8000), DtmfDetector(n, 16000)
    return {
        "G.711 mu-law decode": lambda: g711.decode_ulaw(ulaw),
        "G.711 mu-law encode": lambda: g711.encode_ulaw(narrow),
        "L16 16 kHz decode": lambda: l16.decode(network),
        "L16 16 kHz encode": lambda: l16.encode(wide),
        "resample 8 to 16 kHz": lambda: up.push(narrow),
        "resample 16 to 8 kHz": lambda: down.push(wide),
        "resample 48 to 16 kHz": lambda: third.push(full),
        "PLC pitch, 8 kHz": lambda: plc.pitch_periods(history),
        "PLC conceal, 8 kHz": lambda: plc.conceal(history, periods, elapsed, 160),
        "comfort noise, white": lambda: noise.frames(levels, 160),
        "comfort noise, shaped": lambda: shaped.frames(levels, 160),
        "DTMF detect, 8 kHz": lambda: keys.push(narrow),
        "DTMF detect, 16 kHz": lambda: keys_wide.push(wide),
    }


def stateful(n: int) -> dict[str, Step]:
    """The coders that have a state a lane."""
    wide = lanes(n, 16000)
    encoders, decoders = [G722Encoder() for _ in range(n)], [G722Decoder() for _ in range(n)]
    payload = G722Encoder().encode(wide[0]).tobytes()
    steps: dict[str, Step] = {
        "G.722 encode": lambda: encode_lanes(encoders, wide),
        "G.722 decode": lambda: [decoder.decode(payload) for decoder in decoders],
    }
    packet = OpusEncoder().encode(wide[0])
    opus_decoders = [OpusDecoder() for _ in range(n)]
    steps["Opus decode to 16 kHz"] = lambda: [each.decode(packet) for each in opus_decoders]
    for complexity in (0, 5, 10):
        opus_encoders = [OpusEncoder(complexity=complexity) for _ in range(n)]

        def encode(coders: list[OpusEncoder] = opus_encoders) -> object:
            return [coder.encode(pcm) for coder, pcm in zip(coders, wide, strict=True)]

        steps[f"Opus encode, complexity {complexity}"] = encode
    return steps


def measure_us(step: Step) -> float:
    """Median microseconds of a call."""
    step()
    begin = time.perf_counter()
    step()
    repeats = max(1, int(ROUND_S / max(1e-7, time.perf_counter() - begin)))
    rounds: list[float] = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(repeats):
            step()
        rounds.append((time.perf_counter() - begin) / repeats)
    return statistics.median(rounds) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES, metavar="LANES")
    batches: list[int] = parser.parse_args().batches
    print(f"µs a 20 ms frame and lane; numpy {np.__version__}, {version()}")
    print(f"{'':32}" + "".join(f"{f'{n} lanes':>12}" for n in batches))
    tables = [batched(n) | stateful(n) for n in batches]
    for name in tables[0]:
        cells = [measure_us(table[name]) / n for table, n in zip(tables, batches, strict=True)]
        print(f"{name:32}" + "".join(f"{cell:12.2f}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
