"""Pixel data of a file whose picture needs no change: stored values stay, in their transfer syntax where that can be.

JPEG, JPEG-LS and JPEG 2000 frames keep their picture byte for byte (:mod:`~bus_toolkit.io.dicom_streams`).
Little-endian values stay as they are, with bits that are not in use set to zero and nothing behind the last pixel.
Run-length and big-endian data are written as plain little-endian values, without loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from pydicom import uid
from pydicom.dataelem import DataElement
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.tag import Tag

from bus_toolkit.errors import InputError
from bus_toolkit.io.dicom_streams import clean_frame

if TYPE_CHECKING:
    import numpy.typing as npt
    from pydicom.dataset import Dataset

STREAMS: Final = frozenset(
    {
        *(uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1),
        *(uid.JPEGLSLossless, uid.JPEGLSNearLossless, uid.JPEG2000Lossless, uid.JPEG2000),
        *(uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K),
    }
)
"""Transfer syntaxes whose frames are cleaned without decoding."""
LITTLE: Final = frozenset({uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.DeflatedExplicitVRLittleEndian})
PIXEL_DATA: Final = Tag(0x7FE0, 0x0010)
BYTE: Final = 8


def keep_pixels(result: Dataset, source: Dataset) -> uid.UID:
    """Put the stored values of ``source`` into ``result`` and return the transfer syntax that they are in.

    ``result`` must describe them already: it is the cleaned header of the same file.

    Raises
    ------
    InputError
        ``"truncated"``, ``"corrupt"`` or ``"no-decoder"``.
    """
    syntax = uid.UID(str(source.file_meta.TransferSyntaxUID))
    if syntax in STREAMS:
        count = int(result.get("NumberOfFrames") or 1)
        frames = [clean_frame(frame) for frame in generate_frames(source.PixelData, number_of_frames=count)]
        element = DataElement(PIXEL_DATA, "OB", encapsulate(frames))
        element.is_undefined_length = True
        result.add(element)
        return syntax
    if syntax in LITTLE:
        data = _exact(result, source.PixelData)
    elif syntax in {uid.RLELossless, uid.ExplicitVRBigEndian}:
        data = _decoded(result, source, syntax)
    else:
        code, message = "no-decoder", "The pixel data must be of a transfer syntax that can be checked."
        raise InputError(code, message)
    data = _without_unused_bits(result, data)
    vr = "OB" if int(result.BitsAllocated) <= BYTE else "OW"
    result.add(DataElement(PIXEL_DATA, vr, data if len(data) % 2 == 0 else data + b"\x00"))
    return uid.ExplicitVRLittleEndian


def _exact(header: Dataset, data: bytes) -> bytes:
    """The bytes of all pixels and none behind them."""
    samples = 2 if header.PhotometricInterpretation == "YBR_FULL_422" else int(header.get("SamplesPerPixel") or 1)
    pixels = int(header.Rows) * int(header.Columns) * samples * int(header.get("NumberOfFrames") or 1)
    length = (pixels * int(header.BitsAllocated) + BYTE - 1) // BYTE
    if len(data) < length:
        code, message = "truncated", "The pixel data end too early."
        raise InputError(code, message)
    return data[:length]


def _decoded(header: Dataset, source: Dataset, syntax: uid.UID) -> bytes:
    array, _ = get_decoder(syntax).as_array(source, raw=True)
    if int(header.get("SamplesPerPixel") or 1) > 1:
        header.PlanarConfiguration = 0
    return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()


def _without_unused_bits(header: Dataset, data: bytes) -> bytes:
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
