"""Silero VAD for many lanes at once: the network's forward pass in numpy.

Not here: where the weights come from (silero_weights.py), what is done with a probability (vad.py).

Each step hears 32 ms. Window and context, mirrored at the end, go through a Fourier transform of
four overlapping frames, four small convolutions down to one vector, one LSTM step, and a sigmoid.
Convolutions are matrix products over overlapping views, with time as the second axis. A sigmoid is
(1 + tanh(x / 2)) / 2; the halving is already in the weights, so one tanh serves all four gates.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from .lanes import Columns
from .silero_weights import CONTEXT_SAMPLES, HIDDEN, WINDOW_SAMPLES, Weights

BATCH = 64
"Rows of one pass: larger batches are no faster, and their scratch no longer fits the cache."
STEPS = 4
"Fourier frames in a window."

Floats = NDArray[np.float32]


class Silero(Columns):
    """The network, with one recurrent state a row."""

    def __init__(self, capacity: int, weights: Weights) -> None:
        super().__init__(capacity)
        self._weights = weights
        self._context_samples = CONTEXT_SAMPLES[weights.rate_hz]
        self._window_samples = WINDOW_SAMPLES[weights.rate_hz]
        self.context: Floats = self.column("context", np.float32, self._context_samples)
        self.hidden: Floats = self.column("hidden", np.float32, HIDDEN)
        self.cell: Floats = self.column("cell", np.float32, HIDDEN)
        taps, outputs = weights.stft.shape
        self._bins = outputs // 2
        self._hop = taps // 2
        # Scratch of one batch; frames 0 and 5 are the convolutions' padding and stay zero.
        padded = self._window_samples + 2 * self._context_samples
        self._heard = np.zeros((BATCH, padded), np.float32)
        self._magnitude = np.zeros((BATCH, STEPS + 2, self._bins), np.float32)
        self._features = np.zeros((BATCH, STEPS + 2, HIDDEN), np.float32)
        self._recurrent = np.zeros((BATCH, 2 * HIDDEN), np.float32)

    def probabilities(self, windows: Floats, rows: NDArray[np.intp]) -> Floats:
        """Probability of speech in one window of each row, and remember it for the next.

        `windows` is [m, 256] at 8 kHz or [m, 512] at 16 kHz, -1..1; `rows` holds m different rows.
        """
        result = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), BATCH):
            part = slice(start, start + BATCH)
            result[part] = self._step(windows[part], rows[part])
        return result

    def _step(self, windows: Floats, rows: NDArray[np.intp]) -> Floats:
        count = len(rows)
        self._hear(windows, rows)
        recurrent = self._recurrent[:count]
        self._encode(count, out=recurrent[:, :HIDDEN])
        recurrent[:, HIDDEN:] = self.hidden[rows]
        gates = recurrent @ self._weights.gates
        gates += self._weights.gates_bias
        np.tanh(gates, out=gates)
        take_in, keep, new, give_out = (gates[:, i * HIDDEN : (i + 1) * HIDDEN] for i in range(4))
        for gate in (take_in, keep, give_out):
            gate *= 0.5
            gate += 0.5
        cell = self.cell[rows]
        cell *= keep
        cell += take_in * new
        self.cell[rows] = cell
        np.tanh(cell, out=cell)
        cell *= give_out
        self.hidden[rows] = cell
        np.maximum(cell, 0, out=cell)
        logits = cell @ self._weights.head + self._weights.head_bias
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)

    def _hear(self, windows: Floats, rows: NDArray[np.intp]) -> None:
        """Lay out context, window and the mirrored end in `_heard`; keep the next context."""
        context, heard = self._context_samples, self._heard[: len(rows)]
        end = context + self._window_samples
        heard[:, :context] = self.context[rows]
        heard[:, context:end] = windows
        heard[:, end:] = heard[:, end - 2 : end - 2 - context : -1]
        self.context[rows] = windows[:, -context:]

    def _encode(self, count: int, out: Floats) -> None:
        """From `_heard` to the vector that the LSTM takes."""
        weights, bins = self._weights, self._bins
        spectrum = _frames(self._heard, count, STEPS, self._hop, 2 * self._hop) @ weights.stft
        np.multiply(spectrum, spectrum, out=spectrum)
        power = spectrum[:, :bins] + spectrum[:, bins:]
        np.sqrt(power.reshape(count, STEPS, bins), out=self._magnitude[:count, 1:-1])
        layer = _frames(self._magnitude, count, STEPS, bins, 3 * bins) @ weights.convs[0]
        layer += weights.biases[0]
        np.maximum(
            layer.reshape(count, STEPS, HIDDEN), 0, out=self._features[:count, 1:-1]
        )  # ReLU, as after each convolution
        layer = _frames(self._features, count, STEPS // 2, 2 * HIDDEN, 3 * HIDDEN)
        for matrix, bias in zip(weights.convs[1:], weights.biases[1:], strict=True):
            layer = layer.reshape(-1, len(matrix)) @ matrix
            layer += bias
            np.maximum(layer, 0, out=layer)
        out[:] = layer


def _frames(source: Floats, count: int, frames: int, hop: int, size: int) -> Floats:
    """Overlapping frames of each of the first `count` rows, [count x frames, size]."""
    item = source.itemsize
    view = as_strided(source, (count, frames, size), (source.strides[0], hop * item, item))
    return view.reshape(count * frames, size)
