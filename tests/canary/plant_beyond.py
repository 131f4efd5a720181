"""Where a header can hold something that Table E.1-1 does not name."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import numpy as np
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from bus_toolkit.deidentify.table import by_tag
from tests.canary.plant_headers import FREE_TEXT_KEPT, numeric_tags, plant, plant_item, vr_of
from tests.canary.plant_tokens import BINARY, SHORT, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

UNDEFINED: Final = b"\xff\xff\xff\xff"
ITEM: Final = b"\xfe\xff\x00\xe0"
ITEM_END: Final = b"\xfe\xff\x0d\xe0" + bytes(4)
SEQUENCE_END: Final = b"\xfe\xff\xdd\xe0" + bytes(4)
NUMBERS_STAY: Final = frozenset({*BINARY, *SHORT, "AT", "DS", "IS"}) - {"AS"}
"""A number that the table does not name is a measure; whether one is an identifier is tested on its own."""


def unnamed_tags() -> Iterator[int]:
    """Every attribute of the standard's dictionary outside the table, retired ones too, that is no plain number."""
    for tag in DicomDictionary:
        named = tag in by_tag() or tag in numeric_tags() or tag in FREE_TEXT_KEPT or tag == 0x00080005
        if tag >> 16 >= 0x0008 and tag < 0xFFFE0000 and not named and vr_of(tag) not in {"NONE", *NUMBERS_STAY}:
            yield tag


def unnamed(tokens: Tokens) -> Dataset:
    """A token in each of them."""
    dataset = Dataset()
    for tag in unnamed_tags():
        if vr_of(tag) == "SQ":
            dataset.add(DataElement(Tag(tag), "SQ", Sequence([plant_item(tokens, f"{tag:08X}/")])))
        elif vr_of(tag) in {"OB or OW", "OB", "OW"} and tag >> 16 == 0x7FE0:
            continue
        else:
            plant(dataset, tag, vr_of(tag), tokens)
    return dataset


def implicit(tag: int, value: bytes, *, undefined: bool = False) -> bytes:
    """One element in Implicit VR Little Endian."""
    length = UNDEFINED if undefined else struct.pack("<L", len(value))
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF) + length + value


def explicit(tag: int, vr: bytes, value: bytes) -> bytes:
    """One element in Explicit VR Little Endian, short form."""
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr + struct.pack("<H", len(value)) + value


def packed_sequence(token: bytes, form: str) -> bytes:
    """The bytes of a sequence with a name and an id in its item, as a value of unknown representation carries them."""
    name = token + b" " * (len(token) % 2)
    parts = {
        "implicit": implicit(0x00100010, name) + implicit(0x00100020, name),
        "explicit": explicit(0x00100010, b"PN", name) + explicit(0x00100020, b"LO", name),
    }
    body = parts[form.partition(",")[0]]
    if form.endswith("undefined"):
        return ITEM + UNDEFINED + body + ITEM_END + SEQUENCE_END
    return ITEM + struct.pack("<L", len(body)) + body


PACKED: Final = ("implicit", "explicit", "implicit,undefined", "explicit,undefined")


def private_blocks(tokens: Tokens) -> Dataset:
    """Private groups of every shape that is met: named, unnamed, named by a token, unknown, nested, doubled."""
    dataset = Dataset()
    add = dataset.add
    add(DataElement(Tag(0x00090010), "LO", "GEMS_ULTRASOUND_MOVIE_GROUP_001"))
    plant(dataset, 0x00091001, "LO", tokens, "known creator ")
    for number, form in enumerate(PACKED):
        raw = packed_sequence(tokens.text(f"packed {form}").encode(), form)
        add(DataElement(Tag(0x00091010 + number), "UN", raw))
    plant(dataset, 0x00110010, "LO", tokens, "creator ")
    plant(dataset, 0x00111001, "UT", tokens, "token as creator ")
    plant(dataset, 0x00131001, "LO", tokens, "no creator ")
    plant(dataset, 0x00130001, "LO", tokens, "below the blocks ")
    add(DataElement(Tag(0x00150010), "LO", "SIEMENS MED NM"))
    add(DataElement(Tag(0x001500FF), "LO", "ACME"))
    plant(dataset, 0x0015FF01, "OB", tokens, "last block ")
    item = Dataset()
    item.add(DataElement(Tag(0x00150010), "LO", "ACME"))
    plant(item, 0x00151001, "PN", tokens, "nested private ")
    inner = Dataset()
    plant(inner, 0x00080080, "LO", tokens, "nested private/")
    item.add(DataElement(Tag(0x00151002), "SQ", Sequence([inner])))
    add(DataElement(Tag(0x00151002), "SQ", Sequence([item])))
    for group in (0x0019, 0x0021, 0x0029, 0x2001, 0x7FE1, 0xFFFD):
        add(DataElement(Tag(group, 0x0010), "LO", f"{tokens.text(f'creator of {group:04X}')} 1.0"))
        plant(dataset, group << 16 | 0x1001, "OB" if group == 0x7FE1 else "SH", tokens, "group ")
    return dataset


def unknown_sequences(tokens: Tokens) -> bytes:
    """Sequences of the standard as values of unknown representation, in Explicit VR Little Endian."""
    raw = b""
    for tag, form in zip((0x00081115, 0x00186011, 0x0008114A, 0x00081140), PACKED, strict=True):
        value = packed_sequence(tokens.text(f"standard, packed {form}").encode(), form)
        length = UNDEFINED if form.endswith("undefined") else struct.pack("<L", len(value))
        raw += struct.pack("<HH", tag >> 16, tag & 0xFFFF) + b"UN\0\0" + length + value
    return raw


