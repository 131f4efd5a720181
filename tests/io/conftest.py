"""Small DICOM files of every kind, made in memory."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

if TYPE_CHECKING:
    from collections.abc import Callable

US_STILL = "1.2.840.10008.5.1.4.1.1.6.1"


def build_dicom(
    frames: Any,
    *,
    syntax: str = ExplicitVRLittleEndian,
    encoded: list[bytes] | None = None,
    preamble: bool = True,
    drop: tuple[str, ...] = (),
    **elements: Any,
) -> bytes:
    """A DICOM file around ``(frames, rows, cols[, 3])``; ``encoded`` holds compressed frames to be wrapped instead."""
    frames = np.asarray(frames)
    rgb = frames.ndim == 4
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID = US_STILL
    ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = US_STILL, "1.2.3.4", "US"
    ds.PatientName = "SECRET^NAME"
    ds.Rows, ds.Columns = frames.shape[1:3]
    ds.SamplesPerPixel = 3 if rgb else 1
    ds.PhotometricInterpretation = "RGB" if rgb else "MONOCHROME2"
    if rgb:
        ds.PlanarConfiguration = 0
    if len(frames) > 1:
        ds.NumberOfFrames = len(frames)
    bits = frames.dtype.itemsize * 8
    ds.BitsAllocated = ds.BitsStored = bits
    ds.PixelRepresentation = int(frames.dtype.kind == "i")
    for key, value in elements.items():
        setattr(ds, key, value)
    ds.HighBit = ds.BitsStored - 1
    big = syntax == ExplicitVRBigEndian
    if encoded is None:
        values = frames
        if rgb and ds.PlanarConfiguration == 1:
            values = frames.transpose(0, 3, 1, 2)
        raw = values.astype(values.dtype.newbyteorder(">" if big else "<")).tobytes()
        ds.PixelData = raw + b"\0" * (len(raw) % 2)
    else:
        ds.PixelData = encapsulate(encoded)
    ds["PixelData"].VR = "OW" if bits > 8 else "OB"
    for key in drop:
        del ds[key]
    stream = BytesIO()
    kind = UID(syntax)
    if preamble:
        dcmwrite(stream, ds, enforce_file_format=True)
    else:
        ds.file_meta = FileMetaDataset()
        dcmwrite(stream, ds, implicit_vr=kind == ImplicitVRLittleEndian, little_endian=not big)
    return stream.getvalue()


@pytest.fixture(scope="session")
def make_dicom() -> Callable[..., bytes]:
    return build_dicom


@pytest.fixture(scope="session")
def scene() -> Any:
    """(24, 40, 3) RGB: a coloured half and a grey half."""
    rows, cols = np.mgrid[:24, :40]
    rgb = np.stack([rows * 10, cols * 6, (rows + cols) * 4], axis=-1).astype(np.uint8)
    rgb[:, :20] = rgb[:, :20, :1]
    return rgb


@pytest.fixture(scope="session")
def ramp() -> Any:
    """(24, 40) grey, 0 to 250."""
    rows, cols = np.mgrid[:24, :40]
    return (rows * 4 + cols * 4).astype(np.uint8)


@pytest.fixture(scope="session")
def picture_bytes() -> Callable[..., bytes]:
    def encode(image: Any, form: str, **options: Any) -> bytes:
        stream = BytesIO()
        picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
        picture.save(stream, form, **options)
        return stream.getvalue()

    return encode
