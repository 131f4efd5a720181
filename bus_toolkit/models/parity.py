"""Does the exported file say what the model says? Difference, accuracy, size and time, for the model's card."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bus_toolkit.errors import ConfigError
from bus_toolkit.models.facts import facts_of
from bus_toolkit.runtime import load_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    Scans = npt.NDArray[np.uint8]
    Probabilities = npt.NDArray[np.float32]

WARM_UP: Final = 3
"""Runs before time is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How an exported model compares with the Keras model it was made from.

    Parameters
    ----------
    scans
        How many both were asked about.
    largest_difference, mean_difference
        Of a probability, 0 to 1.
    same_class
        Share of scans where both have the same class on top.
    accuracy, accuracy_exported, accuracy_change
        Shares of right answers, and the second minus the first; None without labels.
    bytes
        Size of the file.
    milliseconds
        Median time for one scan on one thread, input to output.
    processor_milliseconds
        Median time the processor worked on it; less than the former when the machine is shared.
    runtime
        What ran it, with its version.
    processor
        On which kind of processor.
    """

    scans: int
    largest_difference: float
    mean_difference: float
    same_class: float
    accuracy: float | None
    accuracy_exported: float | None
    accuracy_change: float | None
    bytes: int
    milliseconds: float
    processor_milliseconds: float
    runtime: str
    processor: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


class Exported:
    """An exported file, run on one thread.

    Parameters
    ----------
    path
        What :func:`bus_toolkit.models.export.export` wrote; ``.tflite`` or ``.onnx``.

    Raises
    ------
    ConfigError
        When the file ends otherwise, or its runtime is not installed.
    """

    def __init__(self, path: Path) -> None:
        ways = {".tflite": _open_litert, ".onnx": _open_onnx}
        if path.suffix not in ways or not path.is_file():
            msg = f"an exported model must be a file that ends in {' or '.join(ways)}. Got {path.suffix or 'no ending'}"
            raise ConfigError(msg)
        self._run, self.runtime = ways[path.suffix](path)
        self.seconds: list[tuple[float, float]] = []
        """Of each scan since it was opened: wall clock and processor."""

    def predict(self, scans: Scans) -> Probabilities:
        """Probabilities, float32 ``(n, classes)``, of scans, uint8 ``(n, size, size, 1)``, one after the other."""
        results = []
        for scan in scans:
            wall, processor = time.perf_counter(), time.process_time()
            results.append(self._run(scan[np.newaxis])[0])
            self.seconds.append((time.perf_counter() - wall, time.process_time() - processor))
        return np.asarray(results, np.float32)


def compare(model: Any, path: Path, scans: Scans, labels: npt.NDArray[Any] | None = None) -> Parity:  # noqa: ANN401 (Keras ships no annotations)
    """Ask the model and the exported file about the same scans.

    Parameters
    ----------
    model
        The Keras model.
    path
        The exported file.
    scans
        Uint8 ``(n, image_size, image_size, 1)``, at least one; test scans, not those it was calibrated on.
    labels
        Index of each scan's class, ``(n,)``.

    Raises
    ------
    ConfigError
        When scans are none or of another shape, or the file cannot be run.
    """
    size = facts_of(model).image_size
    if scans.dtype != np.uint8 or scans.shape[1:] != (size, size, 1) or not len(scans):
        msg = f"scans must be uint8 of the shape (n, {size}, {size}, 1). Got {scans.dtype} of {scans.shape}"
        raise ConfigError(msg)
    if labels is not None and len(labels) != len(scans):
        msg = f"there must be a label for each of {len(scans)} scans. Got {len(labels)}"
        raise ConfigError(msg)
    wanted = np.asarray(model.predict(scans, batch_size=16, verbose=0), np.float32)
    exported = Exported(path)
    exported.predict(scans[:WARM_UP])
    exported.seconds.clear()
    got = exported.predict(scans)
    wall, processor = np.median(np.asarray(exported.seconds), axis=0) * 1000
    right = _accuracy(wanted, labels), _accuracy(got, labels)
    return Parity(
        scans=len(scans),
        largest_difference=_round(np.abs(got - wanted).max()),
        mean_difference=_round(np.abs(got - wanted).mean()),
        same_class=_round((got.argmax(axis=1) == wanted.argmax(axis=1)).mean()),
        accuracy=right[0],
        accuracy_exported=right[1],
        accuracy_change=None if right[0] is None or right[1] is None else _round(right[1] - right[0]),
        bytes=path.stat().st_size,
        milliseconds=_round(wall),
        processor_milliseconds=_round(processor),
        runtime=exported.runtime,
        processor=_processor(),
    )


def _accuracy(probabilities: Probabilities, labels: npt.NDArray[Any] | None) -> float | None:
    return None if labels is None else _round((probabilities.argmax(axis=1) == np.asarray(labels)).mean())


def _round(value: Any) -> float:  # noqa: ANN401
    return round(float(value), 6)


def _processor() -> str:
    import platform

    return f"{platform.machine()}, {os.cpu_count()} cores"


def _open_litert(path: Path) -> tuple[Callable[[Scans], Any], str]:
    if find_spec("ai_edge_litert") is None:
        msg = "a .tflite file must have its runtime (pip install ai-edge-litert). Got none"
        raise ConfigError(msg)
    from importlib.metadata import version

    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=path.read_bytes(), num_threads=1)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]

    def run(scan: Scans) -> Any:  # noqa: ANN401
        interpreter.set_tensor(source, scan)
        interpreter.invoke()
        return interpreter.get_tensor(target)

    return run, f"ai-edge-litert {version('ai-edge-litert')}"


def _open_onnx(path: Path) -> tuple[Callable[[Scans], Any], str]:
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    if b"QuantizeLinear" not in path.read_bytes().replace(b"DequantizeLinear", b""):
        # Only its weights are in 8 bits: bring them back once, when it is opened, and not at every scan.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(scan: Scans) -> Any:  # noqa: ANN401
        return session.run(None, {name: scan})[0]

    return run, f"onnxruntime {onnxruntime.__version__}"
