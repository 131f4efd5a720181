"""A trained model as a file for phones (LiteRT) or for any machine (ONNX), as large as it is or quantised.

The exported model takes what the Keras model takes, raw uint8 grey scans, and gives the same float32 probabilities; its
facts lie beside it as JSON. Measure what quantisation costs with :func:`bus_toolkit.models.parity.compare`.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from bus_toolkit.atomic import atomic_text, atomic_write_bytes
from bus_toolkit.errors import ConfigError
from bus_toolkit.models.facts import facts_of
from bus_toolkit.models.onnx_weights import shrink_weights
from bus_toolkit.models.weights import sha256_of
from bus_toolkit.runtime import load_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Scans = npt.NDArray[np.uint8]

Format = Literal["litert", "onnx"]
Quantize = Literal["none", "dynamic", "int8"]

ENDINGS: Final = {"litert": ".tflite", "onnx": ".onnx"}
OPSET: Final = 18
FEWEST_SCANS: Final = 1
INPUT: Final = "scan"


def export(
    model: Any,  # noqa: ANN401 (Keras ships no annotations)
    path: Path,
    *,
    format: Format = "litert",  # noqa: A002 - the word of the command line
    quantize: Quantize = "none",
    calibration: Scans | None = None,
) -> Path:
    """Write a model as a file that runs without Keras, and its facts beside it (``path`` with ``.json`` behind).

    Needs Keras on the TensorFlow backend; a model trained on another can be saved, and loaded there.

    Parameters
    ----------
    model
        From :func:`bus_toolkit.models.build_model` or :func:`bus_toolkit.models.load_model`, in float32.
    path
        Ends in ``.tflite`` (LiteRT) or ``.onnx``.
    format
        ``litert`` takes one scan at a time, ``onnx`` a batch of any size.
    quantize
        ``none``: float32. ``dynamic``: weights in 8 bits; LiteRT finds the ranges of activations while it runs,
        ONNX computes in float32. ``int8``: weights and
        activations in 8 bits, with ranges from ``calibration``.
    calibration
        Training scans, uint8 ``(n, image_size, image_size, 1)``; needed for ``int8`` and used for nothing else. Some
        hundred, of every class, are enough. Never test scans: the result would be measured on what it has seen.

    Returns
    -------
    The path.

    Raises
    ------
    ConfigError
        When an argument is not what it must be, or Keras runs on another backend.
    """
    import keras

    size = facts_of(model).image_size
    _check(path, format, quantize, calibration, size)
    if keras.backend.backend() != "tensorflow":
        msg = f"export must run with KERAS_BACKEND=tensorflow. Got {keras.backend.backend()}"
        raise ConfigError(msg)
    if any(layer.compute_dtype != "float32" for layer in model.layers):
        msg = "the model must be in float32 (load it from its file without mixed precision). Got another type"
        raise ConfigError(msg)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The converters speak of their own future and of each other's.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        write = _write_litert if format == "litert" else _write_onnx
        made = write(model, Path(folder), quantize, calibration, size)
        atomic_write_bytes(path, made.read_bytes())
    _write_facts(model, path, format, quantize, calibration)
    return path


def _check(path: Path, form: str, quantize: str, calibration: Scans | None, size: int) -> None:
    if form not in get_args(Format) or quantize not in get_args(Quantize):
        msg = (
            f"format must be one of {', '.join(get_args(Format))}, quantize one of {', '.join(get_args(Quantize))}. "
            f"Got {form} and {quantize}"
        )
        raise ConfigError(msg)
    if path.suffix != ENDINGS[form]:
        msg = f"the path must end in {ENDINGS[form]} for {form}. Got {path.suffix or 'no ending'}"
        raise ConfigError(msg)
    if quantize == "int8" and (
        calibration is None
        or calibration.dtype != np.uint8
        or calibration.shape[1:] != (size, size, 1)
        or len(calibration) < FEWEST_SCANS
    ):
        got = "none" if calibration is None else f"{calibration.dtype} of the shape {calibration.shape}"
        msg = f"int8 must be calibrated on training scans, uint8 of the shape (n, {size}, {size}, 1). Got {got}"
        raise ConfigError(msg)


def _write_facts(model: Any, path: Path, form: str, quantize: str, calibration: Scans | None) -> None:  # noqa: ANN401
    about = {
        **facts_of(model).to_json(),
        "format": form,
        "quantize": quantize,
        "calibrated_on": len(calibration) if quantize == "int8" and calibration is not None else 0,
        "input": f"uint8 grey (n, {facts_of(model).image_size}, {facts_of(model).image_size}, 1), 0 to 255",
        "output": "float32 (n, classes), probabilities in the order of classes",
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
    }
    with atomic_text(path.with_name(f"{path.name}.json")) as stream:
        json.dump(about, stream, indent=2, ensure_ascii=False)
        stream.write("\n")


def _write_litert(model: Any, folder: Path, quantize: str, calibration: Scans | None, size: int) -> Path:  # noqa: ANN401
    """By Keras' own export, which calls TensorFlow's converter."""
    import tensorflow as tf

    operators = tf.lite.OpsSet.TFLITE_BUILTINS
    options: dict[str, Any] = {}
    if quantize != "none":
        options["optimizations"] = [tf.lite.Optimize.DEFAULT]
    if quantize == "int8" and calibration is not None:
        operators = tf.lite.OpsSet.TFLITE_BUILTINS_INT8
        options["representative_dataset"] = lambda: ([scan[np.newaxis]] for scan in calibration)
    made = folder / "model.tflite"
    model.export(
        made,
        format="litert",
        verbose=False,
        input_signature=[tf.TensorSpec((1, size, size, 1), tf.uint8, name=INPUT)],
        # Only what the runtime itself knows: an operator of whole TensorFlow would not run on a phone.
        target_spec={"supported_ops": [operators]},
        **options,
    )
    return made


def _write_onnx(model: Any, folder: Path, quantize: str, calibration: Scans | None, size: int) -> Path:  # noqa: ANN401
    """By Keras' own export, which calls tf2onnx, and onnxruntime's quantisation."""
    import tensorflow as tf

    load_onnxruntime()
    from onnxruntime.quantization import quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    made, ready, result = (folder / f"{name}.onnx" for name in ("float", "ready", "quantised"))
    spec = tf.TensorSpec((None, size, size, 1), tf.uint8, name=INPUT)
    model.export(made, format="onnx", verbose=False, input_signature=[spec], opset_version=OPSET)
    if quantize == "none":
        return made
    if quantize == "dynamic":
        shrink_weights(made, result)
        return result
    quant_pre_process(made, ready, skip_symbolic_shape=True)
    if calibration is not None:
        quantize_static(ready, result, _Reader(calibration), per_channel=True, nodes_to_exclude=_scaling_nodes(ready))
    return result


def _scaling_nodes(path: Path) -> list[str]:
    """Nodes that only bring bytes to the net's scale: eight bits before and after them would round twice."""
    import onnx

    nodes = onnx.load(path).graph.node
    return [node.name for node in nodes if "preprocess" in node.name]


class _Reader:
    """Calibration scans one at a time, as onnxruntime asks for them."""

    def __init__(self, scans: Scans) -> None:
        self._scans: Iterator[Any] = iter(scans)

    def get_next(self) -> dict[str, Any] | None:
        """The next input, or None at the end."""
        scan = next(self._scans, None)
        return None if scan is None else {INPUT: scan[np.newaxis]}
