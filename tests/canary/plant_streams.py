"""Compressed frames with tokens in everything that is not picture, and whole DICOM images made of them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from bus_toolkit.synth import make_clip
from tests.canary.plant_headers import US_IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.canary.plant_tokens import Tokens

US_CLIP: Final = UID("1.2.840.10008.5.1.4.1.1.3.1")
ROWS, COLS = 64, 80


def frames(count: int = 1, *, rows: int = ROWS, cols: int = COLS, seed: int = 5) -> np.ndarray:
    """Clean ultrasound, uint8 ``(count, rows, cols)``."""
    clip = make_clip(np.random.default_rng(seed), frames=max(count, 2), rows=rows, cols=cols, fan="full")
    return np.ascontiguousarray(clip.frames[:count])


def segment(marker: int, body: bytes) -> bytes:
    """One JPEG or JPEG 2000 marker segment."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def dirty_jpeg(stream: bytes, tokens: Tokens) -> bytes:
    """A JPEG or JPEG-LS stream with tokens in every application and comment segment and behind its end."""
    extra = b"".join(
        segment(marker, head + tokens.text(f"JPEG {marker:02X} {head[:4]!r}").encode())
        for marker, head in (
            *((marker, b"") for marker in range(0xE1, 0xEE)),
            (0xE0, b"JFXX\x00\x10"),
            (0xE1, b"Exif\0\0MM\0*"),
            (0xED, b"Photoshop 3.0\0"),
            (0xEF, b""),
            (0xFE, b""),
            (0xFE, b"second "),
        )
    )
    return stream[:2] + extra + stream[2:] + tokens.text("behind EOI").encode()


def jpeg(frame: np.ndarray, tokens: Tokens) -> bytes:
    stream = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    # A comment between the tables and the scan, too; the tail of the JFIF segment holds a thumbnail.
    scan = stream.index(b"\xff\xda")
    stream = stream[:scan] + segment(0xFE, tokens.text("before SOS").encode()) + stream[scan:]
    token = tokens.text("JFIF thumbnail").encode().ljust(12, b"\0")
    jfif = b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x02\x02" + token
    length = struct.unpack_from(">H", stream, 4)[0]
    return dirty_jpeg(stream[:2] + segment(0xE0, jfif) + stream[4 + length :], tokens)


def jpeg_ls(frame: np.ndarray, tokens: Tokens) -> bytes:
    from jpeg_ls import encode_array

    return dirty_jpeg(bytes(encode_array(frame)), tokens)


def jpeg_2000(frame: np.ndarray, tokens: Tokens) -> bytes:
    """A codestream with comments in the main and the tile header, and bytes behind its end, inside JP2 boxes."""
    from openjpeg.utils import encode_array

    stream = bytes(encode_array(frame, photometric_interpretation=2, use_mct=False))
    start = stream.index(b"\xff\x90")
    comment = segment(0x64, b"\0\1" + tokens.text("J2K comment").encode())
    tile = segment(0x64, b"\0\0" + tokens.text("J2K tile comment").encode())
    length = struct.unpack_from(">I", stream, start + 6)[0]
    head = (
        stream[: start + 6] + struct.pack(">I", length + len(tile) if length else 0) + stream[start + 10 : start + 12]
    )
    whole = head[:start] + comment + head[start:] + tile + stream[start + 12 :]
    behind = tokens.text("behind EOC").encode()
    return boxes(whole + behind, frame.shape, tokens)


def boxes(stream: bytes, shape: tuple[int, ...], tokens: Tokens) -> bytes:
    """A JP2 file around a codestream, with text in XML, UUID and unknown boxes (ISO/IEC 15444-1 Annex I)."""

    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body) + 8) + kind + body

    header = box(b"ihdr", struct.pack(">IIHBBBB", shape[0], shape[1], 1, 7, 7, 0, 0))
    header += box(b"colr", b"\x01\0\0" + struct.pack(">I", 17))
    return (
        box(b"jP  ", b"\r\n\x87\n")
        + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
        + box(b"jp2h", header)
        + box(b"xml ", tokens.text("JP2 xml").encode())
        + box(b"uuid", bytes(16) + tokens.text("JP2 uuid").encode())
        + box(b"jp2c", stream)
        + box(b"note", tokens.text("JP2 box").encode())
    )


def rle(frame: np.ndarray, tokens: Tokens) -> bytes:
    """Run-length data (PS3.5 Annex G) with a run behind the last row that no decoder needs."""
    # A literal run has 128 bytes at most.
    runs = b"".join(bytes((len(row) - 1,)) + row.tobytes() for row in frame.reshape(-1, 80))
    token = tokens.text("RLE, behind the rows").encode()
    body = runs + bytes((len(token) - 1,)) + token
    return struct.pack("<LL", 1, 64) + bytes(56) + body + b"\0" * (len(body) % 2)


def encapsulated(parts: Sequence[bytes], *, offsets: bool = False) -> bytes:
    """Fragments, one a frame, padded with something that is not zero, with or without an offset table."""

    def item(body: bytes) -> bytes:
        return b"\xfe\xff\x00\xe0" + struct.pack("<L", len(body)) + body

    table = b""
    if offsets:
        places, at = [], 0
        for part in parts:
            places.append(at)
            at += 8 + len(part) + len(part) % 2
        table = struct.pack(f"<{len(places)}L", *places)
    padded = [part + b"Q" * (len(part) % 2) for part in parts]
    return item(table) + b"".join(map(item, padded)) + b"\xfe\xff\xdd\xe0\0\0\0\0"


ENCODERS: Final[dict[str, tuple[Callable[[np.ndarray, Tokens], bytes], UID]]] = {
    "jpeg": (jpeg, JPEGBaseline8Bit),
    "jpeg-ls": (jpeg_ls, JPEGLSLossless),
    "jpeg-2000": (jpeg_2000, JPEG2000Lossless),
    "rle": (rle, RLELossless),
}


def image(pixels: np.ndarray, kind: str, tokens: Tokens) -> Dataset:
    """An ultrasound object of grey frames, uint8 ``(frames, rows, cols)``, its pixel data full of tokens."""
    dataset = Dataset()
    dataset.SOPClassUID = US_CLIP if len(pixels) > 1 else US_IMAGE
    dataset.SOPInstanceUID = tokens.value("UI", "instance")
    dataset.StudyInstanceUID = tokens.value("UI", "study")
    dataset.SeriesInstanceUID = tokens.value("UI", "series")
    dataset.Modality = "US"
    dataset.PatientName, dataset.PatientID = tokens.value("PN", "name"), tokens.value("LO", "id")
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = *pixels.shape[1:], 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    if len(pixels) > 1:
        dataset.NumberOfFrames = len(pixels)
        dataset.FrameTime, dataset.FrameIncrementPointer = "40", 0x00181063
    dataset.file_meta = FileMetaDataset()
    if kind == "native":
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        tail = tokens.text("behind the last frame").encode()
        dataset.add(DataElement(Tag(0x7FE00010), "OB", pixels.tobytes() + tail))
        return dataset
    encode, syntax = ENCODERS[kind]
    dataset.file_meta.TransferSyntaxUID = syntax
    parts = [encode(frame, tokens) for frame in pixels]
    element = DataElement(Tag(0x7FE00010), "OB", encapsulated(parts, offsets=len(parts) > 1))
    element.is_undefined_length = True
    dataset.add(element)
    if kind == "jpeg":
        dataset.LossyImageCompression = "01"
    return dataset
