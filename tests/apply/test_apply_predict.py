"""What a run says about scans, as tables, and as an external test."""

import csv
import json
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bus_toolkit.apply.cleaning import Seen
from bus_toolkit.apply.predict import (
    Answer,
    as_json,
    find_clean,
    open_clean,
    predict_scans,
    score_external,
    seen_in,
    write_answer,
)
from bus_toolkit.apply.trained import Trained, open_trained
from bus_toolkit.cli.evaluate import main
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.evaluation.runs import read_run
from bus_toolkit.evaluation.summary import summarise
from bus_toolkit.outcome import Outcome, Reason

NAME = "HAUGWITZ_ADA.png"


@pytest.fixture(scope="module")
def trained(runs: Path) -> Trained:
    return open_trained(runs)


@pytest.fixture(scope="module")
def answer(trained: Trained) -> Answer:
    square = np.full((trained.size, trained.size), 90, np.uint8)
    scans = [
        Seen(id="0001", file=NAME, label="benign", outcome=Outcome.KEPT, square=square),
        Seen(id="0002", file="x.png", outcome=Outcome.REJECTED, reasons=(Reason(code="caliper", detail="a caliper"),)),
        Seen(id="0003", file="y.png", outcome=Outcome.KEPT, square=square // 2),
    ]
    return predict_scans(trained, scans, point="specificity_95")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_mean_of_the_models_counts(answer: Answer, trained: Trained) -> None:
    assert (answer.members, answer.withheld) == (("run-0", "run-1"), 1)
    first, held, last = answer.said
    each = [answer.by_member[name] for name in answer.members]
    assert first.probabilities is not None
    assert last.probabilities is not None
    assert np.allclose(first.probabilities, (each[0][0] + each[1][0]) / 2)
    assert np.allclose(last.probabilities, (each[0][1] + each[1][1]) / 2)
    assert not np.allclose(each[0], each[1])
    assert (held.probabilities, answer.called(held), answer.score(held)) == (None, "", None)
    assert answer.called(first) == trained.classes[int(first.probabilities.argmax())]
    score = answer.score(first)
    assert score == first.probabilities[1]
    assert answer.threshold == trained.threshold("specificity_95")


def test_the_threshold_is_reached_from_itself_on(answer: Answer) -> None:
    first, held, _ = answer.said
    score = answer.score(first)
    assert score is not None
    assert replace(answer, threshold=score).is_positive(first) is True
    assert replace(answer, threshold=float(np.nextafter(score, 2))).is_positive(first) is False
    assert replace(answer, threshold=None).is_positive(first) is None
    assert answer.is_positive(held) is None


def test_the_file_tells_names_only_when_asked(answer: Answer, tmp_path: Path) -> None:
    write_answer(tmp_path / "p.csv", answer, names=False)
    text = (tmp_path / "p.csv").read_text()
    assert "HAUGWITZ" not in text
    rows = table(tmp_path / "p.csv")
    assert [row["id"] for row in rows] == ["0001", "0002", "0003"]
    assert [row["outcome"] for row in rows] == ["kept", "rejected", "kept"]
    assert rows[0]["label"] == "benign"
    assert sum(float(rows[0][f"p_{name}"]) for name in answer.classes) == pytest.approx(1, abs=1e-5)
    assert rows[0]["above_threshold"] in {"true", "false"}
    assert {rows[1][name] for name in ("p_benign", "class", "score", "threshold", "above_threshold")} == {""}
    assert rows[1]["reasons"] == "caliper"
    write_answer(tmp_path / "named.csv", answer, names=True)
    assert table(tmp_path / "named.csv")[0]["file"] == NAME
    assert stat.S_IMODE((tmp_path / "named.csv").stat().st_mode) == 0o600
    assert "HAUGWITZ" not in json.dumps(as_json(answer, names=False))
    assert "HAUGWITZ" in json.dumps(as_json(answer, names=True))


def test_a_threshold_of_never_stays_above_1(answer: Answer, tmp_path: Path) -> None:
    never = replace(answer, threshold=float(np.nextafter(1.0, 2.0)))
    write_answer(tmp_path / "p.csv", never, names=False)
    assert float(table(tmp_path / "p.csv")[0]["threshold"]) > 1
    assert never.is_positive(never.said[0]) is False


def test_nothing_to_ask_about_is_no_error(trained: Trained) -> None:
    held = Seen(id="1", file="x", outcome=Outcome.REJECTED)
    found = predict_scans(trained, [held], point="specificity_95")
    assert (found.withheld, len(found.said)) == (1, 1)


def test_a_clean_folder_becomes_an_external_test(
    folds: Path, elsewhere: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "external"
    words = ["predict", str(folds), str(elsewhere.parent), "--score", str(out), "--resamples", "50"]
    assert main([*words, "--out", str(tmp_path / "p.csv")]) == 0
    told = capsys.readouterr()
    assert "1 rows without a picture" in told.err
    assert "4 scans have no label" in told.err
    assert "report.html" in told.out
    assert len(table(tmp_path / "p.csv")) == 16
    made, own = read_run(out), read_run(folds)
    assert made.config["external_test_of"] == own.name
    assert [len(member.predictions.part("test")) for member in made.members] == [12, 12]
    kept = [one["thresholds"] for one in summarise(own, resamples=20).data["members"]]
    assert [one["thresholds"] for one in summarise(made, resamples=20).data["members"]] == kept
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "external"


def test_scans_that_the_run_knows_are_no_external_test(
    runs: Path, manifest: Path, elsewhere: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "external"
    assert main(["predict", str(runs), str(manifest), "--score", str(out)]) == 1
    told = capsys.readouterr().err
    assert "60 of 60 scans are of those that the run was trained" in told
    assert "that the run has nothing of" in told
    assert not out.exists()
    one = open_trained(runs, "run-0")
    clean = open_clean(elsewhere, one.run)
    with pytest.raises(ConfigError, match="all members"):
        score_external(one, clean, predict_scans(one, seen_in(clean, one), point="specificity_95"), out)


def test_a_changed_picture_of_a_clean_folder_is_told(trained: Trained, elsewhere: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(elsewhere.parent, tmp_path / "clean")
    picture = next((folder / "images").rglob("*.png"))
    picture.write_bytes(picture.read_bytes() + b"x")
    clean = open_clean(folder / "manifest.csv", trained.run)
    with pytest.raises(InputError, match="digest"):
        seen_in(clean, trained)


def test_what_is_a_clean_folder(elsewhere: Path, tmp_path: Path) -> None:
    assert find_clean(elsewhere) == find_clean(elsewhere.parent) == elsewhere
    assert find_clean(tmp_path) is None
    assert find_clean(elsewhere.parent / "images" / "benign" / "e000.png") is None


def test_predict_as_it_is_typed(
    runs: Path, elsewhere: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(runs), str(elsewhere.parent), "--member", "run-1", "--point", "sensitivity_95"]) == 0
    told = capsys.readouterr().out
    for words in ("e000", "malignant at", "Model run-1", "sensitivity 95 %", "not a diagnosis"):
        assert words in told
    assert main(["predict", str(runs), str(elsewhere.parent), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["scans"]) == 16
    broken = tmp_path / "HAUGWITZ.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    assert main(["predict", str(runs), str(broken), "--policy", "york"]) == 3
    told_both = capsys.readouterr()
    assert "failed" in told_both.out
    assert "1 of 1 scans were not asked about" in told_both.err
    assert "HAUGWITZ" not in told_both.out + told_both.err
    for wrong, expected in (
        ([str(broken), "--score", str(tmp_path / "x")], "--score must go with a clean folder"),
        ([str(elsewhere.parent), str(broken)], "must be given alone"),
        ([str(broken), "--jobs", "-1"], "--jobs must be"),
        ([str(tmp_path / "HAUGWITZ")], "leads to nothing"),
    ):
        assert main(["predict", str(runs), *wrong]) == 1
        told_error = capsys.readouterr().err
        assert expected in told_error
        assert "HAUGWITZ" not in told_error
