"""Finds the Silero VAD network and reads its weights out of the ONNX file.

Not here: how they are arranged (silero_network.py), the arithmetic (silero.py). The package
`silero_vad` imports torch, so it is only looked
for, never imported, and the file is read by a walker for the few protobuf messages that matter
(onnx.proto: ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto).
"""

import functools
import importlib.util
import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MediaError
from .silero_network import Weights, arrange

MODEL_FILE = Path("data") / "silero_vad.onnx"
"The one file with both rates; the `.safetensors` and `half` files beside it hold other weights."

WINDOW_SAMPLES = {8000: 256, 16000: 512}
"What one step of the network hears: 32 ms."
CONTEXT_SAMPLES = {8000: 32, 16000: 64}
"The end of the window before, which it hears again."
HIDDEN = 128
"Width of the recurrent state."

# Field numbers of onnx.proto.
MODEL_GRAPH = 7
GRAPH_NODE = 1
NODE_ATTRIBUTE = 5
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH = 5, 6
TENSOR_DIMS, TENSOR_TYPE, TENSOR_NAME, TENSOR_RAW = 1, 2, 8, 9
TENSOR_FLOAT = 1

Floats = NDArray[np.float32]


class VadUnavailable(MediaError):
    """The speech network cannot be used; `what` says why."""

    code = "vad_unavailable"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"no neural voice activity detection: {self.what}"


def model_path() -> Path:
    """The installed ONNX file. Raises VadUnavailable."""
    spec = importlib.util.find_spec("silero_vad")
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise VadUnavailable("the package silero-vad is not installed")
    path = Path(places[0]) / MODEL_FILE
    if not path.is_file():
        raise VadUnavailable(f"{path} is missing")
    return path


def load_weights(rate_hz: int, path: Path | None = None) -> Weights:
    """The weights for 8000 or 16000 Hz, from `path` or the installed package.

    Raises VadUnavailable when there is no file or it is not the network we know.
    """
    path = path or model_path()
    try:
        status = path.stat()
        return _load(rate_hz, path, (status.st_mtime_ns, status.st_size))
    except (OSError, ValueError, IndexError, KeyError) as exc:
        raise VadUnavailable(f"{path} does not hold the expected network: {exc!r}") from exc


@functools.lru_cache(maxsize=len(WINDOW_SAMPLES))
def _load(rate_hz: int, path: Path, version: tuple[int, int]) -> Weights:
    """All cohorts of a rate have the same weights, so that the cache holds them once."""
    del version  # of the file: one that has changed is read again
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return arrange(rate_hz, _branch(bytes(data), rate_hz))


def _branch(model: bytes, rate_hz: int) -> dict[str, Floats]:
    """The named tensors of the sub-graph for `rate_hz`; its window function tells which it is."""
    taps = WINDOW_SAMPLES[rate_hz] // 2
    for tag, graph in _fields(model):
        if tag == MODEL_GRAPH and isinstance(graph, bytes):
            for tensors in _tensor_sets(graph):
                basis = tensors.get("stft.forward_basis_buffer")
                if basis is not None and basis.shape == (taps + 2, 1, taps):
                    return tensors
    raise ValueError(f"no branch for {rate_hz} Hz")


def _tensor_sets(graph: bytes) -> Iterator[dict[str, Floats]]:
    """The named float constants of a graph, then those of each graph inside its nodes."""
    tensors: dict[str, Floats] = {}
    inner: list[bytes] = []
    for tag, node in _fields(graph):
        if tag != GRAPH_NODE or not isinstance(node, bytes):
            continue
        for node_tag, attribute in _fields(node):
            if node_tag != NODE_ATTRIBUTE or not isinstance(attribute, bytes):
                continue
            for attribute_tag, value in _fields(attribute):
                if attribute_tag == ATTRIBUTE_TENSOR and isinstance(value, bytes):
                    tensors.update(_tensor(value))
                elif attribute_tag == ATTRIBUTE_GRAPH and isinstance(value, bytes):
                    inner.append(value)
    yield tensors
    for sub_graph in inner:
        yield from _tensor_sets(sub_graph)


def _tensor(message: bytes) -> dict[str, Floats]:
    """One TensorProto by its name; nothing unless it is a named float tensor with raw data."""
    dims: list[int] = []
    name, raw, data_type = "", b"", 0
    for tag, value in _fields(message):
        if tag == TENSOR_DIMS and isinstance(value, int):
            dims.append(value)
        elif tag == TENSOR_TYPE and isinstance(value, int):
            data_type = value
        elif tag == TENSOR_NAME and isinstance(value, bytes):
            name = value.decode()
        elif tag == TENSOR_RAW and isinstance(value, bytes):
            raw = value
    if not name or not raw or data_type != TENSOR_FLOAT:
        return {}
    return {name: np.frombuffer(raw, np.dtype("<f4")).astype(np.float32).reshape(dims)}


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Tag and value of each field: int for varints, bytes for the rest (protobuf wire format)."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire_type = key & 7
        if wire_type == 0:
            number, at = _varint(message, at)
            yield key >> 3, number
            continue
        if wire_type == 2:
            size, at = _varint(message, at)
        elif wire_type in (1, 5):
            size = 8 if wire_type == 1 else 4
        else:
            raise ValueError(f"wire type {wire_type} at byte {at}")
        if at + size > len(message):
            raise ValueError(f"field {key >> 3} runs past the end")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at
        if shift > 63:
            raise ValueError(f"number too long at byte {at}")
