"""The bytes of one written DICOM file, read again."""

from __future__ import annotations

import mmap
import warnings
from typing import TYPE_CHECKING, BinaryIO, Final

from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.sequence import Sequence

from bus_toolkit.deidentify.check_structure import ADDED, meta_leaks, place, structure_leaks
from bus_toolkit.deidentify.leak import Leak
from bus_toolkit.deidentify.plan import How, beyond, plan
from bus_toolkit.deidentify.reading import element_at, texts, values_of
from bus_toolkit.deidentify.search import Search
from bus_toolkit.errors import InputError
from bus_toolkit.io.dicom_streams import clean_frame
from bus_toolkit.io.dicom_unchanged import STREAMS
from bus_toolkit.io.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydicom.dataset import Dataset

    from bus_toolkit.deidentify import Identifiers
    from bus_toolkit.profile import Profile

PREAMBLE: Final = 128
PIXEL_DATA: Final = 0x7FE00010
PIXEL_HEAD: Final = 12
"""Bytes of tag, value representation and length of pixel data in explicit little-endian encoding (PS3.5 7.1.2)."""
UNDEFINED: Final = b"\xff\xff\xff\xff"
PIXEL_START: Final = (b"\xe0\x7f\x10\x00OB\x00\x00", b"\xe0\x7f\x10\x00OW\x00\x00")
SEQUENCE_END: Final = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
CLOSED: Final = frozenset({How.MATCH, How.KNOWN_UID, How.IMAGE_TYPE, How.CODES, How.EMPTY, How.DUMMY, How.NEW_UID})
"""Rules that leave terms of the standard or of the toolkit, which may happen to be somebody's name."""
BYTE: Final = 8


def dicom_leaks(path: Path, identifiers: Identifiers, profile: Profile) -> Iterator[Leak]:
    """Everything that must not be there; see :func:`bus_toolkit.verify.check_dicom_file`."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if any(data[:PREAMBLE]):
            yield Leak(what="structure", where="preamble")
        try:
            with quiet(), warnings.catch_warnings(record=True):
                stream.seek(0)
                dataset = dcmread(stream, stop_before_pixels=True)
                pixels = stream.tell()
                yield from meta_leaks(dataset.file_meta)
                yield from structure_leaks(dataset, profile)
                yield from _values(dataset, identifiers, profile)
                native = bytes(data[pixels : pixels + len(PIXEL_START[0])]) in PIXEL_START
                if not native:
                    yield Leak(what="structure", where="pixel data")
                    return
                yield from _pixels(dataset, data, stream, pixels)
                yield from _bytes(data, pixels, Search(identifiers))
        except InputError:
            yield Leak(what="structure", where="pixel data")
        except Exception:  # noqa: BLE001 - what cannot be read again is not vouched for
            yield Leak(what="structure", where="the file cannot be read again")


def _values(dataset: Dataset, identifiers: Identifiers, profile: Profile) -> Iterator[Leak]:
    """Decoded texts, at every depth: here short names count too, but not in terms out of a closed vocabulary."""
    sop_class = next(iter(texts(dataset, 0x00080016)), "")
    levels: list[tuple[Dataset, tuple[int, ...]]] = [(dataset, ())]
    while levels:
        level, path = levels.pop()
        rules = plan(sop_class, path, profile)
        for each in level.keys():  # noqa: SIM118 - iterating a Dataset itself parses every value
            tag = int(each)
            rule = rules[tag] if tag in rules else beyond(tag, profile)
            if rule is not None and rule.how in CLOSED:
                continue
            element = element_at(level, tag)
            if element is None or (not path and element.keyword in ADDED):
                continue
            if isinstance(element.value, Sequence):
                levels += [(item, (*path, tag)) for item in element.value]
            elif any(isinstance(value, str) and identifiers.found_in(value) for value in values_of(element)):
                yield Leak(what="identifier", where=place(tag))


def _bytes(data: mmap.mmap, pixels: int, search: Search) -> Iterator[Leak]:
    """Every byte of the file, the header and the pixels each by their own rule."""
    view = memoryview(data)
    try:
        hit = search.in_bytes(view[:pixels])
        if hit:
            yield Leak(what=hit.what, where="bytes of the header")
        encapsulated = bytes(view[pixels + BYTE : pixels + PIXEL_HEAD]) == UNDEFINED
        hit = search.in_bytes(view[pixels:], pixels=not encapsulated)
        if hit:
            yield Leak(what=hit.what, where="pixel data")
    finally:
        view.release()


def _pixels(dataset: Dataset, data: mmap.mmap, stream: BinaryIO, start: int) -> Iterator[Leak]:
    """Whether the pixel data are the picture and the file ends with them."""
    length = data[start + BYTE : start + PIXEL_HEAD]
    if length == UNDEFINED:
        yield from _fragments(dataset, data, stream, start)
        return
    samples = 2 if dataset.PhotometricInterpretation == "YBR_FULL_422" else int(dataset.SamplesPerPixel)
    values = int(dataset.Rows) * int(dataset.Columns) * samples * int(dataset.get("NumberOfFrames") or 1)
    size = (values * int(dataset.BitsAllocated) + BYTE - 1) // BYTE
    told = int.from_bytes(length, "little")
    if told != size + size % 2 or start + PIXEL_HEAD + told != len(data):
        yield Leak(what="structure", where="behind the picture")
    elif size % 2 and data[-1] != 0:
        yield Leak(what="structure", where="padding of the pixel data")


def _fragments(dataset: Dataset, data: mmap.mmap, stream: BinaryIO, start: int) -> Iterator[Leak]:
    if data[-len(SEQUENCE_END) :] != SEQUENCE_END:
        yield Leak(what="structure", where="behind the picture")
        return
    if str(dataset.file_meta.TransferSyntaxUID) not in STREAMS:
        return
    stream.seek(start + PIXEL_HEAD)
    count = int(dataset.get("NumberOfFrames") or 1)
    for frame in generate_frames(stream, number_of_frames=count):
        if clean_frame(frame) != frame:
            yield Leak(what="structure", where="a frame of the pixel data")
            return
