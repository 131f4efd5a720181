"""From a fitted Keras model to the ONNX file that cleaning runs; both are made from one specification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bus_toolkit.atomic import atomic_write_bytes
from bus_toolkit.errors import EngineError
from bus_toolkit.overlays.engines.segmenter import CLASSES, STRIDE, Segmenter, planes_of
from bus_toolkit.segmenter.spec import PLANES, Spec, padding

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from bus_toolkit.segmenter.spec import Layer

    Floats = npt.NDArray[np.float32]

OPSET: Final = 17
IR_VERSION: Final = 9
"""Formats that onnxruntime has read since its version 1.16."""
MOST_BYTES: Final = 4 * 2**20
CLOSE: Final = 2e-3
"""Largest difference of a probability between the two that rounding explains."""


def export_onnx(model: Any, path: Path, *, spec: Spec | None = None) -> int:  # noqa: ANN401 (Keras ships no annotations)
    """Write a fitted network (:func:`bus_toolkit.segmenter.network.build_network`) as an ONNX file.

    Batch normalisation is folded into the convolution before it, and a sigmoid is put behind the logits, so the file
    takes float32 planes ``(1, 2, rows, cols)`` and gives probabilities ``(1, classes, rows, cols)``.

    Returns
    -------
    The size of the file in bytes.

    Raises
    ------
    EngineError
        When the file would be larger than 4 MB, or gives other probabilities than the model.
    """
    from onnx import TensorProto, helper

    nodes: list[Any] = []
    tensors: list[Any] = []
    for layer in (spec or Spec()).layers():
        _add(model, layer, nodes, tensors)
    nodes.append(helper.make_node("Sigmoid", ["logits"], ["probabilities"]))
    shape = ["rows", "cols"]
    graph = helper.make_graph(
        nodes,
        "overlays",
        [helper.make_tensor_value_info("planes", TensorProto.FLOAT, [1, PLANES, *shape])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, len(CLASSES), *shape])],
        tensors,
    )
    whole = helper.make_model(
        graph,
        producer_name="bus_toolkit",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    data = bytes(whole.SerializeToString(deterministic=True))
    if len(data) > MOST_BYTES:
        msg = f"the exported network must have at most {MOST_BYTES} bytes. Got {len(data)}"
        raise EngineError(msg)
    atomic_write_bytes(path, data)
    check_parity(model, path)
    return len(data)


def check_parity(model: Any, path: Path, *, seed: int = 0) -> float:  # noqa: ANN401
    """The largest difference between what the Keras model and the ONNX file say of a random picture.

    Raises
    ------
    EngineError
        When it is more than rounding explains.
    """
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (6 * STRIDE, 8 * STRIDE, 3)).astype(np.uint8)
    logits = np.asarray(model.predict_on_batch(planes_of(picture).transpose(1, 2, 0)[np.newaxis]))[0]
    wanted = 1 / (1 + np.exp(-logits.astype(np.float64)))
    got = Segmenter(path).run(planes_of(picture)).transpose(1, 2, 0)
    difference = float(np.abs(got - wanted).max())
    if difference > CLOSE:
        msg = f"the exported network must agree with the fitted one within {CLOSE}. Got {difference:.4f}"
        raise EngineError(msg)
    return difference


def _add(model: Any, layer: Layer, nodes: list[Any], tensors: list[Any]) -> None:  # noqa: ANN401
    """One layer as ONNX nodes; weights go into ``tensors``."""
    from onnx import helper, numpy_helper

    result = f"{layer.name}.sum" if layer.relu else layer.name
    inputs = list(layer.inputs)
    if layer.kind in {"conv", "depthwise"}:
        kernel, bias = _folded(model, layer)
        tensors += [
            numpy_helper.from_array(kernel, f"{layer.name}.kernel"),
            numpy_helper.from_array(bias, f"{layer.name}.bias"),
        ]
        before, after = padding(layer.kernel, layer.stride)
        group = layer.channels if layer.kind == "depthwise" else 1
        nodes.append(
            helper.make_node(
                "Conv",
                [*inputs, f"{layer.name}.kernel", f"{layer.name}.bias"],
                [result],
                kernel_shape=[layer.kernel] * 2,
                strides=[layer.stride] * 2,
                pads=[before, before, after, after],
                group=group,
            )
        )
    elif layer.kind == "up":
        tensors.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), f"{layer.name}.scales"))
        nodes.append(
            helper.make_node(
                "Resize",
                [*inputs, "", f"{layer.name}.scales"],
                [layer.name],
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        )
    elif layer.kind == "add":
        nodes.append(helper.make_node("Add", inputs, [result]))
    else:
        nodes.append(helper.make_node("DepthToSpace", inputs, [layer.name], blocksize=2, mode="DCR"))
    if result != layer.name:
        nodes.append(helper.make_node("Relu", [result], [layer.name]))


def _folded(model: Any, layer: Layer) -> tuple[Floats, Floats]:  # noqa: ANN401
    """Kernel ``(out, in, rows, cols)`` and bias of a convolution with its normalisation folded in."""
    weights = [np.asarray(value, np.float64) for value in model.get_layer(layer.name).get_weights()]
    # Keras keeps (rows, cols, in, out), for a depthwise kernel (rows, cols, channels, 1).
    order = (2, 3, 0, 1) if layer.kind == "depthwise" else (3, 2, 0, 1)
    kernel = weights[0].transpose(order)
    bias = weights[1] if len(weights) > 1 else np.zeros(layer.channels)
    if layer.name != "subpixels":
        norm = model.get_layer(f"{layer.name}.norm")
        gamma, beta, mean, variance = (np.asarray(value, np.float64) for value in norm.get_weights())
        scale = gamma / np.sqrt(variance + norm.epsilon)
        kernel, bias = kernel * scale[:, np.newaxis, np.newaxis, np.newaxis], beta + (bias - mean) * scale
    return np.ascontiguousarray(kernel, np.float32), np.ascontiguousarray(bias, np.float32)
