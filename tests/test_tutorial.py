"""The tutorial of training works as it is written: its commands and its Python run, in order, on the fixtures."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "tutorial" / "train.md"
PROGRAMS = {
    "bus-clean": "bus_toolkit.cli.clean",
    "bus-train": "bus_toolkit.cli.train",
    "bus-eval": "bus_toolkit.cli.evaluate",
}
MAY_END_WITH = {"ingest": {0, 3}, "predict": {0, 3}, "explain": {0, 3}, "export": {0, 3}}
"""Some made scans cannot be kept, and a handful of test scans turns one scan into more than a point."""

pytestmark = pytest.mark.slow


def run(words: list[str], folder: Path) -> None:
    if words[0] == "cp":
        shutil.copytree(ROOT / words[2], folder / words[3])
        return
    command = [sys.executable, "-m", PROGRAMS[words[0]], *words[1:], *(["--jobs", "1"] if words[1] == "ingest" else [])]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
    assert done.returncode in MAY_END_WITH.get(words[1], {0}), f"{shlex.join(words)}: {done.stderr}"


def test_the_tutorial_runs_as_written(tmp_path: Path) -> None:
    blocks = re.findall(r"```(sh|python)\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    assert [kind for kind, _ in blocks].count("sh") >= 4
    for kind, text in blocks:
        if kind == "python":
            code = f"{text}\nassert probabilities.shape == (1, 3)\n"
            subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603
            continue
        for line in text.splitlines():
            run(shlex.split(line), tmp_path)
    assert (tmp_path / "tiny.tflite").stat().st_size < 100_000
    assert "thresholds" in json.loads((tmp_path / "tiny.tflite.json").read_text("utf-8"))
    assert len((tmp_path / "predictions.csv").read_text("utf-8").splitlines()) > 20
    assert any((tmp_path / "why").glob("*.png"))
    folder = tmp_path / "runs" / "tiny"
    table = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    assert len(table) == 8
    assert all((folder / name).is_file() for name in table)
    text = "".join(path.read_text("utf-8") for path in folder.rglob("*.*") if path.suffix in {".csv", ".json", ".html"})
    assert str(tmp_path) not in text.replace((folder / "config.json").read_text("utf-8"), "")
