"""What pages, tables and the terminal say of runs that lack a class, and of figures that lack an interval."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bus_toolkit.cli.evaluate import main
from bus_toolkit.evaluation import make_predictions, read_predictions, write_predictions
from bus_toolkit.evaluation.report import report_run
from bus_toolkit.evaluation.runs import read_run
from bus_toolkit.evaluation.summary import Summary, summarise
from bus_toolkit.evaluation.table import long_table
from tests.evaluation.made_runs import CLASSES, run_folder

FILES = ("report.html", "model_card.html", "model_card.json", "summary.json")


def cut_to(folder: Path, classes: tuple[str, ...]) -> Path:
    """Leave the other classes out of a made run."""
    columns = [CLASSES.index(name) for name in classes]
    for path in (folder / "members").glob("*/predictions.csv"):
        every = read_predictions(path, CLASSES)
        some = every.take(np.isin(every.labels, columns))
        cut = some.probabilities[:, columns]
        write_predictions(
            path,
            make_predictions(
                np.array([columns.index(label) for label in some.labels]),
                cut / cut.sum(axis=1, keepdims=True),
                classes=classes,
                ids=some.ids,
                groups=some.groups,
                parts=some.parts,
            ),
        )
    with (folder / "splits.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    with (folder / "splits.csv").open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *(row for row in rows if row[2] in classes)])
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"classes": list(classes)}))
    return folder


@pytest.mark.parametrize("classes", [("benign", "malignant"), ("malignant", "normal"), ("benign", "normal")])
@pytest.mark.parametrize("folds", [0, 4])
def test_a_run_of_two_classes_is_reported(
    tmp_path: Path, classes: tuple[str, ...], folds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = cut_to(run_folder(tmp_path / "two", folds=folds), classes)
    assert main(["score", str(folder), "--resamples", "50"]) == 0
    assert "balanced accuracy" in capsys.readouterr().out
    for name in FILES:
        assert (folder / name).is_file()
    data = json.loads((folder / "summary.json").read_text())
    assert len(data["operating"]) == (2 if "malignant" in classes else 0)
    page = (folder / "report.html").read_text()
    assert ("of normal scans are called malignant" in page) == (classes == ("malignant", "normal"))
    assert "normal" in classes or "normal" not in (folder / "model_card.html").read_text().lower()
    assert "accuracy" in long_table([Summary(data)]).lower()


def without_test_scans(folder: Path, label: str) -> Path:
    for path in (folder / "members").glob("*/predictions.csv"):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if f",{label}," not in line or ",val," in line))
    return folder


def test_a_figure_that_is_not_defined_is_not_at_its_end(tmp_path: Path) -> None:
    folder = without_test_scans(run_folder(tmp_path / "run"), "malignant")
    report_run(folder, resamples=20)
    page = (folder / "report.html").read_text()
    assert "<dd>–<span>not defined on these scans</span></dd>" in page  # noqa: RUF001
    assert "no interval" not in page
    assert "at its end" not in page


def test_normal_scans_that_are_not_tested_are_not_called_anything(tmp_path: Path) -> None:
    folder = without_test_scans(run_folder(tmp_path / "run"), "normal")
    report_run(folder, resamples=20)
    assert "of normal scans are called malignant" not in (folder / "report.html").read_text()


def test_the_best_threshold_of_the_very_scans_is_told_without_an_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run_folder(tmp_path / "run")
    found: dict[str, Any] = dict(report_run(folder, resamples=20).data)
    name = "sensitivity_at_95_specificity.malignant"
    figure = found["figures"][name]
    assert (figure["low"], figure["high"]) == (None, None)
    told = f"{100 * figure['value']:.1f} %"
    page = (folder / "report.html").read_text()
    assert f"<dd>{told}<span>no interval: threshold chosen on these scans</span></dd>" in page
    assert f'malignant</th><td class="num">{told}</td>' in (folder / "model_card.html").read_text()
    assert json.loads((folder / "model_card.json").read_text())["figures"][name]["low"] is None
    row = long_table([Summary(found)]).splitlines()[2].split("|")
    assert row[7].strip() == told
    assert main(["score", str(folder), "--no-write", "--resamples", "20"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "at 95 % specificity" in line)
    assert told in line
    assert "(" not in line
    # What is asked beforehand has one.
    assert all(point["test"]["sensitivity"]["low"] is not None for point in found["operating"])


def test_a_share_of_one_group_has_no_interval(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    for path in (folder / "members").glob("*/predictions.csv"):
        every = read_predictions(path, CLASSES)
        one = make_predictions(
            every.labels,
            every.probabilities,
            classes=CLASSES,
            ids=every.ids,
            groups=["g"] * len(every),
            parts=every.parts,
        )
        write_predictions(path, one)
    found = summarise(read_run(folder), resamples=20)
    assert found.data["figures"]["accuracy"]["low"] is None
    report_run(folder, resamples=20)
    assert "no interval: the same in every draw" in (folder / "report.html").read_text()
    row = long_table([found]).splitlines()[2].split("|")
    assert row[5].strip() == "–"  # noqa: RUF001
