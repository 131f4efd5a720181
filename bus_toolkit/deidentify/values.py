"""The value that each rule gives an attribute. ``None`` means: nothing of it may stay."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pydicom.valuerep import format_number_as_ds

from bus_toolkit.deidentify.dates import moved
from bus_toolkit.deidentify.descriptors import cleaned
from bus_toolkit.deidentify.plan import How, Rule, known_codes
from bus_toolkit.deidentify.reading import texts, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydicom.dataelem import DataElement

    from bus_toolkit.deidentify.identifiers import Identifiers
    from bus_toolkit.deidentify.key import Key

DUMMIES: Final[Mapping[str, Any]] = {
    "AE": "REMOVED",
    "AS": "000Y",
    "CS": "REMOVED",
    "DA": "19000101",
    "DS": "0",
    "DT": "19000101000000",
    "IS": "0",
    "LO": "REMOVED",
    "LT": "REMOVED",
    "PN": "REMOVED",
    "SH": "REMOVED",
    "ST": "REMOVED",
    "TM": "000000",
    "UC": "REMOVED",
    "UR": "urn:removed",
    "UT": "REMOVED",
    "AT": 0,
    "FD": 0.0,
    "FL": 0.0,
    "SL": 0,
    "SS": 0,
    "SV": 0,
    "UL": 0,
    "US": 0,
    "UV": 0,
    "OB": b"\x00\x00",
    "OD": bytes(8),
    "OF": bytes(4),
    "OL": bytes(4),
    "OV": bytes(8),
    "OW": b"\x00\x00",
    "UN": b"\x00\x00",
}
"""Conforming values that say nothing, by value representation; a date is one that no scan has."""

SOP_CLASS: Final = "SOP Class"
"""How pydicom's dictionary calls the kind of UID that names a class of objects."""

LONGEST_TEXT: Final = 64
LONGEST_CODE: Final = 16
SHORTEST_NUMBER_ID: Final = 5
"""An id of 600 must not take out a frame time of 600 ms; one of five digits hardly meets a measure by chance."""
SHORTEST_ORDINAL_ID: Final = 3
LARGEST_LUT: Final = 2 * 65536
LONGEST_DS: Final = 16
IS_RANGE: Final = range(-(2**31), 2**31)
_DS: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_UNKNOWN_CODE: Final = ("SCT", "261665006", "Unknown")

IMAGE_TYPE_TERMS: Final = frozenset(
    {
        *("ABDOMINAL", "BREAST", "CHEST", "ENDOCAVITARY", "ENDORECTAL", "ENDOVAGINAL", "EPICARDIAL", "FETAL HEART"),
        *("GYNECOLOGY", "INTRACARDIAC", "INTRAOPERATIVE", "INTRAVASCULAR", "MUSCULOSKELETAL", "NEONATAL HEAD"),
        *("OBSTETRICAL", "OPHTHALMIC", "PEDIATRIC", "PELVIC", "RETROPERITONEAL", "SCROTAL", "SMALL PARTS", "TEE"),
        *("THYROID", "TRANSCRANIAL", "TTE", "VASCULAR"),
    }
)
"""Exam types of DICOM PS3.3 C.8.5.6.1.1, third value of Image Type."""


def coded(scheme: str, value: str, meaning: str) -> Dataset:
    """An item of a code sequence (PS3.3 table 8.8-1)."""
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return item


def unknown_code() -> Dataset:
    """The item that stands where a coded entry may not be empty and may not stay."""
    return coded(*_UNKNOWN_CODE)


def _code_of(item: Dataset) -> tuple[str, str, str]:
    scheme, value, meaning = (next(iter(texts(item, tag)), "") for tag in (0x00080102, 0x00080100, 0x00080104))
    return scheme, value, meaning


def known_code(item: Dataset) -> Dataset | None:
    """A coded entry that the toolkit carries, with the carried meaning; None for any other."""
    scheme, value, _ = _code_of(item)
    meaning = known_codes().get((scheme, value))
    return None if meaning is None else coded(scheme, value, meaning)


