"""What names the person in one header, gathered so that it can be looked for elsewhere. Never leaves this room."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from bus_toolkit.deidentify.reading import texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom.dataset import Dataset

NAME_TAGS: Final = (
    0x00100010,  # PatientName
    0x00101001,  # OtherPatientNames
    0x00101005,  # PatientBirthName
    0x00101060,  # PatientMotherBirthName
    0x00080090,  # ReferringPhysicianName
    0x00081048,  # PhysiciansOfRecord
    0x00081050,  # PerformingPhysicianName
    0x00081060,  # NameOfPhysiciansReadingStudy
    0x00081070,  # OperatorsName
    0x00102297,  # ResponsiblePerson
    0x00321032,  # RequestingPhysician
)
ID_TAGS: Final = (
    0x00100020,  # PatientID
    0x00101000,  # OtherPatientIDs
    0x00080050,  # AccessionNumber
    0x00200010,  # StudyID
    0x00100030,  # PatientBirthDate
    0x00102154,  # PatientTelephoneNumbers
    0x00181000,  # DeviceSerialNumber
    0x00380010,  # AdmissionID
)
SHORTEST: Final = 3
"""Shorter parts (initials, ``"1"``) would match nearly every text. Names in other scripts may be one sign long."""

_WORD: Final = re.compile(r"[^\W_]+")


def _words(texts: Iterable[str]) -> frozenset[str]:
    found = (word.casefold() for text in texts for word in _WORD.findall(text))
    return frozenset(word for word in found if len(word) >= SHORTEST or not word.isascii())


def _squeezed(text: str) -> str:
    return "".join(_WORD.findall(text)).casefold()


@final
@dataclass(frozen=True, slots=True)
class Identifiers:
    """The parts of names and the ids of one header; its repr shows none of them."""

    words: frozenset[str] = field(default=frozenset(), repr=False)
    ids: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, dataset: Dataset) -> Identifiers:
        """Gather from the top level of a header."""
        ids = [text for tag in ID_TAGS for text in texts(dataset, tag)]
        names = [text for tag in NAME_TAGS for text in texts(dataset, tag)]
        squeezed = frozenset(_squeezed(text) for text in ids)
        return cls(words=_words(names), ids=frozenset(text for text in squeezed if len(text) >= SHORTEST))

    def found_in(self, text: str) -> bool:
        """Whether a text holds a part of a name as a word, or an id, whatever case, space and punctuation."""
        if not self.words and not self.ids:
            return False
        squeezed = _squeezed(text)
        # Scripts such as Chinese and Japanese put no space between words.
        anywhere = {*self.ids, *(word for word in self.words if not word.isascii())}
        return bool(_words([text]) & self.words) or any(part in squeezed for part in anywhere)

    def is_number(self, number: str) -> bool:
        """Whether a number is, digit for digit, one of the ids."""
        return number in self.ids
