"""Search for what identifies, in text and in bytes, in the encodings and orders in which it is written.

Long terms are searched for in every byte, short ones only as whole words of text. By chance a given word of four
letters turns up in one of 500 compressed files of 600 kB (26 letters in two cases among 256 values: 600000 /
128**4), one of seven in one of a billion. Uncompressed pixels are not random: dark ones (48 to 57) read as digits,
and neighbours resemble each other; there only terms of eleven bytes and more count.

The search reads the bytes as aligned words of four: a term of seven bytes or more holds one of those whole, whatever
its offset, and a term of eleven or more holds one of every second. A table of hashes of all such words tells in one
pass where a term can be at all; each candidate is then compared byte by byte. Case is folded by setting bit 5, which
maps capitals to small letters and leaves digits.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, final

import numpy as np

from bus_toolkit.deidentify.identifier_forms import date_forms

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from bus_toolkit.deidentify.identifiers import Identifiers

SHORTEST: Final = 7
"""Bytes of a term that is searched for anywhere: it holds a whole aligned word of four."""
SHORTEST_IN_PIXELS: Final = 11
"""It holds a whole one of every second word."""
BLOCK: Final = 1 << 22
STARTS: Final = 8
"""Offsets within a term at which a word of every second place may stand."""
_WORD: Final = 4
_FOLD: Final = 0x20202020
_BITS: Final = 20
_TRIPLE, _QUAD = 3, 4
VARIED: Final = 4
"""Different bytes in a term that is searched for in pixels: a flat background of 49 is not the id 11111111111."""
OWN: Final = re.compile(
    rb"\b[a-z][a-z2-7]{16}\b|\b2\.25\.\d{1,39}\b|\b[0-9a-f]{64}\b|\b[0-9a-f]{16}\b|data:image/[^\"')]*"
)
"""What the key makes, digests, and pictures inside a page: random letters and digits, in which short terms turn up by
chance: one of 10,000 ids of seven digits in 10,000 digests of 64 hex digits, 20 times."""
_FOLD_BYTES: Final = bytes(value | 0x20 for value in range(256))
SEPARATORS: Final = ("^", " ", ", ", "_", "-", "")


@final
@dataclass(frozen=True, slots=True)
class Hit:
    """That something was found: what it is (``"name"``, ``"id"``, ``"date"``, ``"uid"``) and at which byte."""

    what: str
    offset: int


def _orders(name: str) -> Iterator[str]:
    """A whole name forwards, backwards, and with its last part first. Words in any order are for :meth:`in_text`."""
    parts = name.split(" ")
    orders = {tuple(parts), tuple(reversed(parts)), (parts[-1], *parts[:-1])}
    for order in orders:
        for separator in SEPARATORS:
            yield separator.join(order)


def _texts(identifiers: Identifiers) -> Iterator[tuple[str, str]]:
    """Every text that is searched for, with what it is."""
    for word in identifiers.words:
        yield word, "name"
    for name in identifiers.names:
        for text in _orders(name):
            yield text, "name"
    for number in (*identifiers.ids, *identifiers.forms):
        yield number, "id"
    for day in identifiers.dates:
        for text in date_forms(day):
            yield text, "date"
    for uid in identifiers.uids:
        yield uid, "uid"


def _encoded(text: str) -> Iterator[bytes]:
    yield text.encode("utf-8", "replace")
    # Less its last byte, which is zero in Latin script, the one byte order is found in the other, too.
    wide = text.encode("utf-16-le", "replace")
    yield wide.removesuffix(b"\x00")
    if not text.isascii():
        yield text.encode("utf-16-be", "replace")
    if not text.isascii():
        # Setting one bit folds the case of ASCII and Latin letters alone.
        for form in (text, text.upper(), text.title()):
            yield form.encode("utf-8", "replace")
            yield form.encode("utf-16-le", "replace")
            yield form.encode("latin-1", "replace")


def _packed(text: str) -> Iterator[bytes]:
    """As hex and base64 (RFC 4648), in the common cases and at all three places of base64."""
    for form in dict.fromkeys((text, text.upper(), text.title())):
        data = form.encode("utf-8", "replace")
        yield data.hex().encode()
        for lead in range(_TRIPLE):
            whole = base64.b64encode(bytes(lead) + data)
            # The first and last signs hold bits of the neighbours, too.
            last = len(whole) - _QUAD if (lead + len(data)) % _TRIPLE else len(whole)
            yield whole[_QUAD if lead else 0 : last]


def _hashed(words: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    folded = words | np.uint32(_FOLD)
    return ((folded * np.uint32(0x9E3779B1)) >> np.uint32(32 - _BITS)).astype(np.uint32)


def _words_of(folded: bytes, ends: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    """Every word of four bytes at which a term may be met, sorted; ``folded`` are all terms in a row."""
    if len(ends) == 0:
        return np.zeros(0, np.uint32)
    starts = np.concatenate(([0], ends[:-1]))
    most = np.where(ends - starts >= SHORTEST_IN_PIXELS, STARTS, _WORD)
    places = starts[:, np.newaxis] + np.arange(STARTS)
    places = places[np.arange(STARTS) < most[:, np.newaxis]]
    signs = np.frombuffer(folded, np.uint8).astype(np.uint32)
    four = [signs[places + step] << np.uint32(8 * step) for step in range(_WORD)]
    return np.unique(np.bitwise_or.reduce(four).astype(np.uint32))


@final
class Search:
    """Searches for one set of identifiers; made once, used on many files.

    Its repr shows how many terms it has. With ``packed``, long terms are searched for as hex and base64, too.
    """

    def __init__(self, identifiers: Identifiers, *, packed: bool = False) -> None:
        self._identifiers = identifiers
        texts = list(_texts(identifiers))
        found = [(data, what) for text, what in texts for data in _encoded(text)]
        found += [(raw, "name") for raw in identifiers.raw]
        if packed:
            found += [(data, what) for text, what in texts if len(text) >= SHORTEST_IN_PIXELS for data in _packed(text)]
        found = [(data, what) for data, what in found if len(data) >= SHORTEST]
        folded = b"".join(data for data, _ in found).translate(_FOLD_BYTES)
        ends = np.cumsum([len(data) for data, _ in found], dtype=np.int64)
        self._found, self._folded, self._ends = found, folded, ends
        self._longest = max((len(data) for data, _ in found), default=0)
        self._words = _words_of(folded, ends)
        self._table = np.zeros(1 << _BITS, np.bool_)
        self._table[_hashed(self._words)] = True

    @cached_property
    def _terms(self) -> dict[bytes, str]:
        """Every term, case folded, with what it is. Made when something looks like a hit, which is rare."""
        starts = (0, *self._ends[:-1].tolist())
        spans = zip(starts, self._ends.tolist(), self._found, strict=True)
        # What comes first is told first: a name counts as a name though an id is spelt like it.
        terms: dict[bytes, str] = {}
        for start, end, (_, what) in spans:
            terms.setdefault(self._folded[start:end], what)
        return terms

    def _meeting(self, word: bytes) -> Iterator[tuple[int, bytes, str]]:
        """The terms in which a word of four bytes stands near the beginning: where it stands, the term, what it is."""
        place = self._folded.find(word)
        while place >= 0:
            index = int(np.searchsorted(self._ends, place, side="right"))
            end = int(self._ends[index])
            begin = end - len(self._found[index][0])
            most = STARTS if end - begin >= SHORTEST_IN_PIXELS else _WORD
            if place - begin < most and place + _WORD <= end:
                yield place - begin, self._folded[begin:end], self._found[index][1]
            place = self._folded.find(word, place + 1)

    def __repr__(self) -> str:
        return f"Search({len(self._found)} terms)"

    def in_text(self, text: str) -> bool:
        """Whether a decoded text holds any identifier, short ones as whole words."""
        return self._identifiers.found_in(text)

    def in_bytes(self, data: bytes | memoryview, *, pixels: bool = False) -> Hit | None:
        """The first term in ``data``, whatever the case of its letters.

        ``pixels`` says that the bytes are uncompressed values: only terms of :data:`SHORTEST_IN_PIXELS` bytes count.
        """
        view = memoryview(data)
        for start in range(0, len(view) if self._found else 0, BLOCK):
            hit = self._in_block(view[start : start + BLOCK + self._longest], pixels=pixels)
            if hit is not None:
                return Hit(hit.what, start + hit.offset)
        return None

    def in_writing(self, data: bytes) -> Hit | None:
        """The first term in what is written in words, where the toolkit's own random names stand, too.

        A term of :data:`SHORTEST_IN_PIXELS` bytes counts anywhere, a shorter one outside of :data:`OWN` or as all.
        """
        hit = self.in_bytes(data)
        if hit is None:
            return None
        for own in OWN.finditer(data):
            what = self._terms.get(own[0].translate(_FOLD_BYTES))
            if what is not None:
                return Hit(what, own.start())
        return self.in_bytes(data, pixels=True) or self.in_bytes(OWN.sub(b" ", data))

    def _in_block(self, block: memoryview, *, pixels: bool) -> Hit | None:
        step = 2 if pixels else 1
        words = np.frombuffer(block, np.uint32, count=len(block) // _WORD)[::step]
        places = np.flatnonzero(self._table[_hashed(words)])
        # The table lets a few words in a thousand through; of those, the ones that are words of terms.
        near = words[places] | np.uint32(_FOLD)
        at_most = np.clip(np.searchsorted(self._words, near), 0, max(len(self._words) - 1, 0))
        for place in places[self._words[at_most] == near] if len(places) else ():
            at = int(place) * _WORD * step
            word = bytes(block[at : at + _WORD]).translate(_FOLD_BYTES)
            for start, term, what in self._meeting(word):
                if at < start or (pixels and not self._in_pixels(term)):
                    continue
                if bytes(block[at - start : at - start + len(term)]).translate(_FOLD_BYTES) == term:
                    return Hit(what, at - start)
        return None

    @staticmethod
    def _in_pixels(term: bytes) -> bool:
        return len(term) >= SHORTEST_IN_PIXELS and len(set(term)) >= VARIED
