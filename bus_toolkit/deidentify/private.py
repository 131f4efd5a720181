"""Private attributes that are known to be safe (PS3.15 E.3.10, Retain Safe Private Option).

The list stands in ``safe_private.csv`` with the source of each row; a row without a value representation admits every
kind of number. Only numbers are kept, whatever else a maker calls safe, and nothing else of a private block.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pydicom.dataelem import DataElement
from pydicom.tag import Tag
from pydicom.valuerep import DSdecimal

from bus_toolkit.deidentify.reading import element_at, values_of
from bus_toolkit.deidentify.table import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydicom.dataset import Dataset

    from bus_toolkit.deidentify.identifiers import Identifiers

CREATORS: Final = range(0x10, 0x100)
NUMBERS: Final = frozenset({"DS", "IS", "US", "SS", "UL", "SL", "FL", "FD"})
MOST: Final = 16


@lru_cache(maxsize=1)
def _listed() -> Mapping[tuple[str, int, int], str]:
    """Value representation by creator, group, and element within its block."""
    return MappingProxyType(
        {
            (row["creator"], int(row["group"], 16), int(row["element"], 16)): row["vr"]
            for row in read_rows("safe_private.csv")
        }
    )


def safe_private(creator: str, group: int, element: int) -> str | None:
    """Value representation of a private attribute that may stay (empty: any number); None for every other one.

    ``element`` is the lower byte: where in its block it stands. Trailing spaces of the creator do not count.
    """
    return _listed().get((creator.rstrip(" \x00"), group, element & 0xFF))


def kept_private(dataset: Dataset, identifiers: Identifiers) -> Iterator[DataElement]:
    """Safe private elements of one level, each block with its creator. Sequences are never among them."""
    groups = {int(tag) >> 16 for tag in dataset.keys() if int(tag) >> 16 & 1}  # noqa: SIM118 - see dataset.py
    for group in sorted(groups):
        for block in CREATORS:
            creator = element_at(dataset, group << 16 | block)
            if creator is None or not isinstance(creator.value, str):
                continue
            name = creator.value.rstrip(" \x00")
            kept = [item for item in _block(dataset, group, block, name, identifiers) if item is not None]
            if kept:
                yield DataElement(Tag(group, block), "LO", name)
                yield from kept


def _block(
    dataset: Dataset, group: int, block: int, creator: str, identifiers: Identifiers
) -> Iterator[DataElement | None]:
    for listed_creator, listed_group, element in _listed():
        tag = group << 16 | block << 8 | element
        if (listed_creator, listed_group) == (creator, group) and tag in dataset:
            yield _element(dataset, tag, _listed()[creator, group, element], identifiers)


def _element(dataset: Dataset, tag: int, listed: str, identifiers: Identifiers) -> DataElement | None:
    found = element_at(dataset, tag)
    if found is None:
        return None
    vr = listed or found.VR
    if vr not in NUMBERS or found.VR not in {vr, "UN"}:
        return None
    try:
        values = _decoded(found, vr)
    except (TypeError, ValueError, ArithmeticError):
        return None
    if not 0 < len(values) <= MOST or identifiers.found_in(" ".join(map(str, values))):
        return None
    return DataElement(Tag(tag), vr, values if len(values) > 1 else values[0])


def _decoded(element: DataElement, vr: str) -> list[Any]:
    """The values as numbers; those of an unknown representation are read as text of numbers, for DS and IS."""
    if element.VR == "UN":
        if vr not in {"DS", "IS"}:
            raise ValueError
        texts = bytes(element.value).decode("ascii").strip(" \x00").split("\\")
    else:
        texts = [str(value) for value in values_of(element)]
    if vr in {"FL", "FD"}:
        return [float(text) for text in texts]
    return [str(DSdecimal(text.strip())) if vr == "DS" else int(text) for text in texts]
