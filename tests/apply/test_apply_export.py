"""Exported files of a run: calibrated on what it learned from, measured on what it was tested on, told in its card."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bus_toolkit.apply import export as export_module
from bus_toolkit.apply.export import CALIBRATION, export_member
from bus_toolkit.apply.material import material
from bus_toolkit.apply.trained import open_trained
from bus_toolkit.cli.evaluate import main
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.evaluation.card import add_export
from bus_toolkit.evaluation.report import report_run
from bus_toolkit.models.facts import NEVER
from bus_toolkit.models.parity import Parity

PARITY = Parity(
    scans=30,
    largest_difference=0.2,
    mean_difference=0.01,
    same_class=0.95,
    accuracy=0.8,
    accuracy_exported=0.79,
    accuracy_change=-0.01,
    bytes=1_000_000,
    milliseconds=3.0,
    processor_milliseconds=2.0,
    runtime="made",
    processor="made",
)


class Faked:
    """Stands for the converters and the runtime, which have their own tests; remembers what it was given."""

    def __init__(self, change: float) -> None:
        self.parity = replace(PARITY, accuracy_change=change)
        self.calibration: Any = None
        self.tested: Any = None

    def export(self, _model: Any, path: Path, *, calibration: Any, **_facts: Any) -> Path:
        self.calibration = calibration
        path.write_bytes(b"made")
        path.with_name(f"{path.name}.json").write_text(json.dumps({"positive": None, "threshold": None}))
        return path

    def compare(self, _model: Any, _path: Path, scans: Any, labels: Any) -> Parity:
        self.tested = scans, labels
        return self.parity

    def opened(self, _path: Path) -> "Faked":
        return self

    def predict(self, scans: Any) -> Any:
        # Certain of malignant for all: only a threshold that is never reached has a specificity of 95 %.
        return np.tile(np.array([0, 1, 0], np.float32), (len(scans), 1))


@pytest.fixture
def run(runs: Path, tmp_path: Path) -> Path:
    return shutil.copytree(runs, tmp_path / "run")


def faked(monkeypatch: pytest.MonkeyPatch, change: float = 0.0) -> Faked:
    made = Faked(change)
    monkeypatch.setattr(export_module, "export", made.export)
    monkeypatch.setattr(export_module, "compare", made.compare)
    monkeypatch.setattr(export_module, "Exported", made.opened)
    return made


def test_calibrated_on_training_scans_and_measured_on_test_scans(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = faked(monkeypatch)
    trained = open_trained(run, "run-1")
    made = export_member(trained, tmp_path / "m.onnx", format="onnx", quantize="int8")
    train, test = material(trained, "run-1", "train", most=CALIBRATION), material(trained, "run-1", "test")
    assert np.array_equal(stand_in.calibration, train.squares)
    assert np.array_equal(stand_in.tested[0], test.squares)
    assert stand_in.tested[1].tolist() == test.labels.tolist()
    assert made.calibrated_on == len(train.labels)
    assert made.thresholds["specificity_95"] == NEVER
    facts = json.loads((tmp_path / "m.onnx.json").read_text())
    assert (facts["positive"], facts["threshold"], facts["threshold_for"]) == ("malignant", NEVER, "specificity_95")
    export_member(trained, tmp_path / "m.onnx", format="onnx")
    assert stand_in.calibration is None


def test_the_card_keeps_what_was_measured(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faked(monkeypatch)
    trained = open_trained(run, "run-0")
    for _ in range(2):
        export_member(trained, tmp_path / "m.tflite")
    export_member(trained, tmp_path / "small.tflite", quantize="dynamic")

    def told() -> list[Any]:
        return [
            (one["file"], one["quantize"])
            for one in json.loads((run / "model_card.json").read_text()).get("exports", [])
        ]

    assert told() == [("small.tflite", "dynamic"), ("m.tflite", "none")]
    assert "small.tflite" in (run / "model_card.html").read_text()
    assert str(tmp_path) not in (run / "model_card.json").read_text()
    report_run(run, resamples=20)
    assert len(told()) == 2
    shutil.copyfile(run / "members/run-1/model.keras", run / "members/run-0/model.keras")
    report_run(run, resamples=20)
    assert told() == []


def test_one_file_of_a_kind_stands_in_the_card() -> None:
    one = {"member": "run-0", "format": "onnx", "quantize": "none", "bytes": 1}
    card = add_export(add_export({"schema": 1}, one), {**one, "bytes": 2})
    assert [each["bytes"] for each in card["exports"]] == [2]
    assert len(add_export(card, {**one, "member": "run-1"})["exports"]) == 2


@pytest.mark.parametrize("change", [-0.01, -0.0101, 0.02])
def test_a_change_of_more_than_a_point_is_3(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], change: float
) -> None:
    faked(monkeypatch, change)
    code = 0 if change == -0.01 else 3
    assert main(["export", str(run), "--out", str(run.parent / "m.tflite")]) == code
    told = capsys.readouterr()
    assert "exporting run-0; --member chooses another of run-1" in told.err
    assert ("accuracy changed by" in told.err) == (code == 3)
    for words in ("1.00 MB", "2.0 ms", "never", "model_card.json"):
        assert words in told.out


def test_nothing_is_written_when_it_could_not_be_measured(run: Path, tmp_path: Path) -> None:
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"manifest": str(tmp_path / "HAUGWITZ" / "manifest.csv")}))
    out = tmp_path / "m.onnx"
    with pytest.raises(InputError, match="must lie where its config"):
        export_member(open_trained(run, "run-0"), out, format="onnx")
    assert main(["export", str(run), "--out", str(out)]) == 1
    assert not out.exists()
    for wrong, words in ((tmp_path / "m.h5", "must end in"), (tmp_path / "none" / "m.onnx", "a folder that exists")):
        with pytest.raises(ConfigError, match=words):
            export_member(open_trained(run, "run-0"), wrong, format="onnx")
    with pytest.raises(ConfigError, match="one model at a time"):
        export_member(open_trained(run), out, format="onnx")


@pytest.mark.slow
@pytest.mark.parametrize(("form", "quantize"), [("litert", "int8"), ("onnx", "none")])
def test_a_whole_export(
    run: Path, tmp_path: Path, form: str, quantize: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"m.{'tflite' if form == 'litert' else 'onnx'}"
    assert main(["export", str(run), "--quantize", quantize, "--out", str(out), "--json"]) in {0, 3}
    told = json.loads(capsys.readouterr().out)
    assert (told["format"], told["quantize"], told["bytes"]) == (form, quantize, out.stat().st_size)
    assert told["scans"] == len(material(open_trained(run, "run-0"), "run-0", "test").labels)
    assert told["processor_milliseconds"] > 0
    if quantize == "none":
        assert told["largest_difference"] < 1e-4
        assert told["accuracy_change"] == 0
        own = open_trained(run, "run-0").threshold("sensitivity_95")
        assert told["thresholds"]["sensitivity_95"] == pytest.approx(own, abs=1e-4)
