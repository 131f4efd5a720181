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
LONG_TEXT: Final = 7
"""Letters and digits of a text besides a picture that counts as a whole."""
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

_NUMBERED: Final = re.compile(r"[^\W_]*\d{7,}[^\W_]*")
_NAME: Final = re.compile(r"[^\W\d_]+(?:[ ,^'-]{1,2}[^\W\d_]+){1,3}")
_UID: Final = re.compile(r"[0-2](\.(0|[1-9]\d*))+")


_LETTERS: Final = {ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("å"): "aa", ord("ø"): "oe", ord("æ"): "ae"}
_STROKES: Final = {ord("ø"): "o", ord("đ"): "d", ord("ł"): "l", 0x131: "i", ord("æ"): "ae", ord("œ"): "oe"}


def _spellings(word: str) -> tuple[str, ...]:
    """A case-folded word as it stands, and without accents in the two ways in which it is typed."""
    if word.isascii():
        return (word,)
    composed = unicodedata.normalize("NFC", word)
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", word) if not unicodedata.combining(sign))
    return (word, composed, bare.translate(_STROKES), composed.translate(_LETTERS))


def _names(texts: Iterable[str]) -> frozenset[str]:
    """Parts of names that name somebody, as typed and without accents."""
    found = {form for text in texts for word in words_of(text) for form in _spellings(word)}
    return frozenset(
        word
        for word in found
        if (len(word) >= SHORTEST or not word.isascii()) and word not in PLACEHOLDERS and not word.isdigit()
    )


def _as_written(texts: Iterable[str]) -> frozenset[str]:
    """Ids that are more than letters and digits, with their spaces and signs."""
    found = (text.strip().casefold() for text in texts)
    return frozenset(text for text in found if text != squeezed(text) and len(squeezed(text)) >= SHORTEST)


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
    forms
        Those of ``ids`` that hold spaces or signs, with them.
    """

    words: frozenset[str] = field(default=frozenset(), repr=False)
    ids: frozenset[str] = field(default=frozenset(), repr=False)
    dates: frozenset[str] = field(default=frozenset(), repr=False)
    uids: frozenset[str] = field(default=frozenset(), repr=False)
    names: frozenset[str] = field(default=frozenset(), repr=False)
    raw: frozenset[bytes] = field(default=frozenset(), repr=False)
    forms: frozenset[str] = field(default=frozenset(), repr=False)

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
            forms=_as_written(found.ids),
        )

    @classmethod
    def of_texts(cls, texts: Iterable[str], *, names: Iterable[str] = ()) -> Identifiers:
        """From what a raster file carried besides its picture, and from the parts of its path.

        Nothing tells what is a name in such texts, so each text counts as a whole when it has seven letters and digits
        or more, each number of seven digits and more in it, and each of its dates; a text of two to four words of
        letters counts as a name, too. Of the path, every word of letters counts as a name, and every folder and stem
        of five letters and digits or more as an id.
        """
        kept, parts = list(texts), [re.sub(r"\.[A-Za-z0-9]{1,5}$", "", name) for name in names]
        words = [" ".join(re.findall(r"[^\W\d_]+", part)) for part in parts]
        numbered = [part for part in parts if any(map(str.isdigit, part))]
        numbers = [word for text in kept for word in _NUMBERED.findall(text)]
        return cls(
            words=_names(words),
            ids=_ids((*kept, *numbers), LONG_TEXT) | _ids(numbered, SHORTEST_PATH),
            dates=frozenset(date for text in (*kept, *parts) for date in dates_in(text)),
            names=_whole((*words, *filter(_NAME.fullmatch, kept))),
            forms=_as_written((*(text for text in kept if len(squeezed(text)) >= LONG_TEXT), *numbered)),
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

    def without(self, words: frozenset[str]) -> Identifiers:
        """Less the names and ids that are made of ``words`` alone (case-folded)."""
        return Identifiers(
            words=self.words - words,
            ids=self.ids - words,
            dates=self.dates,
            uids=self.uids,
            names=frozenset(name for name in self.names if not words.issuperset(name.split(" "))),
            raw=self.raw,
            forms=frozenset(form for form in self.forms if not words.issuperset(words_of(form))),
        )

    def found_in(self, text: str) -> bool:
        """Whether a text holds a part of a name as a word, an id, a date or a UID, whatever case and punctuation."""
        if not any((self.words, self.ids, self.dates, self.uids, self.names)):
            return False
        tight, told = squeezed(text), words_of(text)
        # Scripts such as Chinese and Japanese put no space between words.
        anywhere = {*self.ids, *(word for word in self.words if not word.isascii())}
        return (
            not self.words.isdisjoint(told)
            or any(_stands_in(name.split(" "), told) for name in self.names)
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


def _stands_in(parts: list[str], told: list[str]) -> bool:
    """Whether the parts of a name stand side by side in any order."""
    wanted, count = sorted(parts), len(parts)
    return any(sorted(told[start : start + count]) == wanted for start in range(len(told) - count + 1))
