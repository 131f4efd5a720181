"""One header in, another header out: PS3.15 Basic Application Level Confidentiality Profile.

What is not named is not kept. An attribute stays only where the table of the standard gives it a rule that leaves
something (:mod:`~bus_toolkit.deidentify.table`) or the toolkit's keep-list names it as technical. Private groups,
groups 50xx and 60xx, group lengths, attributes that no dictionary knows and values of a wrong kind have no such rule
and are gone, at any depth. The pixel data elements are left out too: who writes the file puts the pixels in.
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

from bus_toolkit.deidentify.identifiers import Identifiers
from bus_toolkit.deidentify.plan import How, Rule, iod_types, plan
from bus_toolkit.deidentify.provenance import Evidence, add_provenance
from bus_toolkit.deidentify.reading import element_at, texts
from bus_toolkit.deidentify.values import DUMMIES, SOP_CLASS, kept_value, new_uids, unknown_code
from bus_toolkit.errors import InputError
from bus_toolkit.io.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bus_toolkit.deidentify.key import Key

DEEPEST: Final = 64
"""Sequences nested deeper than this are taken out: no ultrasound object has more than six levels."""
UTF8: Final = "ISO_IR 192"

PATIENT_NAME: Final = 0x00100010
PATIENT_ID: Final = 0x00100020
ISSUER_OF_PATIENT_ID: Final = 0x00100021
PATIENT_BIRTH_DATE: Final = 0x00100030
SOP_CLASS_UID: Final = 0x00080016
SOP_INSTANCE_UID: Final = 0x00080018
STUDY_INSTANCE_UID: Final = 0x0020000D
SERIES_INSTANCE_UID: Final = 0x0020000E
MODALITY: Final = 0x00080060

TYPED_SOP_CLASSES: Final = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.3",  # Ultrasound Multi-frame Image Storage (Retired)
        "1.2.840.10008.5.1.4.1.1.3.1",  # Ultrasound Multi-frame Image Storage
        "1.2.840.10008.5.1.4.1.1.6",  # Ultrasound Image Storage (Retired)
        "1.2.840.10008.5.1.4.1.1.6.1",  # Ultrasound Image Storage
        "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture Image Storage
        "1.2.840.10008.5.1.4.1.1.7.1",  # Multi-frame Single Bit Secondary Capture Image Storage
        "1.2.840.10008.5.1.4.1.1.7.2",  # Multi-frame Grayscale Byte Secondary Capture Image Storage
        "1.2.840.10008.5.1.4.1.1.7.3",  # Multi-frame Grayscale Word Secondary Capture Image Storage
        "1.2.840.10008.5.1.4.1.1.7.4",  # Multi-frame True Color Secondary Capture Image Storage
    }
)
"""The IODs whose attribute types the toolkit carries (``iod_types.csv``)."""


def patient_pseudonym(dataset: Dataset, key: Key) -> str:
    """The pseudonym of the patient of a header; the same for the same patient under the same key.

    The identity is PatientID with IssuerOfPatientID (PS3.3 C.2.2). Without an id it is the name, whatever its case and
    padding, with the birth date; without a name the study, so that unnamed people are not taken for one.
    """
    with quiet():
        patient_id = _first(dataset, PATIENT_ID)
        if patient_id:
            return key.pseudonym("patient", "id", patient_id, _first(dataset, ISSUER_OF_PATIENT_ID))
        name = _first(dataset, PATIENT_NAME).rstrip("^= ").casefold()
        if name:
            return key.pseudonym("patient", "name", name, _first(dataset, PATIENT_BIRTH_DATE))
        study = _first(dataset, STUDY_INSTANCE_UID) or _instance_uid(dataset)
        return key.pseudonym("patient", "study", study)


def deidentify_dataset(dataset: Dataset, key: Key, *, anonymise: bool = False, pixels_checked: bool = False) -> Dataset:
    """A new header that keeps what is technical and maps what relates.

    Parameters
    ----------
    dataset
        The header as read. It is not changed.
    key
        Makes pseudonyms and UIDs; the same input gives the same output under the same key.
    anonymise
        Whether this run is meant to release.
    pixels_checked
        Whether this run has looked for identities in the pixels of this very object and none is left.

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
        known = sop_class in TYPED_SOP_CLASSES
        big_endian = getattr(dataset, "original_encoding", (None, None))[1] is False
        cleaner = _Cleaner(key, Identifiers.of(dataset), big_endian=big_endian)
        result = cleaner.clean(dataset, plan(types_known=known), 0)
        _require(result, dataset, sop_class, key)
        pseudonym = patient_pseudonym(dataset, key)
        result.PatientName = pseudonym
        result.PatientID = pseudonym
        burned_in = texts(dataset, 0x00280301) == ["YES"]
        evidence = Evidence(anonymise=anonymise, pixels_checked=pixels_checked, burned_in_before=burned_in)
        add_provenance(result, evidence)
        if cleaner.wide:
            result.SpecificCharacterSet = UTF8
        return result


