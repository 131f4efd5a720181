"""Pictures of a clean folder, given by themselves, are taken as they are; all others are cleaned."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from bus_toolkit.apply.predict import open_clean, seen_in
from bus_toolkit.apply.trained import Trained, open_trained
from bus_toolkit.apply.vouched import seen_as_is, vouched_for
from bus_toolkit.cli.evaluate import main
from bus_toolkit.io import Item, discover
from bus_toolkit.outcome import Outcome
from tests.apply.conftest import made_clean

FIXTURES = Path(__file__).parents[2] / "fixtures" / "raw_york"


@pytest.fixture(scope="module")
def trained(runs: Path) -> Trained:
    return open_trained(runs, "run-0")


def items_of(folder: Path) -> list[Item]:
    return [item for item in discover(folder).items if item.path.suffix == ".png"]


def test_they_are_the_squares_of_the_folder(elsewhere: Path, trained: Trained) -> None:
    items = items_of(elsewhere.parent / "images")
    vouched = vouched_for(items)
    assert len(vouched) == len(items) == 16
    whole = {one.id: one for one in seen_in(open_clean(elsewhere, trained.run), trained)}
    for item in items:
        seen = seen_as_is(item, vouched[item.path], trained)
        wanted = whole[seen.id]
        assert (seen.label, seen.outcome, seen.reasons) == (wanted.label, Outcome.KEPT, ())
        assert seen.square is not None
        assert wanted.square is not None
        assert np.array_equal(seen.square, wanted.square)


def test_nothing_else_is_vouched_for(tmp_path: Path) -> None:
    manifest = made_clean(tmp_path / "clean", 4, seed=3, prefix="v")
    listed = items_of(tmp_path / "clean" / "images")
    other = tmp_path / "clean" / "images" / "benign" / "added.png"
    shutil.copyfile(listed[0].path, other)
    deep = tmp_path / "clean" / "a" / "b" / "c" / "deep.png"
    deep.parent.mkdir(parents=True)
    shutil.copyfile(listed[0].path, deep)
    found = vouched_for(items_of(tmp_path / "clean"))
    assert set(found) == {item.path for item in listed}
    manifest.write_text("id,HAUGWITZ\n", "utf-8")
    assert vouched_for(listed) == {}
    manifest.unlink()
    assert vouched_for(listed) == {}


def test_a_changed_picture_has_failed(tmp_path: Path, trained: Trained) -> None:
    made_clean(tmp_path / "clean", 1, seed=3, prefix="v")
    (item,) = items_of(tmp_path / "clean" / "images")
    vouched = vouched_for([item])[item.path]
    item.path.write_bytes(item.path.read_bytes() + b"HAUGWITZ")
    assert hashlib.sha256(item.path.read_bytes()).hexdigest() != vouched.row.sha256
    seen = seen_as_is(item, vouched, trained)
    assert (seen.outcome, seen.square) == (Outcome.FAILED, None)
    assert [reason.code for reason in seen.reasons] == ["digest"]


@pytest.mark.slow
def test_cleaned_and_raw_scans_together(
    runs: Path, elsewhere: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = sorted((elsewhere.parent / "images" / "benign").iterdir())[:2]
    raw = tmp_path / "HAUGWITZ.png"
    shutil.copyfile(FIXTURES / "benign" / "us_0003.png", raw)
    out = tmp_path / "out.csv"
    scans = [str(pictures[0]), str(raw), str(pictures[1])]
    assert main(["predict", str(runs), *scans, "--out", str(out), "--member", "run-0"]) == 0
    told = capsys.readouterr()
    assert "2 pictures of a clean folder are taken as they are" in told.err
    assert "HAUGWITZ" not in told.out + told.err + out.read_text()
    rows = out.read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == [pictures[0].stem, "0001", pictures[1].stem]
