"""What names the person, the place and the occasion of one input, gathered so that it can be looked for elsewhere.

Gathered at every depth of a header, or from the texts and the path of a raster file. Never leaves this room and the
private folder; its repr shows none of it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

from bus_toolkit.deidentify.identifier_forms import dates_in, squeezed, words_of
from bus_toolkit.deidentify.identifier_resembles import resembles_any
from bus_toolkit.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydicom.dataset import Dataset

SHORTEST: Final = 3
"""Shorter parts (initials, ``"1"``) would match nearly every text. Names in other scripts may be one sign long."""
SHORTEST_PATH: Final = 5
"""A stem such as ``us1`` or ``0003`` counts files and names nobody."""
PLACEHOLDERS: Final = frozenset(
    word
    for line in (
        "anon anonymous anonymized anonymised anonymize deidentified identified removed unknown none null",
        "test tester testing patient name nobody noname unnamed dummy sample example demo phantom person",
        "subject not available other the and von van der den del dos das los las mrs miss prof doctor",
        "hospital clinic center centre university institute department breast ultrasound image images scan",
        "scans study series dicom dcm png jpg jpeg tif tiff bmp raw clean data dataset benign malignant",
        "normal unlabelled unlabeled mask left right male female bus toolkit",
    )
    for word in line.split()
)
"""Words that name nobody by themselves: placeholders, titles, and what the toolkit itself writes."""

_UID: Final = re.compile(r"[0-2](\.(0|[1-9]\d*))+")


def _plain(text: str) -> str:
    """Without accents, as it is often typed."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))


def _names(texts: Iterable[str]) -> frozenset[str]:
    """Parts of names that name somebody, as typed and without accents."""
    found = {form for text in texts for word in words_of(text) for form in (word, _plain(word))}
    return frozenset(
        word
        for word in found
        if (len(word) >= SHORTEST or not word.isascii()) and word not in PLACEHOLDERS and not word.isdigit()
    )


def _ids(texts: Iterable[str], shortest: int = SHORTEST) -> frozenset[str]:
    found = (squeezed(text) for text in texts)
    return frozenset(
        text for text in found if len(text) >= shortest and text not in PLACEHOLDERS and set(text) != {"0"}
    )


@final
@dataclass(frozen=True, slots=True)
class Identifiers:
    """All in lower case, without punctuation.

    Attributes
    ----------
    words
        Parts of personal names.
    ids
        Identifiers and names of places, squeezed to letters and digits.
    dates
        As ``YYYYMMDD``.
    uids
        UIDs of instances, not of classes.
    names
        Whole names, their parts in the order in which they stood, with a space between.
    raw
        Bytes of names as they stood, where they are in another script's encoding.
    """

    words: frozenset[str] = field(default=frozenset(), repr=False)
    ids: frozenset[str] = field(default=frozenset(), repr=False)
    dates: frozenset[str] = field(default=frozenset(), repr=False)
    uids: frozenset[str] = field(default=frozenset(), repr=False)
    names: frozenset[str] = field(default=frozenset(), repr=False)
    raw: frozenset[bytes] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, dataset: Dataset, *, profile: Profile = Profile()) -> Identifiers:  # noqa: B008  frozen, no state
        """Gather from a header, at every depth, less what the profile keeps on purpose."""
        from bus_toolkit.deidentify.identifier_gather import gather

        found = gather(dataset, profile)
        return cls(
            words=_names(found.names),
            ids=_ids(found.ids),
            dates=frozenset(date for text in found.dates for date in dates_in(text)),
            uids=frozenset(text for text in found.uids if _UID.fullmatch(text)),
            names=_whole(found.names),
            raw=frozenset(found.raw),
        )

    @classmethod
    def of_texts(cls, texts: Iterable[str], *, names: Iterable[str] = ()) -> Identifiers:
        """From what a raster file carried besides its picture, and from the parts of its path.

        Nothing tells what is a name in such texts, so each text counts as a whole when it has seven letters and digits
        or more, and each of its dates. Of the path, every word of letters counts as a name, and every folder and stem
        of five letters and digits or more as an id.
        """
        kept, parts = list(texts), [re.sub(r"\.[A-Za-z0-9]{1,5}$", "", name) for name in names]
        words = [" ".join(re.findall(r"[^\W\d_]+", part)) for part in parts]
        return cls(
            words=_names(words),
            ids=_ids(kept, 7) | _ids((part for part in parts if any(map(str.isdigit, part))), SHORTEST_PATH),
            dates=frozenset(date for text in (*kept, *parts) for date in dates_in(text)),
            names=_whole(words),
        )

    @classmethod
    def union(cls, many: Iterable[Identifiers]) -> Identifiers:
        """All of several."""
        groups: dict[str, set[Any]] = {name: set() for name in cls.__slots__}
        for one in many:
            for name, found in groups.items():
                found.update(getattr(one, name))
        return cls(**{name: frozenset(found) for name, found in groups.items()})

    def merged(self, others: Iterable[Identifiers]) -> Identifiers:
        """These and others."""
        return Identifiers.union((self, *others))

    def found_in(self, text: str) -> bool:
        """Whether a text holds a part of a name as a word, an id, a date or a UID, whatever case and punctuation."""
        if not any((self.words, self.ids, self.dates, self.uids)):
            return False
        tight = squeezed(text)
        # Scripts such as Chinese and Japanese put no space between words.
        anywhere = {*self.ids, *(word for word in self.words if not word.isascii())}
        return (
            bool(set(words_of(text)) & self.words)
            or any(part in tight for part in anywhere)
            or bool(dates_in(text) & self.dates)
            or any(uid in text for uid in self.uids)
        )

    def is_number(self, number: str) -> bool:
        """Whether a number is, digit for digit, one of the ids."""
        return number in self.ids

    def resembles(self, text: str) -> bool:
        """Whether a text that was recognised in pixels is close to a name, an id or a date.

        Characters that recognition mixes up (O and 0, I, l and 1, S and 5 ...) count as equal, and one wrong character
        in five is let pass in words of five and more.
        """
        return resembles_any(text, words=self.words, ids=self.ids, dates=self.dates)

    def to_json(self) -> dict[str, list[str]]:
        """Plain JSON, for the private folder."""
        data = {name: sorted(getattr(self, name)) for name in self.__slots__ if name != "raw"}
        return {**data, "raw": sorted(item.hex() for item in self.raw)}

    @classmethod
    def from_json(cls, data: Mapping[str, Iterable[str]]) -> Identifiers:
        """Inverse of :meth:`to_json`."""
        groups: dict[str, Any] = {name: frozenset(values) for name, values in data.items() if name != "raw"}
        return cls(**groups, raw=frozenset(bytes.fromhex(item) for item in data.get("raw", ())))


def _whole(texts: Iterable[str]) -> frozenset[str]:
    found = (words_of(text) for text in texts)
    return frozenset(" ".join(words) for words in found if len(words) > 1 and set(words) - PLACEHOLDERS)