class _Cleaner:
    """Carries what the walk over one header needs; used once."""

    def __init__(self, key: Key, identifiers: Identifiers, *, big_endian: bool) -> None:
        self.key = key
        self.big_endian = big_endian
        self.identifiers = identifiers
        self.wide = False

    def clean(self, source: Dataset, rules: Mapping[int, Rule], depth: int) -> Dataset:
        """A new dataset with what the rules leave of ``source``."""
        result = Dataset()
        for tag in source.keys():  # noqa: SIM118 - iterating a Dataset itself parses every value, private ones too
            rule = rules.get(int(tag))
            if rule is None:
                continue
            element = self._clean_one(source, int(tag), rule, depth)
            if element is not None:
                result.add(element)
        return result

    def _clean_one(self, source: Dataset, tag: int, rule: Rule, depth: int) -> DataElement | None:
        if rule.how is How.EMPTY:
            return _empty(tag, rule)
        if rule.how is How.DUMMY:
            return self._dummy(source, tag, rule, depth)
        element = element_at(source, tag)
        if rule.how is How.NEW_UID:
            uids = new_uids(element, self.key)
            return DataElement(Tag(tag), "UI", uids if len(uids) != 1 else uids[0]) if uids else _empty(tag, rule)
        if rule.how is How.SEQUENCE:
            items = self._items(element, depth)
            return None if items is None else DataElement(Tag(tag), "SQ", items)
        value = None if element is None else kept_value(element, rule, self.identifiers)
        if element is None or value is None:
            return _empty(tag, rule) if rule.fallback else None
        return self._kept(tag, rule, element.VR, value)

    def _kept(self, tag: int, rule: Rule, vr: str, value: Any) -> DataElement:  # noqa: ANN401 - pydicom values
        if value in ([], b""):
            return _empty(tag, rule)
        if rule.how is How.TEXT and not all(text.isascii() for text in value):
            self.wide = True
        if isinstance(value, bytes) and self.big_endian:
            # Bytes that stand for 16 bit words; the output is little-endian.
            value = np.frombuffer(value, dtype=">u2").astype("<u2").tobytes()
        single = isinstance(value, list) and len(value) == 1 and vr != "SQ"
        return DataElement(Tag(tag), vr, value[0] if single else value)

    def _items(self, element: DataElement | None, depth: int) -> Sequence | None:
        if element is None or element.VR != "SQ" or depth >= DEEPEST:
            return None
        inside = plan(types_known=False)
        return Sequence([self.clean(item, inside, depth + 1) for item in element.value or []])

    def _dummy(self, source: Dataset, tag: int, rule: Rule, depth: int) -> DataElement:
        vr = rule.vrs[0]
        if vr != "SQ":
            return DataElement(Tag(tag), vr, DUMMIES[vr])
        items = self._items(element_at(source, tag), depth) or Sequence([Dataset()])
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
