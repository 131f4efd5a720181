"""The bytes of one written DICOM file, read again."""

from __future__ import annotations

import mmap
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, Final

from pydicom import dcmread
from pydicom.datadict import keyword_for_tag
from pydicom.sequence import Sequence
from pydicom.uid import RLELossless

from bus_toolkit.deidentify.check_structure import ADDED, meta_leaks, place, structure_leaks
from bus_toolkit.deidentify.identifier_forms import dates_in, words_of
from bus_toolkit.deidentify.leak import Leak
from bus_toolkit.deidentify.plan import How, Rule, beyond, plan
from bus_toolkit.deidentify.reading import element_at, texts, written_texts
from bus_toolkit.deidentify.search import Search
from bus_toolkit.deidentify.values import known_code
from bus_toolkit.errors import InputError
from bus_toolkit.io.dicom_streams import clean_frame
from bus_toolkit.io.dicom_unchanged import STREAMS, without_unused_bits
from bus_toolkit.io.quiet import quiet
from bus_toolkit.io.stream_rle import clean_rle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydicom.dataset import Dataset

    from bus_toolkit.deidentify import Identifiers
    from bus_toolkit.profile import Profile

PREAMBLE: Final = 128
PIXEL_HEAD: Final = 12
"""Bytes of tag, value representation and length of pixel data in explicit little-endian encoding (PS3.5 7.1.2)."""
UNDEFINED: Final = b"\xff\xff\xff\xff"
PIXEL_START: Final = (b"\xe0\x7f\x10\x00OB\x00\x00", b"\xe0\x7f\x10\x00OW\x00\x00")
SEQUENCE_END: Final = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
ITEM: Final = b"\xfe\xff\x00\xe0"
NO_TABLE: Final = ITEM + bytes(4)
"""The empty offset table that the writer writes."""
CLOSED: Final = frozenset({How.MATCH, How.KNOWN_UID, How.IMAGE_TYPE, How.CODES, How.EMPTY, How.DUMMY, How.NEW_UID})
"""Rules that leave terms of the standard or of the toolkit, which may happen to be somebody's name."""
OWN_WORDS: Final = frozenset({"DeidentificationMethod", "DerivationDescription"})
"""Attributes in which the writer says what it did, always in the same words."""
BYTE: Final = 8
BLOCK: Final = 1 << 22
OVERLAP: Final = 1 << 12
"""Bytes that blocks share, longer than any term."""


def dicom_leaks(path: Path, identifiers: Identifiers, profile: Profile) -> Iterator[Leak]:
    """Everything that must not be there; see :func:`bus_toolkit.verify.check_dicom_file`."""
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            with quiet(), warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                yield from _leaks(data, stream, identifiers, profile)
            if heard:
                yield Leak(what="structure", where="the file cannot be read without a warning")
    except InputError:
        yield Leak(what="structure", where="pixel data")
    except Exception:  # noqa: BLE001 - what cannot be read again is not vouched for
        yield Leak(what="structure", where="the file cannot be read again")


def _leaks(data: mmap.mmap, stream: BinaryIO, identifiers: Identifiers, profile: Profile) -> Iterator[Leak]:
    if any(data[:PREAMBLE]):
        yield Leak(what="structure", where="preamble")
    dataset = dcmread(stream, stop_before_pixels=True)
    pixels = stream.tell()
    yield from meta_leaks(dataset.file_meta)
    yield from structure_leaks(dataset, profile)
    values = _Values(identifiers, profile)
    yield from values.leaks(dataset)
    if data[pixels : pixels + len(PIXEL_START[0])] not in PIXEL_START:
        yield Leak(what="structure", where="pixel data")
        return
    yield from _pixels(dataset, data, pixels)
    # A shifted date may meet another date of the same person by chance, and a person may be called as an organ is.
    wanted = replace(
        identifiers,
        dates=identifiers.dates - values.dates,
        words=identifiers.words - values.terms,
        ids=identifiers.ids - values.terms,
    )
    # Only an option can keep a text in which something may stand as hex or base64.
    yield from _bytes(data, pixels, Search(wanted, packed=any(profile.names())))


