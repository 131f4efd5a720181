"""Colour and grey tables cut to what their descriptor says, so that nothing rides behind the last entry.

Source: DICOM PS3.3 C.7.6.3.1.5 (descriptor), C.7.9.2 (segmented tables).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bus_toolkit.deidentify.reading import element_at, values_of

if TYPE_CHECKING:
    import numpy.typing as npt
    from pydicom.dataset import Dataset

DESCRIPTORS: Final = {
    0x00281201: 0x00281101,
    0x00281202: 0x00281102,
    0x00281203: 0x00281103,
    0x00281221: 0x00281101,
    0x00281222: 0x00281102,
    0x00281223: 0x00281103,
    0x00283006: 0x00283002,
}
"""The descriptor of each table."""
SEGMENTED: Final = range(0x00281221, 0x00281224)
ALL: Final = 65536
"""What zero entries stand for."""
VALUES: Final = 3
BYTE: Final = 8
LONGEST_SEGMENT: Final = 4
"""Words of an indirect segment; linear ones have three, discrete ones two and their values."""


def _described(dataset: Dataset, tag: int) -> tuple[int, int] | None:
    """Entries and bits of a table."""
    found = element_at(dataset, DESCRIPTORS[tag])
    try:
        values = [int(value) for value in values_of(found)] if found is not None else []
    except (TypeError, ValueError):
        return None
    if len(values) != VALUES or values[2] not in range(1, 17):
        return None
    return (values[0] & 0xFFFF) or ALL, values[2]


def cut_table(dataset: Dataset, tag: int, data: bytes | list[int]) -> bytes | list[int] | None:
    """The bytes or words of a table up to its last entry; None when it is shorter than it says or does not say.

    A table of 8 bits may have its entries in bytes or in words. ``data`` is little-endian or in bytes.
    """
    described = _described(dataset, tag)
    if described is None:
        return None
    entries, bits = described
    if isinstance(data, list):
        return data[:entries] if len(data) >= entries else None
    if tag in SEGMENTED:
        narrow = bits <= BYTE and len(data) % 2 == 0 and _end(np.frombuffer(data, "<u2"), entries) is None
        words = np.frombuffer(data, np.uint8 if narrow else "<u2")
        end = _end(words, entries)
        return None if end is None else _even(data[: end * words.itemsize])
    if len(data) >= 2 * entries:
        return data[: 2 * entries]
    return _even(data[:entries]) if bits <= BYTE and len(data) >= entries else None


def _even(data: bytes) -> bytes:
    return data + bytes(len(data) % 2)


def _end(words: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], entries: int) -> int | None:
    """Where the segments end that make so many entries; None when they make less or more, or are none."""
    place = made = 0
    while made < entries:
        if place + 2 > len(words) or words[place] > 1:
            # An indirect segment repeats others that came before; no ultrasound table at hand has one.
            return None
        count = int(words[place + 1])
        place += 2 + (count if words[place] == 0 else 1)
        made += count
        if not count or place > len(words):
            return None
    return place if made == entries else None
