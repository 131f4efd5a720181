"""Reading values out of a header that may be broken. Callers hold :func:`bus_toolkit.io.quiet.quiet`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


def texts(dataset: Dataset, tag: int) -> list[str]:
    """The values as text, stripped of padding; empty ones are left out."""
    element = element_at(dataset, tag)
    if element is None or isinstance(element.value, bytes):
        return []
    found = (str(value).strip(" \x00") for value in values_of(element))
    return [text for text in found if text]
