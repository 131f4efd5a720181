"""The type of an attribute in the object at hand, on which the conditional actions of PS3.15 Table E.1-1 depend.

The types stand in ``attribute_types.csv``, made by ``tools/make_iod_types.py`` from the tables of DICOM PS3.3. Only
the objects that the toolkit writes are there, ultrasound and secondary capture, and of their attributes those whose
action in the table is conditional.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pydicom.datadict import keyword_for_tag

from bus_toolkit.deidentify.table import read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

OBJECTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1.2.840.10008.5.1.4.1.1.3": "ultrasound-multi-frame-image",  # retired
        "1.2.840.10008.5.1.4.1.1.3.1": "ultrasound-multi-frame-image",
        "1.2.840.10008.5.1.4.1.1.6": "ultrasound-image",  # retired
        "1.2.840.10008.5.1.4.1.1.6.1": "ultrasound-image",
        "1.2.840.10008.5.1.4.1.1.6.2": "enhanced-us-volume",
        "1.2.840.10008.5.1.4.1.1.7": "secondary-capture-image",
        "1.2.840.10008.5.1.4.1.1.7.1": "multi-frame-single-bit-secondary-capture-image",
        "1.2.840.10008.5.1.4.1.1.7.2": "multi-frame-grayscale-byte-secondary-capture-image",
        "1.2.840.10008.5.1.4.1.1.7.3": "multi-frame-grayscale-word-secondary-capture-image",
        "1.2.840.10008.5.1.4.1.1.7.4": "multi-frame-true-color-secondary-capture-image",
    }
)
"""Storage classes whose attribute types are known, with the name of the object; retired ones as their successors."""


@lru_cache(maxsize=16)
def _types(name: str) -> Mapping[str, str]:
    """Type by path (keywords with a slash between) in one object."""
    found = {row["path"]: row["type"] for row in read_rows("attribute_types.csv") if row["objects"] == "*"}
    named = (row for row in read_rows("attribute_types.csv") if name in row["objects"].split())
    return MappingProxyType(found | {row["path"]: row["type"] for row in named})


def attribute_type(sop_class: str, path: tuple[int, ...], tag: int) -> str | None:
    """``"1"``, ``"1C"``, ``"2"``, ``"2C"`` or ``"3"``; None in an object that the toolkit carries no types for.

    Parameters
    ----------
    sop_class
        The SOP Class UID of the file.
    path
        Tags of the sequences in which the attribute lies, outermost first; empty at the top level.
    tag
        Of the attribute.

    Notes
    -----
    An attribute that the object does not name is an extension of it (PS3.2, Standard Extended SOP Class): type 3. Only
    attributes with a conditional action are carried; any other one gets type 3, too, which nobody asks for.
    """
    name = OBJECTS.get(sop_class)
    if name is None:
        return None
    return _types(name).get("/".join(map(keyword_for_tag, (*path, tag))), "3")