def old_and_odd(tokens: Tokens) -> Dataset:
    """Curves, overlays, unknown attributes, lengths, documents, waveforms, signatures, encrypted attributes."""
    dataset = Dataset()
    for group in (0x5000, 0x5002, 0x501E):
        for element, vr in ((0x0010, "US"), (0x0020, "CS"), (0x0022, "LO"), (0x2500, "LO"), (0x3000, "OW")):
            plant(dataset, group << 16 | element, vr, tokens, "curve ")
    for group in (0x6000, 0x6002, 0x601E):
        for element, vr in ((0x0022, "LO"), (0x1500, "LO"), (0x4000, "LT"), (0x0040, "CS"), (0x1203, "US")):
            plant(dataset, group << 16 | element, vr, tokens, "overlay ")
        overlay(dataset, group, tokens)
    for tag, vr in ((0x00120999, "LO"), (0x00080000, "UL"), (0x00100000, "UL"), (0x7FE00001, "OV"), (0x7FE00002, "OV")):
        plant(dataset, tag, vr, tokens, "odd ")
    for tag in (0x00120998, 0x00100010, 0x00080080, 0x00081030, 0x00321060):
        plant(dataset, tag, "UN", tokens, "UN ")
    for tag, vr in ((0x00420011, "OB"), (0x00420010, "ST"), (0x00420012, "LO"), (0x00420014, "LO")):
        plant(dataset, tag, vr, tokens, "document ")
    return dataset


def overlay(dataset: Dataset, group: int, tokens: Tokens) -> None:
    """An overlay plane of 16 by 16 whose bits spell a token, and more bytes behind the plane."""
    token = tokens.text(f"bits of {group:04X}").encode()
    for element, vr, value in (
        (0x0010, "US", 16),
        (0x0011, "US", 16),
        (0x0050, "SS", [1, 1]),
        (0x0100, "US", 1),
        (0x0102, "US", 0),
    ):
        dataset.add(DataElement(Tag(group, element), vr, value))
    tail = tokens.text(f"behind {group:04X}").encode()
    dataset.add(DataElement(Tag(group, 0x3000), "OW", token.ljust(32, b"\0") + tail))


def compound(tokens: Tokens) -> Dataset:
    """Sequences that carry whole objects: icon, waveform, report text, original attributes, signatures."""
    dataset = Dataset()
    icon = Dataset()
    icon.Rows, icon.Columns, icon.BitsAllocated, icon.BitsStored, icon.SamplesPerPixel = 1, 10, 8, 8, 1
    icon.add(DataElement(Tag(0x7FE00010), "OB", tokens.text("icon pixels").encode()))
    dataset.IconImageSequence = [icon]
    wave, channel, note = Dataset(), Dataset(), Dataset()
    plant(wave, 0x54001010, "OW", tokens, "waveform ")
    plant(channel, 0x003A0203, "SH", tokens, "waveform ")
    wave.ChannelDefinitionSequence = [channel]
    dataset.WaveformSequence = [wave]
    plant(note, 0x00700006, "ST", tokens, "annotation ")
    dataset.WaveformAnnotationSequence = [note]
    dataset.ContentSequence = [content(tokens, kind) for kind in ("TEXT", "PNAME", "NUM", "CODE", "DATE", "UIDREF")]
    changed, before = Dataset(), Dataset()
    plant(before, 0x00100010, "PN", tokens, "original ")
    plant(before, 0x0018601C, "LO", tokens, "original, wrong kind ")
    changed.ModifiedAttributesSequence = [before]
    plant(changed, 0x04000564, "LO", tokens, "original ")
    dataset.OriginalAttributesSequence = [changed]
    for keyword, tag, vr in (
        ("DigitalSignaturesSequence", 0x04000120, "OB"),
        ("EncryptedAttributesSequence", 0x04000520, "OB"),
        ("MACParametersSequence", 0x04000015, "CS"),
    ):
        item = Dataset()
        plant(item, tag, vr, tokens, f"{keyword} ")
        setattr(dataset, keyword, [item])
    return dataset


def content(tokens: Tokens, kind: str) -> Dataset:
    """A content item whose name and value are tokens, with one inside it."""
    item, name, unit = Dataset(), Dataset(), Dataset()
    item.ValueType, item.RelationshipType = kind, "CONTAINS"
    name.CodeValue = tokens.text(f"{kind} code")
    name.CodingSchemeDesignator = tokens.text(f"{kind} scheme")
    name.CodeMeaning = tokens.text(f"{kind} meaning")
    item.ConceptNameCodeSequence = [name]
    item.TextValue = tokens.text(f"{kind} text")
    item.PersonName = tokens.text(f"{kind} person")
    item.UID = tokens.value("UI", f"{kind} UID")
    item.Date = tokens.value("DA", f"{kind} date")
    unit.NumericValue = tokens.value("DS", f"{kind} number")
    unit.MeasurementUnitsCodeSequence = [name]
    item.MeasuredValueSequence = [unit]
    if kind == "CODE":
        item.ConceptCodeSequence = [name]
        item.ContentSequence = [content(tokens, "TEXT")]
    return item


def letters_in_high_bits(token: bytes, pixels: int) -> bytes:
    """16-bit values of 8 bits stored, the rest of which spells ``token``."""
    values = np.arange(pixels, dtype=np.uint16) % 200
    values[: len(token)] |= np.frombuffer(token, np.uint8).astype(np.uint16) << 8
    return values.astype("<u2").tobytes()