def local_code(item: Dataset, identifiers: Identifiers) -> Dataset | None:
    """A coded entry as it stands, when it is whole and well-formed and holds no identifier; None for any other."""
    found = _code_of(item)
    lengths = (LONGEST_CODE, LONGEST_CODE, LONGEST_TEXT)
    good = all(0 < len(text) <= most and text.isprintable() for text, most in zip(found, lengths, strict=True))
    return coded(*found) if good and not identifiers.found_in(" ".join(found)) else None


def _one_number(value: Any, vr: str) -> Any:  # noqa: ANN401 - pydicom values have any type
    """One number in the form in which it is written; None when it is not one.

    Raises
    ------
    TypeError, ValueError, OverflowError
        When it is not one either.
    """
    if vr in {"FL", "FD"}:
        return float(value)
    if vr != "DS":
        number = int(value)
        return None if vr == "IS" and number not in IS_RANGE else number
    text = str(value).strip(" \x00")
    if not math.isfinite(float(value)):
        return None
    return text if len(text) <= LONGEST_DS and _DS.fullmatch(text) else format_number_as_ds(float(value))


@lru_cache(maxsize=64)
def _numbers(ids: frozenset[str], dates: frozenset[str]) -> frozenset[str]:
    """The digits of every id that is a number, and of every date, without leading zeros."""
    return frozenset(text.lstrip("0") for text in ids | dates if text.isascii() and text.isdigit())


def _is_id(value: Any, rule: Rule, identifiers: Identifiers) -> bool:  # noqa: ANN401 - as above
    """Whether a number is one of the ids, in whatever form it is written."""
    number = abs(float(value))
    if not number.is_integer():
        return False
    text = str(int(number))
    shortest = SHORTEST_ORDINAL_ID if rule.how is How.ORDINAL else SHORTEST_NUMBER_ID
    return len(text) >= shortest and text in _numbers(identifiers.ids, identifiers.dates)


def _number(element: DataElement, rule: Rule, identifiers: Identifiers) -> Any:  # noqa: ANN401 - as above
    found = [_one_number(value, element.VR) for value in values_of(element)]
    if any(value is None or _is_id(value, rule, identifiers) for value in found):
        return None
    return found


def _match(element: DataElement, rule: Rule, _: Identifiers) -> Any:  # noqa: ANN401 - as above
    found = [str(value).strip(" \x00") for value in values_of(element)]
    matched = rule.pattern is not None and all(rule.pattern.fullmatch(value) for value in found)
    return found if matched else None


def _text(element: DataElement, _: Rule, identifiers: Identifiers) -> Any:  # noqa: ANN401 - as above
    found = [str(value).strip(" \x00") for value in values_of(element)]
    good = all(len(text) <= LONGEST_TEXT and text.isprintable() for text in found)
    return found if good and not identifiers.found_in(" ".join(found)) else None


def _known_uid(element: DataElement, _: Rule, __: Identifiers) -> Any:  # noqa: ANN401 - as above
    found = [str(value).strip(" \x00") for value in values_of(element)]
    return found if all(UID(value).type == SOP_CLASS for value in found) else None


def _image_type(element: DataElement, _: Rule, __: Identifiers) -> Any:  # noqa: ANN401 - as above
    found = [str(value).strip(" \x00") for value in values_of(element)] + [""] * 4
    first = found[0] if found[0] in {"ORIGINAL", "DERIVED"} else "DERIVED"
    second = found[1] if found[1] in {"PRIMARY", "SECONDARY"} else "PRIMARY"
    third = found[2] if found[2] in IMAGE_TYPE_TERMS else ""
    fourth = found[3] if re.fullmatch(r"[0-9]{4}", found[3]) else ""
    kept = [first, second, third, fourth]
    while not kept[-1]:
        kept.pop()
    return kept


def _lut(element: DataElement, rule: Rule, _: Identifiers) -> Any:  # noqa: ANN401 - as above
    if isinstance(element.value, bytes):
        return element.value if len(element.value) <= LARGEST_LUT and len(element.value) % 2 == 0 else None
    found = [int(value) for value in values_of(element)]
    return found if "US" in rule.vrs and len(found) <= LARGEST_LUT // 2 else None


def _codes(element: DataElement, _: Rule, __: Identifiers) -> Any:  # noqa: ANN401 - as above
    return [code for item in element.value or [] if (code := known_code(item)) is not None] or None


