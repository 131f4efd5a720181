from pathlib import Path
from typing import Any, Never

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from bus_toolkit.batch.pipelines import build_pipeline
from bus_toolkit.batch.worker import SECOND_LOOK, Spec, Task, Worker, second_look
from bus_toolkit.deidentify import Key
from bus_toolkit.errors import EngineError
from bus_toolkit.geometry import Box
from bus_toolkit.outcome import Outcome, Verdict
from bus_toolkit.overlays import FindText
from bus_toolkit.pipeline import Pipeline, Result
from bus_toolkit.policy import load_policy, parse_policy
from bus_toolkit.scan import Scan
from bus_toolkit.stage import Finding, Kind, Plan


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return build_pipeline(load_policy(), anonymise=True, crop=False)


@pytest.fixture(scope="module")
def dicom(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Writes a picture as a DICOM file."""

    def make(picture: Any, **header: Any) -> Path:
        dataset = pydicom.Dataset()
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = header.pop("SOPClassUID", "1.2.840.10008.5.1.4.1.1.6.1")
        dataset.SOPInstanceUID, dataset.Modality = "1.2.3", "US"
        dataset.Rows, dataset.Columns = picture.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
        dataset.PixelData = picture.tobytes()
        for keyword, value in header.items():
            setattr(dataset, keyword, value)
        path = tmp_path_factory.mktemp("dicom") / "scan.dcm"
        dataset.save_as(path, enforce_file_format=True)
        return path

    return make


def kept() -> Result:
    scan = Scan.from_array(np.zeros((40, 60), np.uint8))
    return Result(verdict=Verdict(outcome=Outcome.KEPT), scan=scan)


def test_text_that_is_left_after_cleaning_holds_the_scan_back(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = Finding(kind=Kind.TEXT, box=Box(1, 1, 5, 20), score=0.1, detector="test", text="DOE JANE")
    monkeypatch.setattr(FindText, "examine", lambda *_: Plan(stage="find-text", findings=(left,)))
    result = second_look(pipeline, kept())
    assert result.outcome is Outcome.QUARANTINED
    assert result.scan is None
    assert [reason.code for reason in result.verdict.reasons] == ["text-left"]
    assert result.plans[-1] == Plan(stage=SECOND_LOOK, findings=(left,))


def test_a_second_look_that_cannot_be_taken_holds_the_scan_back(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Never:
        msg = "the engine must run. Got no engine"
        raise EngineError(msg)

    monkeypatch.setattr(FindText, "examine", broken)
    result = second_look(pipeline, kept())
    assert result.outcome is Outcome.QUARANTINED
    assert result.scan is None


@pytest.mark.parametrize("fan", ["crop = false", "margin = 7", ""])
def test_the_picture_of_a_dicom_scan_is_cropped_as_that_of_a_png(
    source: Path, dicom: Any, tmp_path: Path, fan: str
) -> None:
    policy = parse_policy(f'name = "test"\n[fan]\n{fan}\n')
    png = source / "benign" / "scan 1.png"
    picture = cv2.imread(str(png), cv2.IMREAD_GRAYSCALE)
    Key.create(tmp_path / "private" / "key")
    spec = Spec(
        policy=policy, anonymise=True, key=tmp_path / "private" / "key", out=tmp_path, private=tmp_path / "private"
    )
    worker = Worker(spec)
    records = [worker.work(Task(path=path, file=path.name, label="benign")) for path in (png, dicom(picture))]
    assert [record.outcome for record in records] == [Outcome.KEPT, Outcome.KEPT]
    pictures = [cv2.imread(str(tmp_path / record.image), cv2.IMREAD_GRAYSCALE) for record in records]
    assert np.array_equal(*pictures)
    assert (pictures[0].shape == picture.shape) is (fan == "crop = false")
