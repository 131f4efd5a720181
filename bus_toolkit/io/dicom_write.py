"""Write a cleaned scan as a DICOM file: geometry of the original, pixels of the scan, header by PS3.15.

A picture that needs no change keeps its stored values. Edited frames are display values of 8 bits. They are written
uncompressed (Explicit VR Little Endian), MONOCHROME2 or RGB with colour by pixel, and what described how stored values
become display values goes: window, modality and VOI tables, palette, padding value. That the picture was once
compressed with loss stays on record (PS3.3 C.7.6.1.1.5).
"""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian

from bus_toolkit._version import __version__
from bus_toolkit.atomic import atomic_write_bytes
from bus_toolkit.deidentify.dataset import deidentify_dataset
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.io.dicom_unchanged import keep_pixels
from bus_toolkit.io.quiet import quiet

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from bus_toolkit.deidentify.key import Key
    from bus_toolkit.scan import Scan

IMPLEMENTATION_CLASS_UID: Final = UID("2.25.190786357106571924113702419146017276561")
"""Names this writer; made once from a random UUID."""
IMPLEMENTATION_VERSION: Final = f"BUSTK {__version__}"[:16]

RENDERED_AWAY: Final = (
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
    "ModalityLUTSequence",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "PresentationLUTShape",
    "SmallestImagePixelValue",
    "LargestImagePixelValue",
    "SmallestPixelValueInSeries",
    "LargestPixelValueInSeries",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData",
)
"""About stored values that are no longer there once display values are stored."""

COMPONENT_CALIBRATION: Final = (
    "PixelComponentOrganization",
    "PixelComponentMask",
    "PixelComponentRangeStart",
    "PixelComponentRangeStop",
    "PixelComponentPhysicalUnits",
    "PixelComponentDataType",
    "NumberOfTableBreakPoints",
    "TableOfXBreakPoints",
    "TableOfYBreakPoints",
    "NumberOfTableEntries",
    "TableOfPixelValues",
    "TableOfParameterValues",
)
"""What a stored value means in a region, by bits or palette index: wrong once a palette has been rendered."""

LOSSY_METHODS: Final = {
    "1.2.840.10008.1.2.4.50": "ISO_10918_1",
    "1.2.840.10008.1.2.4.51": "ISO_10918_1",
    "1.2.840.10008.1.2.4.81": "ISO_14495_1",
    "1.2.840.10008.1.2.4.91": "ISO_15444_1",
    "1.2.840.10008.1.2.4.93": "ISO_15444_1",
    "1.2.840.10008.1.2.4.203": "ISO_15444_15",
    "1.2.840.10008.1.2.4.100": "ISO_13818_2",
    "1.2.840.10008.1.2.4.101": "ISO_13818_2",
    "1.2.840.10008.1.2.4.102": "ISO_14496_10",
    "1.2.840.10008.1.2.4.103": "ISO_14496_10",
}
"""Lossy transfer syntaxes and the name of their method (PS3.3 C.7.6.1.1.5.1). 91, 93 and 203 may be lossless, too: when
the header does not say, lossy is assumed, because the other mistake would hide a loss."""

PIXEL_DATA: Final = Tag(0x7FE0, 0x0010)
COLOUR: Final = 3


def write_dicom(
    path: Path,
    *,
    source_dataset: Dataset,
    scan: Scan | None,
    key: Key,
    anonymise: bool = False,
    pixels_checked: bool = False,
) -> str:
    """Write a de-identified DICOM file, whole or not at all.

    Parameters
    ----------
    path
        Where it goes; its folder must exist.
    source_dataset
        The header as it was read, with its file meta; with its pixel data when ``scan`` is None. It is not changed.
    scan
        The edited scan: all frames, uint8 grey or RGB, of the size of the original. None says that the picture is
        good as it is: its stored values stay (:mod:`bus_toolkit.io.dicom_unchanged`).
    key, anonymise, pixels_checked
        See :func:`bus_toolkit.deidentify.deidentify_dataset`.

    Returns
    -------
    str
        SHA-256 of the file in hex.

    Raises
    ------
    ConfigError
        When the scan has not the original's rows and columns, or there is neither a scan nor pixel data.
    InputError
        When the header cannot be de-identified, or the pixel data that shall stay are broken.
    OSError
        When the file cannot be written.
    """
    data = encode_dicom(
        source_dataset=source_dataset, scan=scan, key=key, anonymise=anonymise, pixels_checked=pixels_checked
    )
    atomic_write_bytes(path, data)
    return hashlib.sha256(data).hexdigest()


