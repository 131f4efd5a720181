"""Which rule each attribute gets.

The table of the standard with the chosen options comes first, then the keep-list, then what the value representation
says. An attribute for which none of them has a rule goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pydicom.datadict import dictionary_is_retired, dictionary_VM, dictionary_VR, keyword_for_tag

from bus_toolkit.deidentify.table import Action, Row, action_for, by_tag, read_rows, resolve
from bus_toolkit.deidentify.types import OBJECTS, attribute_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bus_toolkit.profile import Profile

FIRST_GROUP: Final = 0x0008
"""Lower groups belong to commands, file meta and media directories, never to a data set (PS3.5 7.1, PS3.10 7.1)."""
LAST_GROUP: Final = 0x7FDF
"""Higher groups belong to pixels, signatures and padding."""
UNBOUNDED: Final = 1_000_000_000
"""Stands for the ``n`` of a value multiplicity such as 1-n."""


class How(StrEnum):
    """What is done with one attribute. From ``number`` to ``codes`` they are rules of the keep-list."""

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
    """Kept, every item cleaned by the same rules; items that are codes stay when the toolkit carries them."""
    CODES = "codes"
    """Kept as far as its items are codes that the toolkit carries, with the carried meaning."""
    RETAINED = "retained"
    """An option keeps it: kept when it is well-formed and holds no identifier that no option keeps."""
    DATE = "date"
    """An option keeps it: a well-formed date or time, shifted as the profile says."""
    DESCRIPTOR = "descriptor"
    """An option cleans it: the words that stand in the toolkit's vocabulary."""
    CONTENT = "content"
    """An option cleans it: content items that are codes and numbers."""
    LOCAL_CODES = "local_codes"
    """An option keeps it: as ``sequence``, and codes that the toolkit does not carry stay as ``retained`` values do."""
    OTHER_SEQUENCE = "other_sequence"
    """One that the table does not name, or that an option cleans: as ``sequence``, less items without a value."""
    OTHER_UID = "other_uid"
    """A UID that the table does not name: kept when the standard registers it, else replaced as ``new_uid``."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done with one attribute.

    ``vrs`` are the value representations that the standard gives it, ``most`` the largest number of values,
    ``pattern`` the terms of a ``match`` rule, ``otherwise`` what is done when the value may not stay: ``EMPTY``,
    ``DUMMY``, ``NEW_UID``, or None to take it out.
    """

    how: How
    vrs: tuple[str, ...]
    most: int = UNBOUNDED
    pattern: re.Pattern[str] | None = None
    otherwise: How | None = None


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
    """Empty for an attribute that the dictionary does not know, because it is newer."""
    try:
        return tuple(dictionary_VR(tag).split(" or "))
    except KeyError:
        return ()


def _most(tag: int) -> int:
    last = dictionary_VM(tag).rpartition("-")[2]
    return UNBOUNDED if "n" in last else int(last)


BASIC: Final = MappingProxyType({Action.ZERO: How.EMPTY, Action.DUMMY: How.DUMMY, Action.UID: How.NEW_UID})
"""The Basic Profile has no K and no C in the table; what is not here is taken out, as X is."""
TEMPORAL: Final = frozenset({"DA", "DT", "TM"})
TIMEZONE: Final = 0x00080201
TEXTS: Final = frozenset({"LO", "SH", "ST", "LT", "UT", "UC"})
CONTENT_TAGS: Final = frozenset({0x0040A730, 0x00400555, 0x00400612})
"""ContentSequence, AcquisitionContextSequence, SpecimenPreparationSequence: what Clean Structured Content cleans."""
GRAPHIC_ANNOTATIONS: Final = 0x00700001
GONE: Final = frozenset({0x04000500, 0x4FFE0001})
"""EncryptedAttributesSequence holds what somebody meant to give back; MACParametersSequence serves signatures."""


def _basic(vrs: tuple[str, ...], action: Action) -> Rule | None:
    how = BASIC.get(action)
    if how is None:
        return None
    if how is How.NEW_UID and vrs == ("SQ",):
        return Rule(How.SEQUENCE, vrs)
    # A dummy UID that were the same everywhere would join what is not joined.
    return Rule(How.NEW_UID if how is How.DUMMY and vrs == ("UI",) else how, vrs)


def _optional(tag: int, vrs: tuple[str, ...], action: Action) -> How | None:
    """What an option's K or C means for an attribute; None where it has no meaning, and the Basic Profile stands."""
    if vrs[0] in TEMPORAL or tag == TIMEZONE:
        return How.DATE
    if tag in CONTENT_TAGS:
        return How.CONTENT
    if tag == GRAPHIC_ANNOTATIONS:
        # Texts and drawings of presentation states, without a picture to look at.
        return None
    if vrs == ("SQ",):
        return _sequence(tag, action)
    if action is Action.KEEP:
        return None if vrs[0].startswith("O") else How.RETAINED
    return How.DESCRIPTOR if vrs[0] in TEXTS else None


