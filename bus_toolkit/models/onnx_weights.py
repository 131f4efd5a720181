"""Weights of an ONNX file in eight bits, arithmetic in float32.

onnxruntime's dynamic quantisation has one range for a whole kernel and for all of a layer's planes; behind depthwise
convolutions, whose channels differ a hundredfold, that changed the class of a quarter of the scans. Here each channel
has a range of its own, and a ``DequantizeLinear`` (ONNX operator set 13) brings it back when the file is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

FEWEST: Final = 64
"""A kernel with fewer values stays as it is: its scales would take as much room."""
_LARGEST: Final = 127


def shrink_weights(source: Path, target: Path) -> int:
    """Write ``source`` to ``target`` with the kernels of its convolutions and dense layers in int8.

    Values are rounded to a step of ``largest / 127`` of their own output channel, so none moves by more than half of
    it.

    Returns
    -------
    How many kernels were made small.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load(source)
    graph = model.graph
    # A convolution's kernel has its output channels first; a dense one's has them last unless it is transposed.
    kernels = {node.input[1]: _axis(node) for node in graph.node if node.op_type in {"Conv", "Gemm", "MatMul"}}
    nodes, kept, made = [], [], 0
    for item in graph.initializer:
        values = numpy_helper.to_array(item)
        if item.name not in kernels or values.dtype != np.float32 or values.size < FEWEST:
            kept.append(item)
            continue
        nodes.append(_shrunk(item.name, values, kernels[item.name] % values.ndim, kept))
        made += 1
    everything = [*nodes, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(everything)
    onnx.checker.check_model(model)
    onnx.save(model, target)
    return made


def _axis(node: Any) -> int:  # noqa: ANN401 (onnx is not followed)
    transposed = any(item.name == "transB" and item.i for item in node.attribute)
    return 0 if node.op_type == "Conv" or transposed else -1


def _shrunk(name: str, values: Any, axis: int, kept: list[Any]) -> Any:  # noqa: ANN401
    """The node that gives a kernel under its old name; its small form is added to the initialisers."""
    from onnx import helper, numpy_helper

    others = tuple(index for index in range(values.ndim) if index != axis)
    largest = np.abs(values).max(axis=others)
    scale = np.where(largest > 0, largest / _LARGEST, 1.0).astype(np.float32)
    shape = [-1 if index == axis else 1 for index in range(values.ndim)]
    small = np.clip(np.round(values / scale.reshape(shape)), -_LARGEST, _LARGEST).astype(np.int8)
    kept.append(numpy_helper.from_array(small, f"{name}.small"))
    kept.append(numpy_helper.from_array(scale, f"{name}.scale"))
    return helper.make_node(
        "DequantizeLinear", [f"{name}.small", f"{name}.scale"], [name], name=f"{name}.whole", axis=axis
    )
