"""Training as a user does it, in a process of its own; and what is written."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from bus_toolkit.cli.train_overlays import held_out, main
from bus_toolkit.overlays.engines import segmenter
from bus_toolkit.synth import make_phantom

pytestmark = pytest.mark.slow


def train(out: Path, scans: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bus_toolkit.cli.train_overlays", "--backgrounds", str(scans), "--phantoms", "1"]
    sizes = ["--steps", "3", "--batch-size", "2", "--side", "64", "--out", str(out), "--quiet"]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run([*command, *sizes, *more], capture_output=True, text=True, env=quiet, check=False)  # noqa: S603 - our own program


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    for seed in range(3):
        picture = make_phantom(np.random.default_rng(seed), rows=150, cols=180, fan="full").image
        cv2.imwrite(str(folder / f"scan_{seed}.png"), picture)
    cv2.putText(picture, "MARY 1931", (20, 80), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
    cv2.imwrite(str(folder / "written_on.png"), picture)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, scans: Path) -> Path:
    out = tmp_path_factory.mktemp("out") / "run"
    done = train(out, scans)
    assert done.returncode == 0, done.stderr
    return out


def test_weights_run_without_keras_and_say_probabilities(trained: Path) -> None:
    image = make_phantom(np.random.default_rng(8), rows=70, cols=91, fan="full").image
    probabilities = segmenter.Segmenter(trained / "overlays.onnx").probabilities(image)
    assert probabilities.shape == (4, 70, 91)
    assert 0.0 <= probabilities.min() < probabilities.max() <= 1.0


def test_the_card_tells_what_was_used(trained: Path) -> None:
    card = json.loads((trained / "overlays.json").read_text())
    assert card["backgrounds"]["scans"] == 3
    assert card["backgrounds"]["left_out"] == 1, "the scan with writing on it is no background"
    assert card["sha256"] == hashlib.sha256((trained / "overlays.onnx").read_bytes()).hexdigest()
    assert card["recipe"]["steps"] == 3
    assert "MARY" not in json.dumps(card)


def test_a_finished_run_is_not_begun_again_and_another_recipe_is_refused(trained: Path, scans: Path) -> None:
    before = (trained / "overlays.onnx").read_bytes()
    assert train(trained, scans).returncode == 0
    assert (trained / "overlays.onnx").read_bytes() == before
    refused = train(trained, scans, "--seed", "5")
    assert refused.returncode == 1
    assert "another folder" in refused.stderr


def test_errors_are_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert main([*out, "--jobs", "0"]) == 1
    assert main([*out, "--hold-out", "0.9"]) == 1
    assert main([*out, "--backgrounds", str(tmp_path / "HAUGWITZ")]) == 1
    told = capsys.readouterr().err
    assert told.count("must be") == 3
    assert "HAUGWITZ" not in told


def test_no_scan_is_in_both_parts() -> None:
    scans = [np.full((2, 2), number, np.uint8) for number in range(25)]
    learn, test = held_out(scans, 0.1)
    assert len(learn) + len(test) == 25
    assert {int(scan[0, 0]) for scan in learn}.isdisjoint(int(scan[0, 0]) for scan in test)
    assert len(test) == 2
