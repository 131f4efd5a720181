"""Raster output keeps nothing but the picture.

A PNG, JPEG, TIFF or BMP that comes in may carry names in text chunks, EXIF, XMP, colour profile descriptions,
thumbnails and trailing bytes. None of it is copied: what is written is encoded anew from the array of pixels. The
function below proves it on the written bytes.
"""

from __future__ import annotations

import zlib
from typing import Final

from bus_toolkit.errors import OutputError

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
PICTURE_CHUNKS: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_FRAME: Final = 12
"""Bytes of a chunk besides its data: length, type, checksum."""


def check_no_metadata(png_bytes: bytes) -> None:
    """Verify that a PNG holds IHDR, PLTE, IDAT and IEND chunks alone and ends with the last of them.

    Also that the compressed picture is exactly one stream, so that nothing hides behind its end.
    Source: PNG specification, third edition (W3C 2025), section 5.

    Raises
    ------
    OutputError
        When the bytes are no whole PNG, or hold anything else.
    """
    if not png_bytes.startswith(PNG_SIGNATURE):
        msg = "a written picture must be a PNG. Got other bytes"
        raise OutputError(msg)
    position, kinds, picture = len(PNG_SIGNATURE), [b""], b""
    while kinds[-1] != b"IEND":
        length = int.from_bytes(png_bytes[position : position + 4], "big")
        kinds.append(png_bytes[position + 4 : position + 8])
        body = png_bytes[position + 8 : position + 8 + length]
        position += _FRAME + length
        if kinds[-1] not in PICTURE_CHUNKS or position > len(png_bytes):
            msg = "a written PNG must hold picture chunks alone (IHDR, PLTE, IDAT, IEND). Got another, or a cut file"
            raise OutputError(msg)
        if kinds[-1] == b"IDAT":
            picture += body
    if position != len(png_bytes):
        msg = f"a written PNG must end with its IEND chunk. Got {len(png_bytes) - position} bytes behind it"
        raise OutputError(msg)
    _check_stream(picture)


def _check_stream(picture: bytes) -> None:
    stream = zlib.decompressobj()
    try:
        stream.decompress(picture)
    except zlib.error:
        msg = "the picture of a written PNG must be a whole stream. Got a broken one"
        raise OutputError(msg) from None
    if not stream.eof or stream.unused_data:
        msg = "the picture of a written PNG must be exactly one stream. Got a cut one, or bytes behind it"
        raise OutputError(msg)
