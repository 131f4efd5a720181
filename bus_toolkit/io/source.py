"""One input: its bytes read once, decoded once, and its raw header held apart from the pixels."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from bus_toolkit.errors import InputError
from bus_toolkit.io.dicom_facts import acquisition_of
from bus_toolkit.io.dicom_file import parse_dicom
from bus_toolkit.io.dicom_pixels import iter_frames, pixel_header
from bus_toolkit.io.dicom_tone import finish
from bus_toolkit.io.limits import Limits
from bus_toolkit.io.quiet import quiet
from bus_toolkit.io.raster import read_raster
from bus_toolkit.io.reasons import reason_of
from bus_toolkit.io.sniff import HEAD_BYTES, PICTURES, sniff
from bus_toolkit.io.tone import stack
from bus_toolkit.scan import Scan, SourceRef

if TYPE_CHECKING:
    from pathlib import Path

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
        The raw DICOM header WITHOUT its pixel data, for de-identification alone; None for other media. The pixels
        of ``scan`` have gone through palette, lookup tables, window and inversion already: whoever writes them
        back must drop those elements. Private.
    sha256
        Of the bytes of the file, in hex. Private, because it finds the file again among copies.
    """

    media: str
    scan: Scan
    dataset: Dataset | None
    sha256: str

    def __repr__(self) -> str:
        """Shape and kind only."""
        return f"Source({self.media}, frames={self.scan.frames.shape})"


def read(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Source:
    """Read one scan; the kind of file is told by its content.

    Nothing is fetched, nothing is written, and neither warnings nor log records of the decoders get out.

    Raises
    ------
    InputError
        With one code and one sentence, whatever the bytes are: ``"unreadable"``, ``"empty"``, ``"too-large"``,
        ``"truncated"``, ``"corrupt"``, ``"no-pixels"``, ``"no-decoder"``, ``"no-transfer-syntax"``,
        ``"unsupported-pixels"``, ``"mixed-sizes"``, ``"not-a-picture"``, ``"dicomdir"``, or a code of
        :data:`bus_toolkit.io.reasons.REASONS` for another kind of file.
    """
    return read_bytes(_load(path, limits), limits=limits)


def read_scan(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Scan:
    """The scan of :func:`read`, without the header. Raises the same errors."""
    return read(path, limits=limits).scan


def read_bytes(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Source:
    """:func:`read` for bytes that are in memory already. Raises the same errors."""
    limits.check_bytes(len(data))
    media = sniff(data[:HEAD_BYTES])
    digest = hashlib.sha256(data).hexdigest()
    if media == "dicom":
        return _read_dicom(data, digest, limits)
    if media not in PICTURES:
        raise reason_of(media)
    frames = read_raster(data, media, limits)
    frames.flags.writeable = False
    return Source(media=media, scan=Scan(frames=frames, source=SourceRef(media=media)), dataset=None, sha256=digest)


def _read_dicom(data: bytes, digest: str, limits: Limits) -> Source:
    with quiet():
        dataset = parse_dicom(data, limits)
        header = pixel_header(dataset)
        limits.check_pixels(header.rows, header.cols, header.frames)
        frames = finish(stack(iter_frames(dataset, header), header.frames), dataset, header)
        facts = acquisition_of(dataset)
        for keyword in PIXEL_KEYWORDS:
            if keyword in dataset:
                del dataset[keyword]
    frames.flags.writeable = False
    scan = Scan(frames=frames, source=SourceRef(media="dicom"), acquisition=facts)
    return Source(media="dicom", scan=scan, dataset=dataset, sha256=digest)


def _load(path: Path, limits: Limits) -> bytes:
    """All bytes of a regular file; a pipe is never opened, because that could wait for ever."""
    try:
        with open(path, "rb", opener=_open_without_waiting) as stream:
            facts = os.fstat(stream.fileno())
            regular = stat.S_ISREG(facts.st_mode)
            if regular:
                limits.check_bytes(facts.st_size)
                return stream.read()
    except (OSError, ValueError):
        regular = True
    if not regular:
        code, message = "not-a-file", "This is not a regular file."
        raise InputError(code, message)
    code, message = "unreadable", "The file cannot be opened or read."
    raise InputError(code, message)


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
