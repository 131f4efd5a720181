import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bus_toolkit import models
from bus_toolkit.errors import ConfigError

FORMATS = {"litert": ".tflite", "onnx": ".onnx"}
# Eight bits for each step of a small net move a probability by this much at most.
CLOSE = {"none": 1e-5, "dynamic": 2e-2, "int8": 5e-2}
# Not the input of a .tflite file, which is uint8 always.
EIGHT_BITS = {"litert": {"INT8"}, "onnx": {"INT8", "UINT8"}}


@pytest.fixture(scope="module")
def taught(scans: Any) -> Any:
    """A tiny net that has learnt to tell light from dark, so that its answers differ."""
    model = models.build_model("tinycnn", classes=("dark", "light"), image_size=48)
    labels = np.arange(len(scans)) % 2
    shades = (scans // 2 + 127 * labels[:, None, None, None]).astype(np.uint8)
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    model.get_layer("conv1_bn").momentum = model.get_layer("conv3_bn").momentum = 0.5
    model.get_layer("conv2_bn").momentum = 0.5
    model.fit(shades, labels, epochs=12, batch_size=12, verbose=0)
    return model, shades, labels


@pytest.mark.parametrize("quantize", sorted(CLOSE))
@pytest.mark.parametrize("form", sorted(FORMATS))
def test_an_exported_model_says_what_the_model_says(taught: Any, tmp_path: Path, form: str, quantize: str) -> None:
    model, shades, labels = taught
    path = models.export(model, tmp_path / f"model{FORMATS[form]}", format=form, quantize=quantize, calibration=shades)
    parity = models.compare(model, path, shades, labels)
    assert parity.largest_difference < CLOSE[quantize]
    assert parity.accuracy == parity.accuracy_exported
    assert parity.scans == len(shades)
    assert parity.bytes == path.stat().st_size
    assert parity.milliseconds > 0
    assert json.loads(json.dumps(parity.to_json()))["runtime"] == parity.runtime
    beside = json.loads((tmp_path / f"{path.name}.json").read_text("utf-8"))
    assert beside["classes"] == ["dark", "light"]
    assert beside["quantize"] == quantize
    assert beside["calibrated_on"] == (len(shades) if quantize == "int8" else 0)
    assert bool(_kinds(path) & EIGHT_BITS[form]) == (quantize != "none")
    assert np.ptp(models.Exported(path).predict(shades)[:, 0]) > 0.2


def _kinds(path: Path) -> set[str]:
    """Types of the numbers that a file holds."""
    if path.suffix == ".onnx":
        import onnx

        return {onnx.TensorProto.DataType.Name(item.data_type) for item in onnx.load(path).graph.initializer}
    from ai_edge_litert.interpreter import Interpreter

    details = Interpreter(model_content=path.read_bytes()).get_tensor_details()
    return {np.dtype(item["dtype"]).name.upper() for item in details}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "coreml"}, "format must be one of litert, onnx"),
        ({"quantize": "int4"}, "quantize one of none, dynamic, int8"),
        ({"format": "onnx"}, "must end in .onnx"),
        ({"quantize": "int8"}, "calibrated on training scans.*Got none"),
        ({"quantize": "int8", "calibration": np.zeros((2, 32, 32, 1), np.uint8)}, r"\(n, 48, 48, 1\)"),
        ({"quantize": "int8", "calibration": np.zeros((0, 48, 48, 1), np.uint8)}, "Got uint8"),
        ({"quantize": "int8", "calibration": np.zeros((2, 48, 48, 1), np.float32)}, "Got float32"),
    ],
)
def test_wrong_exports_are_told_and_write_nothing(
    tiny: Any, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        models.export(tiny, tmp_path / "model.tflite", **changes)
    assert not list(tmp_path.iterdir())


def test_wrong_comparisons_are_told(tiny: Any, scans: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a label for each of 12"):
        models.compare(tiny, tmp_path / "model.onnx", scans, np.zeros(3, int))
    with pytest.raises(ConfigError, match=r"\(n, 48, 48, 1\)"):
        models.compare(tiny, tmp_path / "model.onnx", scans[:0])
    with pytest.raises(ConfigError, match=r"must be a file that ends in .tflite or .onnx"):
        models.compare(tiny, tmp_path / "model.onnx", scans)
