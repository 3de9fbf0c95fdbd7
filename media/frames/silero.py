"""Silero VAD for many lanes at once: the network's forward pass in numpy.

Not here: where the weights come from (silero_weights.py) and how they are arranged
(silero_network.py), what is done with a probability (vad.py).

Each step hears 32 ms. Window and context, mirrored at the end, go through a Fourier transform of
four overlapping frames, four small convolutions down to one vector, one LSTM step, and a sigmoid.
A row of every scratch array is a lane, with its frames one after the other: the frames that a
convolution looks at lie side by side, and each of its outputs is a matrix product with no copying
before it; where a frame would be padding, the product is the shorter. A sigmoid is
(1 + tanh(x / 2)) / 2; the halving is already in the weights, so one tanh serves all four gates.
"""

import numpy as np
from numpy.typing import NDArray

from .lanes import Columns
from .silero_network import KERNEL, STEPS, Weights
from .silero_weights import CONTEXT_SAMPLES, HIDDEN, WINDOW_SAMPLES

BATCH = 128
"Most rows of one pass: the weights are brought into the cache for each, and scratch must fit, too."
SIGMOIDS = slice(0, 3 * HIDDEN)
"Of the gates."

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
        self._make_scratch(BATCH)

    def _make_scratch(self, rows: int) -> None:
        """What one pass works in."""
        convs, half = self._weights.convs, len(self._weights.even)
        self._bins = half + 1
        self._heard = np.empty((rows, (STEPS + 1) * half), np.float32)
        self._sums = np.empty((rows, STEPS, half), np.float32)
        self._differences = np.empty((rows, STEPS, half), np.float32)
        self._spectrum = np.empty((rows, STEPS, 2 * half), np.float32)
        self._magnitude = np.empty((rows, STEPS * self._bins), np.float32)
        self._first = np.empty((rows, STEPS * convs[0].shape[1]), np.float32)
        self._second = np.empty((rows, STEPS // 2 * convs[1].shape[1]), np.float32)
        self._third = np.empty((rows, convs[2].shape[1]), np.float32)
        self._recurrent = np.empty((rows, 2 * HIDDEN), np.float32)
        self._gates = np.empty((rows, 4 * HIDDEN), np.float32)

    def probabilities(self, windows: Floats, rows: NDArray[np.intp]) -> Floats:
        """Probability of speech in one window of each row, and remember it for the next.

        `windows` is [m, 256] at 8 kHz or [m, 512] at 16 kHz, -1..1; `rows` holds m different rows.
        """
        result = np.empty(len(rows), np.float32)
        passes = max(1, -(-len(rows) // BATCH))
        size = max(1, -(-len(rows) // passes))  # even passes: small products are slower a row
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            result[part] = self._step(windows[part], rows[part])
        return result

    def _step(self, windows: Floats, rows: NDArray[np.intp]) -> Floats:
        weights, count = self._weights, len(rows)
        recurrent, gates = self._recurrent[:count], self._gates[:count]
        self._hear(windows, rows)
        self._transform(count)
        self._encode(count, out=recurrent[:, :HIDDEN])
        recurrent[:, HIDDEN:] = self.hidden[rows]
        np.matmul(recurrent, weights.gates, out=gates)
        gates += weights.gates_bias
        np.tanh(gates, out=gates)
        gates[:, SIGMOIDS] += 1  # twice the sigmoids: halved where their products are
        take_in, keep, give_out, new = (gates[:, i * HIDDEN : (i + 1) * HIDDEN] for i in range(4))
        cell = self.cell[rows]
        cell *= keep
        new *= take_in
        cell += new
        cell *= 0.5
        self.cell[rows] = cell
        np.tanh(cell, out=cell)
        cell *= give_out
        cell *= 0.5
        self.hidden[rows] = cell
        np.maximum(cell, 0, out=cell)
        logits = cell @ weights.head + weights.head_bias
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)

    def _hear(self, windows: Floats, rows: NDArray[np.intp]) -> None:
        """Lay out context, window and the mirrored end in `_heard`; keep the next context."""
        context, heard = self._context_samples, self._heard[: len(rows)]
        end = context + self._window_samples
        heard[:, :context] = self.context[rows]
        heard[:, context:end] = windows
        heard[:, end:] = heard[:, end - 2 : end - 2 - context : -1]
        self.context[rows] = windows[:, -context:]

    def _transform(self, count: int) -> None:
        """From `_heard` to `_magnitude`, whose bins are in the order of the weights."""
        weights, half = self._weights, self._bins - 1
        sums, differences = self._sums[:count], self._differences[:count]
        halves = self._heard[:count].reshape(count, STEPS + 1, half)
        spectrum = self._spectrum[:count].reshape(count * STEPS, 2 * half)
        later = self._spectrum[:count, :, :half]  # is not in use yet
        np.multiply(halves[:, :-1], weights.window[0], out=differences)
        np.multiply(halves[:, 1:], weights.window[1], out=later)
        np.add(differences, later, out=sums)
        differences -= later
        np.matmul(sums.reshape(-1, half), weights.even, out=spectrum[:, :half])
        np.matmul(differences.reshape(-1, half), weights.odd, out=spectrum[:, half:])
        spectrum *= spectrum
        magnitude = self._magnitude[:count].reshape(count * STEPS, self._bins)
        evens, odds = half // 2 + 1, half + half // 2
        magnitude[:, :2] = spectrum[:, :2]  # bins without an imaginary part
        np.add(spectrum[:, 2:evens], spectrum[:, evens:half], out=magnitude[:, 2:evens])
        np.add(spectrum[:, half:odds], spectrum[:, odds:], out=magnitude[:, evens:])
        np.sqrt(magnitude, out=magnitude)

    def _encode(self, count: int, out: Floats) -> None:
        """From `_magnitude` to the vector that the LSTM takes."""
        convs, biases = self._weights.convs, self._weights.biases
        first, second, third = self._first[:count], self._second[:count], self._third[:count]
        _convolve(self._magnitude[:count], convs[0], self._bins, 1, first)
        _rectify(first, biases[0])
        _convolve(first, convs[1], HIDDEN, 2, second)
        _rectify(second, biases[1])
        np.matmul(second, convs[2], out=third)
        _rectify(third, biases[2])
        np.matmul(third, convs[3], out=out)
        _rectify(out, biases[3])


def _rectify(layer: Floats, bias: Floats) -> None:
    """What follows each convolution (ReLU)."""
    layer += bias
    np.maximum(layer, 0, out=layer)


def _convolve(source: Floats, matrix: Floats, channels: int, stride: int, out: Floats) -> None:
    """Frames of `channels`, one after the other in each row, around every `stride`th of them."""
    width = matrix.shape[1]
    for index, centre in enumerate(range(0, STEPS, stride)):
        begin, end = centre - KERNEL // 2, centre + KERNEL // 2 + 1
        inside = slice(max(0, begin), min(STEPS, end))
        taps = slice((inside.start - begin) * channels, (inside.stop - begin) * channels)
        np.matmul(
            source[:, inside.start * channels : inside.stop * channels],
            matrix[taps],
            out=out[:, index * width : (index + 1) * width],
        )
