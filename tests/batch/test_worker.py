from pathlib import Path
from typing import Any, Never

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from bus_toolkit.batch.worker import Spec, Task, Worker
from bus_toolkit.deidentify import Key
from bus_toolkit.errors import EngineError
from bus_toolkit.geometry import Box
from bus_toolkit.outcome import Outcome
from bus_toolkit.overlays import FindText
from bus_toolkit.policy import Policy, load_policy, parse_policy
from bus_toolkit.stage import Finding, Kind, Plan


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


def worker_for(folder: Path, policy: Policy | None = None) -> Worker:
    Key.create(folder / "private" / "key")
    return Worker(
        Spec(
            policy=policy or load_policy(),
            anonymise=True,
            key=folder / "private" / "key",
            out=folder / "out",
            private=folder / "private",
        )
    )


def outputs(folder: Path) -> list[Path]:
    return [path for path in (folder / "out").rglob("*") if path.is_file()]


@pytest.mark.parametrize("ending", [".png", ".dcm"])
@pytest.mark.parametrize(
    ("look", "code"),
    [
        (((Finding(kind=Kind.TEXT, box=Box(1, 1, 5, 20), score=0.1, detector="test", text="Q"),), ()), "text-left"),
        (((), ("D0E JANE",)), "identity-left"),
    ],
)
def test_text_that_is_left_after_cleaning_holds_the_scan_back(
    request: pytest.FixtureRequest, tmp_path: Path, ending: str, look: Any, code: str
) -> None:
    source, dicom, monkeypatch = (request.getfixturevalue(name) for name in ("source", "dicom", "monkeypatch"))
    png = source / "benign" / "scan 1.png"
    path = png if ending == ".png" else dicom(cv2.imread(str(png), cv2.IMREAD_GRAYSCALE), PatientName="Doe^Jane")
    monkeypatch.setattr(FindText, "look", lambda *_: (Plan(stage="find-text", findings=look[0]), look[1]))
    monkeypatch.setattr(FindText, "examine", lambda *_: Plan(stage="find-text"))
    record = worker_for(tmp_path).work(Task(path=path, file=f"jane/{path.name}", label="benign"))
    assert record.outcome is Outcome.QUARANTINED
    assert [reason.code for reason in record.reasons] == [code]
    assert outputs(tmp_path) == []
    assert (record.image, record.dicom) == ("", "")
    assert "JANE" not in "".join(reason.detail for reason in record.reasons).upper()


def test_a_second_look_that_cannot_be_taken_holds_the_scan_back(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Never:
        msg = "the engine must run. Got no engine"
        raise EngineError(msg)

    monkeypatch.setattr(FindText, "look", broken)
    monkeypatch.setattr(FindText, "examine", lambda *_: Plan(stage="find-text"))
    record = worker_for(tmp_path).work(Task(path=source / "benign" / "scan 1.png", file="x.png", label="benign"))
    assert record.outcome is Outcome.QUARANTINED
    assert outputs(tmp_path) == []


def test_what_names_somebody_in_a_header_that_was_written_is_withdrawn(
    source: Path, dicom: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = cv2.imread(str(source / "benign" / "scan 1.png"), cv2.IMREAD_GRAYSCALE)
    monkeypatch.setattr("bus_toolkit.deidentify.dataset.patient_pseudonym", lambda *_: "DOE^JANE")
    record = worker_for(tmp_path).work(
        Task(path=dicom(picture, PatientName="Doe^Jane", PatientID="Q7719003"), file="x.dcm", label="benign")
    )
    assert record.outcome is Outcome.QUARANTINED
    assert {reason.code for reason in record.reasons} == {"identity-left"}
    assert outputs(tmp_path) == []


@pytest.mark.parametrize("fan", ["crop = false", "margin = 7", ""])
def test_the_picture_of_a_dicom_scan_is_cropped_as_that_of_a_png(
    source: Path, dicom: Any, tmp_path: Path, fan: str
) -> None:
    policy = parse_policy(f'name = "test"\n[fan]\n{fan}\n')
    png = source / "benign" / "scan 1.png"
    picture = cv2.imread(str(png), cv2.IMREAD_GRAYSCALE)
    worker = worker_for(tmp_path, policy)
    records = [worker.work(Task(path=path, file=path.name, label="benign")) for path in (png, dicom(picture))]
    assert [record.outcome for record in records] == [Outcome.KEPT, Outcome.KEPT]
    pictures = [cv2.imread(str(tmp_path / "out" / record.image), cv2.IMREAD_GRAYSCALE) for record in records]
    assert np.array_equal(*pictures)
    assert (pictures[0].shape == picture.shape) is (fan == "crop = false")