def _sequence(tag: int, action: Action) -> How:
    if action is Action.CLEAN:
        return How.OTHER_SEQUENCE
    return How.LOCAL_CODES if keyword_for_tag(tag).endswith("CodeSequence") else How.SEQUENCE


def _from_table(tag: int, row: Row, profile: Profile, kind: str | None) -> Rule | None:
    vrs = _vrs(tag)
    if not vrs:
        return None
    basic = _basic(vrs, resolve(row.basic, kind))
    action = action_for(row, profile, kind)
    how = _optional(tag, vrs, action) if action in {Action.KEEP, Action.CLEAN} else None
    if how is None:
        return basic
    return Rule(how, vrs, _most(tag), otherwise=basic.how if basic is not None else None)


@lru_cache(maxsize=1)
def _keep_list() -> Mapping[int, Rule]:
    """The attributes that the table does not name and that are known to be technical."""
    types, rules = iod_types(), {}
    for record in read_rows("keep_list.csv"):
        tag = int(record["tag"], 16)
        how, _, terms = record["rule"].partition(" ")
        rules[tag] = Rule(
            How(how),
            _vrs(tag),
            _most(tag),
            re.compile(terms) if terms else None,
            otherwise=How.EMPTY if types.get(record["keyword"], ("3", False))[0] in {"2", "2C"} else None,
        )
    return MappingProxyType(rules)


@lru_cache(maxsize=4096)
def beyond(tag: int, profile: Profile) -> Rule | None:
    """The rule of an attribute that neither the table nor the keep-list names.

    One that the standard knows and has not retired is kept when it is a UID (replaced unless it is registered), a
    sequence (cleaned inside, gone with nothing left), or, with Clean Descriptors, text (cleaned). All else goes:
    private attributes, unknown ones, group lengths, groups 50xx, 60xx and 7FE0, text, bytes, dates, and numbers, too,
    for a number may be somebody's: those that are technical stand in the keep-list.
    """
    group, vrs = tag >> 16, _vrs(tag)
    inside = FIRST_GROUP <= group <= LAST_GROUP and group % 2 == 0 and group >> 8 not in {0x50, 0x60}
    if not inside or not vrs or tag in GONE or dictionary_is_retired(tag):
        return None
    most = _most(tag)
    if vrs == ("UI",):
        return Rule(How.OTHER_UID, vrs, most)
    if vrs == ("SQ",):
        return Rule(How.OTHER_SEQUENCE, vrs)
    return Rule(How.DESCRIPTOR, vrs, most) if profile.clean_descriptors and vrs[0] in TEXTS else None


@lru_cache(maxsize=1)
def _conditional() -> tuple[int, ...]:
    """Attributes whose action depends on their type."""
    return tuple(tag for tag, row in by_tag().items() if tag >> 16 >= FIRST_GROUP and "/" in row.basic)


@lru_cache(maxsize=256)
def _plan_of(kinds: tuple[str | None, ...], profile: Profile) -> Mapping[int, Rule | None]:
    """The rules where the conditional attributes have these types; few places of an object differ in them."""
    rules: dict[int, Rule | None] = dict(_keep_list())
    known = dict(zip(_conditional(), kinds, strict=True))
    for tag, row in by_tag().items():
        if tag >> 16 >= FIRST_GROUP:
            rules[tag] = _from_table(tag, row, profile, known.get(tag))
    return MappingProxyType(rules)


@lru_cache(maxsize=4096)
def plan(sop_class: str, path: tuple[int, ...], profile: Profile) -> Mapping[int, Rule | None]:
    """The rule of every attribute that the table or the keep-list names, by tag number; None to take it out.

    Parameters
    ----------
    sop_class
        The object at hand: conditional actions follow the type of the attribute in it
        (:func:`~bus_toolkit.deidentify.types.attribute_type`). In an object whose types the toolkit does not carry they
        take the choice that conforms whatever the type is.
    path
        Tags of the sequences in which the attributes lie, outermost first.
    profile
        The chosen options.
    """
    if sop_class not in OBJECTS:
        return _plan_of((None,) * len(_conditional()), profile)
    kinds = iod_types() if not path else {}
    found = []
    for tag in _conditional():
        keyword = by_tag()[tag].keyword
        found.append(kinds[keyword][0] if keyword in kinds else attribute_type(sop_class, path, tag))
    return _plan_of(tuple(found), profile)
