"""DICOM pixel data to frames of stored values, in RGB where they are colour; the picture's tone comes after."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, cast, final

import cv2
import gdcm  # type: ignore[import-untyped]
import numpy as np
from PIL import Image
from pydicom import uid
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.tag import Tag

from bus_toolkit.errors import InputError
from bus_toolkit.io.codestream import Codestream, parse_codestream
from bus_toolkit.io.dicom_file import numbers_of, syntax_name, text_of, whole_of
from bus_toolkit.io.pixel_bytes import PIXEL_DATA, PixelBytes
from bus_toolkit.io.tone import COLOUR_NDIM, Samples

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLUGINS: Final[dict[str, str]] = {
    uid.JPEGBaseline8Bit: "gdcm",
    uid.JPEGExtended12Bit: "gdcm",
    uid.JPEGLossless: "gdcm",
    uid.JPEGLosslessSV1: "gdcm",
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.JPEG2000: "pylibjpeg",
    uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg",
    uid.HTJ2K: "pylibjpeg",
    uid.RLELossless: "pylibjpeg",
}
"""Which decoder reads which compressed transfer syntax. One each: a second one that guesses hides a broken file."""
NATIVE: Final = frozenset(
    {
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRLittleEndian,
        uid.DeflatedExplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
    }
)
EXTENDED: Final = frozenset({uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit})
JPEG_8BIT: Final = frozenset({*EXTENDED, uid.JPEGLossless, uid.JPEGLosslessSV1})
"""At up to 8 bits these go to libjpeg-turbo, which also knows the lossless processes. GDCM ends the whole process on
some broken streams, so it only gets what nothing else reads: more than 8 bits."""
GREYS: Final = ("MONOCHROME1", "MONOCHROME2")
YBR: Final = ("YBR_FULL", "YBR_FULL_422")
PHOTOMETRICS: Final = (*GREYS, "PALETTE COLOR", "RGB", *YBR, "YBR_ICT", "YBR_RCT")
COLOUR_SAMPLES: Final = 3
BYTE: Final = 8
DEEP: Final = 16
RUST_PANIC: Final = "pyo3_runtime"
HEADER_KEYS: Final = ("Rows", "Columns", "BitsAllocated")
DESCRIBING: Final = (
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
)
"""Attributes that a decoder needs (PS3.3 C.7.6.3)."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PixelHeader:
    """The Image Pixel module (PS3.3 C.7.6.3), as far as it is needed, with values that were checked."""

    syntax: str
    rows: int
    cols: int
    frames: int
    samples: int
    photometric: str
    allocated: int
    stored: int
    signed: bool


def pixel_header(dataset: Dataset, path: Path | None = None) -> PixelHeader:
    """Read and check the Image Pixel module before anything is decoded.

    ``path`` is the file in which the pixel data are, where they were left there.

    Raises
    ------
    InputError
        ``"no-pixels"``, ``"no-decoder"``, ``"unsupported-pixels"`` or ``"corrupt"``.
    """
    _check_presence(dataset, path)
    syntax = text_of(dataset.file_meta, "TransferSyntaxUID")
    _check_syntax(syntax)
    photometric = text_of(dataset, "PhotometricInterpretation").upper()
    samples = whole_of(dataset, "SamplesPerPixel", default=1)
    allocated = whole_of(dataset, "BitsAllocated")
    stored = whole_of(dataset, "BitsStored", default=allocated)
    if photometric not in PHOTOMETRICS or samples != (1 if photometric in PHOTOMETRICS[:3] else COLOUR_SAMPLES):
        code = "unsupported-pixels"
        message = f"The photometric interpretation must be one of {', '.join(PHOTOMETRICS)}, with 1 or 3 samples."
        raise InputError(code, message)
    if allocated not in (1, 8, 16, 32) or not 1 <= stored <= allocated:
        code, message = "unsupported-pixels", "The pixels must have 1, 8, 16 or 32 bits, and not more bits in use."
        raise InputError(code, message)
    frames = numbers_of(dataset, "NumberOfFrames")
    return PixelHeader(
        syntax=syntax,
        rows=whole_of(dataset, "Rows"),
        cols=whole_of(dataset, "Columns"),
        frames=int(frames[0]) if frames else 1,
        samples=samples,
        photometric=photometric,
        allocated=allocated,
        stored=stored,
        signed=whole_of(dataset, "PixelRepresentation") == 1,
    )


def _check_presence(dataset: Dataset, path: Path | None) -> None:
    if "PixelData" not in dataset:
        if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
            code, message = "unsupported-pixels", "The pixels are floating point numbers, which no scan has."
            raise InputError(code, message)
        code, message = "no-pixels", "The DICOM file holds no pixel data."
        raise InputError(code, message)
    if any(key not in dataset for key in HEADER_KEYS):
        code, message = "corrupt", "The DICOM header does not say how large the picture is."
        raise InputError(code, message)
    pixels = PixelBytes.of(dataset, path)
    if pixels is None or pixels.is_empty:
        code, message = "no-pixels", "The pixel data of the DICOM file are empty."
        raise InputError(code, message)


