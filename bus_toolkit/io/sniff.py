"""What a file is, told from its first bytes and never from its ending."""

from __future__ import annotations

import re
import struct
from typing import Final

HEAD_BYTES: Final = 1024
"""So much is enough for every rule below; a DICOM file meta group lies within it."""

PICTURES: Final = ("png", "jpeg", "tiff", "bmp")
"""Kinds of still picture that are read."""

_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\x00\x00\x00\x0cjP  ", "jpeg 2000"),
    (b"\xff\x4f\xff\x51", "jpeg 2000"),
    (b"\xff\x0a", "jpeg xl"),
    (b"\x00\x00\x00\x0cJXL ", "jpeg xl"),
    (b"%PDF", "pdf"),
    (b"PK\x03\x04", "archive"),
    (b"PK\x05\x06", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ\x00", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"\x1a\x45\xdf\xa3", "video"),
    (b"\x00\x00\x01\xba", "video"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "document"),
    (b"\x89HDF\r\n\x1a\n", "array file"),
    (b"\x93NUMPY", "array file"),
    (b"MATLAB 5.0", "array file"),
)
_RIFF: Final = {b"WEBP": "webp", b"AVI ": "video", b"WAVE": "sound"}
_DICOM_PREAMBLE: Final = 128
_MEDIA_DIRECTORY: Final = re.compile(rb"1\.2\.840\.10008\.1\.3\.10(?![0-9.])")
_OFFICE: Final = (b"[Content_Types].xml", b"mimetypeapplication/vnd.", b"_rels/.rels")
_BMP_HEADERS: Final = (12, 16, 40, 52, 56, 64, 108, 124)
_EXPLICIT_VRS: Final = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)
_FIRST_GROUPS: Final = frozenset({0x0002, 0x0008})
_LONGEST_FIRST_VALUE: Final = 4096
_TAR_MAGIC: Final = slice(257, 262)
_TEXT_CONTROLS: Final = frozenset(b"\t\n\r\f\x1b")
_SPACE: Final = 0x20
_MEDIA_BOX: Final = slice(4, 8)
_STILL_BRANDS: Final = frozenset({b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1", b"hevc"})


def sniff(head: bytes) -> str:
    """Name the kind of a file from its first bytes.

    Parameters
    ----------
    head
        The first :data:`HEAD_BYTES` bytes, or all of a shorter file.

    Returns
    -------
    str
        ``"dicom"``, ``"png"``, ``"jpeg"``, ``"tiff"`` or ``"bmp"`` for what can be read; ``"dicomdir"``,
        ``"pdf"``, ``"archive"``, ``"video"``, ``"gif"`` and others for what cannot; ``"text"``; or
        ``"unknown"``.
    """
    if head[_DICOM_PREAMBLE : _DICOM_PREAMBLE + 4] == b"DICM":
        return "dicomdir" if _MEDIA_DIRECTORY.search(head) else "dicom"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return "document" if kind == "archive" and any(mark in head for mark in _OFFICE) else kind
    return _structured(head)


def _structured(head: bytes) -> str:
    """Kinds that take more than a fixed beginning to tell."""
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "unknown")
    if head[_MEDIA_BOX] == b"ftyp":
        return "heif" if head[8:12] in _STILL_BRANDS else "video"
    if head[:2] == b"BM" and len(head) > 18 and struct.unpack_from("<I", head, 14)[0] in _BMP_HEADERS:  # noqa: PLR2004 - the place of the header's size
        return "bmp"
    if head[_TAR_MAGIC] == b"ustar":
        return "archive"
    if looks_like_bare_dicom(head):
        return "dicomdir" if _MEDIA_DIRECTORY.search(head) else "dicom"
    return "text" if _is_text(head) else "unknown"


def looks_like_bare_dicom(head: bytes) -> bool:
    """Whether a file begins at once with a plausible DICOM element (no preamble, perhaps no file meta group).

    The first element must be of group 0002 or 0008, in either byte order, with a known explicit VR or an
    implicit length that such an element can have.
    """
    if len(head) < 8:  # noqa: PLR2004 - a tag and a length
        return False
    for order in "<>":
        group, element = struct.unpack_from(f"{order}HH", head)
        if group not in _FIRST_GROUPS or element > 0x2000:  # noqa: PLR2004 - both groups end below
            continue
        if head[4:6] in _EXPLICIT_VRS:
            return True
        length = struct.unpack_from(f"{order}I", head, 4)[0]
        if length <= _LONGEST_FIRST_VALUE and length % 2 == 0 and order == "<":
            return True
    return False


def _is_text(head: bytes) -> bool:
    """UTF-8 (perhaps cut within a character) or UTF-16 with its mark, and no control characters."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if any(byte < _SPACE and byte not in _TEXT_CONTROLS for byte in head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and error.reason == "unexpected end of data"
    return True
