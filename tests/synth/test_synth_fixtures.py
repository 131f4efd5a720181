"""The committed scans: whole, what their recipes make, and as their truth says."""

import importlib
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pydicom
import pytest

from bus_toolkit.geometry import Box
from bus_toolkit.stage import Kind

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
TRUTH: dict[str, Any] = json.loads((FIXTURES / "truth.json").read_text(encoding="utf-8"))
SCANS: list[dict[str, Any]] = TRUTH["scans"]
DICOM = [scan for scan in SCANS if scan["how"].startswith("dicom")]
SAMPLE = (
    "benign/BRAXLEY_ADA_1984.png",
    "benign/IM000009",
    "malignant/QUILMORE_CORA_1979-03-12.png",
    "malignant/us_0103.png",
    "normal/visit_2/small_07.dcm",
)


@pytest.fixture(scope="module")
def maker(request: pytest.FixtureRequest) -> ModuleType:
    sys.path.insert(0, str(FIXTURES))
    request.addfinalizer(lambda: sys.path.remove(str(FIXTURES)))  # noqa: PT021 - one line to undo one line
    return importlib.import_module("make_fixtures")


def _ids(scan: dict[str, Any]) -> str:
    return str(scan["file"])


def test_checksums_hold_and_list_every_file(maker: ModuleType) -> None:
    assert maker.broken_sums() == []


def test_a_changed_or_added_or_lost_file_is_told(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(FIXTURES / "raw_york", tmp_path / "raw_york")
    monkeypatch.setattr(maker, "HERE", tmp_path)
    monkeypatch.setattr(maker, "ROOT", tmp_path / "raw_york")
    (tmp_path / "raw_york/benign/us_0001.png").write_bytes(b"changed")
    (tmp_path / "raw_york/benign/new.png").write_bytes(b"added")
    (tmp_path / "raw_york/benign/IM000009").unlink()
    assert maker.broken_sums() == [f"raw_york/benign/{name}" for name in ("IM000009", "new.png", "us_0001.png")]


@pytest.mark.parametrize("name", SAMPLE)
def test_recipes_make_the_committed_pixels(maker: ModuleType, name: str) -> None:
    assert maker.differs(name) == ""


def test_a_difference_is_told(maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "normal/visit_2/small_07.dcm"
    dataset = pydicom.dcmread(FIXTURES / "raw_york" / name)
    dataset.PixelData = bytes(len(dataset.PixelData))
    (tmp_path / name).parent.mkdir(parents=True)
    dataset.save_as(tmp_path / name)
    monkeypatch.setattr(maker, "ROOT", tmp_path)
    assert "differ" in maker.differs(name)


def test_the_set_is_small_and_has_what_it_must() -> None:
    files = [path for path in (FIXTURES / "raw_york").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 6_000_000
    assert {path.relative_to(FIXTURES / "raw_york").as_posix() for path in files} == {
        *(scan["file"] for scan in SCANS),
        *TRUTH["companions"],
    }
    assert {scan["label"] for scan in SCANS} == {"benign", "malignant", "normal"}
    kinds = {overlay["kind"] for scan in SCANS for overlay in scan["overlays"]}
    assert kinds == set(Kind) - {Kind.BLANK, Kind.NOT_ULTRASOUND, Kind.MMODE, Kind.GRAPHIC, Kind.MASK, Kind.PHOTO}
    outcomes = {tuple(scan["expect"]) for scan in SCANS}
    assert {("kept",), ("rejected",), ("failed",)} < outcomes
    assert any(scan["shape"][0] == 20 for scan in SCANS)
    assert {scan["fan"]["shape"] for scan in SCANS if scan["fan"]} == {"linear", "curved", "sector", "full"}


@pytest.mark.parametrize("scan", SCANS, ids=_ids)
def test_truth_is_within_the_picture(scan: dict[str, Any]) -> None:
    whole = Box.whole(scan["shape"][1:3])
    for overlay in scan["overlays"]:
        box = Box.from_list(overlay["box"])
        assert box.clip(scan["shape"][1:3]) == box
        assert 0 < overlay["pixels"] <= box.area
        Kind(overlay["kind"])
    if scan["fan"]:
        assert Box.from_list(scan["fan"]["box"]).intersect(whole).area > 0.2 * whole.area
    assert set(scan["identity_text"]) <= {overlay["text"] for overlay in scan["overlays"]}


@pytest.mark.parametrize("scan", [s for s in SCANS if s["expect"] != ["failed"]], ids=_ids)
def test_files_decode_to_the_shape_in_the_truth(maker: ModuleType, scan: dict[str, Any]) -> None:
    pixels = maker.decode((FIXTURES / "raw_york" / scan["file"]).read_bytes())
    assert list(pixels.shape) == scan["shape"]
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize("scan", DICOM, ids=_ids)
def test_planted_strings_are_in_the_header(scan: dict[str, Any]) -> None:
    raw = (FIXTURES / "raw_york" / scan["file"]).read_bytes()
    header = scan["header"]
    planted = [*header["tokens"].values(), *header["dates"].values(), *header["uids"].values(), *header["private"]]
    assert len(planted) > 25
    assert [text for text in planted if text.encode() not in raw] == []
    assert raw[128:132] == b"DICM"


def test_planted_strings_are_unique_to_their_file() -> None:
    owners: dict[str, str] = {}
    for scan in DICOM:
        for text in [*scan["header"]["tokens"].values(), *scan["header"]["private"]]:
            assert owners.setdefault(text, scan["file"]) == scan["file"]


def test_transfer_syntaxes_differ() -> None:
    paths = [FIXTURES / "raw_york" / scan["file"] for scan in DICOM]
    heads = [pydicom.dcmread(path, stop_before_pixels=True) for path in paths]
    syntaxes = {head.file_meta.TransferSyntaxUID.keyword for head in heads}
    assert syntaxes == {"ExplicitVRLittleEndian", "RLELossless", "JPEGBaseline8Bit"}
    assert {head.PhotometricInterpretation for head in heads} == {"MONOCHROME2", "RGB", "YBR_FULL_422"}


def test_duplicates_chunks_and_the_broken_file() -> None:
    root = FIXTURES / "raw_york"
    first, second = (root / name for name in TRUTH["groups"]["b"])
    assert first.read_bytes() == second.read_bytes()
    chunks = next(scan["chunks"] for scan in SCANS if scan["chunks"])
    raw = (root / "malignant/us_0106.png").read_bytes()
    assert all(text.encode() in raw for text in chunks.values())
    whole, cut = (root / f"malignant/us_{number}.png" for number in ("0101", "0108"))
    assert whole.read_bytes().startswith(cut.read_bytes())
    assert b"IEND" not in cut.read_bytes()


def test_overlay_boxes_hold_what_was_drawn(maker: ModuleType) -> None:
    # Bitmap letters are pure white: every one of their pixels must lie in a text box of the truth.
    name = "malignant/QUILMORE_CORA_1979-03-12.png"
    pixels = maker.decode((FIXTURES / "raw_york" / name).read_bytes())[0]
    scan = next(scan for scan in SCANS if scan["file"] == name)
    boxes = [Box.from_list(overlay["box"]) for overlay in scan["overlays"]]
    inside = np.zeros(pixels.shape, dtype=np.bool_)
    for box in boxes:
        inside[box.slices] = True
    assert (pixels[inside] == 255).sum() == sum(overlay["pixels"] for overlay in scan["overlays"])