def _check_syntax(syntax: str) -> None:
    if syntax not in NATIVE and syntax not in PLUGINS:
        code = "no-decoder"
        message = f"There is no decoder here for the transfer syntax of this file: {syntax_name(syntax)}."
        raise InputError(code, message)


def iter_frames(dataset: Dataset, header: PixelHeader, pixels: PixelBytes | None = None) -> Iterator[Samples]:
    """Yield stored values frame by frame, as many as the header says.

    ``pixels`` is where the pixel data are; by default those in ``dataset``.

    Yields
    ------
    numpy.ndarray
        ``(rows, cols)`` of stored values (grey or palette indices) or ``(rows, cols, 3)`` RGB.

    Raises
    ------
    InputError
        ``"truncated"``, ``"corrupt"`` or ``"no-decoder"``.
    """
    source = pixels or PixelBytes.of(dataset) or PixelBytes(data=b"")
    try:
        if header.allocated == 1:
            yield from _bit_frames(dataset, header, source)
        elif header.syntax in JPEG_8BIT and header.stored <= BYTE:
            yield from _jpeg_frames(header, source)
        elif header.syntax in EXTENDED:
            yield from _deep_jpeg_frames(header, source)
        else:
            yield from _decoder_frames(dataset, header, source)
    except InputError:
        raise
    except MemoryError:
        code, message = "too-large", "The frames do not fit into memory."
    except BaseException as error:
        # A decoder may raise anything on broken data, its words may be private, and what Rust code calls a panic
        # is no Exception in Python.
        if not isinstance(error, Exception) and type(error).__module__ != RUST_PANIC:
            raise
        cut = "truncated" in str(error).lower() or "less than expected" in str(error)
        code = "truncated" if cut else "corrupt"
        message = "The pixel data end too early." if cut else "The pixel data cannot be decoded."
    else:
        return
    raise InputError(code, message)


def encoded_frames(header: PixelHeader, pixels: PixelBytes) -> Iterator[bytes]:
    """The bytes of each frame as they are stored: a compressed stream, or plain values.

    Raises
    ------
    InputError
        ``"truncated"`` when the pixel data end too early.
    """
    with pixels.open() as stream:
        if header.syntax not in NATIVE:
            yield from generate_frames(stream, number_of_frames=header.frames)
            return
        length = frame_length(header)
        for _ in range(header.frames):
            frame = stream.read(length)
            if len(frame) < length:
                code, message = "truncated", "The pixel data end too early."
                raise InputError(code, message)
            yield frame


def frame_length(header: PixelHeader) -> int:
    """Bytes of one uncompressed frame, without padding; of all frames where pixels are single bits."""
    samples = 2 if header.photometric == "YBR_FULL_422" else header.samples
    return (header.rows * header.cols * samples * header.allocated + BYTE - 1) // BYTE


def _encoded(header: PixelHeader, pixels: PixelBytes) -> Iterator[tuple[bytes, Codestream | None]]:
    """Compressed frames with the facts of their codestreams, which must agree with the header in size."""
    for frame in encoded_frames(header, pixels):
        stream = parse_codestream(frame)
        if stream is None and header.syntax != uid.RLELossless:
            code, message = "corrupt", "A frame of the pixel data does not begin as its transfer syntax says."
            raise InputError(code, message)
        if stream is not None and (stream.rows, stream.cols) != (header.rows, header.cols):
            code, message = "corrupt", "The size in the compressed pixel data is not the size in the header."
            raise InputError(code, message)
        if stream is not None and not _is_sane(stream, header):
            code, message = "corrupt", "Depth or colours of the compressed pixel data are not those in the header."
            raise InputError(code, message)
        yield frame, stream


def _is_sane(stream: Codestream, header: PixelHeader) -> bool:
    """Whether a decoder may be trusted with it: GDCM reads past its buffers when depth or components disagree.

    8 bit JPEG goes to Pillow, which sizes its buffers by the codestream; there grey in a colour file is let pass.
    """
    if header.syntax in JPEG_8BIT and header.stored <= BYTE:
        return stream.precision == BYTE
    return stream.precision <= header.allocated and len(stream.components) == header.samples


def _jpeg_frames(header: PixelHeader, pixels: PixelBytes) -> Iterator[Samples]:
    """8 bit JPEG by Pillow (libjpeg-turbo); faster than the general way, and a cut stream is an error.

    Three components are YCbCr or RGB by what the codestream says of itself (component ids, Adobe or JFIF marker),
    else by the photometric interpretation. Where libjpeg would guess otherwise, its transform is switched off.
    """
    says_ycc = header.photometric not in ("RGB", "PALETTE COLOR")
    for frame, stream in _encoded(header, pixels):
        with Image.open(BytesIO(frame), formats=("JPEG",)) as image:
            if image.mode not in ("L", "RGB"):
                code, message = "unsupported-pixels", "A JPEG frame must have one or three components."
                raise InputError(code, message)
            yield _jpeg_picture(image, stream, says_ycc=says_ycc) if image.mode == "RGB" else np.asarray(image)


