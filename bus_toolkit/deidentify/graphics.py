"""Overlay planes in which no text is seen (PS3.15 E.3.3, Clean Graphics Option; planes: PS3.3 C.9.2).

Without the option every group 60xx goes. With it, a plane of its own (group 60xx, element 3000) is kept when somebody
who can look vouches for it, with the attributes without which it cannot be drawn; what describes it in words goes.
Planes in unused bits of the pixels always go, with those bits, and so do curves (groups 50xx).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.tag import Tag

from bus_toolkit.deidentify.reading import element_at, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydicom.dataset import Dataset

    from bus_toolkit.geometry import Mask

GROUPS: Final = range(0x6000, 0x6020, 2)
ROWS, COLUMNS, FRAMES, TYPE, ORIGIN, FRAME_ORIGIN, BITS, POSITION, DATA = (
    *(0x0010, 0x0011, 0x0015, 0x0040, 0x0050, 0x0051, 0x0100, 0x0102),
    0x3000,
)
SHORT: Final = range(-(2**15), 2**15)
LARGEST: Final = 1 << 26
"""Pixels of all planes of one group."""


def _whole(dataset: Dataset, group: int, element: int, default: int = 0) -> int:
    found = element_at(dataset, group << 16 | element)
    try:
        return int(found.value) if found is not None and not found.is_empty else default
    except (TypeError, ValueError):
        return default


def _planes(dataset: Dataset, group: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.bool_]] | None:
    rows, cols, frames = (_whole(dataset, group, tag, least) for tag, least in ((ROWS, 0), (COLUMNS, 0), (FRAMES, 1)))
    data = element_at(dataset, group << 16 | DATA)
    pixels = rows * cols * frames
    if data is None or not isinstance(data.value, bytes) or min(rows, cols, frames) < 1 or pixels > LARGEST:
        return None
    if _whole(dataset, group, BITS, 1) != 1 or len(data.value) < (pixels + 7) // 8:
        return None
    raw = data.value
    if data.VR == "OW" and getattr(dataset, "original_encoding", (None, None))[1] is False:
        raw = np.frombuffer(raw[: len(raw) // 2 * 2], ">u2").astype("<u2").tobytes()
    bits = np.unpackbits(np.frombuffer(raw, np.uint8), count=pixels, bitorder="little")
    return bits.reshape(frames, rows, cols).astype(np.bool_)


def _origin(dataset: Dataset, group: int) -> list[int]:
    """Row and column of the first pixel; the corner where that cannot be read."""
    found = element_at(dataset, group << 16 | ORIGIN)
    try:
        row, col = (int(number) for number in values_of(found)) if found is not None else (1, 1)
    except (TypeError, ValueError):
        return [1, 1]
    return [row, col] if row in SHORT and col in SHORT else [1, 1]


def kept_overlays(dataset: Dataset, keep: Callable[[Mask], bool]) -> Iterator[DataElement]:
    """The elements of every overlay group whose planes ``keep`` vouches for.

    Parameters
    ----------
    dataset
        The header as read.
    keep
        Is given each plane, bool ``(rows, cols)``, True where it is drawn; says whether it may stay.
    """
    for group in GROUPS:
        planes = _planes(dataset, group)
        if planes is None or not planes.any() or not all(keep(plane) for plane in planes):
            continue
        frames, rows, cols = planes.shape
        data = np.packbits(planes.ravel(), bitorder="little").tobytes()
        values: list[tuple[int, str, object]] = [
            (ROWS, "US", rows),
            (COLUMNS, "US", cols),
            *([(FRAMES, "IS", str(frames))] if frames > 1 else []),
            (TYPE, "CS", "G"),
            (ORIGIN, "SS", _origin(dataset, group)),
            *(
                [(FRAME_ORIGIN, "US", min(max(1, _whole(dataset, group, FRAME_ORIGIN, 1)), 65535))]
                if frames > 1
                else []
            ),
            (BITS, "US", 1),
            (POSITION, "US", 0),
            (DATA, "OW", data + bytes(len(data) % 2)),
        ]
        yield from (DataElement(Tag(group, element), vr, value) for element, vr, value in values)
