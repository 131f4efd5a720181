"""The walk over a header that gathers what identifies, at every depth."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.uid import UID

from bus_toolkit.deidentify.reading import element_at, texts
from bus_toolkit.deidentify.table import Action, action_for, by_tag
from bus_toolkit.io.quiet import quiet

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from bus_toolkit.profile import Profile

DEEPEST: Final = 64
ID_WORDS: Final = re.compile(
    r"(ID|IDs|Number|Numbers|Name|Address|AETitle|AE|Telephone|Telecom|Email|Location|Identifier|Residence|Site"
    r"|Organization|Institution|Department|Station)[a-z]*$"
    r"|^(Institution|Station|Insurance|Issuer|PlacerOrderNumber|FillerOrderNumber|MedicalRecordLocator|TopicAuthor)"
)
"""Keywords whose short text is an identifier as a whole: numbers of people, cases and devices, names of places."""
NOT_IDS: Final = re.compile(
    r"(SeriesNumber|InstanceNumber|AcquisitionNumber|TemporalPositionIdentifier|ProtocolName|ModelName|ContentLabel"
    r"|ScheduledProcedureStepID|PerformedProcedureStepID|RequestedProcedureID|PatientSpeciesDescription|BodyPart.*)$"
)
SHORT_TEXT: Final = frozenset({"LO", "SH", "AE", "UC", "IS", "CS"})
ADDRESSES: Final = frozenset({"InstitutionAddress", "PersonAddress", "PatientAddress"})
LONGEST: Final = 128
MOST: Final = 20_000
"""Values gathered of each kind at most, so that a header made to harm stays cheap. Each kind has its own limit, and the
top level comes first: a list of references must not push out the name of the patient."""


@dataclass(slots=True)
class Found:
    """Texts by what they are; the repr shows none."""

    names: list[str] = field(default_factory=list, repr=False)
    ids: list[str] = field(default_factory=list, repr=False)
    dates: list[str] = field(default_factory=list, repr=False)
    uids: list[str] = field(default_factory=list, repr=False)
    raw: list[bytes] = field(default_factory=list, repr=False)


GROUPS: Final = {"SQ": "items", "PN": "names", "UI": "uids"}


@lru_cache(maxsize=4096)
def _group(tag: int, profile: Profile) -> str:
    """Which list of :class:`Found` the values of an attribute belong to; empty for none."""
    row = by_tag().get(tag)
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return ""
    if vr == "SQ":
        return "items"
    if row is not None and action_for(row, profile, "3") is Action.KEEP:
        return ""
    if row is not None and vr in {"DA", "DT"}:
        # Shifted dates differ from the original ones, so those are still searched for.
        return "dates"
    return GROUPS.get(vr, "ids" if row is not None and _is_id(tag, vr) else "")


def _is_id(tag: int, vr: str) -> bool:
    keyword = keyword_for_tag(tag)
    if keyword in ADDRESSES:
        return True
    return vr in SHORT_TEXT and bool(ID_WORDS.search(keyword)) and not NOT_IDS.search(keyword)


def gather(dataset: Dataset, profile: Profile) -> Found:
    """Everything that identifies in a header, as it stands there."""
    found = Found()
    with quiet():
        _walk(dataset, profile, found, 0)
    return found


def _walk(dataset: Dataset, profile: Profile, found: Found, depth: int) -> None:
    inside = []
    for tag in dataset.keys():  # noqa: SIM118 - iterating a Dataset itself parses every value
        group = _group(int(tag), profile)
        if group == "items":
            inside.append(int(tag))
        elif group:
            _take(dataset, int(tag), group, found)
    for place in inside if depth < DEEPEST else ():
        element = element_at(dataset, place)
        if element is not None and element.VR == "SQ":
            for item in element.value or []:
                _walk(item, profile, found, depth + 1)


def _take(dataset: Dataset, tag: int, group: str, found: Found) -> None:
    """Put the values of one attribute where they belong."""
    kind: list[str] = getattr(found, group)
    if len(kind) >= MOST:
        return
    kept = texts(dataset, tag)
    if group == "names":
        _raw_name(dataset, tag, found)
        # Up to three spellings of one name, in letters, signs and sounds (PS3.5 6.2.1).
        kept = [part for text in kept for part in text.split("=") if part]
    elif group == "uids":
        kept = [text for text in kept if not UID(text).type]
    kind.extend(text for text in kept if len(text) <= LONGEST or group == "names")


def _raw_name(dataset: Dataset, tag: int, found: Found) -> None:
    """The bytes of a name that is not ASCII, part by part: they may stand in the encoding of another script."""
    value = getattr(dataset.get_item(tag), "value", None)
    if isinstance(value, bytes) and not value.isascii():
        parts = re.split(rb"[\^=\\ ]+", value)
        found.raw.extend(part for part in parts if len(part) >= 4)  # noqa: PLR2004  less is found by chance
