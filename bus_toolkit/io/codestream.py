"""Size and colour facts at the head of a JPEG, JPEG-LS or JPEG 2000 codestream, read without decoding it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, final

SOI: Final = b"\xff\xd8"
J2K_START: Final = b"\xff\x4f\xff\x51"
JP2_SIGNATURE: Final = b"\x00\x00\x00\x0cjP  "
SOF_JPEG_LS: Final = 0xF7
SOF_RANGE: Final = range(0xC0, 0xD0)
NOT_SOF: Final = frozenset({0xC4, 0xC8, 0xCC})
LOSSLESS_SOF: Final = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
SCAN, END = 0xDA, 0xD9
APP0, APP14 = 0xE0, 0xEE
ADOBE_LENGTH: Final = 14
"""A shorter APP14 segment holds no transform; libjpeg passes over it as well."""
RGB_IDS: Final = ((82, 71, 66), (114, 103, 98))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Codestream:
    """Facts of one frame. ``adobe`` is the transform of the APP14 marker, None without one."""

    rows: int
    cols: int
    precision: int
    components: tuple[int, ...]
    jfif: bool = False
    adobe: int | None = None
    lossless: bool = False

    @property
    def guessed_ycc(self) -> bool:
        """What libjpeg takes three components to be when it is not told (its ``default_decompress_parms``)."""
        if self.jfif:
            return True
        if self.adobe is not None:
            return self.adobe != 0
        return self.components not in RGB_IDS and not self.lossless

    def is_ycc(self, *, header_says: bool) -> bool:
        """Whether three components are YCbCr: the codestream's own word first, the DICOM header's last."""
        if self.components in RGB_IDS:
            return False
        if self.adobe is not None:
            return self.adobe != 0
        return True if self.jfif else header_says


def parse_codestream(frame: bytes) -> Codestream | None:
    """Facts of a frame, or None where it is of another kind or broken before its size."""
    try:
        if frame.startswith(SOI):
            return _parse_jpeg(frame)
        if frame.startswith((J2K_START, JP2_SIGNATURE)):
            return _parse_j2k(frame)
    except (struct.error, IndexError):
        return None
    return None


def _parse_jpeg(frame: bytes) -> Codestream | None:
    """ISO/IEC 10918-1 Annex B; JPEG-LS (ISO/IEC 14495-1) has the same frame header under another marker."""
    place, jfif, adobe = 2, False, None
    while True:
        if frame[place] != 0xFF:  # noqa: PLR2004 - every marker begins so
            return None
        marker = frame[place + 1]
        if marker == 0xFF or marker in STANDALONE:  # noqa: PLR2004 - a fill byte
            place += 1 if marker == 0xFF else 2  # noqa: PLR2004 - a fill byte
            continue
        if marker in (SCAN, END):
            return None
        (length,) = struct.unpack_from(">H", frame, place + 2)
        body = place + 4
        if marker == SOF_JPEG_LS or (marker in SOF_RANGE and marker not in NOT_SOF):
            precision, rows, cols, count = struct.unpack_from(">BHHB", frame, body)
            ids = tuple(frame[body + 6 + 3 * index] for index in range(count))
            return Codestream(
                rows=rows,
                cols=cols,
                precision=precision,
                components=ids,
                jfif=jfif,
                adobe=adobe,
                lossless=marker in LOSSLESS_SOF,
            )
        if marker == APP0 and frame.startswith(b"JFIF\x00", body):
            jfif = True
        if marker == APP14 and length >= ADOBE_LENGTH and frame.startswith(b"Adobe", body):
            adobe = frame[body + 11]
        place += 2 + length


def _parse_j2k(frame: bytes) -> Codestream | None:
    """The SIZ marker, ISO/IEC 15444-1 A.5.1."""
    start = frame.find(J2K_START)
    if start < 0:
        return None
    cols, rows, left, top = struct.unpack_from(">IIII", frame, start + 8)
    (count,) = struct.unpack_from(">H", frame, start + 40)
    precision = (frame[start + 42] & 0x7F) + 1
    return Codestream(rows=rows - top, cols=cols - left, precision=precision, components=tuple(range(min(count, 5))))
