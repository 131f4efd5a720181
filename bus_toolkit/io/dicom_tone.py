"""The grey scale pipeline of DICOM as one table: stored value to modality, to VOI, to uint8 grey or RGB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import numpy as np
import numpy.typing as npt
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi

from bus_toolkit.errors import InputError
from bus_toolkit.io.dicom_file import numbers_of, text_of, value_of
from bus_toolkit.io.tone import COLOUR_NDIM, WHITE, Samples, to_uint8

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from bus_toolkit.io.dicom_pixels import PixelHeader

TABLE_BITS: Final = 16
"""Up to so many bits every possible value goes through the table once; wider samples have no table."""
BYTE: Final = 8
ROWS_OF_DESCRIPTOR: Final = 3


def finish(frames: Samples, dataset: Dataset, header: PixelHeader) -> npt.NDArray[np.uint8]:
    """Stored values of all frames to uint8 as a viewer would show them.

    Grey: modality LUT or rescale, then the first VOI LUT, else the first window (PS3.3 C.11.1 and C.11.2), and
    inversion for MONOCHROME1. Where no window is given, unsigned samples of up to 8 bits keep their scale of
    ``2**BitsStored - 1``, and all others follow :func:`bus_toolkit.io.tone.to_uint8` on the whole clip. Palette
    indices become RGB (or grey, where the palette is). Colour samples of more than 8 bits are scaled by the same rule.

    Parameters
    ----------
    frames
        ``(frames, rows, cols)`` or ``(frames, rows, cols, 3)``, native byte order not required.
    dataset
        Header with the tables and windows.
    header
        Its Image Pixel module, as checked.
    """
    if frames.dtype.byteorder not in "=|":
        frames = frames.astype(frames.dtype.newbyteorder("="))
    if frames.ndim == COLOUR_NDIM + 1:
        return to_uint8(frames, depth=header.stored if header.stored <= BYTE else None)
    if header.photometric == "PALETTE COLOR":
        return _through_palette(frames, dataset)
    grey = _through_window(frames, dataset, header)
    return WHITE - grey if header.photometric == "MONOCHROME1" else grey


def _domain(frames: Samples) -> tuple[Samples, int]:
    """Every value from the smallest to the largest met, in order, and the smallest."""
    low, high = int(frames.min()), int(frames.max())
    return np.arange(low, high + 1, dtype=frames.dtype), low


def _look_up(frames: Samples, table: npt.NDArray[np.uint8], low: int) -> npt.NDArray[np.uint8]:
    """Replace each value by its entry, frame by frame so that no wide copy of a clip is made."""
    result = np.empty((*frames.shape, *table.shape[1:]), dtype=np.uint8)
    for index, frame in enumerate(frames):
        result[index] = table[frame if low == 0 else frame.astype(np.int64) - low]
    return result


def _through_window(frames: Samples, dataset: Dataset, header: PixelHeader) -> npt.NDArray[np.uint8]:
    if header.allocated > TABLE_BITS:
        return to_uint8(frames)
    values, low = _domain(frames)
    try:
        modality = np.asarray(apply_modality_lut(values, dataset))
        shown = _voi(modality, dataset)
    except Exception:  # noqa: BLE001 - a broken table raises anything; a wrong tone is worse than no picture
        shown = None
    if shown is None:
        code, message = "corrupt", "A lookup table or window of the DICOM header cannot be used."
        raise InputError(code, message)
    if shown.dtype != np.uint8:
        shown = to_uint8(shown[np.newaxis], depth=_plain_depth(shown, header))[0]
    if low == 0 and frames.dtype == np.uint8 and np.array_equal(shown, values):
        return cast("npt.NDArray[np.uint8]", frames)
    return _look_up(frames, shown, low)


def _plain_depth(shown: Samples, header: PixelHeader) -> int | None:
    """Bits to scale by: those of the header for small samples that nothing has changed, else unknown."""
    return header.stored if shown.dtype.kind == "u" and header.stored <= BYTE else None


def _voi(values: Samples, dataset: Dataset) -> Samples:
    """The first VOI LUT or window applied to a vector; uint8 when there was one, else ``values`` themselves."""
    if value_of(dataset, "VOILUTSequence"):
        whole = np.rint(values).astype(np.int64) if values.dtype.kind == "f" else values
        shown: Samples = np.asarray(apply_voi(whole, dataset))
        bits = int(numbers_of(dataset.VOILUTSequence[0], "LUTDescriptor")[2])
        return cast("Samples", to_uint8(shown[np.newaxis], depth=bits)[0])
    centres, widths = numbers_of(dataset, "WindowCenter"), numbers_of(dataset, "WindowWidth")
    if not centres or not widths:
        return values
    function = text_of(dataset, "VOILUTFunction").upper() or "LINEAR"
    if widths[0] <= 0 or (function == "LINEAR" and widths[0] < 1):
        return values
    return window(values.astype(np.float64), centres[0], widths[0], function)


def window(values: npt.NDArray[np.float64], centre: float, width: float, function: str) -> npt.NDArray[np.uint8]:
    """Window values to 0..255 by PS3.3 C.11.2.1.2 (LINEAR) or C.11.2.1.3 (LINEAR_EXACT, SIGMOID)."""
    if function == "SIGMOID":
        part = 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - centre) / width, -700.0, 700.0)))
    elif function == "LINEAR_EXACT":
        part = (values - centre) / width + 0.5
    elif width == 1:
        part = np.where(values <= centre - 0.5, 0.0, 1.0)
    else:
        part = (values - (centre - 0.5)) / (width - 1.0) + 0.5
    return np.clip(np.rint(part * WHITE), 0, WHITE).astype(np.uint8)


def _through_palette(frames: Samples, dataset: Dataset) -> npt.NDArray[np.uint8]:
    """PALETTE COLOR by PS3.3 C.7.9: 16 bit entries give their high byte, unless they only fill the low one."""
    values, low = _domain(frames)
    try:
        colours: Samples | None = np.asarray(apply_color_lut(values, dataset))
    except Exception:  # noqa: BLE001 - a broken palette raises anything
        colours = None
    if colours is None or colours.ndim != 2 or colours.shape[1] < ROWS_OF_DESCRIPTOR:  # noqa: PLR2004 - value by channel
        code, message = "corrupt", "The colour palette of the DICOM header is missing or cannot be used."
        raise InputError(code, message)
    table = colours[:, :3]
    if table.dtype != np.uint8:
        table = table >> BYTE if int(table.max()) > WHITE else table
    table = table.astype(np.uint8)
    if bool((table == table[:, :1]).all()):
        table = table[:, 0]
    return _look_up(frames, table, low)
