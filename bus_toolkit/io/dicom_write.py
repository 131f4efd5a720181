"""Write a de-identified header with the frames of its clip, edited or not, one frame at a time.

A picture that needs no change keeps its stored values (:mod:`bus_toolkit.io.dicom_unchanged`). Otherwise the edits are
made in the stored values: outside the edited pixels they are those of the decoded original, bit for bit, with its
depth, palette and window; YBR becomes RGB. Uncompressed input stays so, compressed input is compressed without loss.
That the picture was once compressed with loss stays on record (PS3.3 C.7.6.1.1.5).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final, final

import numpy as np
from pydicom.dataset import FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.pixels.utils import pack_bits
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from bus_toolkit._version import __version__
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.io.dicom_encode import encode_frame, syntax_for
from bus_toolkit.io.dicom_unchanged import (
    describe_unchanged,
    put_encapsulated,
    put_native,
    put_unchanged,
    without_unused_bits,
)
from bus_toolkit.io.quiet import quiet
from bus_toolkit.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt
    from pydicom.dataset import Dataset

    from bus_toolkit.io.clip import Clip, Frame
    from bus_toolkit.io.tone import Samples

IMPLEMENTATION_CLASS_UID: Final = UID("2.25.190786357106571924113702419146017276561")
"""Names this writer; made once from a random UUID."""
IMPLEMENTATION_VERSION: Final = f"BUSTK {__version__}"[:16]

VALUE_RANGES: Final = (
    "SmallestImagePixelValue",
    "LargestImagePixelValue",
    "SmallestPixelValueInSeries",
    "LargestPixelValueInSeries",
)
"""Wrong once pixels were edited."""
DERIVATION: Final = "Text and graphics removed"

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
COLOUR_NDIM: Final = 3
LARGEST: Final = 0xFFFFFFFE
"""Bytes that a length of 32 bits can tell (PS3.5 7.1.2)."""
LITTLE: Final = frozenset({ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian})
PREAMBLE: Final = bytes(128)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written: digest of the file in hex, whether pixels were edited, transfer syntax, and frames."""

    sha256: str
    changed: bool
    syntax: str
    frames: int


def write_dicom(
    path: Path,
    *,
    header: Dataset,
    clip: Clip,
    edit: Callable[[Scan], Scan] | None = None,
    syntax: str | None = None,
) -> Written:
    """Write a DICOM file, frame by frame; memory does not grow with the number of frames.

    The file is written in place: give a temporary path (:func:`bus_toolkit.atomic.atomic_path`).

    Parameters
    ----------
    path
        Where it goes; its folder must exist.
    header
        The de-identified data set, without pixel data. It is changed: it gets what describes the pixels and a new file
        meta group.
    clip
        The frames of the original.
    edit
        Maps a scan of one shown frame to the same scan cleaned, of the same size; pure. None, or an edit that changes
        no pixel of any frame, keeps the pixel data as they are, less what is not picture.
    syntax
        How edited pixels are stored, a name of :data:`bus_toolkit.io.dicom_encode.SYNTAXES`; None: uncompressed when
        the input is, else JPEG Lossless.

    Raises
    ------
    ConfigError
        When the header has another size than the clip, an edit changes the size, or there is no such syntax.
    InputError
        When the frames are broken (``"corrupt"``, ``"truncated"``) or too large for one file (``"too-large"``).
    OSError
        When the file cannot be written.
    """
    with quiet(), path.open("wb") as stream:
        _check_geometry(clip, header)
        _keep_loss_on_record(header, clip)
        sink = _Sink(stream)
        changed = edit is not None and any(_is_changed(frame, edit) for frame in clip.frames())
        if edit is not None and changed:
            used = _write_edited(sink, header, clip, edit, syntax)
        else:
            used = _write_unchanged(sink, header, clip)
        return Written(sha256=sink.digest.hexdigest(), changed=changed, syntax=str(used), frames=clip.length)