class _Values:
    """Looks at decoded texts, at every depth: here short names count, too, but not in terms out of a closed vocabulary.

    ``dates`` are those that an option keeps or has moved, ``terms`` the words of the closed vocabulary.
    """

    def __init__(self, identifiers: Identifiers, profile: Profile) -> None:
        self.identifiers = identifiers
        self.profile = profile
        self.dates: set[str] = set()
        self.terms: set[str] = set()

    def leaks(self, dataset: Dataset) -> Iterator[Leak]:
        sop_class = next(iter(texts(dataset, 0x00080016)), "")
        levels: list[tuple[Dataset, tuple[int, ...]]] = [(dataset, ())]
        while levels:
            level, path = levels.pop()
            if level == known_code(level):
                continue
            rules = plan(sop_class, path, self.profile)
            for each in level.keys():  # noqa: SIM118 - iterating a Dataset itself parses every value
                tag = int(each)
                rule = rules[tag] if tag in rules else beyond(tag, self.profile)
                told = written_texts(level, tag)
                if told is not None:
                    if self._names_somebody(tag, told, rule, path):
                        yield Leak(what="identifier", where=place(tag))
                elif rule is None or rule.how not in CLOSED:
                    element = element_at(level, tag)
                    if element is not None and isinstance(element.value, Sequence):
                        levels += [(item, (*path, tag)) for item in element.value]

    def _names_somebody(self, tag: int, told: list[str], rule: Rule | None, path: tuple[int, ...]) -> bool:
        keyword = "" if path else keyword_for_tag(tag)
        if keyword in OWN_WORDS or (rule is not None and rule.how in CLOSED):
            self.terms.update(word for text in told for word in words_of(text))
            return False
        if keyword in ADDED:
            return False
        if rule is not None and rule.how is How.DATE:
            self.dates.update(date for value in told for date in dates_in(value[:8]))
            return False
        if rule is not None and rule.vrs == ("UI",):
            # The digits of a UID that the key made hold every short number by chance.
            return not self.identifiers.uids.isdisjoint(told)
        return any(self.identifiers.found_in(value) for value in told)


def _bytes(data: mmap.mmap, pixels: int, search: Search) -> Iterator[Leak]:
    """Every byte of the file, the header and the pixels each by their own rule."""
    hit = search.in_writing(data[:pixels])
    if hit:
        yield Leak(what=hit.what, where="bytes of the header")
    encapsulated = data[pixels + BYTE : pixels + PIXEL_HEAD] == UNDEFINED
    for start in range(pixels, len(data), BLOCK):
        part = data[start : start + BLOCK + OVERLAP]
        # What was read is given back, so that memory does not grow with the file.
        if start > pixels:
            data.madvise(mmap.MADV_DONTNEED)
        hit = search.in_bytes(part, pixels=not encapsulated)
        if hit:
            yield Leak(what=hit.what, where="pixel data")
            return


def _pixels(dataset: Dataset, data: mmap.mmap, start: int) -> Iterator[Leak]:
    """Whether the pixel data are the picture and the file ends with them."""
    length = data[start + BYTE : start + PIXEL_HEAD]
    if length == UNDEFINED:
        yield from _fragments(dataset, data, start)
        return
    samples = 2 if dataset.PhotometricInterpretation == "YBR_FULL_422" else int(dataset.SamplesPerPixel)
    values = int(dataset.Rows) * int(dataset.Columns) * samples * int(dataset.get("NumberOfFrames") or 1)
    size = (values * int(dataset.BitsAllocated) + BYTE - 1) // BYTE
    told = int.from_bytes(length, "little")
    if told != size + size % 2 or start + PIXEL_HEAD + told != len(data):
        yield Leak(what="structure", where="behind the picture")
    elif size % 2 and data[-1] != 0:
        yield Leak(what="structure", where="padding of the pixel data")
    elif _has_unused_bits(dataset, data, start + PIXEL_HEAD):
        yield Leak(what="structure", where="unused bits of the pixel data")


def _has_unused_bits(dataset: Dataset, data: mmap.mmap, start: int) -> bool:
    """Whether bits outside of BitsStored say anything (they repeat the sign where values have one)."""
    if int(dataset.BitsStored) >= int(dataset.BitsAllocated):
        return False
    for offset in range(start, len(data), BLOCK):
        part = data[offset : offset + BLOCK]
        if offset > start:
            data.madvise(mmap.MADV_DONTNEED)
        if without_unused_bits(dataset, part) != part:
            return True
    return False


def _cleaned(frame: bytes, syntax: str, pixels: int) -> bytes:
    """The frame as the writer leaves it."""
    if syntax == RLELossless:
        return clean_rle(frame, pixels)
    return clean_frame(frame) if syntax in STREAMS else frame


def _fragments(dataset: Dataset, data: mmap.mmap, start: int) -> Iterator[Leak]:
    """Whether there is one fragment for each frame, clean, with nothing before, between and behind them (PS3.5 A.4)."""
    position, count = start + PIXEL_HEAD + len(NO_TABLE), int(dataset.get("NumberOfFrames") or 1)
    syntax, pixels = str(dataset.file_meta.TransferSyntaxUID), int(dataset.Rows) * int(dataset.Columns)
    sound = data[start + PIXEL_HEAD : position] == NO_TABLE
    for _ in range(count if sound else 0):
        head = data[position : position + len(NO_TABLE)]
        end = position + len(NO_TABLE) + int.from_bytes(head[4:], "little")
        if head[:4] != ITEM or end > len(data):
            sound = False
            break
        frame = data[position + len(NO_TABLE) : end]
        if _cleaned(frame, syntax, pixels) != frame:
            yield Leak(what="structure", where="a frame of the pixel data")
            return
        position = end
    if not sound or data[position : position + len(SEQUENCE_END)] != SEQUENCE_END:
        yield Leak(what="structure", where="between the frames")
    elif position + len(SEQUENCE_END) != len(data):
        yield Leak(what="structure", where="behind the picture")
