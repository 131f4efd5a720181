"""A name beside an annotation, burnt into the pixels: the fields come out, the name does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from bus_toolkit.annotation import Annotation
from bus_toolkit.manifest import read_manifest
from bus_toolkit.synth import Font, Ink, make_phantom, paint, text_stamp
from tests.leaks.conftest import FIXTURES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

BURNT = "BRAXLEY ADA LEFT BREAST 3:00"
NAMES = {"BRAXLEY", "ADA"}


@pytest.fixture(scope="module")
def annotated(run_over: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    src = tmp_path_factory.mktemp("annotated")
    phantom = make_phantom(np.random.default_rng(11), rows=380, cols=520, fan="full", lesion="benign")
    stamp = text_stamp(BURNT, (330, 90), Font("bundled", weight=1), 13, Ink())
    painted = paint(phantom.image, [stamp]).image
    Image.fromarray(painted).save(src / "scan.png")
    dataset = pydicom.dcmread(FIXTURES / "raw_york" / "normal" / "visit_2" / "small_07.dcm")
    dataset.Rows, dataset.Columns = painted.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    for keyword in ("PlanarConfiguration", "SequenceOfUltrasoundRegions", "NumberOfFrames"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.PixelData = painted.tobytes()
    dataset.PatientName = "Braxley^Ada"
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.save_as(src / "scan.dcm", enforce_file_format=True)
    return run_over(src, tmp_path_factory.mktemp("given") / "away", "--anonymise")


def test_the_fields_reach_the_manifest(annotated: Any) -> None:
    rows = read_manifest(annotated.out / "manifest.csv")
    assert {(row.media, row.annotation) for row in rows} == {
        (media, Annotation(laterality="left", clock="3:00")) for media in ("png", "dicom")
    }, annotated.said
    fields = json.loads((annotated.out / "run.json").read_text())["annotations"]["fields"]
    assert fields == {"laterality": {"left": 2}, "clock": {"3:00": 2}}


def test_the_name_reaches_nothing_that_is_given_away(
    annotated: Any, readings: Callable[[Path], tuple[list[bytes], list[str]]]
) -> None:
    texts = [record.plans for record in annotated.records.values()]
    assert any("BRAXLEY" in finding.text for plans in texts for plan in plans for finding in plan.findings)
    for path in annotated.files():
        data, said = readings(path)
        assert not any(b"BRAXLEY" in part.upper() for part in data), path.name
        assert not any(name in text.upper().replace("^", " ").split() for text in said for name in NAMES), path.name
    assert "BRAXLEY" not in annotated.said.upper()
