"""DICOM bytes to a pydicom dataset, with every way of being broken told by one clear reason."""

from __future__ import annotations

import os
import struct
import zlib
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from pydicom import dcmread
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from bus_toolkit.errors import InputError
from bus_toolkit.io.pixel_bytes import DEFER, PixelBytes

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from bus_toolkit.io.limits import Limits

PREAMBLE: Final = 128
META_START: Final = PREAMBLE + 4
HEAD: Final = 1 << 16
"""Longer file meta groups do not occur."""
META_GROUP_LENGTH: Final = b"\x02\x00\x00\x00UL\x04\x00"
ITEM_TAG: Final = b"\xfe\xff\x00\xe0"
MEDIA_DIRECTORY: Final = "1.2.840.10008.1.3.10"
ULTRASOUND_CLASSES: Final = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.6",
        "1.2.840.10008.5.1.4.1.1.6.1",
        "1.2.840.10008.5.1.4.1.1.6.2",
        "1.2.840.10008.5.1.4.1.1.3",
        "1.2.840.10008.5.1.4.1.1.3.1",
        "1.2.840.10008.5.1.4.1.1.6.3",
    }
)
"""Ultrasound Image and Multi-frame Image Storage with their retired forms, and Enhanced US Volume Storage."""
NOT_PICTURES: Final = (
    "1.2.840.10008.5.1.4.1.1.66",
    "1.2.840.10008.5.1.4.1.1.88",
    "1.2.840.10008.5.1.4.1.1.9",
    "1.2.840.10008.5.1.4.1.1.11",
    "1.2.840.10008.5.1.4.1.1.104",
    "1.2.840.10008.5.1.4.1.1.481",
    "1.2.840.10008.5.1.4.1.1.30",
    "1.2.840.10008.5.1.4.1.1.67",
)
"""Branches of storage classes that hold no picture of a patient: registrations and segmentations, reports,
waveforms, presentation states, encapsulated documents, radiotherapy (its RT Image 481.1 is no ultrasound either),
parametric maps, real world value maps. DICOM PS3.4 B.5."""
ULTRASOUND_MODALITIES: Final = frozenset({"US", "IVUS", "BDUS"})
UNDECIDED_MODALITIES: Final = frozenset({"", "OT", "SC", "DG"})


def parse_dicom(stream: BinaryIO, limits: Limits) -> FileDataset:
    """Parse a DICOM file, with or without preamble and file meta group; large values stay in a file on disk.

    Returns
    -------
    pydicom.dataset.FileDataset
        With ``file_meta.TransferSyntaxUID`` set, from the encoding met where the file does not name it.

    Raises
    ------
    InputError
        ``"corrupt"``, ``"dicomdir"``, ``"not-a-picture"``, ``"too-large"`` or ``"no-transfer-syntax"``.
    """
    deflated = _check_deflated(stream, limits)
    on_disk = not deflated and not isinstance(stream, BytesIO)
    try:
        dataset = dcmread(stream, force=True, defer_size=DEFER if on_disk else None)
        known = len(dataset) > 0
        _name_syntax(dataset)
        sop_class = text_of(dataset, "SOPClassUID") or text_of(dataset.file_meta, "MediaStorageSOPClassUID")
    except InputError:
        raise
    except EOFError:
        code, message = "truncated", "The DICOM file ends within an element."
        raise InputError(code, message) from None
    except Exception:  # noqa: BLE001 - the parser may raise anything on broken bytes, and its words may be private
        known, sop_class = False, ""
    if not known:
        code, message = "corrupt", "The DICOM header cannot be read."
        raise InputError(code, message)
    if sop_class == MEDIA_DIRECTORY:
        code, message = "dicomdir", "This is a DICOM directory and holds no picture."
        raise InputError(code, message)
    if any(sop_class == branch or sop_class.startswith(branch + ".") for branch in NOT_PICTURES):
        code, message = "not-a-picture", "This DICOM object is of a class that holds no picture, such as a report."
        raise InputError(code, message)
    return dataset


