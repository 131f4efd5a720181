"""Every way in which a written file can be other than it must be is told, and a sound one is let pass."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from bus_toolkit.deidentify import Identifiers, Key, deidentify_dataset
from bus_toolkit.io import read
from bus_toolkit.io.dicom_write import write_dicom
from bus_toolkit.io.write import encode_png
from bus_toolkit.profile import Profile
from bus_toolkit.verify import check_dicom_file, check_name, check_png_file, check_text_file

KNOWN = Identifiers.of_texts(["Okafor Ngozi", "99887766"], names=["okafor"])


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, Identifiers]:
    """A cleaned file, and what it must not hold."""
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID, header.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.3.4"
    header.Modality, header.PatientName, header.PatientID = "US", "Okafor^Ngozi", "99887766"
    header.StudyDate, header.Rows, header.Columns = "20230131", 31, 33
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 8, 8, 7, 0
    header.PixelData = np.random.default_rng(0).bytes(31 * 33) + b"\0"
    header.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    source = read(tmp_path / "in.dcm")
    assert source.dataset is not None
    assert source.clip is not None
    known = Identifiers.of(source.dataset)
    cleaned = deidentify_dataset(source.dataset, Key(b"k" * 32), anonymise=True, pixels_checked=True, identifiers=known)
    write_dicom(tmp_path / "out.dcm", header=cleaned, clip=source.clip)
    return tmp_path / "out.dcm", known


def test_a_sound_file_passes(written: tuple[Path, Identifiers]) -> None:
    path, known = written
    assert check_dicom_file(path, known) == []
    assert check_dicom_file(path, known, profile=Profile(clean_descriptors=True)) == []


CHANGES: dict[str, Callable[[Dataset], object]] = {
    "a private attribute": lambda header: header.add(DataElement(0x00091010, "LO", "x")),
    "attribute PatientComments": lambda header: setattr(header, "PatientComments", "x"),
    "attribute StudyInstanceUID": lambda header: setattr(header, "StudyInstanceUID", "1.2.840.99"),
    "attribute ManufacturerModelName": lambda header: setattr(header, "ManufacturerModelName", "of Ngozi"),
    "attribute DeidentificationMethodCodeSequence": lambda header: delattr(
        header, "DeidentificationMethodCodeSequence"
    ),
    "group 6000": lambda header: header.add(DataElement(0x60000022, "LO", "x")),
    "group 5000": lambda header: header.add(DataElement(0x50000022, "LO", "x")),
    "file meta": lambda header: setattr(header.file_meta, "SourceApplicationEntityTitle", "HERE"),
    "preamble": lambda header: setattr(header, "preamble", b"x" * 128),
    "bytes of the header": lambda header: setattr(header, "DeidentificationMethod", "of Okafor-Ngozi 99887766"),
}


@pytest.mark.parametrize("where", CHANGES)
def test_each_change_is_told_by_its_place(written: tuple[Path, Identifiers], where: str) -> None:
    path, known = written
    header = dcmread(path)
    CHANGES[where](header)
    header.save_as(path, enforce_file_format=True)
    leaks = check_dicom_file(path, known)
    assert where in {leak.where for leak in leaks}
    assert not any(word in repr(leaks).casefold() for word in ("okafor", "ngozi", "99887766", "1.2.840"))


def test_bytes_behind_and_padding_are_told(written: tuple[Path, Identifiers]) -> None:
    path, known = written
    data = path.read_bytes()
    for changed, where in ((data + b"xx", "behind the picture"), (data[:-1] + b"x", "padding of the pixel data")):
        path.write_bytes(changed)
        assert [leak.where for leak in check_dicom_file(path, known)] == [where]


@pytest.mark.parametrize("data", [b"", b"no DICOM file", bytes(132)])
def test_what_cannot_be_read_is_not_vouched_for(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.dcm").write_bytes(data)
    assert {leak.what for leak in check_dicom_file(tmp_path / "x.dcm", KNOWN)} == {"structure"}


def test_png(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    data = encode_png(np.zeros((9, 9), np.uint8))
    path.write_bytes(data)
    assert check_png_file(path, KNOWN) == []
    path.write_bytes(data + b"Okafor Ngozi")
    assert [leak.what for leak in check_png_file(path, KNOWN)] == ["structure"]
    assert cv2.imread(str(path)) is not None


@pytest.mark.parametrize(
    "text",
    ["of Ngozi, Okafor", "a 99887766 b", json.dumps({"a": "Müllerström"}), "M&uuml;llerstr&ouml;m", "Okafor%20Ngozi"],
)
def test_text_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.csv"
    known = KNOWN.merged([Identifiers(words=frozenset({"müllerström"}))])
    path.write_text("id,label\npabcdefghijklmnop,benign\n", "utf-8")
    assert check_text_file(path, known) == []
    path.write_text(text, "utf-8")
    assert len(check_text_file(path, known)) == 1


def test_names() -> None:
    assert check_name("images/benign/pabcdefghijklmnop.png", KNOWN) == []
    assert [leak.where for leak in check_name("images/benign/Okafor.png", KNOWN)] == ["file name"]