def _jpeg_picture(image: Image.Image, stream: Codestream | None, *, says_ycc: bool) -> Samples:
    """Three components as RGB: libjpeg's transform is switched off where it would be wrong.

    It turns nothing in the lossless processes; there the transform is made here.
    """
    guess = stream is not None and stream.guessed_ycc
    truth = stream.is_ycc(header_says=says_ycc) if stream is not None else guess
    lossless = stream is not None and stream.lossless
    if guess and (lossless or not truth):
        image.draft("YCbCr", image.size)
    samples = np.asarray(image)
    return ycc_to_rgb(samples) if truth and lossless else samples


def _deep_jpeg_frames(header: PixelHeader, pixels: PixelBytes) -> Iterator[Samples]:
    """12 bit JPEG (process 4), grey, by GDCM itself: pydicom's plugin for GDCM refuses it.

    On pydicom's ``JPGExtended.dcm`` the values are those that its tests hold for another decoder.
    """
    if header.samples != 1 or header.allocated != DEEP:
        code, message = "unsupported-pixels", "A JPEG of more than 8 bits must be grey and allocate 16 bits."
        raise InputError(code, message)
    for frame, _ in _encoded(header, pixels):
        yield np.frombuffer(_gdcm_buffer(frame, header), dtype="<u2").reshape(header.rows, header.cols)


def _gdcm_buffer(frame: bytes, header: PixelHeader) -> bytes:
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((header.cols, header.rows, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType(header.photometric)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(header.syntax)))
    image.SetPixelFormat(gdcm.PixelFormat(1, header.allocated, header.stored, header.stored - 1, int(header.signed)))
    return cast("bytes", image.GetBuffer().encode("utf-8", "surrogateescape"))


def _decoder_frames(dataset: Dataset, header: PixelHeader, pixels: PixelBytes) -> Iterator[Samples]:
    """Every other syntax by pydicom and the plugin that is named for it, one frame at a time."""
    gdcm.Trace.WarningOff()
    gdcm.Trace.ErrorOff()
    decoder = get_decoder(uid.UID(header.syntax))
    plugin = PLUGINS.get(header.syntax, "")
    native = header.syntax in NATIVE
    single = _described(dataset, header)
    for data in encoded_frames(header, pixels) if native else (frame for frame, _ in _encoded(header, pixels)):
        value = data + bytes(len(data) % 2) if native else encapsulate([data])
        single.add(DataElement(Tag(PIXEL_DATA), pixels.vr if native else "OB", value))
        frame, facts = decoder.as_array(single, raw=True, decoding_plugin=plugin)
        photometric = str(cast("dict[str, Any]", facts)["photometric_interpretation"])
        yield ycc_to_rgb(frame, header.stored) if photometric in YBR and frame.ndim == COLOUR_NDIM else frame


def _described(dataset: Dataset, header: PixelHeader) -> Dataset:
    """A data set that describes one frame and nothing else."""
    single = Dataset()
    for keyword in DESCRIBING:
        if keyword in dataset:
            single[keyword] = dataset[keyword]
    single.NumberOfFrames = 1
    single.file_meta = FileMetaDataset()
    single.file_meta.TransferSyntaxUID = uid.UID(header.syntax)
    return single


def _bit_frames(dataset: Dataset, header: PixelHeader, pixels: PixelBytes) -> Iterator[Samples]:
    """Pixels of one bit, whose frames need not begin at a byte: read as a whole, for they are small."""
    single = _described(dataset, header)
    single.NumberOfFrames = header.frames
    with pixels.open() as stream:
        value = stream.read() if pixels.length is None else stream.read(pixels.length)
    single.add(DataElement(Tag(PIXEL_DATA), pixels.vr, value))
    for frame, _ in get_decoder(uid.UID(header.syntax)).iter_array(single, raw=True):
        yield frame


def ycc_to_rgb(frame: Samples, bits: int = BYTE) -> Samples:
    """Full range YCbCr (YBR_FULL, PS3.3 C.7.6.3.1.2) to RGB, ``(rows, cols, 3)`` uint8 or wider unsigned."""
    if frame.dtype == np.uint8:
        return cast("Samples", cv2.cvtColor(np.ascontiguousarray(frame[..., (0, 2, 1)]), cv2.COLOR_YCrCb2RGB))
    half, top = 2.0 ** (bits - 1), 2.0**bits - 1
    luma, blue, red = (frame[..., index].astype(np.float64) for index in range(COLOUR_SAMPLES))
    blue, red = blue - half, red - half
    rgb = np.stack([luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], axis=-1)
    return np.clip(np.rint(rgb), 0, top).astype(frame.dtype)
