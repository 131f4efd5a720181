"""Load an ONNX model for one thread, with the numbers that make a processor crawl set to zero.

A trained network can hold many weights that are subnormal in float32 (below 1.18e-38). They change no result, but a
processor multiplies them many times slower: the small PP-OCRv6 text detector holds 256 000 of them and ran 3.4 times
faster without (0.09 instead of 0.31 CPU-s at 512x512, results equal). The session option for this in onnxruntime
changes the floating point mode of the whole process, and only when it is the first session: so the weights are
changed in memory instead, and the file is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bus_toolkit.errors import EngineError
from bus_toolkit.runtime import load_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Span = tuple[int, int]

ARENA = {"arena_extend_strategy": "kSameAsRequested"}
SMALLEST_NORMAL = np.finfo(np.float32).tiny
FLOAT32_TENSOR = 1
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""Wire types, https://protobuf.dev/programming-guides/encoding/ ."""
MODEL_GRAPH, GRAPH_NODE, GRAPH_INITIALIZER, NODE_ATTRIBUTE, ATTRIBUTE_TENSOR = 7, 1, 5, 5, 5
"""Field numbers of onnx.proto3: where float tensors stand."""
TENSOR_DATA_TYPE, TENSOR_RAW_DATA = 2, 9
HIGH_BIT, LOW_BITS = 0x80, 0x7F


def flush_subnormals(model: bytes) -> tuple[bytes, int]:
    """Set the subnormal float32 weights of a serialised ONNX model to zero.

    Parameters
    ----------
    model
        The bytes of an ONNX file with its weights inside it.

    Returns
    -------
    The changed bytes, of equal length, and how many weights were changed.

    Raises
    ------
    EngineError
        When the bytes are not a protocol buffer message.
    """
    data = bytearray(model)
    changed = 0
    try:
        for start, stop in _float_tensors(data):
            values = np.frombuffer(data, dtype="<f4", count=(stop - start) // 4, offset=start)
            subnormal = (np.abs(values) < SMALLEST_NORMAL) & (values != 0)
            values[subnormal] = 0
            changed += int(np.count_nonzero(subnormal))
    except (IndexError, ValueError) as error:
        msg = "a model file must be a whole ONNX model. Got something else or only a part"
        raise EngineError(msg) from error
    return bytes(data), changed


def open_session(path: Path) -> Any:  # noqa: ANN401 (onnxruntime ships no annotations)
    """Open the ONNX model at ``path`` for use in one thread that never spins.

    Raises
    ------
    EngineError
        When the file is missing or is not a model, or when onnxruntime cannot run it.
    """
    ort = load_onnxruntime()
    if not path.is_file():
        msg = f"the model file {path.name} must be where its package puts it. Got no such file: install it again"
        raise EngineError(msg)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Pictures differ in size: a pattern of memory for each would be kept and never used again. The arena that grows by
    # what is asked for was a quarter faster than none, and its process 60 MB smaller (24 sizes of 400 to 800 pixels).
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    model, _ = flush_subnormals(path.read_bytes())
    try:
        return ort.InferenceSession(model, options, providers=[("CPUExecutionProvider", ARENA)])
    except Exception as error:  # onnxruntime raises many classes of its own
        msg = f"the model file {path.name} must be one that onnxruntime can run. Got {type(error).__name__}"
        raise EngineError(msg) from error


def _varint(data: bytearray, at: int) -> Span:
    """Decode the number at ``at``; gives it and where the next thing begins."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & LOW_BITS) << shift
        shift += 7
        at += 1
        if byte < HIGH_BIT:
            return value, at


def _fields(data: bytearray, start: int, stop: int) -> Iterator[tuple[int, Span]]:
    """Field number and byte span of each field of a message; the span of a number is ``(value, value)``."""
    at = start
    while at < stop:
        key, at = _varint(data, at)
        wire = key & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield key >> 3, (value, value)
            continue
        if wire == LENGTH:
            size, at = _varint(data, at)
        elif wire in {FIXED32, FIXED64}:
            size = 4 if wire == FIXED32 else 8
        else:
            msg = f"a wire type must be 0, 1, 2 or 5. Got {wire}"
            raise ValueError(msg)
        if at + size > stop:
            msg = "a field must end inside its message. Got a longer one"
            raise ValueError(msg)
        yield key >> 3, (at, at + size)
        at += size


def _inside(data: bytearray, span: Span, *path: int) -> Iterator[Span]:
    """Spans of the messages that the field numbers ``path`` lead to."""
    for number, inner in _fields(data, *span):
        if number == path[0]:
            if len(path) == 1:
                yield inner
            else:
                yield from _inside(data, inner, *path[1:])


def _float_tensors(data: bytearray) -> Iterator[Span]:
    """Spans of the raw float32 data of every weight and constant of the main graph."""
    whole = (0, len(data))
    for path in (
        (MODEL_GRAPH, GRAPH_INITIALIZER),
        (MODEL_GRAPH, GRAPH_NODE, NODE_ATTRIBUTE, ATTRIBUTE_TENSOR),
    ):
        for tensor in _inside(data, whole, *path):
            found = dict(_fields(data, *tensor))
            if found.get(TENSOR_DATA_TYPE, (0, 0))[0] == FLOAT32_TENSOR and TENSOR_RAW_DATA in found:
                yield found[TENSOR_RAW_DATA]
