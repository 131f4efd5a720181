"""When a part of the cleaning fails to clean, nothing appears below OUT, and nobody says what was left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from bus_toolkit.audit.ledger import Ledger
from bus_toolkit.batch import output
from bus_toolkit.cli.clean import main
from bus_toolkit.deidentify import dataset as dataset_module
from bus_toolkit.fill import stage as fill_stage
from bus_toolkit.io import dicom_unchanged, dicom_write
from bus_toolkit.outcome import Outcome
from bus_toolkit.synth import Font, Ink, paint, text_stamp
from tests.canary.conftest import write_key
from tests.canary.plant_rasters import chunk
from tests.canary.plant_streams import frames, image, segment
from tests.canary.plant_tokens import Tokens
from tests.canary.test_canary_pixels import stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bus_toolkit.record import Record

pytestmark = pytest.mark.slow

NAME, PATIENT_ID = "Quilmore^Cora", "ZX-4711815"
SECRETS = ("QUILMORE", "CORA", "4711815", "19790412", "1979-04-12", "HAUGWITZ")
ROWS, COLS = 160, 200


def person(dataset: Dataset) -> Dataset:
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = NAME, PATIENT_ID, "19790412"
    dataset.InstitutionName = "Haugwitz Spital"
    return dataset


def with_text(rows: int = ROWS, cols: int = COLS) -> np.ndarray:
    (clean,) = frames(rows=rows, cols=cols, seed=61)
    stamp = text_stamp("QUILMORE CORA", (8, 20), Font("hershey", "0"), 12, Ink())
    return paint(clean, [stamp]).image[np.newaxis]


class Trial:
    """One run in this process over one file, so that a test can break a part of it."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capfd = folder, capfd

    def run(self, write: Callable[[Path], object]) -> Record:
        src = self.folder / "src"
        src.mkdir()
        write(src)
        key = write_key(self.folder / "keys" / "key")
        out = self.folder / "out"
        self.code = main(["ingest", str(src), "--out", str(out), "--key", str(key), "--anonymise", "--jobs", "0"])
        self.files = [path for path in out.rglob("*") if path.is_file()]
        self.said = "".join(self.capfd.readouterr())
        with Ledger(self.folder / "out.private" / "ledger.sqlite") as ledger:
            (record,) = ledger.records()
        return record

    def nothing_came_out(self, record: Record) -> None:
        assert record.outcome is Outcome.QUARANTINED, [f"{reason.code} {reason.detail}" for reason in record.reasons]
        assert {path.name for path in self.files} <= {"manifest.csv", "run.json", "report.html"}
        told = self.said + "".join(f"{reason.code} {reason.detail}" for reason in record.reasons) + repr(record)
        told += "".join(path.read_text("utf-8") for path in self.files)
        assert [secret for secret in SECRETS if secret in told.upper()] == []
        assert not record.dicom
        assert not record.image
        assert self.code == 3


