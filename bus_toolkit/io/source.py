"""One input: its bytes read once, decoded once, and its raw header held apart from the pixels."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast, final

from pydicom.uid import DeflatedExplicitVRLittleEndian

from bus_toolkit.errors import InputError
from bus_toolkit.io.clip import Clip
from bus_toolkit.io.dicom_facts import acquisition_of
from bus_toolkit.io.dicom_file import parse_dicom
from bus_toolkit.io.dicom_pixels import pixel_header
from bus_toolkit.io.limits import Limits
from bus_toolkit.io.pixel_bytes import PixelBytes
from bus_toolkit.io.quiet import quiet
from bus_toolkit.io.raster import read_raster
from bus_toolkit.io.raster_texts import raster_texts
from bus_toolkit.io.reasons import reason_of
from bus_toolkit.io.sniff import HEAD_BYTES, PICTURES, sniff
from bus_toolkit.scan import Scan, SourceRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

DEFAULT_LIMITS: Final = Limits()
PIXEL_KEYWORDS: Final = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """What one file gave.

    Attributes
    ----------
    media
        ``"dicom"``, ``"png"``, ``"jpeg"``, ``"tiff"`` or ``"bmp"``.
    scan
        The decoded pixels and allow-listed facts; ``scan.source`` names the media only.
    dataset
        The raw DICOM header WITHOUT its pixel data, for de-identification alone; None for other media. Private.
    sha256
        Of the bytes of the file, in hex. Private, because it finds the file again among copies.
    clip
        All frames of a DICOM file, stored and as shown, one at a time; None for other media. Of a long clip ``scan``
        holds a sample (:class:`bus_toolkit.io.clip.Look`), which is all that is needed for looking.
    middle
        Index in ``scan.frames`` of the middle frame.
    texts
        What a file other than DICOM says besides its picture: text chunks, EXIF, XMP, comments. Private.
    """

    media: str
    scan: Scan
    dataset: Dataset | None
    sha256: str
    clip: Clip | None = None
    middle: int = 0
    texts: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        """Shape and kind only."""
        return f"Source({self.media}, frames={self.scan.frames.shape})"


def read(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Source:
    """Read one scan; the kind of file is told by its content.

    Nothing is fetched, nothing is written, and neither warnings nor log records of the decoders get out. Of a DICOM
    file only the header and a few frames are held, so that memory does not grow with the number of frames (a deflated
    file is the exception: it can only be unfolded as a whole).

    Raises
    ------
    InputError
        With one code and one sentence, whatever the bytes are: ``"unreadable"``, ``"empty"``, ``"too-large"``,
        ``"truncated"``, ``"corrupt"``, ``"no-pixels"``, ``"no-decoder"``, ``"no-transfer-syntax"``,
        ``"unsupported-pixels"``, ``"mixed-sizes"``, ``"not-a-picture"``, ``"dicomdir"``, or a code of
        :data:`bus_toolkit.io.reasons.REASONS` for another kind of file.
    """
    with _opened(path) as stream:
        head = stream.read(HEAD_BYTES)
        media = sniff(head)
        size = os.fstat(stream.fileno()).st_size
        (limits.check_stream if media == "dicom" else limits.check_bytes)(size)
        stream.seek(0)
        if media != "dicom":
            return read_bytes(stream.read(), limits=limits)
        digest = hashlib.file_digest(cast("BytesIO", stream), "sha256").hexdigest()
        stream.seek(0)
        return _read_dicom(stream, digest, limits, Path(path))


def read_scan(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Scan:
    """The scan of :func:`read`, without the header. Raises the same errors."""
    return read(path, limits=limits).scan


def read_bytes(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Source:
    """:func:`read` for bytes that are in memory already. Raises the same errors."""
    limits.check_bytes(len(data))
    media = sniff(data[:HEAD_BYTES])
    digest = hashlib.sha256(data).hexdigest()
    if media == "dicom":
        return _read_dicom(BytesIO(data), digest, limits, None)
    if media not in PICTURES:
        raise reason_of(media)
    frames = read_raster(data, media, limits)
    frames.flags.writeable = False
    scan = Scan(frames=frames, source=SourceRef(media=media))
    return Source(
        media=media,
        scan=scan,
        dataset=None,
        sha256=digest,
        middle=len(frames) // 2,
        texts=raster_texts(data, media),
    )


def open_clip(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> tuple[Dataset, Clip]:
    """The header of a DICOM file without its pixel data, and its frames, of which none is decoded yet.

    Raises
    ------
    InputError
        As :func:`read`, as far as the header tells.
    """
    with _opened(path) as stream:
        limits.check_stream(os.fstat(stream.fileno()).st_size)
        return _clip_in(stream, limits, Path(path))


def _clip_in(stream: BinaryIO, limits: Limits, path: Path | None) -> tuple[Dataset, Clip]:
    with quiet():
        dataset = parse_dicom(stream, limits)
        if getattr(dataset, "file_meta", {}).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            path = None
        header = pixel_header(dataset, path)
        limits.check_pixels(header.rows, header.cols, header.frames)
        clip = Clip(dataset, header, PixelBytes.of(dataset, path) or PixelBytes(data=b""))
        for keyword in PIXEL_KEYWORDS:
            if keyword in dataset:
                del dataset[keyword]
    return dataset, clip


def _read_dicom(stream: BinaryIO, digest: str, limits: Limits, path: Path | None) -> Source:
    dataset, clip = _clip_in(stream, limits, path)
    with quiet():
        look = clip.look()
        facts = acquisition_of(dataset)
    frames = look.frames
    frames.flags.writeable = False
    scan = Scan(
        frames=frames,
        source=SourceRef(media="dicom"),
        acquisition=facts,
        extremes=look.extremes,
        outliers=look.outliers,
    )
    return Source(media="dicom", scan=scan, dataset=dataset, sha256=digest, clip=clip, middle=look.middle)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file, open; a pipe is never opened, because that could wait for ever."""
    code, message = "unreadable", "The file cannot be opened or read."
    try:
        stream = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115  closed below
    except (OSError, ValueError):
        raise InputError(code, message) from None
    with stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            code, message = "not-a-file", "This is not a regular file."
            raise InputError(code, message)
        try:
            yield stream
        except OSError:
            raise InputError(code, message) from None


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
