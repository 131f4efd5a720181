"""What is promised when names are kept: the header is de-identified all the same, and everything says what it is."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest

from bus_toolkit.manifest import read_manifest

FIXTURES = Path(__file__).parents[2] / "fixtures" / "raw_york"
CHOSEN = (
    "benign/BRAXLEY_ADA_1984.png",
    "malignant/us_0106.png",
    "malignant/us_0108.png",
    "normal/visit_2/small_07.dcm",
)


@pytest.fixture(scope="module")
def named(run_over: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    place = tmp_path_factory.mktemp("FOLDEROFHAUGWITZ")
    for file in CHOSEN:
        (place / "src" / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FIXTURES / file, place / "src" / file)
    return run_over(place / "src", tmp_path_factory.mktemp("given") / "away")


def test_names_are_kept_and_everything_says_so(named: Any) -> None:
    assert "Not anonymised" in named.said
    assert "--anonymise" in named.said
    rows = read_manifest(named.out / "manifest.csv")
    assert len(rows) == len(CHOSEN)
    assert not any(row.anonymised for row in rows)
    assert "images/benign/BRAXLEY_ADA_1984.png" in {row.image for row in rows}
    assert json.loads((named.out / "run.json").read_text())["anonymised"] is False
    assert "Not anonymised" in (named.out / "report.html").read_text("utf-8")


def test_the_header_is_deidentified_all_the_same(named: Any, truth: Any, readings: Callable[..., Any]) -> None:
    (path,) = (named.out / "dicom").rglob("*.dcm")
    assert path.name == "small_07.dcm"
    texts = " ".join(readings(path)[1]).upper()
    assert "CANARY" not in texts
    assert b"CANARY" not in path.read_bytes().upper()
    dates = truth.scans["normal/visit_2/small_07.dcm"]["header"]["dates"]
    assert not [day for day in dates.values() if day in texts]
    dataset = pydicom.dcmread(path)
    assert not [element.tag for element in dataset.iterall() if element.tag.is_private]


def test_only_names_of_files_come_out(named: Any, truth: Any, readings: Callable[..., Any]) -> None:
    allowed = {part for file in CHOSEN for part in (*Path(file).parts, Path(file).stem)} | {"BRAXLEY", "ADA"}
    secret = [token for token in truth.tokens - allowed if len(token) >= 6]
    for path in named.files():
        data, texts = readings(path)
        for token in secret:
            assert not any(token in text for text in texts), path.name
            assert not any(token.encode() in part for part in data), path.name
    assert "CANARY" not in named.said
    assert "HAUGWITZ" not in named.said.replace(str(named.out), "")


def test_names_of_files_that_were_not_kept_stay_inside(named: Any) -> None:
    """A failed or rejected scan gives nothing away, so neither does its name."""
    assert str(named.records["malignant/us_0108.png"].outcome) == "failed"
    for path in named.files():
        assert b"us_0108" not in path.read_bytes(), path.name
