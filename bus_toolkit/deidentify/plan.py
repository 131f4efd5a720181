"""Which rule each attribute gets: the table first, then the keep-list; an attribute in neither has no rule and goes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pydicom.datadict import dictionary_VM, dictionary_VR

from bus_toolkit.deidentify.table import Action, by_tag, read_rows, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_GROUP: Final = 0x0008
"""Lower groups belong to commands, file meta and media directories, never to a data set (PS3.5 7.1, PS3.10 7.1)."""
UNBOUNDED: Final = 1_000_000_000
"""Stands for the ``n`` of a value multiplicity such as 1-n."""


class How(StrEnum):
    """What is done with one attribute. The last nine are rules of the keep-list."""

    EMPTY = "empty"
    """Written with zero length."""
    DUMMY = "dummy"
    """Written with a value that says nothing."""
    NEW_UID = "new_uid"
    """Every UID replaced by its image under the key."""
    NUMBER = "number"
    """Kept when it is made of numbers; one written in five digits or more must not be one of this header's ids."""
    ORDINAL = "ordinal"
    """As ``number``, but with three digits or more it must not be one of the ids: some makers count by them."""
    MATCH = "match"
    """Kept when every value is one of the terms that the keep-list names."""
    TEXT = "text"
    """Kept when it is printable and holds no part of a name and no id of this header."""
    KNOWN_UID = "uid"
    """Kept when it is an SOP class that the standard registers."""
    IMAGE_TYPE = "image_type"
    """Kept as far as its values are the standard's terms."""
    LUT = "lut"
    """Kept as bytes: a colour or grey table without which the pixels cannot be read."""
    SEQUENCE = "sequence"
    """Kept, every item cleaned by the same rules."""
    CODES = "codes"
    """Kept as far as its items are codes that the toolkit carries, with the carried meaning."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done with one attribute.

    ``vrs`` are the value representations that the standard gives it, ``most`` the largest number of values,
    ``pattern`` the terms of a ``match`` rule, ``fallback`` whether a value that fails is written with zero length
    (types 2 and 2C) or taken out.
    """

    how: How
    vrs: tuple[str, ...]
    most: int = UNBOUNDED
    pattern: re.Pattern[str] | None = None
    fallback: bool = False


@lru_cache(maxsize=1)
def iod_types() -> Mapping[str, tuple[str, bool]]:
    """Types of attributes at the top level of the ultrasound image IODs and their like: keyword -> (type, added).

    Attributes that a conditional action or a required value depends on; any other one counts as type 3. ``added`` marks
    those that are written with zero length when the input lacks them. Source: DICOM PS3.3, A.6, A.7, A.8.
    """
    return MappingProxyType(
        {row["keyword"]: (row["type"], row["added"] == "yes") for row in read_rows("iod_types.csv")}
    )


@lru_cache(maxsize=1)
def known_codes() -> Mapping[tuple[str, str], str]:
    """Coded concepts that may stay, with the meaning that is written: (scheme, value) -> meaning."""
    return MappingProxyType({(row["scheme"], row["value"]): row["meaning"] for row in read_rows("known_codes.csv")})


def _vrs(tag: int) -> tuple[str, ...]:
    return tuple(dictionary_VR(tag).split(" or "))


def _most(tag: int) -> int:
    last = dictionary_VM(tag).rpartition("-")[2]
    return UNBOUNDED if "n" in last else int(last)


def _from_table(tag: int, action: Action) -> Rule | None:
    # The Basic Profile has no K and no C; what is not provided for is taken out, as X is.
    how = {Action.ZERO: How.EMPTY, Action.DUMMY: How.DUMMY, Action.UID: How.NEW_UID}.get(action)
    if how is None:
        return None
    vrs = _vrs(tag)
    if how is How.NEW_UID and vrs == ("SQ",):
        return Rule(How.SEQUENCE, vrs)
    # A dummy UID that were the same everywhere would join what is not joined.
    return Rule(How.NEW_UID if how is How.DUMMY and vrs == ("UI",) else how, vrs)


@lru_cache(maxsize=2)
def plan(*, types_known: bool) -> Mapping[int, Rule]:
    """The rule of every attribute that is not simply taken out, by tag number.

    Parameters
    ----------
    types_known
        True at the top level of an IOD whose types the toolkit carries: conditional actions follow the type. False
        inside items and in other IODs: they take the choice that conforms whatever the type is.
    """
    types = iod_types()
    rules: dict[int, Rule] = {}
    for tag, row in by_tag().items():
        if tag >> 16 < FIRST_GROUP:
            continue
        kind = types.get(row.keyword, ("3", False))[0] if types_known else None
        rule = _from_table(tag, resolve(row.basic, kind))
        if rule is not None:
            rules[tag] = rule
    for record in read_rows("keep_list.csv"):
        tag = int(record["tag"], 16)
        how, _, terms = record["rule"].partition(" ")
        rules[tag] = Rule(
            How(how),
            _vrs(tag),
            _most(tag),
            re.compile(terms) if terms else None,
            fallback=types.get(record["keyword"], ("3", False))[0] in {"2", "2C"},
        )
    return MappingProxyType(rules)
