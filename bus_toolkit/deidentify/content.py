"""Content items cut down to codes and numbers (PS3.15 E.3.4, Clean Structured Content Option).

Of an item stay its value type, its relationship, its concept name and its value, when concept and value are codes that
the toolkit carries (with the carried meaning) or numbers in a known unit. Texts, names, dates, times, UIDs, references,
coordinates and everything else of an item go, and a container without items goes, too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pydicom.dataset import Dataset

from bus_toolkit.deidentify.plan import known_codes
from bus_toolkit.deidentify.reading import element_at, texts

if TYPE_CHECKING:
    from collections.abc import Iterable

RELATIONSHIP: Final = 0x0040A010
VALUE_TYPE: Final = 0x0040A040
CONCEPT_NAME: Final = 0x0040A043
CONCEPT_CODE: Final = 0x0040A168
MEASURED_VALUE: Final = 0x0040A300
NUMERIC_VALUE: Final = 0x0040A30A
UNITS: Final = 0x004008EA
CONTENT: Final = 0x0040A730
RELATIONSHIPS: Final = frozenset(
    {"CONTAINS", "HAS PROPERTIES", "HAS OBS CONTEXT", "HAS ACQ CONTEXT", "INFERRED FROM", "HAS CONCEPT MOD"}
)
UCUM: Final = {
    "mm": "mm",
    "cm": "cm",
    "m": "m",
    "mm2": "mm2",
    "cm2": "cm2",
    "mm3": "mm3",
    "cm3": "cm3",
    "ml": "ml",
    "s": "s",
    "ms": "ms",
    "min": "min",
    "Hz": "Hz",
    "kHz": "kHz",
    "MHz": "MHz",
    "cm/s": "cm/s",
    "m/s": "m/s",
    "dB": "dB",
    "kPa": "kPa",
    "deg": "deg",
    "%": "percent",
    "1": "no units",
    "{ratio}": "ratio",
}
"""Units of measure that may stay, with their meaning (PS3.16 CID 7181 and others)."""
DEEPEST: Final = 16
_DS: Final = re.compile(r"[+-]?\d{1,6}(\.\d{1,8})?")


def cleaned_items(items: Iterable[Dataset], depth: int = 0) -> list[Dataset]:
    """What may stay of content items, in their order."""
    if depth >= DEEPEST:
        return []
    kept = (_item(item, depth) for item in items)
    return [item for item in kept if item is not None]


def _first(dataset: Dataset, tag: int) -> str:
    return next(iter(texts(dataset, tag)), "")


def _items(dataset: Dataset, tag: int) -> list[Dataset]:
    element = element_at(dataset, tag)
    return list(element.value or []) if element is not None and element.VR == "SQ" else []


def _code(dataset: Dataset, tag: int) -> list[Dataset] | None:
    for item in _items(dataset, tag)[:1]:
        scheme, value = _first(item, 0x00080102), _first(item, 0x00080100)
        meaning = UCUM.get(value) if scheme == "UCUM" else known_codes().get((scheme, value))
        if meaning is not None:
            kept = Dataset()
            kept.CodeValue, kept.CodingSchemeDesignator, kept.CodeMeaning = value, scheme, meaning
            return [kept]
    return None


def _item(item: Dataset, depth: int) -> Dataset | None:
    kind, name = _first(item, VALUE_TYPE), _code(item, CONCEPT_NAME)
    if name is None or kind not in {"CODE", "NUM", "CONTAINER"}:
        return None
    kept = Dataset()
    kept.ValueType = kind
    kept.ConceptNameCodeSequence = name
    if _first(item, RELATIONSHIP) in RELATIONSHIPS:
        kept.RelationshipType = _first(item, RELATIONSHIP)
    inside = cleaned_items(_items(item, CONTENT), depth + 1)
    if inside:
        kept.ContentSequence = inside
    if kind == "CONTAINER":
        kept.ContinuityOfContent = "SEPARATE"
        return kept if inside else None
    return _with_code(kept, item) if kind == "CODE" else _with_number(kept, item)


def _with_code(kept: Dataset, item: Dataset) -> Dataset | None:
    value = _code(item, CONCEPT_CODE)
    if value is None:
        return None
    kept.ConceptCodeSequence = value
    return kept


def _with_number(kept: Dataset, item: Dataset) -> Dataset | None:
    # In an acquisition context the number stands in the item itself, elsewhere in a sequence.
    measured = _items(item, MEASURED_VALUE)
    place = measured[0] if measured else item
    number, unit = _first(place, NUMERIC_VALUE), _code(place, UNITS)
    if not _DS.fullmatch(number) or unit is None:
        return None
    value = Dataset()
    value.NumericValue, value.MeasurementUnitsCodeSequence = number, unit
    if measured:
        kept.MeasuredValueSequence = [value]
    else:
        kept.update(value)
    return kept
