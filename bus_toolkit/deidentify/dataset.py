"""One header in, another header out: PS3.15 Basic Application Level Confidentiality Profile, with the chosen options.

What is not named is not kept. An attribute stays only where the table of the standard with the chosen options gives
it a rule that leaves something, or the toolkit's keep-list names it as technical
(:mod:`~bus_toolkit.deidentify.plan`). Private groups, groups 50xx and 60xx, group lengths, attributes that
no dictionary knows and values of a wrong kind have no such rule and are gone, at any depth, unless an option vouches
for them one by one. The pixel data elements are left out too: who writes the file puts the pixels in.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID

from bus_toolkit.deidentify.content import cleaned_items
from bus_toolkit.deidentify.graphics import kept_overlays
from bus_toolkit.deidentify.identifiers import Identifiers
from bus_toolkit.deidentify.palettes import DESCRIPTORS, cut_table
from bus_toolkit.deidentify.plan import How, Rule, beyond, iod_types, plan
from bus_toolkit.deidentify.private import kept_private
from bus_toolkit.deidentify.provenance import Evidence, add_provenance
from bus_toolkit.deidentify.reading import element_at, texts
from bus_toolkit.deidentify.search import Search
from bus_toolkit.deidentify.values import (
    DUMMIES,
    SOP_CLASS,
    kept_value,
    known_code,
    local_code,
    moved_dates,
    new_uids,
    unknown_code,
)
from bus_toolkit.errors import InputError
from bus_toolkit.io.quiet import quiet
from bus_toolkit.profile import Dates, Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bus_toolkit.deidentify.key import Key
    from bus_toolkit.geometry import Mask

PACKED: Final = {
    "US": "<u2",
    "SS": "<i2",
    "UL": "<u4",
    "SL": "<i4",
    "UV": "<u8",
    "SV": "<i8",
    "FL": "<f4",
    "FD": "<f8",
}
SHORTEST_SPELT: Final = 8
"""Bytes; less spells no more than a short name."""
DEEPEST: Final = 64
"""Sequences nested deeper than this are taken out: no ultrasound object has more than six levels."""
UTF8: Final = "ISO_IR 192"
BASIC: Final = Profile()
NOBODY: Final = Identifiers()
WORDED: Final = frozenset({How.TEXT, How.RETAINED, How.DESCRIPTOR})
"""Rules whose values may be in another script."""
NESTED: Final = frozenset({How.SEQUENCE, How.LOCAL_CODES, How.OTHER_SEQUENCE, How.CONTENT})
CODE_VALUES: Final = (0x00080100, 0x00080119, 0x00080120)
"""CodeValue, LongCodeValue, URNCodeValue: an item with one of them is a coded entry (PS3.3 8.8)."""

PATIENT_NAME: Final = 0x00100010
PATIENT_ID: Final = 0x00100020
ISSUER_OF_PATIENT_ID: Final = 0x00100021
PATIENT_BIRTH_DATE: Final = 0x00100030
SOP_CLASS_UID: Final = 0x00080016
SOP_INSTANCE_UID: Final = 0x00080018
STUDY_INSTANCE_UID: Final = 0x0020000D
SERIES_INSTANCE_UID: Final = 0x0020000E
FRAME_OF_REFERENCE_UID: Final = 0x00200052
STUDY_DATE: Final = 0x00080020
MODALITY: Final = 0x00080060


def patient_identity(dataset: Dataset) -> tuple[str, ...]:
    """What tells the patient of a header from others.

    The identity is PatientID with IssuerOfPatientID (PS3.3 C.2.2). Without an id it is the name, whatever its case and
    padding, with the birth date; without a name the study, so that unnamed people are not taken for one.
    """
    with quiet():
        patient_id = _first(dataset, PATIENT_ID)
        if patient_id:
            return ("id", patient_id, _first(dataset, ISSUER_OF_PATIENT_ID))
        name = _first(dataset, PATIENT_NAME).rstrip("^= ").casefold()
        if name:
            return ("name", name, _first(dataset, PATIENT_BIRTH_DATE))
        return ("study", _first(dataset, STUDY_INSTANCE_UID) or _instance_uid(dataset))


def patient_pseudonym(dataset: Dataset, key: Key) -> str:
    """The pseudonym of the patient of a header; the same for the same patient under the same key."""
    return key.pseudonym("patient", *patient_identity(dataset))


def identity_of(dataset: Dataset, key: Key, profile: Profile) -> dict[str, Any]:
    """Who and what a header is about, as plain JSON for the private books: what a lookup shows.

    Patient id, its issuer, name, birth date, study date, UIDs, and by how many days dates were shifted (0 when they
    were not).
    """
    uids = {"study": STUDY_INSTANCE_UID, "series": SERIES_INSTANCE_UID, "frame_of_reference": FRAME_OF_REFERENCE_UID}
    with quiet():
        return {
            "patient_id": _first(dataset, PATIENT_ID),
            "issuer": _first(dataset, ISSUER_OF_PATIENT_ID),
            "patient_name": _first(dataset, PATIENT_NAME),
            "birth_date": _first(dataset, PATIENT_BIRTH_DATE),
            "study_date": _first(dataset, STUDY_DATE),
            "uids": {name: _first(dataset, tag) for name, tag in uids.items()} | {"instance": _instance_uid(dataset)},
            "shift_days": _shift(dataset, key, profile),
        }


def _shift(dataset: Dataset, key: Key, profile: Profile) -> int:
    return key.days(*patient_identity(dataset)) if profile.dates is Dates.MODIFIED else 0


def deidentify_dataset(
    dataset: Dataset,
    key: Key,
    *,
    profile: Profile = BASIC,
    anonymise: bool = False,
    pixels_checked: bool = False,
    identifiers: Identifiers | None = None,
    keep_overlay: Callable[[Mask], bool] | None = None,
) -> Dataset:
    """A new header that keeps what is technical, maps what relates, and leaves what the options ask for.

    Parameters
    ----------
    dataset
        The header as read. It is not changed.
    key
        Makes pseudonyms, UIDs and shifts of dates; the same input gives the same output under the same key.
    profile
        The options on top of the Basic Profile.
    anonymise
        Whether this run is meant to release.
    pixels_checked
        Whether this run has looked for identities in the pixels of this very object and none is left.
    identifiers
        What must not be found in any text that stays; gathered from ``dataset`` when not given.
    keep_overlay
        For the Clean Graphics Option: is given each overlay plane, bool ``(rows, cols)``, True where it is drawn, and
        says whether no text is in it. Without it no plane is kept.

    Returns
    -------
    Dataset
        Without pixel data, file meta and preamble. ``PatientIdentityRemoved = YES`` and
        ``BurnedInAnnotation = NO`` stand in it only when ``anonymise`` and ``pixels_checked`` are both True.

    Raises
    ------
    InputError
        When the SOP class is not one that the standard names (``"unknown_sop_class"``).
    """
    with quiet():
        sop_class = _sop_class(dataset)
        known = identifiers if identifiers is not None else Identifiers.of(dataset, profile=profile)
        cleaner = _Cleaner(key, known, profile, sop_class, dataset)
        result = cleaner.clean(dataset, ())
        if profile.clean_graphics and keep_overlay is not None:
            for element in kept_overlays(dataset, keep_overlay):
                result.add(element)
        _require(result, dataset, sop_class, key)
        pseudonym = patient_pseudonym(dataset, key)
        result.PatientName = pseudonym
        result.PatientID = pseudonym
        burned_in = texts(dataset, 0x00280301) == ["YES"]
        evidence = Evidence(
            anonymise=anonymise, pixels_checked=pixels_checked, burned_in_before=burned_in, profile=profile
        )
        add_provenance(result, evidence)
        if cleaner.wide:
            result.SpecificCharacterSet = UTF8
        return result


class _Cleaner:
    """Carries what the walk over one header needs; used once."""

    def __init__(self, key: Key, identifiers: Identifiers, profile: Profile, sop_class: str, dataset: Dataset) -> None:
        self.key = key
        self.identifiers = identifiers
        self.profile = profile
        self.sop_class = sop_class
        self.days = _shift(dataset, key, profile)
        self.big_endian = getattr(dataset, "original_encoding", (None, None))[1] is False
        self.wide = False
        self.search: Search | None = None

    def clean(self, source: Dataset, path: tuple[int, ...]) -> Dataset:
        """A new dataset with what the rules leave of ``source``, which lies in the sequences of ``path``."""
        result = Dataset()
        rules = plan(self.sop_class, path, self.profile)
        for each in source.keys():  # noqa: SIM118 - iterating a Dataset itself parses every value, private ones too
            tag = int(each)
            rule = rules[tag] if tag in rules else beyond(tag, self.profile)
            if rule is None:
                continue
            element = self._clean_one(source, tag, rule, path)
            if element is not None:
                result.add(element)
        if self.profile.retain_safe_private:
            for element in kept_private(source, self.identifiers):
                result.add(element)
        return result

    def _clean_one(self, source: Dataset, tag: int, rule: Rule, path: tuple[int, ...]) -> DataElement | None:
        if rule.how is How.EMPTY:
            return _empty(tag, rule)
        if rule.how is How.DUMMY:
            return self._dummy(source, tag, rule, path)
        element = element_at(source, tag)
        if rule.how in {How.NEW_UID, How.OTHER_UID}:
            return self._new_uid(tag, rule, element)
        if rule.how in NESTED:
            items = self._items(element, rule, (*path, tag))
            return self._otherwise(source, tag, rule, path) if items is None else DataElement(Tag(tag), "SQ", items)
        value = None if element is None else self._value(source, element, rule)
        if element is None or value is None:
            return self._otherwise(source, tag, rule, path)
        return self._kept(tag, rule, element.VR, value)

    def _value(self, source: Dataset, element: DataElement, rule: Rule) -> Any:  # noqa: ANN401 - pydicom values
        if rule.how is How.DATE:
            return moved_dates(element, self.days) if element.VR in rule.vrs else None
        value = kept_value(element, rule, self.identifiers)
        if isinstance(value, bytes) and value and self.big_endian and element.VR != "OB":
            # Bytes that stand for 16 bit words; the output is little-endian.
            value = np.frombuffer(value, dtype=">u2").astype("<u2").tobytes()
        if value and int(element.tag) in DESCRIPTORS:
            value = cut_table(source, int(element.tag), value)
        return None if value is not None and self._spells(value, element.VR) else value

    def _spells(self, value: Any, vr: str) -> bool:  # noqa: ANN401 - pydicom values
        """Whether bytes, or several binary numbers, read as text hold an identifier."""
        if isinstance(value, list) and len(value) > 1 and vr in PACKED:
            value = np.asarray(value, PACKED[vr]).tobytes()
        if not isinstance(value, bytes) or len(value) < SHORTEST_SPELT:
            return False
        if self.search is None:
            self.search = Search(self.identifiers)
        return bool(self.search.in_bytes(value))

    def _otherwise(self, source: Dataset, tag: int, rule: Rule, path: tuple[int, ...]) -> DataElement | None:
        """What is done with a value that may not stay."""
        if rule.otherwise is None:
            return None
        return self._clean_one(source, tag, Rule(rule.otherwise, rule.vrs), path)

    def _new_uid(self, tag: int, rule: Rule, element: DataElement | None) -> DataElement | None:
        if rule.how is How.OTHER_UID and self.profile.retain_uids:
            retained = None if element is None else kept_value(element, Rule(How.RETAINED, rule.vrs), NOBODY)
            return None if not retained else self._kept(tag, rule, "UI", [UID(uid) for uid in retained])
        uids = new_uids(element, self.key, keep_registered=rule.how is How.OTHER_UID)
        return DataElement(Tag(tag), "UI", uids if len(uids) != 1 else uids[0]) if uids else _empty(tag, rule)

    def _kept(self, tag: int, rule: Rule, vr: str, value: Any) -> DataElement:  # noqa: ANN401 - pydicom values
        if value in ([], b""):
            return _empty(tag, rule)
        if rule.how in WORDED and not all(str(text).isascii() for text in value):
            self.wide = True
        single = isinstance(value, list) and len(value) == 1 and vr != "SQ"
        return DataElement(Tag(tag), vr, value[0] if single else value)

    def _items(self, element: DataElement | None, rule: Rule, path: tuple[int, ...]) -> Sequence | None:
        if element is None or element.VR != "SQ" or len(path) > DEEPEST:
            return None
        if rule.how is How.CONTENT:
            return Sequence(cleaned_items(element.value or [], self.identifiers)) or None
        kept = [kept for item in element.value or [] if (kept := self._item(item, rule, path)) is not None]
        if rule.how is How.OTHER_SEQUENCE:
            return Sequence([item for item in kept if not all(element.is_empty for element in item)]) or None
        return Sequence(kept)

    def _item(self, item: Dataset, rule: Rule, path: tuple[int, ...]) -> Dataset | None:
        if not any(tag in item for tag in CODE_VALUES):
            return self.clean(item, path)
        code = known_code(item)
        if code is None and rule.how is How.LOCAL_CODES:
            code = local_code(item, self.identifiers)
            self.wide = self.wide or (code is not None and not code.CodeMeaning.isascii())
        return code

    def _dummy(self, source: Dataset, tag: int, rule: Rule, path: tuple[int, ...]) -> DataElement:
        vr = rule.vrs[0]
        if vr != "SQ":
            return DataElement(Tag(tag), vr, DUMMIES[vr])
        items = self._items(element_at(source, tag), Rule(How.SEQUENCE, rule.vrs), (*path, tag)) or [Dataset()]
        if not len(items[0]):
            items = Sequence([unknown_code()])
        return DataElement(Tag(tag), "SQ", Sequence(items[:1]))


def _empty(tag: int, rule: Rule) -> DataElement:
    vr = rule.vrs[0]
    return DataElement(Tag(tag), vr, Sequence() if vr == "SQ" else None)


def _first(dataset: Dataset, tag: int) -> str:
    return next(iter(texts(dataset, tag)), "")


def _meta(dataset: Dataset, keyword: str) -> str:
    return str(getattr(getattr(dataset, "file_meta", None), keyword, "") or "").strip(" \x00")


def _sop_class(dataset: Dataset) -> str:
    found = _first(dataset, SOP_CLASS_UID) or _meta(dataset, "MediaStorageSOPClassUID")
    if UID(found).type != SOP_CLASS:
        message = "the SOP class must be one that the DICOM standard names. Got another one or none."
        code = "unknown_sop_class"
        raise InputError(code, message)
    return found


def _instance_uid(dataset: Dataset) -> str:
    """The SOP Instance UID, from the file meta where the data set lacks it, else one that follows the whole header."""
    found = _first(dataset, SOP_INSTANCE_UID) or _meta(dataset, "MediaStorageSOPInstanceUID")
    if found:
        return found
    content = hashlib.sha256()
    for tag in sorted(dataset.keys()):
        content.update(f"{int(tag):08X}={getattr(dataset.get_item(tag), 'value', None)!r};".encode("utf-8", "replace"))
    return "content:" + content.hexdigest()


def _missing_uids(dataset: Dataset) -> Iterator[tuple[int, str]]:
    """What the three UIDs of type 1 are made from where the input lacks them."""
    instance = _instance_uid(dataset)
    study = _first(dataset, STUDY_INSTANCE_UID) or "study of " + instance
    yield SOP_INSTANCE_UID, instance
    yield STUDY_INSTANCE_UID, study
    yield SERIES_INSTANCE_UID, _first(dataset, SERIES_INSTANCE_UID) or "series of " + study


def _require(result: Dataset, source: Dataset, sop_class: str, key: Key) -> None:
    """Put in what every composite object must have and the input may lack."""
    result.SOPClassUID = UID(sop_class)
    for tag, original in _missing_uids(source):
        if tag not in result or not result[tag].value:
            result.add_new(tag, "UI", UID(key.uid(original)))
    if MODALITY not in result or not result[MODALITY].value:
        result.Modality = "OT"
    for keyword, (_, added) in iod_types().items():
        if added and keyword not in result:
            setattr(result, keyword, None)
