"""Pixel data of a file whose picture needs no change: stored values stay, in their transfer syntax where that can be.

JPEG, JPEG-LS, JPEG 2000 and run-length frames keep their picture byte for byte
(:mod:`~bus_toolkit.io.dicom_streams`, :mod:`~bus_toolkit.io.stream_rle`). Little-endian values stay as they are, with
bits that are not in use set to zero and nothing behind the last pixel. Big-endian values are written little-endian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from pydicom import uid
from pydicom.pixels.utils import pack_bits

from bus_toolkit.errors import InputError
from bus_toolkit.io.dicom_streams import clean_frame
from bus_toolkit.io.stream_rle import clean_rle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt
    from pydicom.dataset import Dataset

    from bus_toolkit.io.clip import Clip

STREAMS: Final = frozenset(
    {
        *(uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1),
        *(uid.JPEGLSLossless, uid.JPEGLSNearLossless, uid.JPEG2000Lossless, uid.JPEG2000),
        *(uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K),
    }
)
"""Transfer syntaxes whose frames are cleaned without decoding."""
LITTLE: Final = frozenset({uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.DeflatedExplicitVRLittleEndian})
KEPT: Final = frozenset({*STREAMS, uid.RLELossless})
"""Transfer syntaxes that stay as they are."""
PIXEL_TAG: Final = b"\xe0\x7f\x10\x00"
ITEM: Final = b"\xfe\xff\x00\xe0"
UNDEFINED: Final = b"\xff\xff\xff\xff"
SEQUENCE_END: Final = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
LARGEST: Final = 0xFFFFFFFE
BYTE: Final = 8


def describe_unchanged(header: Dataset, clip: Clip) -> uid.UID:
    """The transfer syntax in which the stored values of a clip stay; ``header`` is made to describe them.

    Raises
    ------
    InputError
        ``"no-decoder"`` for a syntax whose data cannot be checked.
    """
    syntax = uid.UID(clip.header.syntax)
    if syntax in KEPT:
        return syntax
    if syntax not in {*LITTLE, uid.ExplicitVRBigEndian}:
        code, message = "no-decoder", "The pixel data must be of a transfer syntax that can be checked."
        raise InputError(code, message)
    if syntax == uid.ExplicitVRBigEndian and clip.header.samples > 1:
        # Big-endian words come out of the decoder pixel by pixel, in RGB.
        header.PhotometricInterpretation, header.PlanarConfiguration = "RGB", 0
    return uid.ExplicitVRLittleEndian


def put_unchanged(write: Callable[[bytes], None], header: Dataset, clip: Clip, syntax: uid.UID) -> None:
    """Write the pixel data element of a clip that stays as it is, less what is not picture.

    Raises
    ------
    InputError
        ``"truncated"`` or ``"corrupt"``.
    """
    if syntax == uid.RLELossless:
        pixels = clip.header.rows * clip.header.cols
        put_encapsulated(write, (clean_rle(frame, pixels) for frame in clip.encoded()), clip.length)
    elif syntax in STREAMS:
        put_encapsulated(write, (clean_frame(frame) for frame in clip.encoded()), clip.length)
    elif clip.header.syntax == uid.ExplicitVRBigEndian and clip.header.allocated > 1:
        values = (np.ascontiguousarray(frame.stored) for frame in clip.frames())
        frames = (data.astype(data.dtype.newbyteorder("<")).tobytes() for data in values)
        put_native(write, (without_unused_bits(header, frame) for frame in frames), header)
    elif clip.header.allocated == 1:
        stored = np.stack([frame.stored for frame in clip.frames()])
        put_native(write, [pack_bits(stored, pad=False)], header)
    else:
        put_native(write, (without_unused_bits(header, frame) for frame in clip.encoded()), header)


def put_native(write: Callable[[bytes], None], frames: Iterable[bytes], header: Dataset) -> None:
    """Write a pixel data element of uncompressed frames, in explicit little-endian encoding (PS3.5 7.1.2).

    Raises
    ------
    InputError
        ``"too-large"`` when the pixels need more bytes than an element can have.
    """
    samples = 2 if header.PhotometricInterpretation == "YBR_FULL_422" else int(header.get("SamplesPerPixel") or 1)
    pixels = int(header.Rows) * int(header.Columns) * samples * int(header.get("NumberOfFrames") or 1)
    length = (pixels * int(header.BitsAllocated) + BYTE - 1) // BYTE
    if length > LARGEST:
        code, message = "too-large", "The uncompressed frames are more than one DICOM element can hold."
        raise InputError(code, message)
    vr = b"OB" if int(header.BitsAllocated) <= BYTE else b"OW"
    write(PIXEL_TAG + vr + bytes(2) + (length + length % 2).to_bytes(4, "little"))
    for frame in frames:
        write(frame)
    write(bytes(length % 2))


def put_encapsulated(write: Callable[[bytes], None], frames: Iterable[bytes], count: int) -> None:
    """Write a pixel data element of compressed frames, one fragment each (PS3.5 A.4).

    The offset table is empty, which the standard allows: its length would have to be known before the first frame.
    """
    write(PIXEL_TAG + b"OB" + bytes(2) + UNDEFINED + ITEM + bytes(4))
    for _, frame in zip(range(count), frames, strict=False):
        even = frame + bytes(len(frame) % 2)
        write(ITEM + len(even).to_bytes(4, "little"))
        write(even)
    write(SEQUENCE_END)


def without_unused_bits(header: Dataset, data: bytes) -> bytes:
    """The same values with the bits outside of BitsStored zero, or equal to the sign where values have one."""
    allocated, stored = int(header.BitsAllocated), int(header.BitsStored)
    if allocated not in {8, 16, 32} or stored >= allocated:
        return data
    values: npt.NDArray[np.unsignedinteger] = np.frombuffer(data, dtype=f"<u{allocated // BYTE}")
    unused = allocated - stored
    if header.get("PixelRepresentation") == 1 and int(header.HighBit) == stored - 1:
        signed = (values << unused).view(f"<i{allocated // BYTE}") >> unused
        return signed.tobytes()
    shift = max(0, int(header.HighBit) - stored + 1)
    return (values & values.dtype.type(((1 << stored) - 1) << shift)).tobytes()
