"""What the tests of writing share: small data sets whose pixels are known, and how they are written and read again."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from bus_toolkit.deidentify import Key, deidentify_dataset
from bus_toolkit.io.clip import Clip
from bus_toolkit.io.dicom_pixels import pixel_header
from bus_toolkit.io.dicom_write import Written, write_dicom
from bus_toolkit.io.pixel_bytes import PixelBytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bus_toolkit.scan import Scan

KEY = Key(bytes(range(32)))
US_IMAGE = UID("1.2.840.10008.5.1.4.1.1.6.1")
US_CLIP = UID("1.2.840.10008.5.1.4.1.1.3.1")
SHIPPED = (
    "examples_rgb_color.dcm",
    "examples_palette.dcm",
    "examples_jpeg2k.dcm",
    "examples_ybr_color.dcm",
    "ExplVR_BigEnd.dcm",
)
"""Ultrasound files inside the pydicom package."""
EXTRA = (
    "OBXXXX1A_rle_2frame.dcm",
    "OBXXXX1A_expb.dcm",
    "US1_J2KI.dcm",
    "color-pl.dcm",
    "gdcm-US-ALOKA-16.dcm",
    "gdcm-US-ALOKA-16_big.dcm",
    "JPGLosslessP14SV1_1s_1f_8b.dcm",
)
"""Ultrasound files inside the pydicom-data package."""


def shipped(name: str) -> str:
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"{name} is in the package pydicom-data, which is not installed")
    return str(path)


def source(rows: int = 4, cols: int = 6, syntax: UID = ExplicitVRLittleEndian, **facts: object) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = US_IMAGE
    dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.1", "1.2.3.2", "1.2.3.3"
    dataset.PatientID = "X17"
    dataset.Modality = "US"
    dataset.Rows, dataset.Columns = rows, cols
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    for keyword, value in facts.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def noise(*shape: int, dtype: str = "u1") -> np.ndarray:
    top = np.iinfo(dtype).max
    return np.random.default_rng(7).integers(0, int(top) + 1, shape, dtype=dtype)


def clip_of(dataset: Dataset) -> Clip:
    return Clip(dataset, pixel_header(dataset), PixelBytes.of(dataset) or PixelBytes(data=b""))


def write(path: Path, dataset: Dataset, edit: Callable[[Scan], Scan] | None = None, **options: object) -> Written:
    header = deidentify_dataset(dataset, KEY)
    return write_dicom(path, header=header, clip=clip_of(dataset), edit=edit, **options)  # type: ignore[arg-type]


def painted(level: int = 200) -> Callable[[Scan], Scan]:
    """Paints the upper left corner, in every frame."""

    def edit(scan: Scan) -> Scan:
        frames = scan.frames.copy()
        frames[:, :2, :3] = level
        return scan.with_frames(frames)

    return edit


def same(scan: Scan) -> Scan:
    return scan


def reopen(path: Path) -> Dataset:
    """Every element is converted here, so a warning about any of them becomes an error."""
    dataset = dcmread(path)
    str(dataset)
    return dataset


def errors_of(path: Path | str) -> set[str]:
    found = subprocess.run(  # noqa: S603 - a fixed program on our own files
        [shutil.which("dciodvfy") or "dciodvfy", str(path)], capture_output=True, check=False
    )
    lines = found.stderr.decode("ascii", "replace").splitlines()
    return {" ".join(line.split()) for line in lines if line.startswith("Error")}


def grey(array: np.ndarray, **facts: object) -> Dataset:
    """A clip ``(frames, rows, cols)`` of any depth."""
    bits = array.dtype.itemsize * 8
    told = {"BitsAllocated": bits, "BitsStored": bits, "HighBit": bits - 1, "NumberOfFrames": len(array)}
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    dataset = source(*array.shape[1:], PixelData=data + bytes(len(data) % 2), **{**told, **facts})
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    return dataset


def colour(array: np.ndarray, **facts: object) -> Dataset:
    """A clip ``(frames, rows, cols, 3)`` of RGB."""
    data = array.tobytes()
    told = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    return source(
        *array.shape[1:3],
        PixelData=data + bytes(len(data) % 2),
        NumberOfFrames=len(array),
        **{**told, **facts},
    )
