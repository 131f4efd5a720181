"""Reading values out of a header that may be broken. Callers hold :func:`bus_toolkit.io.quiet.quiet`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset


def element_at(dataset: Dataset, tag: int) -> DataElement | None:
    """The element, or None when it is absent or cannot be read at all."""
    try:
        return dataset[tag]
    except KeyError:
        return None
    except Exception:  # noqa: BLE001 - a broken value raises nearly anything; unreadable is the answer, never the text
        return None


def values_of(element: DataElement) -> list[Any]:
    """The values as a list: none for an empty element, one for a single value."""
    if element.is_empty:
        return []
    value = element.value
    return list(value) if isinstance(value, (MultiValue, list, tuple)) else [value]


UNICODE: Final = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "PN", "SH", "TM", "UC", "UI"})
"""Value representations whose values are texts, several of them with a backslash between; numbers are left out."""
WHOLE: Final = frozenset({"LT", "ST", "UT", "UR"})
"""Value representations that are one text."""


ESCAPE: Final = b"\x1b"


def written_texts(dataset: Dataset, tag: int) -> list[str] | None:
    """The texts of an element of a file that the toolkit wrote, which are UTF-8; None for one that holds no text.

    They are read from the bytes as they stand, where those are still at hand: ten times as fast as by way of values.
    """
    raw: object = dataset.get_item(tag)
    vr, value = getattr(raw, "VR", None), getattr(raw, "value", None)
    if vr not in UNICODE and vr not in WHOLE:
        return None
    if not isinstance(raw, RawDataElement) or not isinstance(value, bytes):
        return texts(dataset, tag)
    text = value.decode("utf-8", "replace")
    return [part.strip(" \x00") for part in (text.split("\\") if vr in UNICODE else [text])]


def texts(dataset: Dataset, tag: int) -> list[str]:
    """The values as text, stripped of padding; empty ones are left out."""
    plain = _plain_texts(dataset, tag)
    if plain is not None:
        return plain
    element = element_at(dataset, tag)
    if element is None or isinstance(element.value, bytes):
        return []
    found = (str(value).strip(" \x00") for value in values_of(element))
    return [text for text in found if text]


def _plain_texts(dataset: Dataset, tag: int) -> list[str] | None:
    """The same from the bytes as they stand, where those are at hand and ASCII, which means the same in every set.

    Not where an escape sequence may change the character set (ISO/IEC 2022).
    """
    try:
        raw: object = dataset.get_item(tag)
    except KeyError:
        return []
    vr, value = getattr(raw, "VR", None), getattr(raw, "value", None)
    if not isinstance(raw, RawDataElement) or not isinstance(value, bytes) or vr not in UNICODE | WHOLE:
        return None
    if not value.isascii() or ESCAPE in value:
        return None
    text = value.decode("ascii")
    found = (part.strip(" \x00") for part in (text.split("\\") if vr in UNICODE else [text]))
    return [part for part in found if part]