_UID: Final = re.compile(r"[0-2](\.(0|[1-9]\d*)){1,32}", re.ASCII)
LONGEST_UID: Final = 64
_AGE: Final = re.compile(r"(\d{3})([DWMY])", re.ASCII)
OLDEST: Final = 89
OLDER: Final = "090Y"
"""What stands for every age above 89 years, which few people reach (45 CFR 164.514(b)(2)(i)(C))."""
LONGEST_RETAINED: Final = 1024
LENGTHS: Final = {"AE": 16, "CS": 16, "SH": 16, "LO": LONGEST_TEXT}
"""Characters of one value by value representation (PS3.5 6.2); of any other no more than the above is kept."""
_CS: Final = re.compile(r"[A-Z0-9_ ]*")


def _age(text: str) -> str | None:
    match = _AGE.fullmatch(text)
    if match is None:
        return None
    return OLDER if match[2] == "Y" and int(match[1]) > OLDEST else text


def _retained(element: DataElement, rule: Rule, identifiers: Identifiers) -> Any:  # noqa: ANN401 - as above
    if element.VR in {"DS", "IS", "US", "SS", "UL", "SL", "FL", "FD", "UV", "SV"}:
        return _number(element, rule, identifiers)
    found = [str(value).strip(" \x00") for value in values_of(element)]
    if element.VR == "UI":
        return found if all(_UID.fullmatch(text) and len(text) <= LONGEST_UID for text in found) else None
    if element.VR == "AS":
        ages = [_age(text) for text in found]
        return None if None in ages else ages
    lines = " ".join(found).translate({9: " ", 10: " ", 12: " ", 13: " "})
    longest = LENGTHS.get(element.VR, LONGEST_RETAINED)
    good = lines.isprintable() and all(len(text) <= longest for text in found)
    if element.VR == "CS":
        good = good and _CS.fullmatch(lines) is not None
    return found if good and not identifiers.found_in(lines) else None


def _descriptor(element: DataElement, _: Rule, identifiers: Identifiers) -> Any:  # noqa: ANN401 - as above
    longest = LENGTHS.get(element.VR, LONGEST_TEXT)
    kept = [cleaned(str(value), identifiers, longest) for value in values_of(element)]
    return [text for text in kept if text] or None


_KEEPERS: Final[Mapping[How, Callable[[DataElement, Rule, Identifiers], Any]]] = {
    How.NUMBER: _number,
    How.ORDINAL: _number,
    How.MATCH: _match,
    How.TEXT: _text,
    How.KNOWN_UID: _known_uid,
    How.IMAGE_TYPE: _image_type,
    How.LUT: _lut,
    How.CODES: _codes,
    How.RETAINED: _retained,
    How.DESCRIPTOR: _descriptor,
}


def kept_value(element: DataElement, rule: Rule, identifiers: Identifiers) -> Any:  # noqa: ANN401 - as above
    """What may stay of a value under one of the keep-list's rules: a list, bytes, or None for nothing.

    A value of another value representation than the standard's, with too many values, or that cannot be read as
    what it claims to be, may not stay.
    """
    if element.VR not in rule.vrs:
        return None
    try:
        if rule.how is not How.CODES and len(values_of(element)) > rule.most:
            return None
        return _KEEPERS[rule.how](element, rule, identifiers)
    except (TypeError, ValueError, OverflowError, AttributeError):
        return None


def new_uids(element: DataElement | None, key: Key, *, keep_registered: bool = False) -> list[UID]:
    """Every UID of an element mapped under the key; none for an element that is empty or unreadable.

    With ``keep_registered``, those that the standard registers (PS3.6 Annex A) stay.
    """
    if element is None or element.VR != "UI":
        return []
    found = (str(value).strip(" \x00") for value in values_of(element))
    return [UID(value if keep_registered and UID(value).type else key.uid(value)) for value in found if value]


def moved_dates(element: DataElement, days: int) -> list[str] | None:
    """Every date or time of an element ``days`` earlier; None when one is not well-formed."""
    found = [moved(str(value), element.VR, days) for value in values_of(element)]
    return None if None in found else [text for text in found if text is not None]
