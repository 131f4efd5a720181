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

from bus_toolkit.deidentify.reading import element_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydicom.dataset import Dataset

    from bus_toolkit.geometry import Mask

GROUPS: Final = range(0x6000, 0x6020, 2)
ROWS, COLUMNS, FRAMES, TYPE, ORIGIN, FRAME_ORIGIN, BITS, POSITION, DATA = (
    *(0x0010, 0x0011, 0x0015, 0x0040, 0x0050, 0x0051, 0x0100, 0x0102),
    0x3000,
)
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
    if data is None or not isinstance(data.value, bytes) or not 0 < pixels <= LARGEST:
        return None
    bits = np.unpackbits(np.frombuffer(data.value, np.uint8), bitorder="little")
    return bits[:pixels].reshape(frames, rows, cols).astype(np.bool_) if len(bits) >= pixels else None


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
        origin = element_at(dataset, group << 16 | ORIGIN)
        place = list(origin.value) if origin is not None and len(origin.value or ()) == 2 else [1, 1]  # noqa: PLR2004
        frames, rows, cols = planes.shape
        data = np.packbits(planes.ravel(), bitorder="little").tobytes()
        values: list[tuple[int, str, object]] = [
            (ROWS, "US", rows),
            (COLUMNS, "US", cols),
            *([(FRAMES, "IS", str(frames))] if frames > 1 else []),
            (TYPE, "CS", "G"),
            (ORIGIN, "SS", [int(number) for number in place]),
            *([(FRAME_ORIGIN, "US", 1)] if frames > 1 else []),
            (BITS, "US", 1),
            (POSITION, "US", 0),
            (DATA, "OW", data + bytes(len(data) % 2)),
        ]
        yield from (DataElement(Tag(group, element), vr, value) for element, vr, value in values)