class _Sink:
    """A file that is digested while it is written."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.digest, self.written = stream, hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self.stream.write(data)
        self.digest.update(data)
        self.written += len(data)


def _edited(frame: Frame, edit: Callable[[Scan], Scan]) -> npt.NDArray[np.uint8]:
    after: npt.NDArray[np.uint8] = edit(Scan.from_array(frame.shown)).frames[0]
    if after.shape != frame.shown.shape:
        msg = f"an edit must keep the size of a frame. Got {after.shape} for {frame.shown.shape}"
        raise ConfigError(msg)
    return after


def _is_changed(frame: Frame, edit: Callable[[Scan], Scan]) -> bool:
    return not np.array_equal(_edited(frame, edit), frame.shown)


def _write_edited(sink: _Sink, header: Dataset, clip: Clip, edit: Callable[[Scan], Scan], name: str | None) -> UID:
    syntax = syntax_for(name, clip.header, compressed=clip.header.syntax not in {*LITTLE, ExplicitVRBigEndian})
    _describe_pixels(header, clip)
    _put_header(sink, header, syntax)
    values = (clip.stored_for(_edited(frame, edit), frame) for frame in clip.frames())
    if syntax != ExplicitVRLittleEndian:
        used = (np.frombuffer(_bytes_of(value, header), value.dtype).reshape(value.shape) for value in values)
        put_encapsulated(sink.write, (encode_frame(value, clip.header, syntax) for value in used), clip.length)
    elif clip.header.allocated == 1:
        put_native(sink.write, [pack_bits(np.stack(list(values)), pad=False)], header)
    else:
        put_native(sink.write, (_bytes_of(value, header) for value in values), header)
    return syntax


def _bytes_of(values: Samples, header: Dataset) -> bytes:
    data = np.ascontiguousarray(values)
    return without_unused_bits(header, data.astype(data.dtype.newbyteorder("<")).tobytes())


def _write_unchanged(sink: _Sink, header: Dataset, clip: Clip) -> UID:
    try:
        syntax = describe_unchanged(header, clip)
        _put_header(sink, header, syntax)
        put_unchanged(sink.write, header, clip, syntax)
    except (InputError, OSError):
        raise
    except Exception:  # noqa: BLE001 - broken data raise anything, and the words may be private
        code, message = "corrupt", "The pixel data cannot be kept as they are."
        raise InputError(code, message) from None
    return syntax


def _check_geometry(clip: Clip, dataset: Dataset) -> None:
    size, told = (clip.header.rows, clip.header.cols), (dataset.get("Rows"), dataset.get("Columns"))
    if size != told or PIXEL_DATA in dataset or any(tag > PIXEL_DATA for tag in dataset.keys()):  # noqa: SIM118
        msg = f"a header must have the rows and columns of its clip and no pixel data. Got {told} for {size}"
        raise ConfigError(msg)


def _keep_loss_on_record(dataset: Dataset, clip: Clip) -> None:
    """Fill in LossyImageCompression and what it asks for where the input left it to the transfer syntax."""
    method = LOSSY_METHODS.get(clip.header.syntax)
    if method is None or dataset.get("LossyImageCompression") == "00":
        return
    dataset.LossyImageCompression = "01"
    if not dataset.get("LossyImageCompressionMethod"):
        dataset.LossyImageCompressionMethod = method
    if not dataset.get("LossyImageCompressionRatio"):
        stored = sum(len(frame) for frame in clip.encoded())
        described = clip.header
        whole = described.rows * described.cols * described.samples * clip.length * described.allocated // 8
        dataset.LossyImageCompressionRatio = f"{max(1.0, whole / max(1, stored)):.3f}"


def _describe_pixels(dataset: Dataset, clip: Clip) -> None:
    """Make the Image Pixel module say what is stored now."""
    for keyword in VALUE_RANGES:
        if keyword in dataset:
            delattr(dataset, keyword)
    if clip.header.samples > 1:
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    elif "PlanarConfiguration" in dataset:
        del dataset.PlanarConfiguration
    dataset.BitsAllocated, dataset.BitsStored = clip.header.allocated, clip.header.stored
    dataset.HighBit = int(dataset.get("HighBit") or clip.header.stored - 1)
    dataset.PixelRepresentation = int(clip.header.signed)
    if "NumberOfFrames" in dataset or clip.length > 1:
        dataset.NumberOfFrames = clip.length
    # The pixels are no longer those of the device (PS3.3 C.7.6.1.1.2).
    dataset.ImageType = ["DERIVED", *list(dataset.get("ImageType") or ["", "PRIMARY"])[1:]]
    dataset.DerivationDescription = DERIVATION


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


def _put_header(sink: _Sink, dataset: Dataset, syntax: UID) -> None:
    """Preamble, file meta and all attributes, which end where the pixel data begin."""
    dataset.file_meta = _file_meta(dataset, syntax)
    dataset.preamble = PREAMBLE
    stream = BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    sink.write(stream.getvalue())
