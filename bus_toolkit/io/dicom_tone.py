"""The grey scale pipeline of DICOM as one table: stored value to modality, to VOI, to uint8 grey or RGB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast, final

import numpy as np
import numpy.typing as npt
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi

from bus_toolkit.errors import InputError
from bus_toolkit.io.dicom_file import numbers_of, text_of, value_of
from bus_toolkit.io.tone import WHITE, Samples, depth_for, stretch, to_uint8

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from bus_toolkit.io.dicom_pixels import PixelHeader

TABLE_BITS: Final = 16
"""Up to so many bits every possible value goes through the table once; wider samples have no table."""
BYTE: Final = 8
ROWS_OF_DESCRIPTOR: Final = 3


LINEAR: Final = ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence")
"""With one of these and no window, the values that occur decide the scale."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Tone:
    """How stored values are shown, and back.

    Attributes
    ----------
    table
        What each stored value from ``low`` on is shown as: uint8 ``(values,)`` grey or ``(values, 3)`` RGB; None where
        values are scaled.
    low
        The stored value of the table's first entry.
    span
        Stored values that are black and white, where there is no table.
    inverted
        Whether black and white are exchanged after scaling.
    """

    table: npt.NDArray[np.uint8] | None
    low: int = 0
    span: tuple[float, float] = (0.0, float(WHITE))
    inverted: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether bytes are shown as they are."""
        if self.table is None:
            return self.span == (0.0, float(WHITE)) and not self.inverted
        return self.low == 0 and np.array_equal(self.table, np.arange(len(self.table), dtype=np.uint8))

    def shown(self, stored: Samples) -> npt.NDArray[np.uint8]:
        """Stored values ``(rows, cols)`` or ``(rows, cols, 3)`` as a viewer shows them."""
        if stored.dtype == np.uint8 and self.is_plain:
            return cast("npt.NDArray[np.uint8]", stored)
        if self.table is None:
            scaled = stretch(stored, *self.span)
            return WHITE - scaled if self.inverted else scaled
        found: npt.NDArray[np.uint8] = self.table[stored if self.low == 0 else stored.astype(np.int64) - self.low]
        return found

    def stored(self, shown: npt.NDArray[np.uint8], dtype: np.dtype[Any]) -> Samples:
        """Stored values that come nearest to what shall be shown: ``(n,)`` grey or ``(n, 3)`` RGB in, values out."""
        if self.table is None:
            low, high = self.span
            level = (WHITE - shown if self.inverted else shown).astype(np.float64)
            return np.rint(low + level * (high - low) / WHITE).astype(dtype)
        if self.table.ndim == 1:
            return (self._inverse()[shown] + self.low).astype(dtype)
        colours, places = np.unique(shown.reshape(-1, 3), axis=0, return_inverse=True)
        wide = self.table.astype(np.int32)
        nearest = [int(((wide - colour.astype(np.int32)) ** 2).sum(axis=1).argmin()) for colour in colours]
        return (np.array(nearest)[places.ravel()] + self.low).astype(dtype)

    def _inverse(self) -> npt.NDArray[np.int64]:
        """For each grey level the place of the table whose level is nearest."""
        table = np.asarray(self.table, dtype=np.int64)
        levels, first = np.unique(table, return_index=True)
        wanted = np.arange(WHITE + 1)
        above = np.clip(np.searchsorted(levels, wanted), 0, len(levels) - 1)
        below = np.clip(above - 1, 0, len(levels) - 1)
        nearer = np.where(np.abs(levels[below] - wanted) < np.abs(levels[above] - wanted), below, above)
        return first[nearer]


def is_fixed(dataset: Dataset, header: PixelHeader) -> bool:
    """Whether the tone follows from the header alone, whatever values occur."""
    if header.allocated not in {1, BYTE} or header.signed:
        return False
    return header.samples > 1 or header.photometric == "PALETTE COLOR" or not any(key in dataset for key in LINEAR)


def tone_of(dataset: Dataset, header: PixelHeader, dtype: np.dtype[Any], low: int, high: int) -> Tone:
    """The tone of a whole clip as a viewer would have it.

    Grey: modality LUT or rescale, then the first VOI LUT, else the first window (PS3.3 C.11.1 and C.11.2), and
    inversion for MONOCHROME1. Where no window is given, unsigned samples of up to 8 bits keep their scale of
    ``2**BitsStored - 1``, and all others follow :func:`bus_toolkit.io.tone.to_uint8` on the whole clip. Palette
    indices become RGB (or grey, where the palette is). Colour samples of more than 8 bits are scaled by the same rule.

    Parameters
    ----------
    dataset
        Header with the tables and windows.
    header
        Its Image Pixel module, as checked.
    dtype
        Of the stored values.
    low, high
        The smallest and the largest value that occurs in the clip, or can occur.

    Raises
    ------
    InputError
        ``"corrupt"`` when a table cannot be used.
    """
    if header.samples > 1:
        bits = header.stored if header.stored <= BYTE else depth_for(high)
        return Tone(None, span=(0.0, float(2**bits - 1)))
    if header.photometric == "PALETTE COLOR":
        return Tone(_palette(np.arange(low, high + 1, dtype=dtype), dataset), low)
    inverted = header.photometric == "MONOCHROME1"
    if header.allocated > TABLE_BITS:
        unsigned = dtype.kind == "u"
        return Tone(None, span=(0.0, 2.0 ** depth_for(high) - 1) if unsigned else (low, high), inverted=inverted)
    table = _window_table(np.arange(low, high + 1, dtype=dtype), dataset, header)
    return Tone(WHITE - table if inverted else table, low)


def _window_table(values: Samples, dataset: Dataset, header: PixelHeader) -> npt.NDArray[np.uint8]:
    try:
        modality = np.asarray(apply_modality_lut(values, dataset))
        shown: Samples | None = _voi(modality, dataset)
    except Exception:  # noqa: BLE001 - a broken table raises anything; a wrong tone is worse than no picture
        shown = None
    if shown is None:
        code, message = "corrupt", "A lookup table or window of the DICOM header cannot be used."
        raise InputError(code, message)
    if shown.dtype != np.uint8:
        shown = to_uint8(shown[np.newaxis], depth=_plain_depth(shown, header))[0]
    return cast("npt.NDArray[np.uint8]", shown)


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


def _palette(values: Samples, dataset: Dataset) -> npt.NDArray[np.uint8]:
    """PALETTE COLOR by PS3.3 C.7.9: 16 bit entries give their high byte, unless they only fill the low one."""
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
    return table
