"""Scans are cleaned as an ingest cleans them for training; what it holds back is told, not asked about."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from bus_toolkit.apply.cleaning import Seen, Way, clean_scans, found_scans
from bus_toolkit.batch import Options, ingest
from bus_toolkit.errors import ConfigError
from bus_toolkit.manifest import read_manifest
from bus_toolkit.outcome import Outcome
from bus_toolkit.policy import load_policy
from bus_toolkit.training.pictures import decode, fit_square

FIXTURES = Path(__file__).parents[2] / "fixtures" / "raw_york"
KEPT = ("benign/us_0003.png", "benign/case_07.dcm", "malignant/clip_20.dcm")
WAY = Way(policy=load_policy(), size=64, fit="pad")


def copied(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(FIXTURES / name, folder / name)
    return folder


def cleaned(folder: Path, **change: object) -> dict[str, Seen]:
    from dataclasses import replace

    scans = clean_scans(found_scans([folder]), replace(WAY, **change))  # type: ignore[arg-type]
    return {one.file: one for one in scans}


@pytest.mark.slow
@pytest.mark.parametrize("anonymise", [True, False])
def test_squares_are_those_of_training(tmp_path: Path, anonymise: bool) -> None:  # noqa: FBT001
    raw = copied(tmp_path / "raw", KEPT)
    ingest(Options(src=raw, out=tmp_path / "out", anonymise=anonymise, jobs=0))
    rows = [row for row in read_manifest(tmp_path / "out" / "manifest.csv") if row.image]
    assert len(rows) == len(KEPT)
    wanted = {fit_square(decode((tmp_path / "out" / row.image).read_bytes()), 64).tobytes() for row in rows}
    found = cleaned(raw, anonymise=anonymise)
    assert {one.square.tobytes() for one in found.values() if one.square is not None} == wanted


def test_what_cannot_be_vouched_for_is_not_asked_about(tmp_path: Path) -> None:
    raw = copied(tmp_path / "raw", ("benign/us_0003.png", "malignant/us_0102.png"))
    (raw / "normal").mkdir()
    (raw / "normal" / "broken.png").write_bytes((raw / "benign" / "us_0003.png").read_bytes()[:900])
    (raw / "normal" / "text.png").write_text("no picture")
    told: list[tuple[int, int]] = []
    scans = clean_scans(found_scans([raw]), WAY, tell=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [one.id for one in scans] == ["0001", "0002", "0003", "0004"]
    kept, marked, broken, text = scans
    assert (kept.file, kept.label, kept.outcome) == ("benign/us_0003.png", "benign", Outcome.KEPT)
    assert kept.square is not None
    assert (kept.square.shape, kept.square.dtype) == ((64, 64), np.uint8)
    assert (marked.outcome, marked.square) == (Outcome.REJECTED, None)
    assert marked.reasons
    for lost in (broken, text):
        assert (lost.outcome, lost.square) == (Outcome.FAILED, None)
        assert lost.reasons
    assert "us_0003" not in repr(kept)
    forced = cleaned(raw, rejected_too=True)
    assert forced["malignant/us_0102.png"].outcome is Outcome.REJECTED
    assert forced["malignant/us_0102.png"].square is not None
    assert forced["normal/broken.png"].square is None
    again = forced["benign/us_0003.png"].square
    assert again is not None
    assert np.array_equal(again, kept.square)


def test_each_scan_is_taken_once(tmp_path: Path) -> None:
    raw = copied(tmp_path / "raw", ("benign/us_0003.png",))
    assert len(found_scans([raw, raw / "benign" / "us_0003.png"])) == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="there must be a scan"):
        found_scans([tmp_path / "empty"])
    with pytest.raises(ConfigError, match="leads to nothing"):
        found_scans([tmp_path / "HAUGWITZ"])
