from pathlib import Path

import cv2
import numpy as np
import pytest

from bus_toolkit.cli.clean import main
from bus_toolkit.overlays.engines import ENGINES
from bus_toolkit.synth import make_phantom


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "raw" / "benign").mkdir(parents=True)
    picture = make_phantom(np.random.default_rng(2), rows=180, cols=240, fan="full").image
    assert cv2.imwrite(str(tmp_path / "raw" / "benign" / "a.png"), picture)
    return tmp_path / "raw"


def test_ingest_tells_where_to_look_and_exits_0(source: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(source), "--anonymise", "--jobs", "0"]) == 0
    told = capfd.readouterr().err
    assert "report.html" in told
    assert "review.html" in told
    assert "Not anonymised" not in told


def test_exit_3_when_something_needs_a_look(source: Path) -> None:
    (source / "benign" / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    assert main(["ingest", str(source), "--anonymize", "--jobs", "0", "--quiet"]) == 3


def test_without_anonymise_a_line_says_so_even_when_quiet(source: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(source), "--jobs", "0", "--quiet"]) == 0
    assert "Not anonymised" in capfd.readouterr().err


def test_exit_1_when_the_run_cannot_be_done(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(tmp_path / "nowhere"), "--anonymise"]) == 1
    told = capfd.readouterr().err
    assert "must be a folder or a file that exists" in told
    assert "nowhere" not in told
    assert "Traceback" not in told


@pytest.mark.parametrize("argv", [[], ["ingest"], ["ingest", "x", "--anon"], ["inspect", "x"], ["clean", "x"]])
def test_exit_2_on_usage(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2


def test_explain_says_it_in_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--anonymise"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 15
    assert all(line.endswith(".") for line in lines)
    assert main(["explain", "--policy", "report-only"]) == 0
    assert len(capsys.readouterr().out.splitlines()) < len(lines)


def test_inspect_prints_counts(source: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(source), "--out", str(tmp_path / "f.jsonl"), "--jobs", "0"]) == 0
    assert "1 scans: 1 kept" in capfd.readouterr().err
    assert (tmp_path / "f.jsonl").is_file()


@pytest.mark.parametrize("argv", [["--help"], ["ingest", "--help"], ["inspect", "--help"], ["explain", "--help"]])
def test_help_teaches(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 0
    told = capsys.readouterr().out
    assert "bus-clean" in told
    assert len(told) > 200


def test_the_engines_that_help_offers_are_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    # The command line does not import them, so that help stays quick.
    with pytest.raises(SystemExit):
        main(["ingest", "--help"])
    assert f"--engine {{{','.join(ENGINES)}}}" in capsys.readouterr().out