@pytest.fixture
def trial(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Trial:
    return Trial(tmp_path, capfd)


def a_file(kind: str = "native", pixels: np.ndarray | None = None) -> Callable[[Path], object]:
    chosen = frames(rows=ROWS, cols=COLS, seed=62) if pixels is None else pixels

    def write(src: Path) -> object:
        return stored(person(image(chosen, kind, Tokens())), src / "us1.dcm")

    return write


def test_the_trial_itself_keeps_a_clean_file(trial: Trial) -> None:
    record = trial.run(a_file())
    assert record.outcome is Outcome.KEPT, [reason.code for reason in record.reasons]
    assert any(path.suffix == ".dcm" for path in trial.files)


def test_a_fill_that_leaves_the_text(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    (stage,) = (value for value in vars(fill_stage).values() if isinstance(value, type) and hasattr(value, "apply"))
    monkeypatch.setattr(stage, "apply", lambda _, scan, __: scan)
    trial.nothing_came_out(trial.run(a_file(pixels=with_text())))


def test_a_fill_that_leaves_the_text_in_a_picture(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    (stage,) = (value for value in vars(fill_stage).values() if isinstance(value, type) and hasattr(value, "apply"))
    monkeypatch.setattr(stage, "apply", lambda _, scan, __: scan)
    trial.nothing_came_out(trial.run(lambda src: Image.fromarray(with_text()[0]).save(src / "us1.png")))


def _comments(result: Dataset) -> None:
    result.PatientComments = "seen by Quilmore"


def _model(result: Dataset) -> None:
    result.ManufacturerModelName = "S2000 of Quilmore"


def _private(result: Dataset) -> None:
    result.add(DataElement(Tag(0x00090010), "LO", "ACME"))
    result.add(DataElement(Tag(0x00091001), "LO", "nothing that names anybody"))


def _nested(result: Dataset) -> None:
    item = Dataset()
    item.RegionFlags = 0
    item.OperatorsName = "Somebody^Else"
    result.add(DataElement(Tag(0x00186011), "SQ", Sequence([item])))


def _uid(result: Dataset) -> None:
    result.StudyInstanceUID = "1.2.826.0.1.3680043.2.77.99.5"


def _birth_date(result: Dataset) -> None:
    result.PatientBirthDate = "19790412"


def _number(result: Dataset) -> None:
    result.SeriesNumber = "4711815"


def _overlay(result: Dataset) -> None:
    result.add(DataElement(Tag(0x60004000), "LT", "nothing that names anybody"))


BROKEN = [_comments, _model, _private, _nested, _uid, _birth_date, _overlay]


@pytest.mark.parametrize("leave", BROKEN, ids=[leave.__name__.strip("_") for leave in BROKEN])
def test_a_header_cleaner_that_leaves_something(
    leave: Callable[[Dataset], None], trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = dataset_module.deidentify_dataset

    def wrong(*args: Any, **kwargs: Any) -> Dataset:
        result = right(*args, **kwargs)
        leave(result)
        return result

    monkeypatch.setattr(dataset_module, "deidentify_dataset", wrong)
    trial.nothing_came_out(trial.run(a_file()))


def test_a_stream_cleaner_that_leaves_a_comment(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (dicom_unchanged, dicom_write):
        if hasattr(module, "clean_frame"):
            monkeypatch.setattr(
                module, "clean_frame", lambda frame: frame[:2] + segment(0xFE, b"a comment here..") + frame[2:]
            )
    import cv2

    pixels = frames(rows=ROWS, cols=COLS, seed=62)

    def write(src: Path) -> object:
        plain = image(pixels, "native", Tokens())
        from pydicom.encaps import encapsulate
        from pydicom.uid import JPEGBaseline8Bit

        plain.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
        stream = cv2.imencode(".jpg", pixels[0])[1].tobytes()
        plain.add(DataElement(Tag(0x7FE00010), "OB", encapsulate([stream + b"\0" * (len(stream) % 2)])))
        plain["PixelData"].is_undefined_length = True
        return stored(person(plain), src / "us1.dcm")

    # Only when nothing was drawn over does the stream go through the cleaner at all.
    monkeypatch.setattr(dicom_write, "_is_changed", lambda *_: False)
    trial.nothing_came_out(trial.run(write))


def test_bytes_that_come_behind_the_file(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    right = dicom_write.write_dicom

    def wrong(path: Path, **kwargs: Any) -> Any:
        written = right(path, **kwargs)
        with path.open("ab") as stream:
            stream.write(b"nothing that names anybody")
        return written

    monkeypatch.setattr(dicom_write, "write_dicom", wrong)
    trial.nothing_came_out(trial.run(a_file()))


def test_a_preamble_that_is_not_zero(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    right = dicom_write.write_dicom

    def wrong(path: Path, **kwargs: Any) -> Any:
        written = right(path, **kwargs)
        with path.open("r+b") as stream:
            stream.write(b"II*\0")
        return written

    monkeypatch.setattr(dicom_write, "write_dicom", wrong)
    trial.nothing_came_out(trial.run(a_file()))


def test_a_picture_with_a_text_chunk(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    right = output.encode_png

    def wrong(picture: Any) -> bytes:
        data = right(picture)
        return data[:33] + chunk(b"tEXt", b"Comment\0nothing that names anybody") + data[33:]

    monkeypatch.setattr(output, "encode_png", wrong)
    trial.nothing_came_out(trial.run(a_file()))
