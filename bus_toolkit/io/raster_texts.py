"""What a picture file says besides its picture, as search terms for the verification of what is written.

Nothing here reaches an output; the texts are looked for in it. Text chunks, EXIF, XMP and comments are read by Pillow;
whatever stands in other chunks, in segments or behind the end is found as runs of printable characters.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from PIL import ExifTags, Image, ImageCms

from bus_toolkit.io.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_TEXT: Final = 1 << 16
"""Characters that are gathered of one file at most."""
FORMATS: Final = ("PNG", "JPEG", "TIFF", "BMP")
PNG_HEAD: Final = 8
PICTURE_CHUNKS: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
PIECE: Final = 200
_ASCII: Final = re.compile(rb"[\x20-\x7e]{6,}")
_WIDE: Final = re.compile(rb"(?:[\x20-\x7e]\x00){4,}")
_MARKUP: Final = re.compile(r"<[^>]*>|[{}\[\]\"]")


def raster_texts(data: bytes, media: str) -> tuple[str, ...]:
    """Texts in a PNG, JPEG, TIFF or BMP file; private. Never raises: what cannot be read says nothing."""
    found: dict[str, None] = {}
    room = MOST_TEXT
    for text in (*_from_pillow(data), *_from_bytes(data, media)):
        plain = " ".join(_MARKUP.sub(" ", text).split())
        for start in range(0, len(plain), PIECE):
            piece = plain[start : start + PIECE]
            if room > 0 and len(piece) > 1:
                found.setdefault(piece)
                room -= len(piece)
    return tuple(found)


def _from_pillow(data: bytes) -> list[str]:
    texts: list[str] = []
    try:
        with quiet(), Image.open(BytesIO(data), formats=FORMATS) as image:
            for value in image.info.values():
                texts += _strings(value)
            exif = image.getexif()
            for value in exif.values():
                texts += _strings(value)
            for group in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.IFD1):
                for value in exif.get_ifd(group).values():
                    texts += _strings(value)
            if image.info.get("icc_profile"):
                profile = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
                texts.append(ImageCms.getProfileDescription(profile))
    except Exception:  # noqa: BLE001 - a broken tag raises anything, and the picture is read elsewhere
        return texts
    return texts


def _strings(value: Any) -> list[str]:  # noqa: ANN401 - whatever a tag holds
    if isinstance(value, str):
        return [value]
    if isinstance(value, bytes):
        return list(_runs(value))
    if isinstance(value, (tuple, list)):
        return [text for item in value for text in _strings(item)]
    return []


def _runs(data: bytes) -> Iterator[str]:
    """Printable runs: ASCII, and UTF-16 of either byte order."""
    for match in _ASCII.finditer(data):
        yield match[0].decode("ascii")
    for match in _WIDE.finditer(data):
        yield match[0].decode("utf-16-le")


def _from_bytes(data: bytes, media: str) -> Iterator[str]:
    """Runs outside the picture data, where the format tells where those are."""
    if media == "png":
        position = PNG_HEAD
        while position + 12 <= len(data):
            length = int.from_bytes(data[position : position + 4], "big")
            kind = data[position + 4 : position + 8]
            if kind not in PICTURE_CHUNKS:
                yield from _runs(data[position + 8 : position + 8 + length])
            position += length + 12
            if kind == b"IEND":
                break
        yield from _runs(data[position:])
    elif media == "jpeg":
        scan = data.find(b"\xff\xda")
        yield from _runs(data[: max(scan, 0)])
        yield from _runs(data[data.rfind(b"\xff\xd9") + 2 :])
