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

    from bus_toolkit.deidentify.identifiers import Identifiers

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
    "mm2": "square millimeter",
    "cm2": "square centimeter",
    "mm3": "cubic millimeter",
    "cm3": "cubic centimeter",
    "ml": "milliliter",
    "s": "second",
    "ms": "millisecond",
    "min": "minute",
    "Hz": "Hz",
    "kHz": "kHz",
    "MHz": "MHz",
    "cm/s": "centimeter/second",
    "m/s": "meter/second",
    "dB": "decibel",
    "kPa": "kPa",
    "deg": "degree",
    "%": "percent",
    "1": "no units",
    "{ratio}": "ratio",
}
"""Units of measure that may stay, with the meaning that is written (PS3.16 CID 7460 to 7462 and others)."""
DEEPEST: Final = 16
LONGEST_NUMBER: Final = 16
SHORTEST_ID: Final = 4
_DS: Final = re.compile(r"[+-]?\d{1,6}(\.\d{1,8})?", re.ASCII)


def cleaned_items(items: Iterable[Dataset], identifiers: Identifiers, depth: int = 0) -> list[Dataset]:
    """What may stay of content items, in their order; a number that is an id of the header does not."""
    if depth >= DEEPEST:
        return []
    kept = (_item(item, identifiers, depth) for item in items)
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


def _item(item: Dataset, identifiers: Identifiers, depth: int) -> Dataset | None:
    kind, name = _first(item, VALUE_TYPE), _code(item, CONCEPT_NAME)
    if name is None or kind not in {"CODE", "NUM", "CONTAINER"}:
        return None
    kept = Dataset()
    kept.ValueType = kind
    kept.ConceptNameCodeSequence = name
    if _first(item, RELATIONSHIP) in RELATIONSHIPS:
        kept.RelationshipType = _first(item, RELATIONSHIP)
    inside = cleaned_items(_items(item, CONTENT), identifiers, depth + 1)
    if inside:
        kept.ContentSequence = inside
    if kind == "CONTAINER":
        kept.ContinuityOfContent = "SEPARATE"
        return kept if inside else None
    return _with_code(kept, item) if kind == "CODE" else _with_number(kept, item, identifiers)


def _with_code(kept: Dataset, item: Dataset) -> Dataset | None:
    value = _code(item, CONCEPT_CODE)
    if value is None:
        return None
    kept.ConceptCodeSequence = value
    return kept


def _with_number(kept: Dataset, item: Dataset, identifiers: Identifiers) -> Dataset | None:
    # In an acquisition context the number stands in the item itself, elsewhere in a sequence.
    measured = _items(item, MEASURED_VALUE)
    place = measured[0] if measured else item
    number, unit = _first(place, NUMERIC_VALUE), _code(place, UNITS)
    if unit is None or len(number) > LONGEST_NUMBER or not _DS.fullmatch(number):
        return None
    digits = number.lstrip("+-").partition(".")
    whole = digits[0] + digits[2].rstrip("0")
    if any(len(text) >= SHORTEST_ID and identifiers.is_number(text) for text in (digits[0], whole)):
        return None
    value = Dataset()
    value.NumericValue, value.MeasurementUnitsCodeSequence = number, unit
    if measured:
        kept.MeasuredValueSequence = [value]
    else:
        kept.update(value)
    return kept
