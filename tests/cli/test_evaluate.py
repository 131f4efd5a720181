"""``bus-eval``."""

import json
from pathlib import Path

import pytest

from bus_toolkit.cli.evaluate import main
from tests.evaluation.made_runs import run_folder

QUICK = ["--resamples", "50"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return run_folder(folder / "one"), run_folder(folder / "other", folds=4, arch="vgg16", skill=2.5)


def test_score_writes_the_report_and_tells(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(runs[0]), *QUICK]) == 0
    told = capsys.readouterr().out
    for words in ("accuracy", "malignant", "specificity 95 %", "The paper's score", "report.html"):
        assert words in told
    assert (runs[0] / "report.html").is_file()


def test_score_as_json(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(runs[1]), "--json", "--no-write", *QUICK]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["arch"] == "vgg16"
    assert 0.5 < told["figures"]["accuracy"]["value"] <= 1
    assert not (runs[1] / "report.html").exists()


def test_score_below_what_was_asked_is_3(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(runs[0]), "--no-write", "--at-least", "0.999", *QUICK]) == 3
    assert "below 0.999" in capsys.readouterr().err
    assert main(["score", str(runs[0]), "--no-write", "--at-least", "0.5", *QUICK]) == 0


def test_score_of_a_leaking_run_is_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(run_folder(tmp_path / "leak", leak=True)), "--no-write", *QUICK]) == 3
    assert "not independent" in capsys.readouterr().out


def test_compare(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *map(str, runs), *QUICK]) == 0
    told = capsys.readouterr().out
    assert "McNemar" in told
    assert "120 scans in 40 independent groups" in told
    assert main(["compare", *map(str, runs), "--json", "--common", *QUICK]) == 0
    assert json.loads(capsys.readouterr().out)["first"] == "one"


def test_table(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", *map(str, runs), *QUICK]) == 0
    assert capsys.readouterr().out.startswith("| Model    | Weights")
    assert main(["table", "--layout", "paper", str(runs[0]), *QUICK]) == 0
    assert "De novo" in capsys.readouterr().out
    assert main(["table", "--json", str(runs[0]), *QUICK]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1


def test_table_takes_what_was_scored_but_not_what_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_folder(tmp_path / "run")
    assert main(["score", str(run), *QUICK]) == 0
    path = run / "summary.json"
    marked = json.loads(path.read_text()) | {"arch": "as scored"}
    path.write_text(json.dumps(marked))
    capsys.readouterr()
    assert main(["table", str(run), *QUICK]) == 0
    assert "as scored" in capsys.readouterr().out
    assert main(["table", str(run), "--resamples", "51"]) == 0
    assert "as scored" not in capsys.readouterr().out
    member = run / "members" / "run-0" / "predictions.csv"
    member.write_text(member.read_text())
    assert main(["table", str(run), *QUICK]) == 0
    assert "as scored" not in capsys.readouterr().out


def test_ensemble(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["ensemble", str(runs[0]), "--out", str(tmp_path / "e"), *QUICK]) == 0
    assert "mean of models" in capsys.readouterr().out
    assert (tmp_path / "e" / "report.html").is_file()
    assert main(["compare", str(runs[0]), str(tmp_path / "e"), *QUICK]) == 0
    assert main(["ensemble", str(runs[0]), "--json", *QUICK]) == 0
    assert (runs[0] / "ensemble" / "summary.json").is_file()
    capsys.readouterr()
    assert main(["ensemble", str(runs[1]), *QUICK]) == 1
    assert "folds" in capsys.readouterr().err


def test_exit_1_names_no_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["score"], ["table"], ["ensemble"]):
        assert main([*command, str(tmp_path / "jane_doe")]) == 1
    told = capsys.readouterr().err
    assert "config.json" in told
    assert "jane_doe" not in told


def test_what_is_not_there_is_asked_for(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    assert main(["score", str(runs[0]), "--no-write", *QUICK]) == 1
    assert "pip install 'bus-toolkit[train]'" in capsys.readouterr().err


def test_an_unexpected_error_is_told_without_its_text(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("jane_doe")

    monkeypatch.setattr("bus_toolkit.evaluation.summary.figures", fail)
    assert main(["score", str(runs[0])]) == 1
    told = capsys.readouterr().err
    assert "unexpected RuntimeError" in told
    assert "jane_doe" not in told
    with pytest.raises(RuntimeError):
        main(["score", str(runs[0]), "--debug"])


@pytest.mark.parametrize("wrong", [["score"], ["score", "x", "--at-least", "2"], ["compare", "x"], ["nothing"], []])
def test_exit_2_is_for_the_command_line(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(wrong)
    assert stopped.value.code == 2


@pytest.mark.parametrize("command", [[], ["score"], ["compare"], ["table"], ["ensemble"]])
def test_help_teaches_by_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*command, "--help"])
    assert stopped.value.code == 0
    told = capsys.readouterr().out
    assert "examples:" in told
    assert "exit codes:" in told
