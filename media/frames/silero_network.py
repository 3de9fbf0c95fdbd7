"""Arranges the tensors of the Silero network as the factors of few, large matrix products.

Not here: where the tensors come from (silero_weights.py), the forward pass (silero.py).

The Fourier transform is a matrix in the file: bins times taps, each tap under the window. It is
replaced by two of a quarter of the size. With h half of the taps, bin k of x is

    sum of (x[n] + (-1)^k x[n + h]) exp(-i pi k n / h), n < h

so that even bins need the sums of the two halves only, odd bins the differences.

Folding the biases into the layers after them would save passes, too, but they grow to thousands on
the way, and float32 then gives probabilities that are wrong by 1e-3.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

STEPS = 4
"Fourier frames in a window, each half a frame after the one before."
KERNEL = 3
"Frames that each of the first three convolutions looks at."
NEAR = 1e-5
"How far the file's transform may be from the computed one (it is rounded to float32)."

Floats = NDArray[np.float32]


class Weights(msgspec.Struct, frozen=True):
    """The network of one rate, as matrices to multiply from the right ([inputs, outputs])."""

    rate_hz: int
    window: Floats
    "[2, h]: what the two halves of a Fourier frame are multiplied by."
    even: Floats
    "[h, h]: real parts of bins 0, h, 2, 4, …, then imaginary parts of 2, 4, …"
    odd: Floats
    "[h, h]: real parts of bins 1, 3, …, then imaginary parts."
    convs: tuple[Floats, Floats, Floats, Floats]
    "[kernel x channels in, channels out]; bins in the order above; the last two lack taps."
    biases: tuple[Floats, Floats, Floats, Floats]
    "For all outputs of a layer, frame by frame."
    gates: Floats
    "[128 inputs + 128 hidden, 4 x 128]: gates i, f, o, g; i, f and o halved (see silero.py)."
    gates_bias: Floats
    head: Floats
    "[128]"
    head_bias: float


def arrange(rate_hz: int, tensors: dict[str, Floats]) -> Weights:
    """From the file's tensors. Raises ValueError or KeyError when it is another network."""
    basis = tensors["stft.forward_basis_buffer"][:, 0, :]
    window, even, odd, order = _fourier(basis)
    kernels = [tensors[f"encoder.{layer}.reparam_conv.weight"] for layer in range(4)]
    kernels[0] = kernels[0][:, order]
    biases = [tensors[f"encoder.{layer}.reparam_conv.bias"] for layer in range(4)]
    # [out, in, kernel] -> [kernel x in, out]. Layer 2 (of 0..3) sees two frames and padding before
    # them, layer 3 one frame between paddings: taps that only ever meet padding are left out.
    used = (slice(0, KERNEL), slice(0, KERNEL), slice(1, KERNEL), slice(1, 2))
    convs = [_matrix(kernel[:, :, taps]) for kernel, taps in zip(kernels, used, strict=True)]
    gates = _gates(tensors["decoder.rnn.weight_ih"], tensors["decoder.rnn.weight_hh"])
    gates_bias = _gates(*(tensors[f"decoder.rnn.bias_{side}"][:, None] for side in ("ih", "hh")))
    hidden = len(gates) // 2
    return Weights(
        rate_hz=rate_hz,
        window=window,
        even=even,
        odd=odd,
        convs=(convs[0], convs[1], convs[2], convs[3]),
        biases=(np.tile(biases[0], STEPS), np.tile(biases[1], STEPS // 2), biases[2], biases[3]),
        gates=gates,
        gates_bias=gates_bias.sum(axis=0),
        head=tensors["decoder.decoder.2.weight"].reshape(hidden),
        head_bias=float(tensors["decoder.decoder.2.bias"][0]),
    )


def _fourier(basis: Floats) -> tuple[Floats, Floats, Floats, NDArray[np.intp]]:
    """Window, both halves of the transform, and the order of bins in them."""
    taps = basis.shape[1]
    half = taps // 2
    window = basis[0].astype(np.float64)  # the real part of bin 0 is nothing else
    bins = np.concatenate([[0, half], np.arange(2, half, 2), np.arange(1, half, 2)])
    turns = np.exp(-1j * np.pi / half * np.outer(np.arange(taps), bins))
    real, imaginary = turns.real, turns.imag
    computed = np.concatenate([real, imaginary], axis=1) * window[:, None]
    given = np.concatenate([basis[bins], basis[half + 1 + bins]]).T
    if not np.abs(computed - given).max() < NEAR:
        raise ValueError("its Fourier transform is another one")
    evens = half // 2 + 1
    even = np.concatenate([real[:half, :evens], imaginary[:half, 2:evens]], axis=1)
    odd = np.concatenate([real[:half, evens:], imaginary[:half, evens:]], axis=1)
    halves = basis[0].reshape(2, half)
    return halves, even.astype(np.float32), odd.astype(np.float32), bins


def _matrix(kernel: Floats) -> Floats:
    """[out, in, taps] -> [taps x in, out]."""
    return np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(-1, len(kernel)))


def _gates(inputs: Floats, hidden: Floats) -> Floats:
    """Two [4 x 128, k] -> [2 k, 4 x 128]; gates i, f, g, o become i, f, o, g, sigmoids halved."""
    take_in, keep, new, give_out = np.split(np.concatenate([inputs, hidden], axis=1), 4)
    return np.ascontiguousarray(
        np.concatenate([take_in / 2, keep / 2, give_out / 2, new]).T, np.float32
    )