def _check_deflated(stream: BinaryIO, limits: Limits) -> bool:
    """Whether a file is deflated (PS3.5 A.5).

    It may unfold to a thousand times its size: it is unfolded here under the limit first.
    """
    data = stream.read(HEAD)
    stream.seek(0)
    if not data.startswith(b"DICM" + META_GROUP_LENGTH, PREAMBLE) or len(data) < META_START + 12:
        return False
    start = META_START + 12 + struct.unpack_from("<I", data, META_START + 8)[0]
    if DeflatedExplicitVRLittleEndian.encode() not in data[META_START : min(start, len(data))]:
        return False
    limits.check_bytes(stream.seek(0, SEEK_END))
    stream.seek(0)
    data = stream.read()
    stream.seek(0)
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        engine.decompress(memoryview(data)[start:], limits.max_file_bytes)
    except zlib.error:
        code, message = "corrupt", "The deflated DICOM file cannot be unfolded."
        raise InputError(code, message) from None
    if engine.unconsumed_tail:
        code, message = (
            "too-large",
            f"The file unfolds to more than the {limits.max_file_bytes} bytes that are allowed.",
        )
        raise InputError(code, message)
    return True


def _name_syntax(dataset: FileDataset) -> None:
    """Set a transfer syntax that the file left out, from the encoding in which its elements were met."""
    if getattr(dataset, "file_meta", None) is None:
        dataset.file_meta = FileMetaDataset()
    if text_of(dataset.file_meta, "TransferSyntaxUID"):
        return
    implicit, little = dataset.original_encoding
    explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    pixels = PixelBytes.of(dataset, Path(os.fsdecode(dataset.filename)) if dataset.filename else None)
    if pixels is not None and pixels.starts_with(ITEM_TAG):
        code = "no-transfer-syntax"
        message = "The pixel data are compressed and the file does not say how (it has no transfer syntax)."
        raise InputError(code, message)
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit


def value_of(dataset: Dataset, keyword: str) -> Any:  # noqa: ANN401 - whatever pydicom holds
    """The value of an element, or None where it is missing, empty or cannot be understood."""
    try:
        value = dataset.get(keyword)
    except Exception:  # noqa: BLE001 - a value is converted when it is first touched, and may be anything
        return None
    return None if value in ("", b"") else value


def text_of(dataset: Dataset, keyword: str) -> str:
    """A value as stripped text, the first of several; empty where there is none."""
    value = value_of(dataset, keyword)
    if value is not None and not isinstance(value, str | bytes) and hasattr(value, "__getitem__"):
        value = value[0] if len(value) else None
    return "" if value is None or isinstance(value, bytes) else str(value).strip(" \0")


def bytes_of(dataset: Dataset, keyword: str) -> bytes:
    """A binary value; empty where there is none."""
    value = value_of(dataset, keyword)
    return value if isinstance(value, bytes) else b""


def numbers_of(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """Finite numbers of a value, in order; empty where one of them is none."""
    value = value_of(dataset, keyword)
    if value is None:
        return ()
    try:
        several = [value] if isinstance(value, str | int | float) else list(value)
        found = tuple(float(item) for item in several)
    except (TypeError, ValueError, OverflowError):
        return ()
    return found if all(abs(item) < float("inf") for item in found) else ()


def whole_of(dataset: Dataset, keyword: str, default: int = 0) -> int:
    """The first number of a value as an integer; ``default`` where there is none."""
    found = numbers_of(dataset, keyword)
    return int(found[0]) if found else default


def says_ultrasound(dataset: Dataset) -> bool | None:
    """Whether class or modality say ultrasound: True, False for another modality, None where they leave it open."""
    sop_class = text_of(dataset, "SOPClassUID")
    modality = text_of(dataset, "Modality").upper()
    if sop_class in ULTRASOUND_CLASSES or modality in ULTRASOUND_MODALITIES:
        return True
    return None if modality in UNDECIDED_MODALITIES else False


def syntax_name(syntax: str) -> str:
    """A name for a message: from the standard's own list, never the header's text."""
    name = NEWER_SYNTAXES.get(syntax) or UID(syntax).name
    return "a private or unknown transfer syntax" if name == syntax else str(name)


NEWER_SYNTAXES: Final = {
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
    "1.2.840.10008.1.2.8.1": "Deflated Image Frame Compression",
}
"""Transfer syntaxes of the standard that pydicom 3.0 does not name yet (PS3.6 table A-1)."""
