"""DICOM PS3.15 Table E.1-1 as data: what the standard does with each attribute.

The rows stand in ``ps3_15_table_e1.csv``: Basic Profile actions of edition 2026c, option columns of edition 2024b
(rows that are new since then have empty option columns). Source: DICOM PS3.15, Annex E, Table E.1-1,
https://dicom.nema.org/medical/dicom/current/output/chtml/part15/chapter_e.html

Nothing here reads a header; it only answers what should be done.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bus_toolkit.profile import Profile

_ONE_TAG: Final = re.compile("[0-9A-F]{8}")


class Action(StrEnum):
    """The action codes of PS3.15 E.1, as they stand in the table."""

    DUMMY = "D"
    """Replace by a dummy value that is not empty."""
    ZERO = "Z"
    """Replace by a value of zero length."""
    REMOVE = "X"
    """Remove."""
    KEEP = "K"
    """Keep; a sequence is cleaned inside."""
    CLEAN = "C"
    """Replace by a value of like meaning that identifies nobody."""
    UID = "U"
    """Replace by another UID, the same one for the same original."""


OPTIONS: Final = (
    "safe_private",
    "uids",
    "device",
    "institution",
    "patient",
    "full_dates",
    "modified_dates",
    "descriptors",
    "structured_content",
    "graphics",
)
"""The option columns of the table, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    tag
        Group and element as eight hex digits, or ``"50xxxxxx"``, ``"60xx3000"``, ``"60xx4000"``, ``"private"``.
    keyword
        The standard's keyword; empty for the four rows that name many attributes, and for 25 rows of the newest edition
        that pydicom's dictionary does not know yet (their action is X, so nothing more is needed of them).
    name
        The attribute's name in the standard; empty for those 25.
    basic
        Basic Profile action, perhaps conditional: ``"X"``, ``"Z/D"``, ``"X/Z/U*"`` ...
    options
        Action by option column, only where the table has one.
    edition
        ``"both"``, or the one edition that has the row.
    """

    tag: str
    keyword: str
    name: str
    basic: str
    options: Mapping[str, str]
    edition: str


def read_rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of one data file of this package, by column name."""
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())


@lru_cache(maxsize=1)
def rows() -> tuple[Row, ...]:
    """Every row of the table, read once, in the order of the file (by tag; the four open rows last)."""
    return tuple(
        Row(
            tag=record["tag"],
            keyword=record["keyword"],
            name=record["name"],
            basic=record["basic"],
            options=MappingProxyType({option: record[option] for option in OPTIONS if record[option]}),
            edition=record["edition"],
        )
        for record in read_rows("ps3_15_table_e1.csv")
    )


@lru_cache(maxsize=1)
def by_tag() -> Mapping[int, Row]:
    """The rows that name one attribute, by tag number (group * 65536 + element)."""
    return MappingProxyType({int(row.tag, 16): row for row in rows() if _ONE_TAG.fullmatch(row.tag)})


def resolve(action: str, attribute_type: str | None) -> Action:
    """One action out of a conditional one (PS3.15 E.1: ``X/Z/D`` and the like).

    Parameters
    ----------
    action
        The code of the table.
    attribute_type
        The type of the attribute in the IOD at hand: ``"1"``, ``"1C"``, ``"2"``, ``"2C"``, ``"3"``; None when it is
        not known (inside an item, or an IOD that the toolkit carries no types for).

    Returns
    -------
    Action
        For type 3 the first choice, which takes most away; for type 2 zero length where that is a choice; for type 1
        the last choice. For an unknown type the last choice too: a dummy value conforms whatever the type is, and
        it carries nothing of the original.

    Raises
    ------
    ConfigError
        When the action is not one of the table's.
    """
    try:
        choices = [Action(part.removesuffix("*")) for part in action.split("/")]
    except ValueError as error:
        msg = f"an action must be made of D, Z, X, K, C and U. Got {action!r}"
        raise ConfigError(msg) from error
    if attribute_type == "3":
        return choices[0]
    if attribute_type in {"2", "2C"} and Action.ZERO in choices:
        return Action.ZERO
    return choices[-1]


def columns_of(profile: Profile) -> tuple[str, ...]:
    """The option columns that a profile asks for."""
    names = {"retain_full_dates": "full_dates", "retain_modified_dates": "modified_dates"}
    short = {f"retain_{name}_identity": name for name in ("device", "institution")}
    short |= {"retain_patient_characteristics": "patient", "retain_uids": "uids", "retain_safe_private": "safe_private"}
    return tuple((names | short).get(name, name.removeprefix("clean_")) for name in profile.names())


def action_for(row: Row, profile: Profile, attribute_type: str | None) -> Action:
    """What is done with an attribute under the Basic Profile and the chosen options.

    Where several options speak of one attribute, the one that keeps most counts: whoever chose it asked for that.
    Where none does, the Basic Profile's action, by the attribute's type (:func:`resolve`).
    """
    offered = {row.options[column] for column in columns_of(profile) if column in row.options}
    for action in (Action.KEEP, Action.CLEAN):
        if action in offered:
            return action
    return resolve(row.basic, attribute_type)
