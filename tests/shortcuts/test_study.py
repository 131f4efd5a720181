"""The check as a whole: it must find the shortcut that is there, and none where there is none."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bus_toolkit.cli.evaluate import main
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.evaluation.runs import Assigned, read_run
from bus_toolkit.shortcuts import model as asking
from bus_toolkit.shortcuts import verdicts
from bus_toolkit.shortcuts.originals import Originals
from bus_toolkit.shortcuts.page import write_study_page
from bus_toolkit.shortcuts.probe import permuted, run_probe
from bus_toolkit.shortcuts.study import Study, study

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
QUICK = {"permutations": 59, "resamples": 200}
WORDS = ["--permutations", "59", "--resamples", "200"]


class Reader:
    """Stands for a trained model: it calls by the mean tone of the border, or by that of the marked place."""

    def __init__(self, *, border: bool) -> None:
        self.border = border

    def predict_on_batch(self, squares: np.ndarray) -> np.ndarray:
        if self.border:
            tones = squares[:, 4:6, :, 0].mean(axis=(1, 2))
            away = np.abs(tones[:, np.newaxis] - (55, 105, 155))
        else:
            tones = squares[:, 12:18, 14:19, 0].mean(axis=(1, 2))
            away = np.abs(tones[:, np.newaxis] - (110, 60, 40))
        said = np.exp(-away / 10) + 1e-6
        return said / said.sum(axis=1, keepdims=True)


def check(folder: Path, **options: Any) -> Study:
    return study(read_run(folder), **{**QUICK, "tell": lambda *_: None, **options})


def above(one: dict[str, Any]) -> bool:
    return any(one[name]["above"] for name in ("balanced_accuracy", "auc.malignant"))


def test_a_border_that_tells_the_class_is_found(telling: Path) -> None:
    data = check(telling, ask_model=False).data
    assert data["probes"]["band"]["balanced_accuracy"]["value"] > 0.95
    assert above(data["probes"]["band"])
    assert not above(data["probes"]["size"])
    assert data["verdicts"][0]["title"] == "The data hold a shortcut."


def test_where_there_is_none_none_is_found(silent: Path) -> None:
    data = check(silent, ask_model=False).data
    assert [name for name, one in data["probes"].items() if above(one)] == []
    assert data["verdicts"][0]["title"] == "No shortcut was found in the data."


def test_filled_marks_that_tell_the_class_are_found(silent: Path) -> None:
    """Only benign originals are marked: what was filled tells them, though the clean pictures do not."""
    data = check(silent, ask_model=False, originals=Originals(silent.parent / "source")).data
    assert data["scans"]["matched"] == 96
    assert data["scans"]["with_filled"] == 32
    assert above(data["probes"]["filled"])
    assert not above(data["probes"]["band"])


def test_a_model_that_reads_the_border_is_found(telling: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_load", lambda *_: Reader(border=True))
    found = check(telling)
    assert found.model_reads_border
    compared = found.data["model"]["compared"]
    assert compared["no_border"]["figures"]["accuracy"]["difference"]["high"] < -0.3
    assert compared["border_only"]["figures"]["accuracy"]["difference"]["value"] == pytest.approx(0, abs=0.05)
    assert any(verdict["stop"] for verdict in found.data["verdicts"] if "border" in verdict["title"])


def test_a_model_that_reads_marks_is_told_by_the_uncleaned_copies(
    silent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_load", lambda *_: Reader(border=False))
    found = check(silent, originals=Originals(silent.parent / "source"))
    assert not found.model_reads_border
    one = found.data["model"]["compared"]["uncleaned"]
    assert one["scans"] == 96
    assert one["figures"]["accuracy"]["difference"]["low"] > 0.2
    assert 0 < one["called_otherwise"] <= 32
    assert any("matters to the model" in verdict["title"] for verdict in found.data["verdicts"])


def test_labels_are_permuted_between_clusters() -> None:
    number = np.repeat(np.arange(20), 3)
    labels = np.repeat(np.arange(20) % 3, 3)
    mixed = permuted(labels, number, np.random.default_rng(0))
    assert np.array_equal(np.sort(mixed), np.sort(labels))
    assert not np.array_equal(mixed, labels)
    assert (np.ptp(mixed.reshape(20, 3), axis=1) == 0).all()


def test_the_same_seed_gives_the_same(silent: Path) -> None:
    assert check(silent, ask_model=False).data == check(silent, ask_model=False).data


def test_the_command(telling: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(asking, "_load", lambda *_: Reader(border=True))
    assert main(["shortcuts", str(telling), "--source", str(telling.parent / "source"), *WORDS]) == 3
    told = capsys.readouterr().out
    assert "The model reads the border." in told
    assert json.loads((telling / "shortcuts.json").read_text())["schema"] == "bus_toolkit/shortcuts/1"
    page = (telling / "shortcuts.html").read_text("utf-8")
    assert "http" not in re.sub(r'xmlns[:\w]*="[^"]*"', "", page).replace("http-equiv", "")
    assert str(telling.parent) not in page
    assert page.count("<svg") == 3
    assert page.count("data:image/jpeg") == 18


def test_no_picture_of_the_page_depends_on_the_originals(silent: Path, tmp_path: Path) -> None:
    """Where a clean picture differs from its original is, on a plain ground, the letters that were there."""
    pages = []
    for originals in (None, Originals(silent.parent / "source")):
        found = check(silent, ask_model=False, originals=originals)
        write_study_page(tmp_path / "page.html", found)
        pages.append(re.findall(r"data:image/jpeg;base64,[^\"]+", (tmp_path / "page.html").read_text("utf-8")))
    assert found.scans.smooth.any()
    assert len(pages[0]) == 18
    assert pages[0] == pages[1]


def test_a_permutation_may_leave_one_class_in_a_fold() -> None:
    rows = [
        Assigned(id=f"s{n}", image="", label="ab"[n in (0, 1)], group=f"g{n}", patient="", part=part, fold=fold)
        for n in range(24)
        for fold in "01"
        for part in ("test" if str(n % 2) == fold else "train",)
    ]
    place = {f"s{n}": n for n in range(24)}
    seen = np.random.default_rng(0).normal(size=(24, 3))
    found, _ = run_probe(seen, rows, place, ("a", "b"), permutations=40, resamples=50)
    assert 0 < found["balanced_accuracy"].p <= 1
    lone = [row for row in rows if row.part == "test" or row.label == "a"]
    with pytest.raises(ConfigError, match="two classes or more"):
        run_probe(seen, lone, place, ("a", "b"), permutations=1)


def test_too_few_originals_leave_one_probe_out(silent: Path, tmp_path: Path) -> None:
    (tmp_path / "source" / "benign").mkdir(parents=True)
    for path in sorted((silent.parent / "source" / "benign").iterdir())[:4]:
        shutil.copy(path, tmp_path / "source" / "benign")
    data = check(silent, ask_model=False, originals=Originals(tmp_path / "source")).data
    assert data["scans"]["too_few_originals"]
    assert "filled" not in data["probes"]
    assert "band" in data["probes"]
    assert any("was not asked about" in verdict["title"] for verdict in data["verdicts"])


def test_a_gain_is_not_called_a_miss() -> None:
    def compared(low: float, high: float) -> dict[str, Any]:
        return {"figures": {"accuracy": {"difference": {"value": (low + high) / 2, "low": low, "high": high}}}}

    nothing, lost, won = compared(-0.1, 0.1), compared(-0.2, -0.1), compared(0.1, 0.2)
    title = verdicts._title_of
    assert title({"no_border": lost, "smoothed": nothing}) == "The model misses the border."
    assert title({"no_border": nothing, "smoothed": won}) == "The model does better without filled areas."
    assert "luck" in title({"no_border": nothing, "smoothed": nothing})


def test_probes_only_as_json(silent: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shortcuts", str(silent), "--probes-only", "--no-write", "--json", *WORDS]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"] is None
    assert not (silent / "shortcuts.json").exists()


def test_a_real_model_is_asked(silent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from bus_toolkit.models import build_model, save_model

    run = tmp_path / "run"
    shutil.copytree(silent, run)
    made = build_model("tinycnn", classes=("benign", "malignant", "normal"), image_size=32, dropout=0.2, seed=1)
    for fold in ("fold-0", "fold-1"):
        save_model(made, run / "members" / fold / "model.keras")
    assert main(["shortcuts", str(run), "--no-write", *WORDS]) == 0
    assert "That the model reads the border does not show." in capsys.readouterr().out


def test_what_cannot_be_is_said(silent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="probes-only"):
        check(silent)
    with pytest.raises(ConfigError, match="must hold the originals"):
        check(silent, ask_model=False, originals=Originals(tmp_path))
    with pytest.raises(InputError, match="the one that the run learned from"):
        check(silent, manifest=silent / "config.json")
    with pytest.raises(ConfigError, match="a permutation or more"):
        check(silent, ask_model=False, permutations=0)
    assert main(["shortcuts", str(silent), "--private", str(tmp_path)]) == 1
    assert "--private must go with --source" in capsys.readouterr().err