def encode_dicom(
    *,
    source_dataset: Dataset,
    scan: Scan | None,
    key: Key,
    anonymise: bool = False,
    pixels_checked: bool = False,
) -> bytes:
    """The bytes of the file that :func:`write_dicom` writes; same parameters, same errors."""
    with quiet():
        result = deidentify_dataset(source_dataset, key, anonymise=anonymise, pixels_checked=pixels_checked)
        _keep_loss_on_record(result, source_dataset)
        if scan is None:
            syntax = _unchanged(result, source_dataset)
        else:
            _check_geometry(scan, result)
            _describe_pixels(result, scan)
            _put_pixels(result, scan.frames)
            syntax = ExplicitVRLittleEndian
        return _encode(result, _file_meta(result, syntax))


def _unchanged(result: Dataset, source: Dataset) -> UID:
    if PIXEL_DATA not in source:
        msg = "a scan, or a source data set with its pixel data, must be given. Got neither"
        raise ConfigError(msg)
    try:
        return keep_pixels(result, source)
    except InputError:
        raise
    except Exception:  # noqa: BLE001 - broken data raise anything, and the words may be private
        code, message = "corrupt", "The pixel data cannot be kept as they are."
        raise InputError(code, message) from None


def _check_geometry(scan: Scan, dataset: Dataset) -> None:
    size = (dataset.get("Rows"), dataset.get("Columns"))
    if scan.shape != size:
        msg = f"a scan must have the rows and columns of its DICOM file. Got {scan.shape} for {size}"
        raise ConfigError(msg)


def _keep_loss_on_record(dataset: Dataset, source: Dataset) -> None:
    """Fill in LossyImageCompression and what it asks for where the input left it to the transfer syntax."""
    syntax = str(getattr(getattr(source, "file_meta", None), "TransferSyntaxUID", ""))
    method = LOSSY_METHODS.get(syntax)
    if method is None or dataset.get("LossyImageCompression") == "00":
        return
    dataset.LossyImageCompression = "01"
    if not dataset.get("LossyImageCompressionMethod"):
        dataset.LossyImageCompressionMethod = method
    if not dataset.get("LossyImageCompressionRatio") and PIXEL_DATA in source:
        dataset.LossyImageCompressionRatio = _ratio(dataset, len(source[PIXEL_DATA].value))


def _ratio(dataset: Dataset, stored: int) -> str:
    samples = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel") or 1)
    whole = samples * int(dataset.get("NumberOfFrames") or 1) * int(dataset.get("BitsAllocated") or 8) // 8
    return f"{max(1.0, whole / max(1, stored)):.3f}"


def _describe_pixels(dataset: Dataset, scan: Scan) -> None:
    """Make the Image Pixel module say what is stored now, and take out what spoke of the former values."""
    palette = dataset.get("PhotometricInterpretation") == "PALETTE COLOR"
    for keyword in RENDERED_AWAY:
        if keyword in dataset:
            delattr(dataset, keyword)
    if palette:
        for region in dataset.get("SequenceOfUltrasoundRegions") or []:
            for keyword in COMPONENT_CALIBRATION:
                if keyword in region:
                    delattr(region, keyword)
    dataset.SamplesPerPixel = COLOUR if scan.is_rgb else 1
    dataset.PhotometricInterpretation = "RGB" if scan.is_rgb else "MONOCHROME2"
    if scan.is_rgb:
        dataset.PlanarConfiguration = 0
    elif "PlanarConfiguration" in dataset:
        del dataset.PlanarConfiguration
    dataset.Rows, dataset.Columns = scan.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    if "NumberOfFrames" in dataset or len(scan.frames) > 1:
        dataset.NumberOfFrames = len(scan.frames)
    # The pixels are no longer those of the device (PS3.3 C.7.6.1.1.2).
    dataset.ImageType = ["DERIVED", *list(dataset.get("ImageType") or ["", "PRIMARY"])[1:]]


def _put_pixels(dataset: Dataset, frames: npt.NDArray[np.uint8]) -> None:
    data = np.ascontiguousarray(frames).tobytes()
    dataset.add(DataElement(PIXEL_DATA, "OB", data if len(data) % 2 == 0 else data + b"\x00"))


def _file_meta(dataset: Dataset, syntax: UID) -> FileMetaDataset:
    """A new group 2: nothing of the original's (PS3.10 7.1)."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION
    return meta


def _encode(dataset: Dataset, meta: FileMetaDataset) -> bytes:
    dataset.file_meta = meta
    dataset.preamble = bytes(128)
    stream = BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()
