"""PNG, JPEG, TIFF and BMP bytes to uint8 frames."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final, cast, final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from bus_toolkit.errors import InputError
from bus_toolkit.io.quiet import quiet
from bus_toolkit.io.tone import ALPHA_CHANNELS, COLOUR_NDIM, Samples, is_grey, over_black, stack, to_uint8

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bus_toolkit.io.limits import Limits

FORMATS: Final = {"png": "PNG", "jpeg": "JPEG", "tiff": "TIFF", "bmp": "BMP"}
"""Pillow may try the one format that the first bytes name, and no other of its many parsers."""
PNG_SIGNATURE: Final = 8
PNG_GREY, PNG_RGB, PNG_PALETTE = 0, 2, 3
DEEP: Final = 16
TIFF_PHOTOMETRIC: Final = 262
TIFF_SUBFILE: Final = 254
REDUCED_OR_MASK: Final = 1 | 4
"""Bits of NewSubfileType (TIFF 6.0): a thumbnail, a transparency mask."""
TO_RGB: Final = frozenset({"CMYK", "YCbCr", "LAB", "HSV"})
TO_RGBA: Final = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PngHeader:
    """What the chunks of a PNG say (PNG specification, third edition, ISO/IEC 15948)."""

    rows: int
    cols: int
    depth: int
    colour: int
    chunks: frozenset[bytes]


def read_raster(data: bytes, media: str, limits: Limits) -> npt.NDArray[np.uint8]:
    """Decode one file.

    Transparent pixels are laid over black; JPEG, PNG and TIFF orientation is applied; an embedded colour profile
    or gamma is not. Samples of more than 8 bits are scaled by :func:`bus_toolkit.io.tone.to_uint8`. Pages of one
    size in a TIFF become frames (thumbnails and masks among them are left out); of an animated PNG only the
    default picture is read.

    Parameters
    ----------
    data
        All bytes of the file.
    media
        ``"png"``, ``"jpeg"``, ``"tiff"`` or ``"bmp"``.
    limits
        Checked before anything is decoded.

    Returns
    -------
    numpy.ndarray
        uint8, ``(frames, rows, cols)`` when all channels are equal everywhere, else ``(frames, rows, cols, 3)``.

    Raises
    ------
    InputError
        ``"too-large"``, ``"no-pixels"``, ``"truncated"``, ``"corrupt"`` or ``"mixed-sizes"``.
    """
    if media == "png":
        header = png_header(data)
        limits.check_pixels(header.rows, header.cols)
        if _is_plain(header):
            return _with_opencv(data, header)
    with quiet():
        return _with_pillow(data, media, limits)


def png_header(data: bytes) -> PngHeader:
    """Walk the chunks of a PNG and check the checksums of the critical ones.

    The decoders below forgive a file that was cut; a cut scan must not pass for a whole one.

    Raises
    ------
    InputError
        ``"truncated"`` or ``"corrupt"``.
    """
    place, chunks = PNG_SIGNATURE, []
    while b"IEND" not in chunks:
        if place + 12 > len(data):
            code, message = "truncated", "The PNG file ends before its end mark."
            raise InputError(code, message)
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        if end > len(data):
            code, message = "truncated", "The PNG file ends within a chunk."
            raise InputError(code, message)
        critical = not kind[0] & 0x20
        if critical and zlib.crc32(memoryview(data)[place + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            code, message = "corrupt", "A checksum within the PNG file is wrong."
            raise InputError(code, message)
        chunks.append(kind)
        place = end
    first = struct.unpack_from(">I4s", data, PNG_SIGNATURE)
    if first != (13, b"IHDR") or b"IDAT" not in chunks:
        code, message = "corrupt", "The PNG file has no header or no picture data."
        raise InputError(code, message)
    cols, rows, depth, colour = struct.unpack_from(">IIBB", data, PNG_SIGNATURE + 8)
    return PngHeader(rows=rows, cols=cols, depth=depth, colour=colour, chunks=frozenset(chunks))


def _is_plain(header: PngHeader) -> bool:
    """Whether OpenCV reads it fully: it is faster than Pillow, but knows neither palettes with alpha nor EXIF.

    Pillow in turn keeps only the high byte of coloured 16 bit samples.
    """
    if b"eXIf" in header.chunks:
        return False
    if header.depth == DEEP:
        return True
    return header.colour in (PNG_GREY, PNG_RGB) and b"tRNS" not in header.chunks


def _with_opencv(data: bytes, header: PngHeader) -> npt.NDArray[np.uint8]:
    try:
        decoded = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        decoded = None
    if decoded is None or decoded.shape[:2] != (header.rows, header.cols):
        code, message = "corrupt", "The PNG file cannot be decoded."
        raise InputError(code, message)
    picture = cast("Samples", decoded)
    if picture.ndim == COLOUR_NDIM:
        to_rgb = cv2.COLOR_BGRA2RGBA if picture.shape[2] == ALPHA_CHANNELS else cv2.COLOR_BGR2RGB
        picture = cv2.cvtColor(picture, to_rgb)
    return _finish([_plain(picture)])


def _with_pillow(data: bytes, media: str, limits: Limits) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(BytesIO(data), formats=(FORMATS[media],)) as image:
            limits.check_pixels(image.height, image.width)
            pages = _pages(image, limits) if media == "tiff" else []
            return _finish([_plain(picture) for picture in _pictures(image, pages)])
    except InputError:
        raise
    except (Image.DecompressionBombError, MemoryError):
        code, message = "too-large", "The picture has more pixels than are allowed."
    except Exception as error:  # noqa: BLE001 - a decoder may raise anything on a broken file, and its words may be private
        cut = isinstance(error, EOFError) or "truncated" in str(error).lower()
        code = "truncated" if cut else "corrupt"
        message = f"The {FORMATS[media]} file " + ("ends too early." if cut else "cannot be decoded.")
    raise InputError(code, message)


def _pages(image: Image.Image, limits: Limits) -> list[int]:
    """Numbers of the pages that are no thumbnails or masks; checks the limits on headers alone."""
    found: list[int] = []
    total = 0
    for index in range(getattr(image, "n_frames", 1)):
        image.seek(index)
        total += image.width * image.height
        limits.check_pixels(image.height, image.width)
        limits.check_pixels(1, 1, total)
        tags = getattr(image, "tag_v2", {})
        if not int(tags.get(TIFF_SUBFILE, 0)) & REDUCED_OR_MASK:
            found.append(index)
    return found or [0]


def _pictures(image: Image.Image, pages: list[int]) -> Iterator[Samples]:
    """The picked pages; the picture that is open already when none are."""
    for index in pages or [-1]:
        if index >= 0:
            image.seek(index)
        inverted = image.mode.startswith("I;16") and _is_white_zero(image)
        samples = _samples(ImageOps.exif_transpose(image))
        yield np.iinfo(samples.dtype).max - samples if inverted else samples


def _is_white_zero(image: Image.Image) -> bool:
    return int(getattr(image, "tag_v2", {}).get(TIFF_PHOTOMETRIC, 1)) == 0


def _samples(image: Image.Image) -> Samples:
    """Pixels of one page: grey, RGB or RGBA, in the depth that Pillow gives."""
    if image.mode in TO_RGBA or "transparency" in image.info:
        return np.asarray(image.convert("RGBA"))
    if image.mode in TO_RGB or image.mode == "P":
        return np.asarray(image.convert("RGB"))
    return np.asarray(image)


def _plain(picture: Samples) -> Samples:
    """Without alpha, and without channels that say nothing."""
    if picture.ndim == COLOUR_NDIM and picture.shape[2] == ALPHA_CHANNELS:
        picture = over_black(picture)
    if picture.ndim == COLOUR_NDIM and is_grey(picture):
        picture = picture[..., 0]
    return picture


def _finish(pictures: list[Samples]) -> npt.NDArray[np.uint8]:
    if len({picture.dtype for picture in pictures}) > 1:
        code, message = "mixed-sizes", "The pages of the file differ in depth."
        raise InputError(code, message)
    return np.ascontiguousarray(to_uint8(stack(pictures, len(pictures))))
